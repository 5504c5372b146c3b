//! When: a bar for each day, week, month … up to years, whichever gives at most [`BARS`] of them.
//!
//! Above the line stand the merges with findings, stacked by their worst level; below it all merges, on a scale of their
//! own, because a hundred good ones would flatten the bad one. Each bar is a link to the worst merge of its time, and says
//! its numbers in words.

use std::collections::{BTreeMap, HashMap};

use super::markup::{count, month, number};
use super::{LEVELS, Page, level};
use crate::model::{Level, Timestamp};

/// So many bars at most: as many as a narrow screen can show.
const BARS: u64 = 48;
/// Fewer tell nothing.
const FEW: u64 = 2;
/// So many are labelled.
const TICKS: usize = 6;

/// How long a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    /// So many months.
    Months(u64),
}

impl Unit {
    const ALL: [Self; 6] = [Self::Day, Self::Week, Self::Months(1), Self::Months(3), Self::Months(6), Self::Months(12)];

    /// Returns the bar of a moment.
    fn of(self, seconds: u64) -> u64 {
        let days = seconds / 86_400;
        match self {
            Self::Day => days,
            // 1970-01-01 was a Thursday.
            Self::Week => (days + 3) / 7,
            Self::Months(months) => {
                let (year, month, ..) = Timestamp(seconds.saturating_mul(1000)).civil();
                (year * 12 + month - 1) / months
            }
        }
    }

    /// Chooses the finest that needs no more than [`BARS`].
    fn between(first: u64, last: u64) -> Self {
        let fits = |unit: &Self| unit.of(last) - unit.of(first) < BARS;
        Self::ALL.into_iter().find(fits).unwrap_or_else(|| {
            // Dates are what people's clocks say: they may lie a million years apart.
            let years = Self::Months(12).of(last) - Self::Months(12).of(first);
            Self::Months(12 * (years / (BARS - 1) + 1))
        })
    }

    /// Returns what a bar is called: `9 Mar 2026`, `Jan–Mar 2026`, `2020–2024`.
    fn name(self, bar: u64) -> String {
        match self {
            Self::Day | Self::Week => {
                let days = if self == Self::Day { bar } else { (bar * 7).saturating_sub(3) };
                let (year, number, day, ..) = Timestamp(days * 86_400_000).civil();
                let week = if self == Self::Week { "week of " } else { "" };
                format!("{week}{day} {} {year}", month(number))
            }
            Self::Months(1) => format!("{} {}", month(bar % 12 + 1), bar / 12),
            Self::Months(months) if months < 12 => {
                let first = bar * months;
                format!("{}–{} {}", month(first % 12 + 1), month((first + months - 1) % 12 + 1), first / 12)
            }
            Self::Months(12) => bar.to_string(),
            Self::Months(months) => format!("{}–{}", bar * months / 12, (bar + 1) * months / 12 - 1),
        }
    }

    /// Returns what stands below a bar that may have a label.
    fn tick(self, bar: u64) -> Option<String> {
        match self {
            Self::Day | Self::Week => {
                let name = self.name(bar);
                let day = name.trim_start_matches("week of ");
                day.rsplit_once(' ').map(|(day, _)| day.to_owned())
            }
            Self::Months(months) => (bar * months).is_multiple_of(12).then(|| (bar * months / 12).to_string()),
        }
    }
}

#[derive(Debug, Default)]
struct Bar {
    merges: usize,
    /// By level, in the order of [`LEVELS`].
    found: [usize; 3],
    /// Where its worst merge stands on the page, from 1.
    worst: Option<usize>,
}

/// Returns the section; empty when there is no time to speak of.
pub(super) fn timeline(page: &Page<'_, '_>) -> String {
    let times = || page.report.merges.iter().filter_map(|merge| merge.time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return String::new() };
    let unit = Unit::between(first, last);
    if unit.of(last) - unit.of(first) < FEW {
        return String::new();
    }
    let places: HashMap<*const _, usize> =
        page.placed().iter().enumerate().map(|(place, merge)| (std::ptr::from_ref(*merge), place + 1)).collect();
    let mut bars: BTreeMap<u64, Bar> = (unit.of(first)..=unit.of(last)).map(|bar| (bar, Bar::default())).collect();
    for merge in &page.report.merges {
        let Some(bar) = merge.time.and_then(|time| bars.get_mut(&unit.of(time))) else { continue };
        bar.merges += 1;
        let level = level(merge);
        if let Some(at) = LEVELS.iter().position(|(known, ..)| *known == level) {
            bar.found[at] += 1;
            let place = places.get(&std::ptr::from_ref(merge)).copied();
            bar.worst = bar.worst.into_iter().chain(place).min();
        }
    }
    let (found, all) =
        bars.values().fold((1, 1), |(found, all), bar| (found.max(bar.found.iter().sum()), all.max(bar.merges)));
    let labels = labels(unit, bars.keys().copied());
    let columns: String = bars.iter().map(|(at, bar)| column(unit, *at, bar, labels.get(at))).collect();
    format!(
        "<section id=\"timeline\">\n<h2>Over time</h2>\n{legend}<div class=\"chart\" style=\"--found:{found};--all:{all}\">\n\
         <p class=\"scale\" aria-hidden=\"true\"><span>{found}</span><span>{all_shown}</span></p>\n\
         <ol class=\"bars\">\n{columns}</ol>\n</div>\n</section>\n",
        legend = legend(page),
        all_shown = number(all),
    )
}

fn legend(page: &Page<'_, '_>) -> String {
    let shown = |wanted: Level| wanted != Level::Info || page.worst.iter().any(|merge| level(merge) == Level::Info);
    let keys: String = LEVELS
        .iter()
        .filter(|(known, ..)| shown(*known))
        .map(|(_, word, _)| format!("<li><i class=\"{word}\"></i> {word}</li>\n"))
        .collect();
    format!("<ul class=\"legend\">\n{keys}<li><i class=\"all\"></i> all merges, on their own scale</li>\n</ul>\n")
}

/// Chooses which bars are labelled: at most [`TICKS`], evenly.
fn labels(unit: Unit, bars: impl Iterator<Item = u64>) -> BTreeMap<u64, String> {
    let ticks: Vec<(u64, String)> = bars.filter_map(|bar| Some((bar, unit.tick(bar)?))).collect();
    let step = ticks.len().div_ceil(TICKS).max(1);
    ticks.into_iter().step_by(step).collect()
}

fn column(unit: Unit, at: u64, bar: &Bar, label: Option<&String>) -> String {
    let mut says = Vec::new();
    let mut parts = String::new();
    for ((_, word, _), merges) in LEVELS.iter().zip(bar.found).filter(|(_, merges)| *merges > 0) {
        says.push(format!("{merges} {word}"));
        parts.push_str(&format!("<i class=\"{word}\" style=\"--n:{merges}\"></i>"));
    }
    let found = if says.is_empty() { "nothing found".to_owned() } else { says.join(", ") };
    let says = format!("{}: {found} in {}", unit.name(at), count(bar.merges, "merge"));
    let (open, close) = match bar.worst {
        Some(place) => (format!("<a href=\"#m{place}\" aria-label=\"{says}\" data-tip=\"{says}\">"), "</a>"),
        None => (format!("<span class=\"none\" role=\"img\" aria-label=\"{says}\" data-tip=\"{says}\">"), "</span>"),
    };
    let label = label.map_or_else(String::new, |label| format!("<small aria-hidden=\"true\">{label}</small>"));
    format!(
        "<li>{open}<span class=\"up\">{parts}</span><span class=\"down\"><i class=\"all\" style=\"--n:{}\"></i></span>\
         {close}{label}</li>\n",
        bar.merges
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn bars_are_as_fine_as_they_can_be() {
        let start = 1_583_020_800; // 2020-03-01
        let cases = [
            (0, Unit::Day),
            (47, Unit::Day),
            (60, Unit::Week),
            (700, Unit::Months(1)),
            (3000, Unit::Months(3)),
            (6000, Unit::Months(6)),
            (15_000, Unit::Months(12)),
            (36_500, Unit::Months(36)),
        ];
        for (days, expected) in cases {
            let unit = Unit::between(start, start + days * DAY);
            assert_eq!(unit, expected, "{days} days");
        }
        let unit = Unit::between(0, u64::MAX / 1000);
        assert!(unit.of(u64::MAX / 1000) - unit.of(0) < BARS);
    }

    #[test]
    fn bars_have_the_names_of_their_time() {
        let at = 1_773_014_400; // Monday, 2026-03-09
        let name = |unit: Unit, seconds| unit.name(unit.of(seconds));
        assert_eq!(name(Unit::Day, at), "9 Mar 2026");
        assert_eq!(name(Unit::Week, at + 6 * DAY), "week of 9 Mar 2026");
        assert_eq!(name(Unit::Months(1), at), "Mar 2026");
        assert_eq!(name(Unit::Months(3), at), "Jan–Mar 2026");
        assert_eq!(name(Unit::Months(6), at + 200 * DAY), "Jul–Dec 2026");
        assert_eq!(name(Unit::Months(12), at), "2026");
        assert_eq!(name(Unit::Months(24), at), "2026–2027");
        assert_eq!(Unit::Week.tick(Unit::Week.of(at)).as_deref(), Some("9 Mar"));
    }
}

//! Texts as HTML.

use crate::model::Timestamp;

/// Returns text that is neither markup nor the end of an attribute.
pub(in crate::report) fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// Returns a rule's prose, in which code stands between backquotes.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { format!("<code>{}</code>", esc(part)) } else { esc(part) }).collect()
}

/// Returns a number with a comma after each three digits.
pub(super) fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a number with its noun.
pub(super) fn count(of: usize, noun: &str) -> String {
    format!("{} {noun}{}", number(of), if of == 1 { "" } else { "s" })
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns a month's short name, by its number from 1.
pub(super) fn month(number: u64) -> &'static str {
    let place = usize::try_from(number.saturating_sub(1)).unwrap_or_default();
    MONTHS.get(place).copied().unwrap_or_default()
}

/// Returns a day in UTC, for machines and for people: `<time datetime="2026-03-09">9 Mar 2026</time>`.
pub(super) fn day(seconds: u64) -> String {
    let (year, month_number, day, ..) = Timestamp(seconds.saturating_mul(1000)).civil();
    let shown = format!("{day} {} {year}", month(month_number));
    format!("<time datetime=\"{year:04}-{month_number:02}-{day:02}\">{shown}</time>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_commas() {
        let shown = [0, 999, 1000, 21_215, 1_234_567].map(number);
        assert_eq!(shown, ["0", "999", "1,000", "21,215", "1,234,567"]);
        assert_eq!([count(1, "merge"), count(1200, "merge")], ["1 merge", "1,200 merges"]);
    }

    #[test]
    fn code_in_prose_is_set_apart() {
        assert_eq!(prose("set `a<b` in `c`"), "set <code>a&lt;b</code> in <code>c</code>");
    }

    #[test]
    fn days_are_for_machines_and_people() {
        assert_eq!(day(1_773_014_400), "<time datetime=\"2026-03-09\">9 Mar 2026</time>");
    }
}

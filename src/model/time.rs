//! Moments, as the journal writes them.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Returns `(year, month, day, hour, minute, second)` in UTC.
    pub fn civil(self) -> (u64, u64, u64, u64, u64, u64) {
        let seconds = self.0 / 1000;
        // Days to civil date: Howard Hinnant's algorithm, for days since 1970-01-01 and later only.
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        (year, month, day, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
    }

    /// Returns `2026-11-22T22:45:31Z`.
    pub fn iso(self) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Reads what [`Timestamp::iso`] writes.
    pub fn read(iso: &str) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| iso.get(range)?.parse::<u64>().ok();
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Days since 1 March of the year 0; the inverse of `civil`.
        let (years, months) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
        let days =
            (years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day).checked_sub(1)?;
        Some(Self((days.checked_sub(719_468)? * 86_400 + hour * 3600 + minute * 60 + second) * 1000))
    }

    /// Returns `20261122-224531`, which sorts by time and can stand in a ref name.
    pub fn compact(self) -> String {
        let (year, month, day, hour, minute, second) = self.civil();
        format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
    }

    /// Returns how long ago it was, in words.
    pub fn age(self, now: Self) -> String {
        let Some(seconds) = now.0.checked_sub(self.0).map(|millis| millis / 1000) else {
            return "in future".to_owned();
        };
        match seconds {
            0..60 => format!("{seconds} s"),
            60..3600 => format!("{} min", seconds / 60),
            3600..172_800 => format!("{} h", seconds / 3600),
            _ => format!("{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_right() {
        assert_eq!(Timestamp(0).iso(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(951_782_400_000).iso(), "2000-02-29T00:00:00Z");
        assert_eq!(Timestamp(1_795_387_531_999).compact(), "20261122-224531");
    }

    #[test]
    fn what_is_written_is_read() {
        for at in [0, 951_782_400_000, 1_709_164_800_000, 1_795_387_531_000, 4_102_444_799_000] {
            assert_eq!(Timestamp::read(&Timestamp(at).iso()), Some(Timestamp(at)));
        }
        for odd in ["", "yesterday", "1969-12-31T23:59:59Z", "2026-00-00T00:00:00Z"] {
            assert_eq!(Timestamp::read(odd), None, "{odd}");
        }
    }
}

//! File names of records: `<20 digits: milliseconds>-<6 digits: sequence>-<operation or 'allow'>-<type>.json`.
//!
//! Names order by time, and tell which operation a record belongs to and what it is, so that most questions need one
//! listing and few reads.

use std::ffi::OsStr;
use std::fmt;

use crate::model::{Body, OperationId, Timestamp};

/// What stands in the operation's place in the name of a record that belongs to none.
const NONE: &str = "allow";
const LAST_SEQUENCE: u32 = 999_999;

/// The type of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordType {
    /// Something is about to happen.
    Intent,
    /// It was judged.
    Judgement,
    /// It happened, or did not.
    Outcome,
    /// Findings may pass.
    Allowance,
}

impl RecordType {
    const ALL: [Self; 4] = [Self::Intent, Self::Judgement, Self::Outcome, Self::Allowance];

    const fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Judgement => "judgement",
            Self::Outcome => "outcome",
            Self::Allowance => "allowance",
        }
    }

    /// Returns the type of a record with this body.
    pub const fn of(body: &Body) -> Self {
        match body {
            Body::Intent(_) => Self::Intent,
            Body::Judgement(_) => Self::Judgement,
            Body::Outcome(_) => Self::Outcome,
            Body::Allowance(_) => Self::Allowance,
        }
    }
}

/// A record's file name, in parts. Orders as the files were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordName {
    /// When, in milliseconds since 1970: the clock's, or the last record's when the clock stepped back.
    pub millis: u64,
    /// Tells records of one millisecond apart.
    pub sequence: u32,
    /// The operation; `None` for allowances.
    pub operation: Option<OperationId>,
    /// The type.
    pub kind: RecordType,
}

impl RecordName {
    /// Takes a file name apart; `None` when it is no record's.
    pub fn parse(name: &OsStr) -> Option<Self> {
        let stem = name.to_str()?.strip_suffix(".json")?;
        let (stem, kind) = stem.rsplit_once('-')?;
        let kind = RecordType::ALL.into_iter().find(|known| known.word() == kind)?;
        let (millis, rest) = stem.split_once('-')?;
        let (sequence, operation) = rest.split_once('-')?;
        let operation = match operation {
            NONE => None,
            id => Some(OperationId(id.to_owned())).filter(is_valid),
        };
        let name =
            Self { millis: number(millis, 20)?, sequence: number(sequence, 6)?.try_into().ok()?, operation, kind };
        // One record, one name: anything that would be written differently is not ours.
        (name.operation.is_none() == (kind == RecordType::Allowance)).then_some(name)
    }

    /// Reads only where a file name stands in the order: all that a writer needs of the others.
    pub(super) fn place(name: &OsStr) -> Option<(u64, u32)> {
        let mut parts = name.to_str()?.splitn(3, '-');
        Some((number(parts.next()?, 20)?, number(parts.next()?, 6)?.try_into().ok()?))
    }

    /// Returns the place of a record that is written `now`, after one that stands at `last`.
    pub(super) const fn after(last: Option<(u64, u32)>, now: Timestamp) -> (u64, u32) {
        match last {
            Some((millis, sequence)) if millis >= now.0 => {
                if sequence < LAST_SEQUENCE {
                    (millis, sequence + 1)
                } else {
                    (millis.saturating_add(1), 0)
                }
            }
            _ => (now.0, 0),
        }
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_ref().map_or(NONE, |id| id.0.as_str());
        write!(f, "{:020}-{:06}-{operation}-{}.json", self.millis, self.sequence, self.kind.word())
    }
}

/// Whether an operation's name can stand in a file name and in a ref name, and is not the word for "none".
pub(super) fn is_valid(id: &OperationId) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    id.0 != NONE && (1..=64).contains(&id.0.len()) && id.0.bytes().all(plain) && !id.0.starts_with('-')
}

fn number(digits: &str, len: usize) -> Option<u64> {
    let plain = digits.len() == len && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_they_were_put_together() {
        for (operation, kind) in [
            (Some("20261122-224531-3fa9c1"), RecordType::Intent),
            (Some("x"), RecordType::Outcome),
            (None, RecordType::Allowance),
        ] {
            let operation = operation.map(|id| OperationId(id.to_owned()));
            let name = RecordName { millis: 1_795_387_531_999, sequence: 7, operation, kind };
            assert_eq!(RecordName::parse(OsStr::new(&name.to_string())), Some(name));
        }
    }

    #[test]
    fn other_names_are_foreign() {
        let good = "00000001795387531999-000000-20261122-224531-3fa9c1-intent.json";
        assert!(RecordName::parse(OsStr::new(good)).is_some());
        for bad in [
            "",
            "README",
            &good[1..],
            &good.replace("intent", "other"),
            &good.replace(".json", ".json~"),
            &good.replace("20261122-224531-3fa9c1", "../../x"),
            &good.replace("20261122-224531-3fa9c1", "allow"),
            &good.replace("20261122-224531-3fa9c1", &"x".repeat(65)),
            &good.replace("intent", "allowance"),
            &good.replacen("0000", "+000", 1),
            &good.replacen("00000001795387531999", "99999999999999999999", 1),
        ] {
            assert_eq!(RecordName::parse(OsStr::new(bad)), None, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_does_not_reorder() {
        assert_eq!(RecordName::after(None, Timestamp(5)), (5, 0));
        assert_eq!(RecordName::after(Some((4, 9)), Timestamp(5)), (5, 0));
        assert_eq!(RecordName::after(Some((5, 9)), Timestamp(5)), (5, 10));
        assert_eq!(RecordName::after(Some((9, 0)), Timestamp(5)), (9, 1));
        assert_eq!(RecordName::after(Some((9, 999_999)), Timestamp(5)), (10, 0));
    }
}

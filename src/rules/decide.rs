//! From findings and excuses to the verdict.

use std::collections::BTreeMap;

use crate::model::{Excuse, Finding, Level, Verdict};

use super::judge::sort;

/// Why findings do not block, by the finding's fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excuses {
    /// At most one for each finding.
    pub by_fingerprint: BTreeMap<String, Excuse>,
}

/// Applies the excuses, and returns what follows from the findings and the findings with the levels they have then.
///
/// What a shared line already contains, what another strategy may avoid, and what `-s ours` was told to drop is flagged
/// instead of blocked. What
/// somebody allowed, with `guard allow` or in a commit that comes in, is only information, warnings too. A finding on
/// which an excuse changes nothing carries none.
pub fn decide(mut findings: Vec<Finding>, excuses: &Excuses) -> (Verdict, Vec<Finding>) {
    for finding in &mut findings {
        let Some(excuse) = excuses.by_fingerprint.get(&finding.fingerprint) else { continue };
        let most = match excuse {
            Excuse::Accepted { .. } | Excuse::Uncertain | Excuse::Ours => Level::Warn,
            Excuse::Allowed { .. } | Excuse::Trailer { .. } => Level::Info,
        };
        if finding.level > most {
            finding.level = most;
            finding.excuse = Some(excuse.clone());
        }
    }
    sort(&mut findings);
    (Verdict::of(&findings), findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(level: Level, fingerprint: &str) -> Finding {
        Finding {
            rule: "mass-delete".into(),
            level,
            path: None,
            message: String::new(),
            evidence: BTreeMap::new(),
            remedy: String::new(),
            fingerprint: fingerprint.into(),
            excuse: None,
        }
    }

    fn decided(level: Level, excuse: Excuse) -> (Verdict, Level, bool) {
        let excuses = Excuses { by_fingerprint: BTreeMap::from([("f".to_owned(), excuse)]) };
        let (verdict, findings) = decide(vec![finding(level, "f")], &excuses);
        (verdict, findings[0].level, findings[0].excuse.is_some())
    }

    #[test]
    fn without_excuses_the_worst_level_is_the_verdict() {
        let (verdict, findings) =
            decide(vec![finding(Level::Info, "a"), finding(Level::Block, "b")], &Excuses::default());
        assert_eq!(verdict, Verdict::Block);
        assert_eq!(findings[0].fingerprint, "b");
        assert_eq!(decide(Vec::new(), &Excuses::default()).0, Verdict::Pass);
    }

    #[test]
    fn what_is_accepted_or_uncertain_warns_instead_of_blocking() {
        for excuse in [Excuse::Accepted { line: "@{upstream}".into() }, Excuse::Uncertain, Excuse::Ours] {
            assert_eq!(decided(Level::Block, excuse.clone()), (Verdict::Warn, Level::Warn, true));
            assert_eq!(decided(Level::Warn, excuse), (Verdict::Warn, Level::Warn, false));
        }
    }

    #[test]
    fn what_is_allowed_is_only_information() {
        let trailer = Excuse::Trailer { commit: "c".into(), reason: "r".into() };
        for excuse in [Excuse::Allowed { reason: "r".into() }, trailer] {
            assert_eq!(decided(Level::Block, excuse.clone()), (Verdict::Pass, Level::Info, true));
            assert_eq!(decided(Level::Warn, excuse.clone()), (Verdict::Pass, Level::Info, true));
            assert_eq!(decided(Level::Info, excuse), (Verdict::Pass, Level::Info, false));
        }
    }
}

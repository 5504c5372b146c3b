//! What a rule found, and what follows from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TreePath;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule is silent.
    Off,
    /// Worth knowing.
    Info,
    /// Worth a look; nothing is refused.
    Warn,
    /// Refused wherever git allows it.
    Block,
}

impl Level {
    /// Returns the word that the manifest uses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Block => "block",
        }
    }
}

/// Why a finding that would block does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Excuse {
    /// A line of `[policy] accepted` already contains the change.
    Accepted {
        /// The line as the manifest names it.
        line: String,
    },
    /// Somebody allowed it with `guard allow`.
    Allowed {
        /// The reason given.
        reason: String,
    },
    /// A commit that comes in carries a `Guard-Allow:` trailer for it.
    Trailer {
        /// That commit's object name.
        commit: String,
        /// The reason given.
        reason: String,
    },
    /// Another merge strategy may avoid it: judged again on the result.
    Uncertain,
    /// The strategy `ours` was asked for, which drops whatever comes in: the data, too.
    Ours,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// How much it matters here, after the manifest and excuses.
    pub level: Level,
    /// Where, for findings about one path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<TreePath>,
    /// What was found, one line, no full stop, already escaped for terminals.
    pub message: String,
    /// Facts that show it: `reason`, `commit`, `author`, `line`, `moved_to` …; escaped for terminals.
    #[serde(default)]
    pub evidence: BTreeMap<String, String>,
    /// What to do, one line: a command where there is one.
    pub remedy: String,
    /// Stable across runs and hooks: the same finding of the same change has the same one.
    pub fingerprint: String,
    /// Why it does not block, if it would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excuse: Option<Excuse>,
}

/// What all findings together mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing worse than info.
    Pass,
    /// Something to look at.
    Warn,
    /// Something that must not happen.
    Block,
    /// A limit, a missing object or an unreadable manifest: neither good nor bad.
    CouldNotJudge,
}

impl Verdict {
    /// Returns the word used in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Block => "block",
            Self::CouldNotJudge => "could-not-judge",
        }
    }

    /// Returns the verdict that follows from levels alone.
    pub fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.level).max() {
            Some(Level::Block) => Self::Block,
            Some(Level::Warn) => Self::Warn,
            _ => Self::Pass,
        }
    }
}

/// Returns 16 hex digits that name the same parts alike on every machine and in every version (FNV-1a, 64 bits, each
/// part preceded by its length). Not for security: it tells findings of one merge apart.
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for part in parts {
        feed(&(part.len() as u64).to_le_bytes());
        feed(part);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_stable_and_see_borders() {
        assert_eq!(fingerprint(&[]), "cbf29ce484222325");
        assert_ne!(fingerprint(&[b"a", b"bc"]), fingerprint(&[b"ab", b"c"]));
    }
}

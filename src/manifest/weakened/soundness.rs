//! Nothing gets weaker in silence: whatever two manifests say, if a file, branch or record is judged less by the later
//! one, [`weakened`] says something. Both are asked the questions that rules ask.

use bstr::ByteSlice;
use proptest::prelude::*;

use super::*;
use crate::manifest::{BranchRule, DataRule, Deny, Format, Patterns, Protect};

const PATHS: &[&str] =
    &["a", "b/a", "b/c.sh", "c.sh", "a/b", "b/d/a.json", "a.json", "b/a.json", "b/c.csv", "d/b/c.sh"];
const BRANCHES: &[&str] = &["main", "next", "release/1", "wip/x"];

fn lines(of: &'static [&'static str]) -> impl Strategy<Value = Patterns> {
    let line = (prop::sample::select(of), prop::bool::weighted(0.25));
    let line = line.prop_map(|(line, negated)| if negated { format!("!{line}") } else { line.to_owned() });
    prop::collection::vec(line, 1..4)
        .prop_map(|lines| Patterns::new(&lines).unwrap())
        .prop_filter("names something", |patterns| !patterns.names_nothing())
}

fn paths() -> impl Strategy<Value = Patterns> {
    lines(&[
        "a",
        "/a",
        "b/",
        "/b/",
        "b/**",
        "b/*",
        "*.sh",
        "b/*.sh",
        "b/c.sh",
        "**/a",
        "*.json",
        "b/d/",
        "*",
        "b/a.json",
        "d/**/c.sh",
        "[ab]",
        "b/*/a.json",
    ])
}

fn branches() -> impl Strategy<Value = Patterns> {
    lines(&["main", "next", "release/*", "wip/", "*"])
}

fn protect() -> impl Strategy<Value = Protect> {
    let denied = prop::sample::subsequence(vec![Deny::Delete, Deny::Modify], 1..=2);
    let level = prop::sample::select(vec![Level::Info, Level::Warn, Level::Block]);
    let on = prop::option::of(branches());
    ("[xy]", paths(), denied, level, on).prop_map(|(name, paths, deny, level, on)| Protect {
        name,
        paths,
        deny,
        level,
        on: on.unwrap_or_default(),
        reason: None,
        owners: Vec::new(),
    })
}

fn data() -> impl Strategy<Value = DataRule> {
    let format = prop::sample::select(vec![None, Some(Format::Json), Some(Format::Text)]);
    (paths(), format, any::<bool>()).prop_map(|(paths, format, backup)| DataRule {
        paths,
        format,
        root: None,
        required: Vec::new(),
        schema: None,
        records: None,
        key: None,
        max_loss: None,
        backup,
        secret: false,
    })
}

prop_compose! {
    fn manifest()(
        protect in prop::collection::vec(protect(), 0..3),
        data in prop::collection::vec(data(), 0..3),
        rules in prop::collection::vec((branches(), branches()), 0..3),
    ) -> Manifest {
        let branch = rules.into_iter().map(|(into, never)| BranchRule { into, never }).collect();
        Manifest { protect, data, branch, ..Manifest::default() }
    }
}

/// Two manifests of which the later is often the earlier with one thing changed: those are the hard cases.
fn pair() -> impl Strategy<Value = (Manifest, Manifest)> {
    (manifest(), manifest(), 0..8_usize).prop_map(|(before, other, keep)| {
        let mut after = before.clone();
        match keep {
            0 => after = other,
            1 => after.protect = other.protect,
            2 => after.data = other.data,
            3 => after.branch = other.branch,
            4 => after.protect.truncate(1),
            5 => after.data.extend(other.data),
            6 => after.data.reverse(),
            _ => after.protect.extend(other.protect),
        }
        (before, after)
    })
}

/// Returns the first question that the later manifest answers more leniently.
fn judged_less(before: &Manifest, after: &Manifest) -> Option<String> {
    for path in PATHS {
        let bytes = path.as_bytes().as_bstr();
        for branch in BRANCHES {
            for deny in [Deny::Delete, Deny::Modify] {
                let level = |manifest: &Manifest| {
                    let entries = manifest.protecting(bytes).filter(|entry| entry.deny.contains(&deny));
                    entries.map(|entry| entry.level_on(Some(branch.as_bytes().as_bstr()))).max()
                };
                if level(after) < level(before) {
                    return Some(format!("{deny:?} of {path} on {branch}"));
                }
            }
        }
        let is_json = Format::by_extension(bytes) == Some(Format::Json);
        let (old, new) = (before.data_rule(bytes), after.data_rule(bytes));
        let backup = |rule: Option<(&DataRule, Format)>| rule.is_some_and(|(rule, _)| rule.backup);
        let plain = |rule: Option<(&DataRule, Format)>| {
            rule.map_or_else(|| Format::by_extension(bytes), |rule| Some(rule.1)) != Some(Format::Json)
        };
        if (backup(old) && !backup(new)) || (is_json && plain(new) && !plain(old)) {
            return Some(format!("data {path}"));
        }
    }
    for into in BRANCHES {
        for never in BRANCHES {
            let refused = |manifest: &Manifest| {
                let names = |patterns: &Patterns, branch: &str| patterns.matches(branch.as_bytes().as_bstr());
                manifest.branch.iter().any(|rule| names(&rule.into, into) && names(&rule.never, never))
            };
            if refused(before) && !refused(after) {
                return Some(format!("{never} into {into}"));
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_judged_less_is_told((before, after) in pair()) {
        if let Some(question) = judged_less(&before, &after) {
            let told = weakened(&before, &after, &|_| Level::Warn);
            prop_assert!(!told.is_empty(), "silent about {question}");
        }
    }

    #[test]
    fn a_manifest_is_not_weaker_than_itself(manifest in manifest()) {
        prop_assert_eq!(weakened(&manifest, &manifest, &|_| Level::Warn), Vec::<String>::new());
    }
}

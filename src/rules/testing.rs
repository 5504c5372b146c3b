//! Builds small cases for the rules' tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifest::{BranchRule, DataRule, Deny, Manifest, MaxLoss, Patterns, Protect, RuleSetting};
use crate::model::{
    Automatic, Content, DataFacts, Deviation, Entry, Facts, Finding, Incoming, Level, LocalFile, LocalKind, Loss,
    Losses, Lost, Mode, Moved, Oid, PathFacts, ResultKind, Shape, Signals, Target, Usual,
};
use crate::validate::{Demands, examine};

use super::{Case, judge};

/// What stands at a path on one side.
pub type Side<'a> = Option<(Mode, &'a str)>;

/// Returns a regular file.
#[expect(clippy::unnecessary_wraps, reason = "a side without the file is None")]
pub fn file(text: &str) -> Side<'_> {
    Some((Mode::File, text))
}

/// Returns a file with its run bit.
#[expect(clippy::unnecessary_wraps, reason = "a side without the file is None")]
pub fn executable(text: &str) -> Side<'_> {
    Some((Mode::Executable, text))
}

/// Returns a symbolic link.
#[expect(clippy::unnecessary_wraps, reason = "a side without the file is None")]
pub fn link(target: &str) -> Side<'_> {
    Some((Mode::Link, target))
}

/// Returns an object name that follows from a text alone.
pub fn oid(text: &str) -> Oid {
    let hex = crate::model::fingerprint(&[text.as_bytes()]);
    Oid::from_hex(format!("{hex}{hex}{}", &hex[..8]).as_bytes()).unwrap()
}

/// Returns the meaning of `.gitignore` lines.
pub fn patterns(lines: &[&str]) -> Patterns {
    Patterns::new(lines).unwrap()
}

/// A merge of `feat` into `main` that is made up as a test needs it.
pub struct Sample {
    pub facts: Facts,
    pub manifest: Manifest,
}

impl Sample {
    /// A true merge that changes nothing.
    pub fn merge() -> Self {
        let facts = Facts {
            into: Target { branch: Some("main".into()), tip: Some(oid("tip")) },
            incoming: vec![Incoming { oid: oid("feat"), names: vec!["feat".into()] }],
            merge_bases: vec![oid("base")],
            commit: None,
            shape: Shape::Merge,
            result: ResultKind::Actual,
            result_tree: None,
            paths: Vec::new(),
            first_files: 1000,
            contents: BTreeMap::new(),
            data: BTreeMap::new(),
            local: Vec::new(),
            in_use: Vec::new(),
            losses: Losses::default(),
            rewound: Vec::new(),
            taken_back: Vec::new(),
            reverted: Vec::new(),
        };
        Self { facts, manifest: Manifest::default() }
    }

    /// Adds a path: what it is in the first parent, in the others and in the result.
    #[must_use]
    pub fn path(mut self, path: &str, first: Side<'_>, others: &[Side<'_>], result: Side<'_>) -> Self {
        let facts = PathFacts {
            path: path.into(),
            first: self.entry(first),
            result: self.entry(result),
            others: others.iter().map(|side| self.entry(*side)).collect(),
            bases: Vec::new(),
            conflicted: false,
            moved: None,
            case_twin: None,
            marker_size: 7,
        };
        self.facts.paths.push(facts);
        self.facts.paths.sort_by(|one, other| one.path.cmp(&other.path));
        self
    }

    /// Says what the merge base has at a path.
    #[must_use]
    pub fn base(mut self, path: &str, base: Side<'_>) -> Self {
        let base = self.entry(base);
        self.with(path, |facts| facts.bases = vec![base])
    }

    /// Changes what is known of a path.
    #[must_use]
    pub fn with(mut self, path: &str, change: impl FnOnce(&mut PathFacts)) -> Self {
        let facts = self.facts.paths.iter_mut().find(|facts| facts.path == path.into()).unwrap();
        change(facts);
        if let Some(data) = self.facts.data.get_mut(&facts.path) {
            data.entries = facts.clone();
        }
        self
    }

    /// Says that a path that went away lives on elsewhere.
    #[must_use]
    pub fn moved(self, path: &str, to: &str) -> Self {
        self.with(path, |facts| facts.moved = Some(Moved { to: to.into(), similarity: 90 }))
    }

    /// Adds a path at which the result is not what merging gives, with what `change` says it lost.
    #[must_use]
    pub fn loss(mut self, path: &str, change: impl FnOnce(&mut Signals)) -> Self {
        let mut signals = Signals { size: 10, ..Signals::default() };
        change(&mut signals);
        let entry = |text: &str| Some(Entry { mode: Mode::File, oid: oid(text) });
        let deviation = Deviation {
            path: path.into(),
            from: None,
            base: entry("base"),
            parents: vec![entry("first"), entry("second")],
            result: entry("result"),
            automatic: Automatic::Conflict,
        };
        self.facts.losses.at.push(Loss { deviation, signals });
        self
    }

    /// Says what is usual in the repository.
    #[must_use]
    pub fn usually(mut self, merges: usize, deviating: usize, large: usize) -> Self {
        self.facts.losses.usual = Some(Usual { merges, deviating, large, often: Vec::new() });
        self
    }

    /// Makes missing lines.
    pub fn lines(texts: &[&str], replaced: bool) -> Vec<Lost> {
        let line = |(place, text): (usize, &&str)| Lost { text: (*text).into(), number: place + 1, replaced };
        texts.iter().enumerate().map(line).collect()
    }

    /// Adds a file of the working tree that is in the way.
    #[must_use]
    pub fn local(mut self, path: &str, kind: LocalKind, saved: bool) -> Self {
        self.facts.local.push(LocalFile { path: path.into(), kind, saved });
        self
    }

    /// Adds a `[[protect]]` entry that blocks.
    #[must_use]
    pub fn protect(self, paths: &[&str], deny: &[Deny]) -> Self {
        self.protect_at(Level::Block, paths, deny)
    }

    /// Adds a `[[protect]]` entry.
    #[must_use]
    pub fn protect_at(mut self, level: Level, paths: &[&str], deny: &[Deny]) -> Self {
        self.manifest.protect.push(Protect {
            name: "ops".into(),
            paths: patterns(paths),
            deny: deny.to_vec(),
            level,
            on: Patterns::default(),
            reason: Some("needed at 3 a.m.".into()),
            owners: vec!["@ops".into()],
        });
        self
    }

    /// Adds a `[[data]]` entry whose format follows from the extension.
    #[must_use]
    pub fn data(mut self, paths: &[&str]) -> Self {
        self.manifest.data.push(DataRule {
            paths: patterns(paths),
            format: None,
            root: None,
            required: Vec::new(),
            schema: None,
            records: None,
            key: None,
            max_loss: None,
            backup: false,
            secret: false,
        });
        self
    }

    /// Says where the records of the last `[[data]]` entry are, by what they are named, and how many may go.
    #[must_use]
    pub fn records(mut self, records: &str, key: Option<&str>, max_loss: Option<MaxLoss>) -> Self {
        let rule = self.manifest.data.last_mut().unwrap();
        rule.records = Some(records.to_owned());
        rule.key = key.map(str::to_owned);
        rule.max_loss = max_loss;
        self
    }

    /// Examines the data files, once all is said of them.
    #[must_use]
    pub fn examined(mut self) -> Self {
        for facts in &self.facts.paths {
            let Some((rule, format)) = self.manifest.data_rule(facts.path.as_bstr()) else { continue };
            let parents = facts.others.iter().chain(&facts.bases).copied();
            for entry in [facts.first, facts.result].into_iter().chain(parents).flatten() {
                let mut bytes = self.facts.bytes(Some(entry)).unwrap();
                let held = examine(format, &mut bytes, &Demands::of(rule, None)).unwrap().held();
                let data = || DataFacts { entries: facts.clone(), held: BTreeMap::new() };
                self.facts.data.entry(facts.path.clone()).or_insert_with(data).held.insert(entry.oid, held);
            }
        }
        self
    }

    /// Adds a `[[branch]]` entry.
    #[must_use]
    pub fn never(mut self, into: &[&str], never: &[&str]) -> Self {
        self.manifest.branch.push(BranchRule { into: patterns(into), never: patterns(never) });
        self
    }

    /// Sets a rule's level and numbers.
    #[must_use]
    pub fn set(mut self, rule: &str, level: Option<Level>, numbers: &[(&str, u64)]) -> Self {
        let numbers = numbers.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        self.manifest.rules.insert(rule.into(), RuleSetting { level, numbers });
        self
    }

    /// Returns the case.
    pub fn case(&self) -> Case<'_> {
        Case { facts: &self.facts, manifest: &self.manifest }
    }

    /// Judges by all rules.
    pub fn judge(&self) -> Vec<Finding> {
        judge(&self.case())
    }

    /// Returns rule, level and path of each finding, as one line each.
    pub fn said(&self) -> Vec<String> {
        let line = |finding: Finding| {
            let path = finding.path.map(|path| format!(" {path}")).unwrap_or_default();
            format!("{} {}{path}", finding.level.word(), finding.rule)
        };
        self.judge().into_iter().map(line).collect()
    }

    fn entry(&mut self, side: Side<'_>) -> Option<Entry> {
        let (mode, text) = side?;
        let entry = Entry { mode, oid: oid(text) };
        self.facts.contents.insert(entry.oid, Content::Bytes(Arc::new(text.into())));
        Some(entry)
    }
}

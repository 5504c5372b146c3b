//! What was judged, in the one shape that the report formats work from, whichever command judged it.
//!
//! An *entry* is one finding at one merge. Each has an *identity*: the same finding has the same one in every run, and two
//! findings of a report never share it, which is what forges tell old findings from new ones by.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::words;
use crate::model::{Finding, Level, Oid, Timestamp, Verdict, escape, fingerprint};
use crate::routes::{Audited, Checked, Verified};

/// Which command judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `guard audit`: merges of a history.
    Audit,
    /// `guard check`: a merge to be made, or a range.
    Check,
    /// `guard verify`: data files as they are.
    Verify,
}

impl Asked {
    /// Returns the command's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Check => "check",
            Self::Verify => "verify",
        }
    }

    /// Returns what was judged, one of them.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Audit | Self::Check => "merge",
            Self::Verify => "file",
        }
    }
}

/// One merge. All texts are escaped for terminals, not for any format.
#[derive(Debug, Clone)]
pub struct Merge<'a> {
    /// The commit, for a merge that exists.
    pub commit: Option<Oid>,
    /// `merge 734f51fbbb`, or `merging 'feat' into 'main'`.
    pub name: String,
    /// The message's first line; empty when nobody asked for it.
    pub subject: String,
    /// The author's name; empty when nobody asked for it.
    pub author: String,
    /// When it was committed: seconds since 1970.
    pub time: Option<u64>,
    /// It is history: nothing can be allowed any more.
    pub is_past: bool,
    /// What all findings together mean.
    pub verdict: Verdict,
    /// What was found and is to be shown, worst first.
    pub findings: Vec<&'a Finding>,
    /// Why it could not be judged, in whole or in part.
    pub failure: Option<String>,
}

/// What a report is about.
#[derive(Debug, Clone)]
pub struct About {
    /// The repository's name: that of its folder.
    pub repository: String,
    /// What was asked for: a range, or what would be merged.
    pub range: String,
    /// When.
    pub at: Timestamp,
}

/// All that a command judged.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Which command.
    pub asked: Asked,
    /// Of what.
    pub about: About,
    /// The merges, newest first.
    pub merges: Vec<Merge<'a>>,
    /// How many findings are left out, because they are only information.
    pub quiet: usize,
}

/// A finding at a merge.
#[derive(Debug, Clone)]
pub struct Entry<'r, 'a> {
    /// The merge.
    pub merge: &'r Merge<'a>,
    /// The finding.
    pub finding: &'a Finding,
    /// 16 hex digits.
    pub identity: String,
}

impl<'a> Report<'a> {
    /// Takes an audit; information is left out unless it is wanted.
    pub fn of_audit(about: About, all: &'a [Audited], information: bool) -> Self {
        let least = if information { Level::Info } else { Level::Warn };
        let merge = |audited: &'a Audited| Merge {
            commit: Some(audited.commit),
            name: format!("merge {}", audited.commit.short()),
            subject: audited.subject.to_string(),
            author: audited.author.to_string(),
            // A commit that is not here has no time either.
            time: Some(audited.time).filter(|time| *time > 0),
            is_past: true,
            verdict: audited.verdict,
            findings: audited.findings.iter().filter(|finding| finding.level >= least).collect(),
            failure: audited.failure.as_deref().map(plain),
        };
        let quiet = all.iter().flat_map(|audited| &audited.findings).filter(|finding| finding.level < least).count();
        Self { asked: Asked::Audit, about, merges: all.iter().map(merge).collect(), quiet }
    }

    /// Takes what `guard check` judged.
    pub fn of_check(about: About, all: &'a [Checked]) -> Self {
        let merge = |checked: &'a Checked| {
            let facts = &checked.judged.facts;
            Merge {
                commit: checked.commit,
                name: match checked.commit {
                    Some(commit) => format!("merge {}", commit.short()),
                    None => format!("merging {}", words::merge_name(&facts.incoming, &facts.into)),
                },
                subject: String::new(),
                author: String::new(),
                time: None,
                is_past: false,
                verdict: checked.judged.verdict,
                findings: checked.judged.findings.iter().collect(),
                failure: checked.judged.failure.as_deref().map(plain),
            }
        };
        Self { asked: Asked::Check, about, merges: all.iter().map(merge).collect(), quiet: 0 }
    }

    /// Takes a check that came to nothing: neither good nor bad.
    pub fn of_failed_check(about: About, why: &str) -> Self {
        let merge = Merge {
            commit: None,
            name: about.range.clone(),
            subject: String::new(),
            author: String::new(),
            time: None,
            is_past: false,
            verdict: Verdict::CouldNotJudge,
            findings: Vec::new(),
            failure: Some(plain(why)),
        };
        Self { asked: Asked::Check, about, merges: vec![merge], quiet: 0 }
    }

    /// Takes data files, with what is wrong with them as findings. All stand in one place; each of unknown health is one more.
    pub fn of_verify(about: About, all: &[Verified], findings: &'a [Finding]) -> Self {
        let merge = |name: String, verdict: Verdict, failure: Option<String>| Merge {
            commit: None,
            name,
            subject: String::new(),
            author: String::new(),
            time: None,
            is_past: true,
            verdict,
            findings: Vec::new(),
            failure,
        };
        let whole =
            Merge { findings: findings.iter().collect(), ..merge(about.range.clone(), Verdict::of(findings), None) };
        let unknown = all.iter().filter_map(|file| {
            let why = file.examined.unknown.first()?;
            Some(merge(file.path.to_string(), Verdict::CouldNotJudge, Some(plain(why))))
        });
        let merges = std::iter::once(whole).chain(unknown).collect();
        Self { asked: Asked::Verify, about, merges, quiet: 0 }
    }

    /// Returns all findings, worst first, each once.
    pub fn entries(&self) -> Vec<Entry<'_, 'a>> {
        let mut seen = BTreeSet::new();
        let mut entries = Vec::new();
        for merge in &self.merges {
            for finding in merge.findings.iter().copied() {
                let identity = self.identity(merge, finding);
                if seen.insert(identity.clone()) {
                    entries.push(Entry { merge, finding, identity });
                }
            }
        }
        entries.sort_by_key(|entry| Reverse((entry.finding.level, points(entry.finding))));
        entries
    }

    /// In a history the same change at two merges is two findings. In what is checked a range, the merges in it and the
    /// prediction say the same thing of the same change: it is said once, and before the merge as after it.
    fn identity(&self, merge: &Merge<'_>, finding: &Finding) -> String {
        match (self.asked, merge.commit) {
            (Asked::Audit, Some(commit)) => fingerprint(&[commit.as_bytes(), finding.fingerprint.as_bytes()]),
            _ => finding.fingerprint.clone(),
        }
    }

    /// Returns the merges that could not be judged, and why.
    pub fn unjudged(&self) -> impl Iterator<Item = (&Merge<'a>, &str)> {
        self.merges.iter().filter_map(|merge| Some((merge, merge.failure.as_deref()?)))
    }
}

impl Merge<'_> {
    /// Returns what there is to do about a finding at this merge.
    pub fn to_do<'f>(&self, finding: &'f Finding) -> Option<&'f str> {
        let remedy = finding.remedy.as_str();
        let is_idle = finding.excuse.is_some() || self.is_past && remedy.starts_with("guard allow ");
        Some(remedy).filter(|remedy| !remedy.is_empty() && !is_idle)
    }
}

impl Entry<'_, '_> {
    /// Returns the finding in a few lines of plain text: what, at which merge, whose work, what to do.
    pub fn told(&self) -> Vec<String> {
        let finding = self.finding;
        let mut told = vec![finding.message.clone()];
        told.push(match self.merge.subject.as_str() {
            "" => format!("in {}", self.merge.name),
            subject => format!("in {}, \"{}\"", self.merge.name, cut(subject, SUBJECT)),
        });
        told.extend(lines(finding).map(|line| format!("- {}", line_text(line))));
        told.extend(work_of(finding));
        told.extend(finding.excuse.as_ref().map(words::excused));
        told.extend(self.merge.to_do(finding).map(str::to_owned));
        told
    }
}

/// So many characters of a message's first line are shown where space is dear.
pub const SUBJECT: usize = 120;
/// So many characters of a lost line are shown; a minified file is one line.
const LINE: usize = 200;

/// Returns the points of a finding in the ranking; 0 for what is not ranked.
pub fn points(finding: &Finding) -> i32 {
    finding.evidence.get("points").and_then(|points| points.parse().ok()).unwrap_or(0)
}

/// Returns the worst level, most points and number of findings: by these merges are ordered.
pub fn weight<'f>(findings: impl Iterator<Item = &'f Finding> + Clone) -> (Level, i32, usize) {
    let level = findings.clone().map(|finding| finding.level).max().unwrap_or(Level::Off);
    (level, findings.clone().map(points).max().unwrap_or(0), findings.count())
}

/// Returns the lines that a finding shows, in order.
pub fn lines(finding: &Finding) -> impl Iterator<Item = &str> {
    let number = |name: &str| name.strip_prefix("line_").and_then(|number| number.parse::<usize>().ok());
    let mut lines: Vec<(usize, &str)> =
        finding.evidence.iter().filter_map(|(name, line)| Some((number(name)?, line.as_str()))).collect();
    lines.sort_unstable();
    lines.into_iter().map(|(_, line)| line)
}

/// Returns a lost line as it is shown: cut, and its indentation, which was escaped for terminals, as blanks.
pub fn line_text(line: &str) -> String {
    let rest = line.trim_start_matches(r"\t");
    let tabs = (line.len() - rest.len()) / r"\t".len();
    cut(&format!("{}{rest}", "    ".repeat(tabs)), LINE)
}

/// Returns the line of the file that a finding is about, where it is about one.
pub fn place(finding: &Finding) -> Option<usize> {
    finding.evidence.get("line").and_then(|line| line.parse().ok()).filter(|line| *line > 0)
}

/// Returns whose work a finding says is lost.
pub fn work_of(finding: &Finding) -> Option<String> {
    let (author, commit) = (finding.evidence.get("lost_author"), finding.evidence.get("lost_commit"));
    match (author, commit) {
        (Some(author), Some(commit)) => Some(format!("work of {author}, {commit}")),
        (Some(who), None) | (None, Some(who)) => Some(format!("work of {who}")),
        (None, None) => None,
    }
}

/// Returns a text cut to so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Errors quote names, some of which are not ours.
fn plain(text: &str) -> String {
    escape(text.as_bytes())
}

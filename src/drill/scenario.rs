//! What the catalogue says of an incident: the same words are rehearsed, written into the runbook, and explained.

use serde::Serialize;

use super::stage::Stage;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Work goes on; somebody has to look at it today.
    Medium,
    /// A part of the system is wrong or can't be used.
    High,
    /// Data or work is lost for good unless somebody acts.
    Critical,
}

impl Severity {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A kind of file that incidents happen to. In the commands of the catalogue `<json>` stands for the project's own file of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A JSON file that git tracks.
    Json,
    /// A JSON file that git tracks, with ten records or more of which only so many may go.
    Records,
    /// An SQLite database.
    Database,
    /// An SQLite database that git tracks.
    TrackedDatabase,
    /// A data file with records that git ignores, or does not track, and that is backed up.
    Ignored,
    /// A protected file that must not be deleted.
    Script,
    /// A protected file that must not be changed by a merge.
    Config,
    /// Any text file of twenty lines or more that git tracks.
    Text,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Records,
        Self::Database,
        Self::TrackedDatabase,
        Self::Ignored,
        Self::Script,
        Self::Config,
        Self::Text,
    ];

    /// Returns the word that stands for such a file in commands, without its brackets.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Records => "records",
            Self::Database => "database",
            Self::TrackedDatabase => "tracked-database",
            Self::Ignored => "ignored",
            Self::Script => "script",
            Self::Config => "config",
            Self::Text => "text",
        }
    }

    /// Says what such a file is.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Json => "a JSON file that git tracks",
            Self::Records => "a JSON file that git tracks, with records and a 'max_loss'",
            Self::Database => "an SQLite database",
            Self::TrackedDatabase => "an SQLite database that git tracks",
            Self::Ignored => "a backed-up data file that git does not track",
            Self::Script => "a protected file that must not be deleted",
            Self::Config => "a protected file that no merge may change",
            Self::Text => "a text file that git tracks",
        }
    }
}

/// Words in angle brackets that stand for no file, and how the person on duty knows what to put there.
const WORDS: &[(&str, &str)] = &[
    ("start", "the last commit before the incident: see 'git log' or 'guard log'"),
    ("branch", "the branch that it happened to"),
    ("merge", "the merge commit: the detector's output names it"),
    ("revert", "the commit that reverted the first merge: the detector's output names it"),
    ("other", "the branch that was merged by mistake: the detector's output names it"),
    ("tip", "the last of the lost commits: see 'git reflog'"),
    ("clone", "the folder of somebody else's clone"),
    ("remote", "where the project is cloned from: its URL"),
    ("backup-remote", "where the backups were pushed to: its URL"),
    ("backup", "the name of a backup: see 'guard backup list'"),
];

/// Says what a word in angle brackets stands for.
pub fn meaning(word: &str) -> Option<&'static str> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word).map(Kind::about);
    kind.or_else(|| WORDS.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning))
}

/// One command of a procedure, and how it ends when all is well.
///
/// Commands are lines for a POSIX shell, run at the top of the working tree. Words in angle brackets stand for what differs from
/// case to case: the files of [`Kind`], and what the injection or the person on duty knows (`<start>`: the commit before the
/// incident).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The command.
    pub run: &'static str,
    /// Its exit code.
    pub exit: i32,
    /// What its output contains; nothing when empty.
    pub says: &'static str,
    /// What a person sees or has afterwards: a sentence.
    pub expect: &'static str,
}

impl Step {
    /// A command that ends with 0.
    pub const fn new(run: &'static str, says: &'static str, expect: &'static str) -> Self {
        Self { run, exit: 0, says, expect }
    }

    /// A command that ends with another exit code.
    pub const fn failing(run: &'static str, exit: i32, says: &'static str, expect: &'static str) -> Self {
        Self { run, exit, says, expect }
    }
}

/// What has to be in place before the incident; the command ends with 0 where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Prerequisite {
    /// A sentence.
    pub what: &'static str,
    /// The command that shows it, with what it says.
    pub check: Step,
    /// What to do where it is not.
    pub otherwise: &'static str,
}

impl Prerequisite {
    /// The file that must not be deleted is one that the manifest names.
    pub const PROTECTED: Self = Self {
        what: "the file is protected by the manifest",
        check: Step::new("git ls-files --error-unmatch <script>", "", "git tracks the file."),
        otherwise: "add it to a [[protect]] entry of .recoveryguard.toml and commit that",
    };
}

/// The command that tells that it happened: ends with 0 before, and otherwise after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Detector {
    /// The command.
    pub run: &'static str,
    /// Its exit code when it happened.
    pub fires: i32,
    /// What it says then.
    pub says: &'static str,
    /// How it is noticed without anybody looking for it: a sentence.
    pub noticed: &'static str,
}

/// What to do when a step does not end as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// What is seen.
    pub when: &'static str,
    /// What to do.
    pub then: &'static str,
}

/// An incident.
#[derive(Clone, Copy, Serialize)]
pub struct Scenario {
    /// Its name: words with hyphens.
    pub name: &'static str,
    /// A short sentence without a full stop: what happened.
    pub title: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The kinds of files that its commands name.
    pub uses: &'static [Kind],
    /// What somebody sees who does not know what happened: a short clause for the table at the runbook's beginning.
    pub symptom: &'static str,
    /// What it is.
    pub description: &'static str,
    /// How it happens in real life.
    pub causes: &'static str,
    /// What it does to the system and its users.
    pub impact: &'static str,
    /// What keeps it from happening, where something does.
    pub prevention: &'static str,
    /// The state that recovery is to reach.
    pub desired: &'static str,
    /// What has to be in place before.
    pub prerequisites: &'static [Prerequisite],
    /// How it is detected.
    pub detect: Detector,
    /// The procedure.
    pub steps: &'static [Step],
    /// How to see that it worked.
    pub verify: &'static [Step],
    /// How to take the recovery back; afterwards the working tree is as it was after the incident.
    pub undo: &'static [Step],
    /// What to do when a step fails.
    pub fallback: &'static [Fallback],
    /// Files that recovery may bring back in an older version; all others come back exactly.
    pub may_lose: &'static [Kind],
    /// Does the damage.
    #[serde(skip)]
    pub inject: fn(&mut Stage) -> anyhow::Result<()>,
}

impl Scenario {
    /// Returns its commands, in the order in which they are run; the detector's stands before the steps.
    pub fn commands(&self) -> Vec<&'static str> {
        let before = self.prerequisites.iter().map(|prerequisite| prerequisite.check.run).chain([self.detect.run]);
        before.chain([self.steps, self.verify, self.undo].into_iter().flatten().map(|step| step.run)).collect()
    }

    /// Returns the words in angle brackets that its commands use, in the order of their appearance.
    pub fn words(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        for command in self.commands() {
            let after = command.split('<').skip(1);
            for word in after.filter_map(|rest| rest.split_once('>')).map(|(word, _)| word) {
                if !found.contains(&word) {
                    found.push(word);
                }
            }
        }
        found
    }
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

//! The manifest's parts as the rest of the program sees them: checked, with defaults filled in.

use std::collections::BTreeMap;

use bstr::BStr;

use super::Patterns;
use crate::model::Level;

/// What a `[[protect]]` entry denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deny {
    /// The path goes away (or out of every protected pattern).
    Delete,
    /// Its content changes.
    Modify,
    /// Its run bit changes.
    Mode,
    /// It turns into another type (file, link, submodule, folder).
    Type,
    /// A path appears where none was.
    Add,
}

/// One `[[protect]]` entry: paths that merges must not damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protect {
    /// What the entry is called; defaults to its first pattern.
    pub name: String,
    /// Which paths.
    pub paths: Patterns,
    /// What must not happen to them; defaults to delete and type.
    pub deny: Vec<Deny>,
    /// How much it matters; defaults to block.
    pub level: Level,
    /// The branches (short names, patterns) on which it has that level; elsewhere block becomes warn. Empty: everywhere.
    pub on: Patterns,
    /// Why, for people.
    pub reason: Option<String>,
    /// Who to ask.
    pub owners: Vec<String>,
}

impl Protect {
    /// Returns the level on a branch (short name; `None` when HEAD is detached, which counts as elsewhere).
    pub fn level_on(&self, branch: Option<&BStr>) -> Level {
        let named = self.on.is_empty() || branch.is_some_and(|name| self.on.matches(name));
        if named { self.level } else { self.level.min(Level::Warn) }
    }
}

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JSON as RFC 8259 has it.
    Json,
    /// JSON with comments and trailing commas.
    Jsonc,
    /// One JSON value per line.
    Jsonl,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// CSV.
    Csv,
    /// CSV whose columns are parted by tabs.
    Tsv,
    /// SQLite database.
    Sqlite,
    /// Text without structure.
    Text,
    /// Bytes without structure.
    Binary,
}

/// What the top of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// Keys with values.
    Object,
    /// A list of values.
    Array,
}

/// How many records a merge may lose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxLoss {
    /// Percent of the records.
    Percent(f64),
    /// A number of records.
    Records(u64),
}

/// One `[[data]]` entry: files whose content must stay good.
#[derive(Debug, Clone, PartialEq)]
pub struct DataRule {
    /// Which paths.
    pub paths: Patterns,
    /// Their format; `None`: by extension.
    pub format: Option<Format>,
    /// What the top of each document is; `None`: anything.
    pub root: Option<Root>,
    /// JSON pointers at which something has to stand.
    pub required: Vec<String>,
    /// A JSON Schema, as a path in the tree.
    pub schema: Option<String>,
    /// JSON pointer to the collection of records.
    pub records: Option<String>,
    /// The field that names a record.
    pub key: Option<String>,
    /// How many records may go.
    pub max_loss: Option<MaxLoss>,
    /// Saved by `guard backup create`.
    pub backup: bool,
    /// Leaves this machine only for a remote that was declared private.
    pub secret: bool,
}

/// One `[[database]]` entry: a database of a PostgreSQL server. How the server is reached is not the manifest's to say.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseRule {
    /// The database: letters, digits, `_`, `-` and `.`, the first a letter, a digit or `_`; at most [`DatabaseRule::LONGEST`].
    pub name: String,
    /// The entry of `pg_service.conf` that says where the server is, of the same form; `None`: `PGHOST` and the like do.
    pub service: Option<String>,
    /// How many rows each of its tables may lose from one good backup to the next.
    pub max_loss: Option<MaxLoss>,
    /// Saved by `guard backup create`.
    pub backup: bool,
    /// Leaves this machine only for a remote that was declared private.
    pub secret: bool,
}

impl DatabaseRule {
    /// Names that are put beside it (`orders_before_20261122_224531`) must not be longer than the 63 bytes of PostgreSQL.
    pub const LONGEST: usize = 40;
}

/// One `[[branch]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchRule {
    /// Short names (patterns) of the branches merged into.
    pub into: Patterns,
    /// Short names (patterns) of the branches that may never be merged there.
    pub never: Patterns,
}

/// What `[rules]` says of one rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleSetting {
    /// The level, if it says one.
    pub level: Option<Level>,
    /// Numbers that the rule knows (`files`, `percent`).
    pub numbers: BTreeMap<String, u64>,
}

/// What happens when the guard can't judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Say so and let git go on.
    #[default]
    Warn,
    /// Refuse.
    Block,
}

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// When the guard can't judge.
    pub on_failure: OnFailure,
    /// Revisions whose changes are flagged, not blocked; defaults to `@{upstream}` and `origin/HEAD`.
    pub accepted: Vec<String>,
    /// Rules whose `Guard-Allow` trailers servers and CI honour.
    pub allow: Vec<String>,
}

/// `[snapshot]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Save everything uncommitted, not just touched paths.
    pub all: bool,
    /// Merges, and operations with saved bytes, to keep.
    pub keep: usize,
    /// The largest file that is saved, in bytes.
    pub max_file: u64,
    /// The most that one snapshot may hold, in bytes.
    pub max_total: u64,
    /// The most that all snapshots may hold together, in bytes; the newest stays whatever it holds.
    pub max_store: u64,
}

/// `[backup.remote]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRemote {
    /// A git remote's address.
    pub url: String,
    /// Whether only the team can read it.
    pub private: bool,
}

/// `[backup]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backup {
    /// Retention, `last=10 within=14d …`, as name and value (seconds for `within`).
    pub keep: Vec<(String, u64)>,
    /// Whether one is made before a merge that touches backed-up files.
    pub before_merge: bool,
    /// Where copies go.
    pub remote: Option<BackupRemote>,
}

/// `[[runbook.contact]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub name: String,
    /// How to reach them.
    pub how: String,
}

/// `[runbook]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runbook {
    /// Recovery time objective, seconds.
    pub rto: Option<u64>,
    /// Recovery point objective, seconds.
    pub rpo: Option<u64>,
    /// How old the newest drills may be, seconds.
    pub drill_every: Option<u64>,
    /// Who to call.
    pub contacts: Vec<Contact>,
}

/// A checked manifest. `Manifest::default()` is what holds where there is none: built-in rules at built-in levels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// `[[protect]]`.
    pub protect: Vec<Protect>,
    /// `[[data]]`.
    pub data: Vec<DataRule>,
    /// `[[database]]`.
    pub database: Vec<DatabaseRule>,
    /// `[[branch]]`.
    pub branch: Vec<BranchRule>,
    /// `[rules]`.
    pub rules: BTreeMap<String, RuleSetting>,
    /// `[policy]`.
    pub policy: Policy,
    /// `[snapshot]`.
    pub snapshot: Snapshot,
    /// `[backup]`.
    pub backup: Backup,
    /// `[runbook]`.
    pub runbook: Runbook,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_failure: OnFailure::Warn,
            accepted: vec!["@{upstream}".into(), "origin/HEAD".into()],
            allow: Vec::new(),
        }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { all: false, keep: 100, max_file: 50 << 20, max_total: 1 << 30, max_store: 4 << 30 }
    }
}

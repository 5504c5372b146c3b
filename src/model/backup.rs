//! Backups: the protected data files as they were at one moment.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Contents, Mode, Oid, RefName, Standing, Timestamp, TreePath, Unsaved, WorktreeId};

/// The name of a backup: `20261122-224531-3fa9c1`. Sorts by time, can stand in a ref name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackupId(pub String);

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&super::escape(self.0.as_bytes()))
    }
}

/// One set of data files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name.
    pub id: BackupId,
    /// When it was made.
    pub at: Timestamp,
    /// The worktree whose files they are; older guards did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<WorktreeId>,
    /// The branch that was checked out, as a full name; `None` where none was, and of older guards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<RefName>,
    /// The files, by path.
    pub files: Vec<BackedUp>,
    /// Files that should be in it and are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaved: Vec<Unsaved>,
    /// Databases of a PostgreSQL server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<SavedDatabase>,
    /// Databases that should be in it and are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsaved_databases: Vec<UnsavedDatabase>,
}

/// One file of a backup. What is said of its content was found in the stored bytes, after they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// Where it was.
    pub path: TreePath,
    /// File, executable or link.
    pub mode: Mode,
    /// Its permission bits; of a link none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
    /// Its bytes; of a link its target.
    pub blob: Oid,
    /// How many.
    pub size: u64,
    /// Whether git tracked it.
    pub tracked: bool,
    /// Whether git ignored it.
    pub ignored: bool,
    /// Whether the manifest said that it leaves this machine only for a remote that was declared private.
    pub secret: bool,
    /// The verdict on it.
    pub standing: Standing,
    /// The first thing that is wrong with it, or what could not be found out; holds text of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it holds, in numbers.
    #[serde(default)]
    pub contents: Contents,
}

/// One database of a backup, as a dump of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedDatabase {
    /// Its name.
    pub name: String,
    /// The dump, an archive of `pg_dump`.
    pub blob: Oid,
    /// Its bytes.
    pub size: u64,
    /// SHA-256, in hex, of what does not say when the dump was made: the same when the database is.
    pub content: String,
    /// Whether the manifest said that it leaves this machine only for a remote that was declared private.
    pub secret: bool,
    /// The verdict on it: bad when it lost too many rows, unknown for what stood there before a restore, which nobody called
    /// good.
    pub standing: Standing,
    /// What is bad or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What is in it.
    #[serde(flatten)]
    pub facts: DatabaseFacts,
}

/// What is known of a database that was dumped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// The server's version.
    pub server: String,
    /// The version of `pg_dump`.
    pub dumped_by: String,
    /// Its owner.
    pub owner: String,
    /// How its text is encoded.
    pub encoding: String,
    /// How its text is sorted.
    pub collate: String,
    /// What letters are in it.
    pub ctype: String,
    /// Whose rules these are, as `pg_database` has it, where the server's version says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Their name, where the provider is not the C library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The rows of each table, by its name as SQL has it; counted in the snapshot that was dumped.
    pub tables: BTreeMap<String, u64>,
    /// What belongs to the database itself, and is in no dump; older guards did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub belongings: Option<Belongings>,
}

/// What belongs to a database itself, and to nothing that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongings {
    /// How many may be connected; `None`: any number.
    pub limit: Option<i64>,
    /// What somebody said about it.
    pub comment: Option<String>,
    /// Who may do what with it; `None`: what holds for every new database.
    pub privileges: Option<Vec<Privilege>>,
    /// Settings of its sessions.
    pub settings: Vec<Setting>,
}

/// Something that somebody may do with a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privilege {
    /// In SQL's words: `CONNECT`.
    pub what: String,
    /// Which role may; `None`: everybody.
    pub to: Option<String>,
    /// Whether it may pass that on.
    pub grantable: bool,
}

/// A setting that the sessions of a database begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value, as the server keeps it.
    pub value: String,
    /// For which role; `None`: for everybody.
    pub role: Option<String>,
}

/// A database that was not saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsavedDatabase {
    /// Its name.
    pub name: String,
    /// Why, escaped for terminals.
    pub why: String,
}

impl Backup {
    /// Returns the verdict on all of it: that of its worst file or database. A link holds no data, so it counts for nothing.
    pub fn standing(&self) -> Standing {
        let databases = self.databases.iter().map(|database| database.standing);
        let files = self.files.iter().filter(|file| file.mode != Mode::Link).map(|file| file.standing);
        files.chain(databases).max().unwrap_or(Standing::Good)
    }

    /// Returns the bytes of all files and dumps together.
    pub fn size(&self) -> u64 {
        let dumps: u64 = self.databases.iter().map(|database| database.size).sum();
        self.files.iter().map(|file| file.size).sum::<u64>() + dumps
    }

    /// Returns its database of that name.
    pub fn database(&self, name: &str) -> Option<&SavedDatabase> {
        self.databases.iter().find(|database| database.name == name)
    }

    /// Returns its file at a path.
    pub fn file(&self, path: &TreePath) -> Option<&BackedUp> {
        self.files.iter().find(|file| file.path == *path)
    }
}

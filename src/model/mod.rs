//! Plain data and its words: what flows from one room to the next.
//!
//! Nothing here does I/O, and nothing here knows another room. Words are those of git's glossary and of
//! `docs/glossary.md`.

mod backup;
mod change;
mod contents;
mod count;
mod deviation;
mod event;
mod facts;
mod finding;
mod oid;
mod operation;
mod plan;
mod raw;
mod size;
mod time;

pub use backup::{
    BackedUp, Backup, BackupId, Belongings, DatabaseFacts, Privilege, SavedDatabase, Setting, UnsavedDatabase,
};
pub use change::{Change, Entry, Mode};
pub use contents::{Contents, Held, Names, Standing, Table};
pub use count::count;
pub use deviation::{Automatic, Deviation, Loss, Losses, Lost, Signals, Usual};
pub use event::{Hook, Incoming, Push, RefMove, TransactionState};
pub use facts::{
    Content, DataFacts, Facts, InUse, LocalFile, LocalKind, Moved, PathFacts, ResultKind, RevertedMerge, Rewound,
    Shape, Side, TakenBack, Target, Use,
};
pub use finding::{Excuse, Finding, Level, Verdict, fingerprint};
pub use oid::{HashKind, Oid, ParseOidError};
pub use operation::{
    Allowance, Body, Intent, Judgement, Kind, Operation, OperationId, Outcome, Record, Saved, SavedFile, SavedState,
    SavedVersion, Status, Unsaved, WorktreeId,
};
pub use plan::{
    Against, Attributes, Conflict, IndexStep, Made, Plan, RefStep, Slot, Source, StashStep, StateStep, Way, WorkFile,
    WorkStep,
};
pub use raw::{Raw, RefName, TreePath, escape};
pub use size::size;
pub use time::Timestamp;

//! From an event to an answer: which steps each route takes, in which order.
//!
//! ```text
//! hooks::decode    argv + stdin + env   -> Event
//! facts::gather    Event + repository   -> Facts
//! rules::judge     &Facts, &Manifest    -> Vec<Finding>
//! facts::excuses   &Facts, &[Finding]   -> excuses       (asked only when something is wrong)
//! rules::decide    findings, excuses    -> Verdict
//! journal::append  what happened        -> durable
//! ```
//!
//! A route never prints: it returns an [`Answer`]. A failure to *record* never stops git; a failure to *judge* is an
//! answer of its own ([`Verdict::CouldNotJudge`]), decided by the manifest's `on_failure`.

mod after;
mod allow;
mod audit;
pub mod backup;
mod check;
mod confirm;
mod data_here;
pub mod doctor;
mod drill;
mod gate;
mod judge;
mod last_good;
mod looking;
mod losses;
mod lost;
mod message;
mod moved;
mod pulled;
mod push;
mod rebase;
mod receive;
mod result;
pub mod retention;
mod rewritten;
mod runbook;
mod runs;
pub mod seen;
mod verify;
mod whose;

pub use allow::{AllowError, Scope, Source, allow};
pub use audit::{Audited, audit};
pub use check::{CheckError, Checked, Proposal, Subject, check};
pub use confirm::confirm;
pub use drill::{DrillError, Drilled, Drills, drill};
pub use judge::{Judged, on_failure, on_failure_of_server};
pub use last_good::{Asked, LastGood, LastGoodError, Recovery, last_good, restore_from, restore_to};
pub use lost::{LostError, LostWork, Merge, lost};
pub use runbook::{Grounds, Practice, RunbookError, grounds, practice};
pub use verify::{Holder, Past, Verified, Verify, VerifyError};

use crate::disk::{self, Durability};
use crate::git::{GitError, Repo};
use crate::hooks::{Caller, Event};
use crate::journal::Journal;
use crate::manifest::OnFailure;
use crate::model::{
    Body, Finding, Incoming, Intent, Judgement, Kind, Level, Oid, Operation, OperationId, Outcome, Raw, Record,
    RefName, Saved, Status, Target, Timestamp, Verdict,
};

/// What every route gets.
pub struct Session<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its journal.
    pub journal: &'a Journal,
    /// The time.
    pub now: Timestamp,
    /// The git command that called.
    pub caller: Caller,
}

/// When an answer is given: it decides the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Before git changes anything.
    Gate,
    /// The result is ready and not committed.
    Result,
    /// It has happened.
    After,
    /// A branch was checked out.
    Checkout,
    /// A pull brought merges that others made.
    Pulled,
    /// A cherry-pick or revert is concluded.
    Pick,
    /// A cherry-pick is done.
    Picked,
    /// A rebase is done.
    Rebased,
    /// Commits are about to be published.
    Push,
    /// A push has come to this server.
    Receive,
}

/// What a route answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When.
    pub occasion: Occasion,
    /// The verdict.
    pub verdict: Verdict,
    /// What is to be said: nothing that was said before for this operation, unless it blocks.
    pub findings: Vec<Finding>,
    /// Why it could not judge, if so.
    pub failure: Option<String>,
    /// What happens when it could not judge.
    pub on_failure: OnFailure,
    /// The branch merged into.
    pub into: Target,
    /// The heads that come in.
    pub incoming: Vec<Incoming>,
    /// The operation in the journal.
    pub operation: Option<OperationId>,
    /// What could not be recorded, if anything.
    pub unrecorded: Option<String>,
    /// Why no backup was made before a merge, though the manifest asks for one.
    pub no_backup: Option<String>,
    /// What else is to be said, as which push options can't count; after a line feed stands what was meant.
    pub notes: Vec<String>,
}

impl Answer {
    /// Returns whether git must not go on.
    pub fn refuses(&self) -> bool {
        match self.verdict {
            Verdict::Block => true,
            Verdict::CouldNotJudge => self.on_failure == OnFailure::Block,
            Verdict::Pass | Verdict::Warn => false,
        }
    }

    /// Returns whether there is something to say.
    pub fn is_silent(&self) -> bool {
        let loud = self.findings.iter().any(|finding| finding.level >= Level::Info);
        let more = [&self.failure, &self.unrecorded, &self.no_backup];
        !loud && self.notes.is_empty() && more.iter().all(|text| text.is_none())
    }
}

/// Answers an event; `None` when there is nothing to say.
pub fn answer(session: &Session<'_>, event: Event) -> Result<Option<Answer>, GitError> {
    // On a server nothing is recorded: what is in quarantine may be thrown away.
    let records = !matches!(event, Event::Receiving { .. });
    let answer = route(session, event);
    if records && matches!(answer, Ok(Some(_))) {
        retention::now_and_then(session);
    }
    answer
}

fn route(session: &Session<'_>, event: Event) -> Result<Option<Answer>, GitError> {
    match event {
        Event::Gate { tip, incoming, action } => gate::gate(session, tip, incoming, &action),
        Event::Deleting { names, action } => {
            moved::deleting(session, names, &action);
            Ok(None)
        }
        Event::Moved { moves, incoming, action } => moved::moved(session, moves, incoming, &action).map(|()| None),
        Event::Rebasing { upstream, branch } => rebase::rebasing(session, &upstream, branch.as_ref()).map(|()| None),
        Event::MergeResult { incoming } => result::merge_result(session, incoming),
        Event::CommitResult => result::commit_result(session),
        Event::Message(file) => message::add_trailers(session, &file).map(|()| None),
        Event::Merged { squash } => after::merged(session, squash),
        Event::Committed => after::committed(session),
        Event::CheckedOut { old, new } => after::checked_out(session, old, new),
        Event::Rewritten { pairs, action } => rewritten::rebased(session, &pairs, &action),
        Event::Pushing { remote, pushes } => push::pushing(session, &remote, &pushes),
        Event::Receiving { updates, options } => receive::receiving(session, &updates, &options),
        Event::Nothing => Ok(None),
    }
}

impl Session<'_> {
    /// Returns HEAD's branch as a full name.
    fn branch(&self) -> Result<Option<RefName>, GitError> {
        Ok(self.repo.head()?.branch)
    }

    /// Makes a record of now.
    fn record(&self, operation: Option<&OperationId>, body: Body) -> Record {
        Record { operation: operation.cloned(), at: self.now, guard: env!("CARGO_PKG_VERSION").to_owned(), body }
    }

    /// Appends to the journal inside a hook: no fsync (a lost record is rebuilt from the reflog), and a failure is
    /// returned as text, because git must go on.
    fn append(&self, operation: Option<&OperationId>, body: Body) -> Option<String> {
        let appended = self.journal.append(&self.record(operation, body), Durability::Lazy);
        appended.err().map(|error| error.to_string())
    }

    /// Records an operation that no gate announced. That it could not be recorded is said by the judgement that follows,
    /// where there is one; else it is rebuilt from the reflog.
    fn begin(
        &self,
        kind: Kind,
        branch: Option<RefName>,
        head: Option<Oid>,
        incoming: Vec<Incoming>,
        action: Raw,
    ) -> Operation {
        self.announce(Intent {
            kind,
            worktree: self.repo.worktree_id(),
            branch,
            head,
            incoming,
            action,
            saved: Saved::default(),
            predicted: None,
            of: None,
            planned: Vec::new(),
        })
    }

    /// Records what is about to happen, as [`Session::begin`] does.
    fn announce(&self, intent: Intent) -> Operation {
        self.announce_as(self.journal.new_id(self.now), intent)
    }

    /// The same, under a name that something was saved under already.
    fn announce_as(&self, id: OperationId, intent: Intent) -> Operation {
        let _ = self.append(Some(&id), Body::Intent(intent.clone()));
        Operation { id, at: self.now, intent, judgements: Vec::new(), outcome: None, undone_by: None }
    }

    /// Leaves an object name in a file that a shim of this worktree reads, or removes it: where it says that everything
    /// was done, no process is started. A note that can't be written only costs that process.
    fn leave_note(&self, name: &str, oid: Option<Oid>) {
        let Some(worktree) = self.repo.git_dir().file_name() else { return };
        let mut name = std::ffi::OsString::from(name);
        name.push(worktree);
        let path = self.repo.guard_dir().join(name);
        let _ = match oid {
            Some(oid) => disk::write_atomic(&path, format!("{oid}\n").as_bytes(), Durability::Lazy, 0o600),
            None => disk::remove_file(&path).map(drop),
        };
    }

    /// Appends how an operation ended.
    fn append_outcome(
        &self,
        operation: &OperationId,
        status: Status,
        moved: Vec<crate::model::RefMove>,
    ) -> Option<String> {
        self.append(Some(operation), Body::Outcome(Outcome { status, moved }))
    }

    /// Appends a verdict.
    fn append_judgement(&self, operation: &OperationId, route: &str, judged: &Judged) -> Option<String> {
        self.append(Some(operation), Body::Judgement(judgement(route, judged)))
    }

    /// Returns the operations of the newest records, newest last; none when the journal can't be read (doctor tells).
    fn recent(&self, records: usize) -> Vec<Operation> {
        self.journal.recent(records).map(|history| history.operations).unwrap_or_default()
    }
}

/// Returns what is recorded of a verdict.
fn judgement(route: &str, judged: &Judged) -> Judgement {
    Judgement {
        route: route.to_owned(),
        verdict: judged.verdict,
        tree: judged.facts.result_tree,
        findings: judged.findings.clone(),
        failure: judged.failure.clone(),
    }
}

/// So many records are looked at to find the operation that a hook belongs to.
const RECENT: usize = 48;

/// Returns the target of a merge.
fn target(branch: Option<&RefName>, tip: Option<crate::model::Oid>) -> Target {
    let short = branch.map(|name| RefName::from(name.strip_prefix(b"refs/heads/").unwrap_or(name)));
    Target { branch: short, tip }
}

/// Returns what git calls the operation, for people.
fn action_of(session: &Session<'_>, action: &Raw) -> Raw {
    if action.is_empty() { session.caller.shown().into() } else { action.clone() }
}

//! After a pull: did a merge that others made lose anything? Nothing is said when all is well, and it takes next to no time.

use std::time::Duration;

use super::push::of_merge;
use super::{Answer, Occasion, Session, audit, confirm, judge};
use crate::git::GitError;
use crate::manifest::OnFailure;
use crate::model::{Kind, Level, Oid, Operation, Target, Verdict};

/// Half of this may be spent on looking, the rest on asking git's own merge about what was found.
const PATIENCE: Duration = Duration::from_millis(400);
/// So many merges are looked at, the newest.
const MOST: usize = 200;

/// Looks at the merges that came in with a pull.
pub(super) fn look(session: &Session<'_>, pull: &Operation, head: Oid) -> Result<Option<Answer>, GitError> {
    let Some(before) = pull.intent.head.filter(|_| pull.intent.kind == Kind::Pull) else { return Ok(None) };
    let into =
        pull.intent.branch.as_ref().map_or_else(Default::default, |name| super::target(Some(name), Some(before)));
    let answer = came_in(session, before, head, into)?;
    Ok(answer.map(|answer| Answer { incoming: pull.intent.incoming.clone(), ..answer }))
}

/// Looks at the merges that `head` has and `before` has not.
pub(super) fn came_in(session: &Session<'_>, before: Oid, head: Oid, into: Target) -> Result<Option<Answer>, GitError> {
    let range = format!("{}..{}", before.short(), head.short());
    let late = |seen: usize, all: usize| {
        format!("{seen} of {all} merges could be looked at in the time there was; all of them: guard audit {range}")
    };
    let repo = session.repo.within(PATIENCE);
    let newest = [format!("--max-count={}", MOST + 1)];
    let merges = match repo.chosen_merges(&newest, &[head.to_string(), format!("^{before}")]) {
        Ok(merges) if merges.is_empty() => return Ok(None),
        Ok(merges) => merges,
        Err(GitError::TimedOut(_)) => Vec::new(),
        Err(error) => return Err(error),
    };
    let (mut findings, mut seen) = (Vec::new(), 0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match audit(&repo, &merges[..merges.len().min(MOST)], threads, &|_, _| ()) {
        Ok(mut all) => {
            match confirm::confirm(&repo, &mut all, &|_, _| ()) {
                // What is not confirmed is not said.
                Err(GitError::TimedOut(_)) => all.clear(),
                confirmed => confirmed?,
            }
            for audited in all {
                seen += usize::from(audited.failure.is_none());
                let loud = audited.findings.into_iter().filter(|finding| finding.level >= Level::Warn);
                findings.extend(loud.map(|finding| of_merge(finding, audited.commit, &audited.subject.to_string())));
            }
        }
        Err(GitError::TimedOut(_)) => {}
        Err(error) => return Err(error),
    }
    judge::worst_first(&mut findings);
    let failure = (seen < merges.len() || merges.is_empty()).then(|| match merges.len() {
        0 => format!("no time was left to look at what came in: guard audit {range}"),
        all => late(seen, all),
    });
    Ok(Some(Answer {
        occasion: Occasion::Pulled,
        verdict: if findings.is_empty() && failure.is_some() { Verdict::CouldNotJudge } else { Verdict::of(&findings) },
        findings,
        failure,
        on_failure: OnFailure::Warn,
        into,
        incoming: Vec::new(),
        operation: None,
        unrecorded: None,
        no_backup: None,
        notes: Vec::new(),
    }))
}

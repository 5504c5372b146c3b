//! A rebase is done: what did its commits lose on the way, and does it take work of the new base back?
//!
//! ```text
//! old's parent -> old     what the commit did
//! old's parent -> new's   what changed beneath it
//! both together           what git makes of it, without a conflict: anything else was put there by a person or an option
//! ```
//!
//! Nothing can be prevented any more, and an interactive rebase may change commits on purpose. So it says only what warns, as
//! something to read, and nothing of commits that were edited, squashed or given another message.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bstr::ByteSlice;

use super::losses::Look;
use super::push::of_merge;
use super::{Answer, Occasion, Session, judge, pulled, target, whose};
use crate::git::{GitError, Repo};
use crate::manifest::OnFailure;
use crate::model::{Finding, Incoming, Level, Oid, Raw, RefName, Target, Verdict};

/// Half of this may be spent on looking, the rest on asking what is usual here about what was found.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many commits are looked at.
const MOST: usize = 200;

/// Looks at a rebase: `pairs` are its commits, as they were and as they are.
pub(super) fn rebased(session: &Session<'_>, pairs: &[(Oid, Oid)], action: &Raw) -> Result<Option<Answer>, GitError> {
    let repo = session.repo.within(PATIENCE);
    let Some(head) = repo.resolve_head()? else { return Ok(None) };
    let state = |name: &str| State::read(&repo, name);
    let Some(State { onto, before, todo }) = state("rebase-merge")?.or(state("rebase-apply")?) else { return Ok(None) };
    let branch = session.branch()?;
    let mut findings = Vec::new();
    let mut failure = None;
    match losses(&repo, &picked(pairs, &todo), &mut findings) {
        Err(GitError::TimedOut(_)) => failure = Some(late()),
        looked => failure = failure.or(looked?),
    }
    match judge::taken_back(&repo, &target(branch.as_ref(), Some(onto)), head, &[head.to_string(), format!("^{onto}")])
    {
        Err(GitError::TimedOut(_)) => failure = Some(late()),
        found => findings.extend(found?),
    }
    findings.retain(|finding| finding.level >= Level::Warn);
    if action.starts_with(b"pull")
        && let Some(came) = pulled::came_in(session, before, onto, target(branch.as_ref(), Some(before)))?
    {
        findings.extend(came.findings);
        failure = failure.or(came.failure);
    }
    judge::worst_first(&mut findings);
    Ok(Some(Answer {
        occasion: Occasion::Rebased,
        verdict: if findings.is_empty() && failure.is_some() { Verdict::CouldNotJudge } else { Verdict::of(&findings) },
        findings,
        failure,
        on_failure: OnFailure::Warn,
        into: target(branch.as_ref(), Some(head)),
        incoming: Vec::new(),
        operation: None,
        unrecorded: None,
        no_backup: None,
        notes: Vec::new(),
    }))
}

fn late() -> String {
    "not all of its commits could be looked at in the time there was".to_owned()
}

/// What git notes of a rebase; it is still there when the hook runs.
struct State {
    onto: Oid,
    /// The tip of the branch before.
    before: Oid,
    /// What was done with which commit, as an interactive rebase writes it; git rebases with it by default.
    todo: Vec<u8>,
}

impl State {
    fn read(repo: &Repo, folder: &str) -> Result<Option<Self>, GitError> {
        let file = |name: &str| repo.state(&format!("{folder}/{name}"));
        let oid = |name: &str| Ok::<_, GitError>(file(name)?.and_then(|text| Oid::from_hex(text.trim())));
        let (Some(onto), Some(before)) = (oid("onto")?, oid("orig-head")?) else { return Ok(None) };
        Ok(Some(Self { onto, before, todo: file("done")?.unwrap_or_default() }))
    }
}

/// Returns the pairs whose commit was only picked.
fn picked(pairs: &[(Oid, Oid)], todo: &[u8]) -> Vec<(Oid, Oid)> {
    let edited = |line: &[u8]| {
        let mut words = line.fields();
        words.next().filter(|command| !matches!(*command, b"pick" | b"p"))?;
        // An option may come first: `fixup -C <commit>`.
        words.find_map(Oid::from_hex)
    };
    let edited: HashSet<Oid> = todo.lines().filter_map(edited).collect();
    let mut olds: HashMap<Oid, usize> = HashMap::new();
    for (_, new) in pairs {
        *olds.entry(*new).or_default() += 1;
    }
    let is_picked = |(old, new): &&(Oid, Oid)| old != new && olds[new] == 1 && !edited.contains(old);
    pairs.iter().filter(is_picked).copied().collect()
}

/// Finds what commits lost; returns why not all of them were looked at, if so.
fn losses(repo: &Repo, pairs: &[(Oid, Oid)], findings: &mut Vec<Finding>) -> Result<Option<String>, GitError> {
    let look = Look::default();
    for (place, (old, new)) in pairs.iter().enumerate() {
        if place == MOST || repo.deadline().is_half_over() {
            return Ok(Some(format!("{place} of {} commits could be looked at in the time there was", pairs.len())));
        }
        let objects = repo.objects();
        let (before, after) = (objects.commit(*old)?, objects.commit(*new)?);
        let ([base], [onto]) = (&before.parents[..], &after.parents[..]) else { continue };
        if base == onto || before.message != after.message {
            continue;
        }
        let losses = look.between(repo, *base, [*onto, *old], after.tree)?;
        if losses.at.is_empty() {
            continue;
        }
        let name = |text: String| RefName::from(text);
        let into = Target { branch: Some(name(format!("the new base ({})", onto.short()))), tip: Some(*onto) };
        let incoming = vec![Incoming { oid: *old, names: vec![name(format!("{} as it was", old.short()))] }];
        let basis = judge::basis(repo, Some(*onto))?;
        let mut found = judge::lost(&basis, Some(*new), (into, incoming), *base, losses.clone());
        found.retain(|finding| finding.level >= Level::Warn);
        whose::name_authors_between(repo, [*onto, *old], &losses, &mut found);
        findings.extend(found.into_iter().map(|finding| of_merge(finding, *new, &after.subject().to_string())));
    }
    // What is found is not said where the time is over before it is known what is usual.
    repo.deadline().check().map(|()| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(digit: char) -> Oid {
        Oid::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    /// What becomes of the commits 1, 2 …, which a rebase made a, b …
    fn left(pairs: &[(char, char)], todo: &[(&str, char)]) -> String {
        let pairs: Vec<(Oid, Oid)> = pairs.iter().map(|(old, new)| (oid(*old), oid(*new))).collect();
        let todo: String = todo.iter().map(|(command, old)| format!("{command} {} # subject\n", oid(*old))).collect();
        picked(&pairs, todo.as_bytes()).iter().map(|(old, _)| old.to_string().remove(0)).collect()
    }

    #[test]
    fn only_commits_that_were_just_picked_are_looked_at() {
        let three = [('1', 'a'), ('2', 'b'), ('3', 'c')];
        assert_eq!(left(&three, &[]), "123");
        assert_eq!(left(&three, &[("pick", '1'), ("p", '2'), ("exec", '9'), ("pick", '3')]), "123");
        assert_eq!(left(&three, &[("reword", '1'), ("edit", '2'), ("pick", '3')]), "3");
        assert_eq!(
            left(&[('1', 'a'), ('2', 'a'), ('3', 'c')], &[("pick", '1'), ("fixup -C", '2'), ("pick", '3')]),
            "3"
        );
        assert_eq!(left(&[('1', '1'), ('2', 'b')], &[]), "2");
    }
}

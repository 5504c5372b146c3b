//! git's calling conventions: arguments, stdin and environment of a hook → [`Event`].
//!
//! Dialects of `reference-transaction` (measured on 2.28 to 2.55): unknown states are nothing; old values may be all
//! zeros though the ref exists; values may be `ref:<name>` (2.46 and later); stdin may be empty.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use bstr::ByteSlice;

use crate::git::Environment;
use crate::model::{Hook, Incoming, Oid, Push, Raw, RefMove, RefName, TransactionState};

/// What a hook call means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A merge or pull begins: `ORIG_HEAD` is about to be written, nothing has changed yet.
    Gate {
        /// HEAD's commit, as `ORIG_HEAD` gets it.
        tip: Oid,
        /// The heads that come in.
        incoming: Vec<Incoming>,
        /// `GIT_REFLOG_ACTION`.
        action: Raw,
    },
    /// Branches are about to be deleted, and git does not tell their values, now or later.
    Deleting {
        /// Full names.
        names: Vec<RefName>,
        /// `GIT_REFLOG_ACTION`.
        action: Raw,
    },
    /// Branches or HEAD moved.
    Moved {
        /// Which; symbolic values are left out.
        moves: Vec<RefMove>,
        /// The heads of the merge that git runs, if it does.
        incoming: Vec<Incoming>,
        /// `GIT_REFLOG_ACTION`.
        action: Raw,
    },
    /// A rebase begins.
    Rebasing {
        /// What it was told to rebase on.
        upstream: Raw,
        /// The branch that is rebased, when it is not HEAD's.
        branch: Option<Raw>,
    },
    /// A clean merge is about to be committed.
    MergeResult {
        /// The heads that come in.
        incoming: Vec<Incoming>,
    },
    /// Some other commit is about to be made.
    CommitResult,
    /// A commit message is being prepared in this file.
    Message(PathBuf),
    /// A merge is done.
    Merged {
        /// Whether it was a squash, which is not committed yet.
        squash: bool,
    },
    /// A commit is done.
    Committed,
    /// A rebase is done.
    Rewritten {
        /// Its commits: as they were, as they are.
        pairs: Vec<(Oid, Oid)>,
        /// `GIT_REFLOG_ACTION`.
        action: Raw,
    },
    /// Refs are about to be pushed.
    Pushing {
        /// The remote's name, or its URL.
        remote: RefName,
        /// The refs.
        pushes: Vec<Push>,
    },
    /// A push has come to this repository, and refs are about to move.
    Receiving {
        /// Which.
        updates: Vec<RefMove>,
        /// What `git push -o` sent.
        options: Vec<Raw>,
    },
    /// A branch was checked out.
    CheckedOut {
        /// HEAD before; `None` in a new clone or worktree.
        old: Option<Oid>,
        /// HEAD now.
        new: Oid,
    },
    /// Nothing that matters.
    Nothing,
}

/// Lines that the shim has already read from stdin stand in this variable.
const LINES: &str = "RECOVERYGUARD_LINES";

/// Decodes a hook call. Reads stdin only for `reference-transaction`, `post-rewrite` and `pre-push`.
pub fn decode(hook: Hook, arguments: &[OsString], environment: &Environment, stdin: &mut dyn Read) -> Event {
    let argument = |index: usize| arguments.get(index).map_or(&b""[..], |word| word.as_bytes());
    match hook {
        Hook::ReferenceTransaction => transaction(state(argument(0)), environment, stdin),
        Hook::PreMergeCommit => Event::MergeResult { incoming: incoming(environment) },
        Hook::PreCommit => Event::CommitResult,
        Hook::PrepareCommitMsg => arguments.first().map_or(Event::Nothing, |file| Event::Message(PathBuf::from(file))),
        Hook::PostMerge => Event::Merged { squash: argument(0) == b"1" },
        Hook::PostCommit => Event::Committed,
        Hook::PostCheckout => match (argument(2), Oid::from_hex(argument(1))) {
            (b"1", Some(new)) if argument(0) != argument(1) => {
                Event::CheckedOut { old: Oid::from_hex(argument(0)).and_then(Oid::non_null), new }
            }
            _ => Event::Nothing,
        },
        Hook::PreRebase => Event::Rebasing {
            upstream: argument(0).into(),
            branch: arguments.get(1).map(|branch| branch.as_bytes().into()),
        },
        Hook::PreReceive => Event::Receiving { updates: received(stdin), options: options(environment) },
        Hook::PrePush => Event::Pushing { remote: argument(0).into(), pushes: pushes(stdin) },
        // An amended commit is what somebody wanted instead.
        Hook::PostRewrite if argument(0) == b"rebase" => {
            Event::Rewritten { pairs: rewritten(stdin), action: action(environment) }
        }
        Hook::PostRewrite => Event::Nothing,
    }
}

/// Reads the lines of `pre-push`: local ref, new value, remote ref, old value.
fn pushes(stdin: &mut dyn Read) -> Vec<Push> {
    let mut text = Vec::new();
    let _ = stdin.read_to_end(&mut text);
    let push = |line: &[u8]| {
        // A ref name holds no blank, what stands for the local one may.
        let mut words = line.rsplitn(4, |byte| *byte == b' ');
        let (old, remote, new, local) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let oid = |hex| Oid::from_hex(hex).map(Oid::non_null);
        Some(Push { local: local.into(), new: oid(new)?, remote: remote.into(), old: oid(old)? })
    };
    text.lines().filter_map(push).collect()
}

/// Reads the lines of `pre-receive`: old value, new value, ref.
fn received(stdin: &mut dyn Read) -> Vec<RefMove> {
    let mut text = Vec::new();
    let _ = stdin.read_to_end(&mut text);
    let update = |line: &[u8]| {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let oid = |hex| Oid::from_hex(hex).map(Oid::non_null);
        let (old, new) = (oid(words.next()?)?, oid(words.next()?)?);
        Some(RefMove { name: words.next()?.into(), old, new })
    };
    text.lines().filter_map(update).collect()
}

/// Reads what `git push -o` sent, in its order.
fn options(environment: &Environment) -> Vec<Raw> {
    let numbered = |(number, value): (&[u8], &std::ffi::OsStr)| {
        let number: usize = number.to_str().ok()?.parse().ok()?;
        Some((number, Raw::from(value.as_bytes())))
    };
    let mut options: Vec<_> = environment.with_prefix("GIT_PUSH_OPTION_").filter_map(numbered).collect();
    options.sort_by_key(|(number, _)| *number);
    options.into_iter().map(|(_, value)| value).collect()
}

/// Reads the lines of `post-rewrite`: old name, new name, and whatever a later git adds.
fn rewritten(stdin: &mut dyn Read) -> Vec<(Oid, Oid)> {
    let mut text = Vec::new();
    let _ = stdin.read_to_end(&mut text);
    let pair = |line: &[u8]| {
        let mut words = line.fields();
        Some((Oid::from_hex(words.next()?)?, Oid::from_hex(words.next()?)?))
    };
    text.lines().filter_map(pair).collect()
}

fn action(environment: &Environment) -> Raw {
    environment.get("GIT_REFLOG_ACTION").map(|value| Raw::from(value.as_bytes())).unwrap_or_default()
}

fn state(word: &[u8]) -> TransactionState {
    match word {
        b"preparing" => TransactionState::Preparing,
        b"prepared" => TransactionState::Prepared,
        b"committed" => TransactionState::Committed,
        b"aborted" => TransactionState::Aborted,
        _ => TransactionState::Unknown,
    }
}

fn transaction(state: TransactionState, environment: &Environment, stdin: &mut dyn Read) -> Event {
    if !matches!(state, TransactionState::Prepared | TransactionState::Committed) {
        return Event::Nothing;
    }
    let mut text = environment.get(LINES).map_or_else(Vec::new, |lines| lines.as_bytes().to_vec());
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    // A closed stdin is an empty one.
    let _ = stdin.read_to_end(&mut text);
    let incoming = incoming(environment);
    let action = action(environment);
    if state == TransactionState::Prepared {
        return match gate(&text, incoming, action.clone()) {
            Event::Nothing => deleting(&text, action),
            gate => gate,
        };
    }
    let moves: Vec<RefMove> = text.lines().filter_map(move_of).filter(|step| is_branch_or_head(&step.name)).collect();
    if moves.is_empty() { Event::Nothing } else { Event::Moved { moves, incoming, action } }
}

/// A merge is a line that sets `ORIG_HEAD`, and heads in the environment. reset, rebase, stash, `merge --abort` and
/// "Already up to date" write `ORIG_HEAD` without heads.
fn gate(text: &[u8], incoming: Vec<Incoming>, action: Raw) -> Event {
    let line = text.lines().filter_map(move_of).find(|step| step.name.as_bstr() == "ORIG_HEAD");
    match line.and_then(|step| step.new) {
        Some(tip) if !incoming.is_empty() => Event::Gate { tip, incoming, action },
        _ => Event::Nothing,
    }
}

/// A transaction that only deletes branches, none of which it names a value of.
fn deleting(text: &[u8], action: Raw) -> Event {
    let names: Option<Vec<RefName>> = text
        .lines()
        .map(|line| {
            let step = move_of(line)?;
            (step.old.is_none() && step.new.is_none() && step.name.starts_with(b"refs/heads/")).then_some(step.name)
        })
        .collect();
    names.filter(|names| !names.is_empty()).map_or(Event::Nothing, |names| Event::Deleting { names, action })
}

fn is_branch_or_head(name: &RefName) -> bool {
    name.as_bstr() == "HEAD" || name.starts_with(b"refs/heads/")
}

/// Reads `<old> <new> <ref>`; a symbolic new value (`ref:<name>`) moves no branch.
fn move_of(line: &[u8]) -> Option<RefMove> {
    let (old, rest) = line.split_once_str(" ")?;
    let (new, name) = rest.split_once_str(" ")?;
    if new.starts_with(b"ref:") {
        return None;
    }
    Some(RefMove {
        name: name.into(),
        old: Oid::from_hex(old).and_then(Oid::non_null),
        new: Oid::from_hex(new)?.non_null(),
    })
}

/// The heads that `git merge` names in `GITHEAD_<oid>=<name>`.
fn incoming(environment: &Environment) -> Vec<Incoming> {
    let head = |(oid, name): (&[u8], &std::ffi::OsStr)| {
        Some(Incoming { oid: Oid::from_hex(oid)?, names: vec![name.as_bytes().into()] })
    };
    environment.with_prefix("GITHEAD_").filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn with(variables: &[(&str, &str)]) -> Environment {
        Environment { variables: variables.iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    fn decoded(state: &str, text: &str, variables: &[(&str, &str)]) -> Event {
        decode(Hook::ReferenceTransaction, &[state.into()], &with(variables), &mut text.as_bytes())
    }

    #[test]
    fn a_merge_is_orig_head_and_a_head_in_the_environment() {
        let head = format!("GITHEAD_{B}");
        let line = format!("{ZERO} {A} ORIG_HEAD\n");
        assert!(matches!(decoded("prepared", &line, &[(&head, "feat")]), Event::Gate { .. }));
        assert_eq!(decoded("prepared", &line, &[]), Event::Nothing);
        assert_eq!(decoded("prepared", &format!("{ZERO} {A} refs/heads/x\n"), &[(&head, "feat")]), Event::Nothing);
    }

    #[test]
    fn branches_that_are_to_be_deleted_are_named() {
        let line = |name: &str| format!("{ZERO} {ZERO} refs/{name}\n");
        let text = line("heads/x") + &line("heads/y");
        let Event::Deleting { names, .. } = decoded("prepared", &text, &[]) else { panic!("branches go") };
        assert_eq!(names, ["refs/heads/x".into(), "refs/heads/y".into()]);
        for text in [line("tags/x"), line("heads/x") + &line("tags/x"), format!("{A} {ZERO} refs/heads/x\n")] {
            assert_eq!(decoded("prepared", &text, &[]), Event::Nothing, "{text}");
        }
    }

    #[test]
    fn every_dialect_is_harmless() {
        for state in ["preparing", "aborted", "rejoiced", ""] {
            assert_eq!(
                decoded(state, &format!("{ZERO} {A} ORIG_HEAD\n"), &[(&format!("GITHEAD_{B}"), "x")]),
                Event::Nothing
            );
        }
        for text in ["", "\n", "x", "a b c", &format!("{ZERO} ref:refs/heads/x HEAD\n")] {
            assert_eq!(decoded("committed", text, &[]), Event::Nothing, "{text}");
        }
    }

    #[test]
    fn lines_read_by_the_shim_come_first() {
        let seen = format!("{A} {B} refs/tags/v1\n{A} {B} refs/heads/x");
        let Event::Moved { moves, .. } = decoded("committed", &format!("{A} {B} HEAD\n"), &[(LINES, &seen)]) else {
            panic!("branches moved")
        };
        assert_eq!(moves.iter().map(|step| step.name.to_string()).collect::<Vec<_>>(), ["refs/heads/x", "HEAD"]);
    }

    #[test]
    fn a_rebase_names_its_commits_and_an_amend_is_nothing() {
        let text = format!("{A} {B}\n{B} {A} more\nodd\n");
        let decoded = |word: &str| {
            let environment = with(&[("GIT_REFLOG_ACTION", "pull --rebase")]);
            decode(Hook::PostRewrite, &[word.into()], &environment, &mut text.as_bytes())
        };
        let oid = |hex: &str| Oid::from_hex(hex.as_bytes()).unwrap();
        let pairs = vec![(oid(A), oid(B)), (oid(B), oid(A))];
        assert_eq!(decoded("rebase"), Event::Rewritten { pairs, action: "pull --rebase".into() });
        assert_eq!(decoded("amend"), Event::Nothing);
    }

    #[test]
    fn push_options_come_in_the_order_in_which_they_were_given() {
        let given: Vec<String> = (0..12).map(|n| format!("option {n}")).collect();
        // As text, 10 comes before 2, and a process lists its variables in any order.
        let names: Vec<String> = (0..12).map(|n| format!("GIT_PUSH_OPTION_{n}")).collect();
        let mut pairs: Vec<_> = names.iter().zip(&given).map(|(name, value)| (&name[..], &value[..])).collect();
        pairs.rotate_left(5);
        pairs.push(("GIT_PUSH_OPTION_COUNT", "12"));
        let environment = with(&pairs);
        let Event::Receiving { options, .. } = decode(Hook::PreReceive, &[], &environment, &mut &b""[..]) else {
            panic!("a push is received")
        };
        assert_eq!(options.iter().map(ToString::to_string).collect::<Vec<_>>(), given);
    }

    #[test]
    fn five_thousand_lines_of_both_lengths_are_read() {
        let long = "c".repeat(64);
        let text: String = (0..5000).map(|n| format!("{} {long} refs/heads/b{n}\n", "0".repeat(64))).collect();
        let Event::Moved { moves, .. } = decoded("committed", &text, &[]) else { panic!("branches moved") };
        assert_eq!(moves.len(), 5000);
        assert_eq!(moves[0].old, None);
    }
}

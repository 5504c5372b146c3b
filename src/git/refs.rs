//! Refs: reading them, and changing them all or none.

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};
use std::thread::JoinHandle;

use bstr::ByteSlice;

use super::child::{GitError, first_lines, heard, path_of};
use super::plain::PlainRef;
use super::repository::Repo;
use crate::model::{Oid, Raw, RefName, escape};

/// So many stashes are looked through.
const STASHES: usize = 10_000;

/// One line of a reflog, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReflogEntry {
    /// The value that was set.
    pub new: Oid,
    /// git's message (`merge feat: Fast-forward`).
    pub message: Raw,
}

impl Repo {
    /// Returns what a revision names, peeled as it says (`^{commit}`); `None` when it names nothing here.
    pub fn resolve(&self, revision: &str) -> Result<Option<Oid>, GitError> {
        let output = self.git("rev-parse").args(["--verify", "-q", "--end-of-options", revision]).run()?;
        match output.status {
            0 => Ok(output.stdout.lines().next_back().and_then(Oid::from_hex)),
            _ => Ok(None),
        }
    }

    /// Returns a ref's own value; `None` when it does not exist.
    pub fn ref_value(&self, name: &RefName) -> Result<Option<Oid>, GitError> {
        match self.plain_ref(name) {
            PlainRef::Value(oid) => return Ok(Some(oid)),
            PlainRef::Missing => return Ok(None),
            PlainRef::Unknown => {}
        }
        let output = self.git("rev-parse").args(["--verify", "-q"]).bytes(name).run()?;
        Ok(if output.status == 0 { output.stdout.lines().next().and_then(Oid::from_hex) } else { None })
    }

    /// Returns the refs under `prefix` (`refs/heads/`), with their values.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(RefName, Oid)>, GitError> {
        let text = self.git("for-each-ref").args(["--format=%(objectname) %(refname)", prefix]).run()?.success()?;
        Ok(text.lines().filter_map(parse_ref).collect())
    }

    /// Returns the branches and remote-tracking branches that point at a commit, as short names.
    pub fn names_of(&self, commit: Oid) -> Result<Vec<RefName>, GitError> {
        let ask = self.git("for-each-ref").args(["--format=%(refname)", "--points-at", &commit.to_string()]);
        let text = ask.args(["refs/heads/", "refs/remotes/"]).run()?.success()?;
        let short = |line: &[u8]| {
            let line =
                line.strip_prefix(b"refs/heads/").or_else(|| line.strip_prefix(b"refs/remotes/")).unwrap_or(line);
            RefName::from(line)
        };
        Ok(text.lines().map(short).collect())
    }

    /// Returns the remote-tracking branches and other branches, tags and worktrees that contain a commit: full names,
    /// up to `limit`.
    pub fn containing(&self, commit: Oid, prefixes: &[&str], limit: usize) -> Result<Vec<RefName>, GitError> {
        if prefixes.iter().all(|prefix| self.has_no_ref_under(prefix)) {
            return Ok(Vec::new());
        }
        let ask = self.git("for-each-ref").arg("--format=%(refname)").arg(format!("--count={limit}"));
        let ask = ask.arg("--contains").arg(commit.to_string()).args(prefixes);
        Ok(ask.run()?.success()?.lines().map(RefName::from).collect())
    }

    /// Returns the newest `limit` reflog lines of a ref, newest first; empty when it has no reflog.
    pub fn reflog(&self, name: &RefName, limit: usize) -> Result<Vec<ReflogEntry>, GitError> {
        if self.has_no_reflog(name) {
            return Ok(Vec::new());
        }
        let ask = self.git("log").args(["-g", "-z", "--format=%H %gs", &format!("--max-count={limit}")]);
        let output = ask.bytes(name).arg("--").run()?;
        if output.status != 0 {
            return Ok(Vec::new());
        }
        let entry = |item: &[u8]| {
            let (new, message) = item.split_once_str(" ")?;
            Some(ReflogEntry { new: Oid::from_hex(new)?, message: message.trim_end().into() })
        };
        Ok(output.stdout.split(|byte| *byte == 0).filter_map(entry).collect())
    }

    /// Returns the worktrees: folder and branch (full name) of each.
    pub fn worktrees(&self) -> Result<Vec<(std::path::PathBuf, Option<RefName>)>, GitError> {
        let text = self.git("worktree").args(["list", "--porcelain"]).run()?.success()?;
        let mut found: Vec<(std::path::PathBuf, Option<RefName>)> = Vec::new();
        for line in text.lines() {
            if let Some(path) = line.strip_prefix(b"worktree ") {
                found.push((path_of(path), None));
            } else if let (Some(branch), Some(last)) = (line.strip_prefix(b"branch "), found.last_mut()) {
                last.1 = Some(branch.into());
            }
        }
        Ok(found)
    }

    /// Returns the worktrees whose HEAD is detached: folder and commit of each.
    pub fn detached_worktrees(&self) -> Result<Vec<(std::path::PathBuf, Oid)>, GitError> {
        let text = self.git("worktree").args(["list", "--porcelain"]).run()?.success()?;
        let mut found = Vec::new();
        // One block a worktree, its lines in this order.
        let (mut folder, mut commit) = (None, None);
        for line in text.lines() {
            if let Some(path) = line.strip_prefix(b"worktree ") {
                (folder, commit) = (Some(path_of(path)), None);
            } else if let Some(oid) = line.strip_prefix(b"HEAD ") {
                commit = Oid::from_hex(oid);
            } else if line == b"detached"
                && let (Some(folder), Some(commit)) = (folder.take(), commit.take())
            {
                found.push((folder, commit));
            }
        }
        Ok(found)
    }

    /// Takes a stash out of the list, if it is in it.
    pub fn drop_stash(&self, commit: Oid) -> Result<(), GitError> {
        let list = self.reflog(&"refs/stash".into(), STASHES)?;
        let Some(place) = list.iter().position(|line| line.new == commit) else { return Ok(()) };
        self.git("stash").args(["drop", "-q", &format!("stash@{{{place}}}")]).run()?.success().map(drop)
    }

    /// Puts a stash into the list, if it is not in it and its commit still exists.
    pub fn keep_stash(&self, commit: Oid) -> Result<(), GitError> {
        if self.resolve(&format!("{commit}^{{commit}}"))?.is_none() {
            return Ok(());
        }
        if self.reflog(&"refs/stash".into(), STASHES)?.iter().any(|line| line.new == commit) {
            return Ok(());
        }
        self.git("stash").args(["store", "-q", "-m", "autostash", &commit.to_string()]).run()?.success().map(drop)
    }

    /// Writes a ref of ours that keeps a commit from being collected. Fails where it exists with another value.
    pub fn keep_commit(&self, name: &RefName, commit: Oid) -> Result<(), GitError> {
        let null = Oid::null(commit.kind());
        let ask = self.git("update-ref").bytes(name).args([commit.to_string(), null.to_string()]);
        ask.run()?.success().map(drop)
    }

    /// Removes refs of ours that still have these values.
    pub fn drop_refs(&self, refs: &[(RefName, Oid)]) -> Result<(), GitError> {
        if refs.is_empty() {
            return Ok(());
        }
        let lines =
            refs.iter().map(|(name, oid)| [b"delete ", name.as_bytes(), format!(" {oid}\n").as_bytes()].concat());
        let input = lines.collect::<Vec<_>>().concat();
        self.git("update-ref").arg("--stdin").input(input).run()?.success().map(drop)
    }

    /// Starts a ref transaction: nothing changes before [`RefTransaction::commit`].
    pub fn ref_transaction(&self, message: &str) -> Result<RefTransaction, GitError> {
        let git = self.git("update-ref").args(["-m", message, "--no-deref", "--create-reflog", "--stdin"]);
        let mut child = git.converse_and_hear()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GitError::Answer { command: "update-ref".into() });
        };
        // Before 2.34 git kept its answers until the end: there nothing is heard of `prepare`, and waiting would never end.
        let answers = self.git_version()? >= (2, 34, 0);
        let said = child.stderr.take().map(heard);
        let (input, output) = (Some(input), BufReader::new(output));
        let mut transaction = RefTransaction { child, input, output, answers, said, refs: Vec::new() };
        transaction.say("start")?;
        transaction.expect("start: ok")?;
        Ok(transaction)
    }
}

pub(super) fn parse_ref(line: &[u8]) -> Option<(RefName, Oid)> {
    let (oid, name) = line.split_once_str(" ")?;
    Some((name.into(), Oid::from_hex(oid)?))
}

/// A ref transaction of git's, held open: `prepare` takes the locks and asks the hooks; dropping it changes nothing.
pub struct RefTransaction {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    answers: bool,
    /// What git and the hooks say on stderr.
    said: Option<JoinHandle<Vec<u8>>>,
    refs: Vec<RefName>,
}

impl RefTransaction {
    /// Adds a ref with the value it must have now and the one it gets; `None` is "does not exist".
    pub fn update(&mut self, name: &RefName, expect: Option<Oid>, to: Option<Oid>) -> Result<(), GitError> {
        if name.contains(&b'\n') || name.contains(&b' ') {
            return Err(GitError::Unsupported(format!("'{name}' is no ref name")));
        }
        let line = match (expect, to) {
            (Some(old), Some(new)) => [b"update ", name.as_bytes(), format!(" {new} {old}").as_bytes()].concat(),
            (None, Some(new)) => [b"create ", name.as_bytes(), format!(" {new}").as_bytes()].concat(),
            (Some(old), None) => [b"delete ", name.as_bytes(), format!(" {old}").as_bytes()].concat(),
            (None, None) => return Ok(()),
        };
        self.refs.push(name.clone());
        self.say_bytes(&line)
    }

    /// Takes the locks and checks the expected values; foreign hooks may refuse here. With a git older than 2.34 a refusal
    /// is heard of only by [`RefTransaction::commit`].
    pub fn prepare(&mut self) -> Result<(), GitError> {
        self.say("prepare")?;
        self.expect("prepare: ok")
    }

    /// Makes it so.
    pub fn commit(mut self) -> Result<(), GitError> {
        self.say("commit").and_then(|()| self.expect("commit: ok"))?;
        drop(self.input.take());
        let ended = self.child.wait();
        // Where everything was confirmed the exit status adds nothing.
        if self.answers || ended.is_ok_and(|status| status.success()) { Ok(()) } else { Err(self.refused()) }
    }

    fn say(&mut self, line: &str) -> Result<(), GitError> {
        self.say_bytes(line.as_bytes())
    }

    fn say_bytes(&mut self, line: &[u8]) -> Result<(), GitError> {
        let input = self.input.as_mut().ok_or_else(|| GitError::Answer { command: "update-ref".into() })?;
        let said = input.write_all(line).and_then(|()| input.write_all(b"\n")).and_then(|()| input.flush());
        said.map_err(|_| self.refused())
    }

    fn expect(&mut self, answer: &str) -> Result<(), GitError> {
        if !self.answers {
            return Ok(());
        }
        let mut line = String::new();
        std::io::BufRead::read_line(&mut self.output, &mut line).map_err(GitError::Start)?;
        if line.trim_end() == answer { Ok(()) } else { Err(self.refused()) }
    }

    /// Ends the conversation; says what git, or the hook that refused, said.
    fn refused(&mut self) -> GitError {
        drop(self.input.take());
        let _ = self.child.wait();
        let said = self.said.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        // git's advice about locks stands beneath an empty line.
        let said = said.split_str("\n\n").next().unwrap_or_default();
        let said = match first_lines(said) {
            nothing if nothing.is_empty() => "it is locked, has moved meanwhile, or a hook refused it".to_owned(),
            said => said,
        };
        // Ours only keep what the others leave.
        let names = self.refs.iter().filter(|name| !name.starts_with(b"refs/recoveryguard/"));
        let names: Vec<String> = names.take(3).map(|name| format!("'{}'", escape(name))).collect();
        let text = format!("git refused to move {}: {said}", names.join(", "));
        // git's words, untranslated: the environment says LC_ALL=C.
        if said.contains(".lock': File exists") { GitError::Locked(text) } else { GitError::Unsupported(text) }
    }
}

impl Drop for RefTransaction {
    fn drop(&mut self) {
        if self.input.take().is_some() {
            // Closing the input before `commit` makes git roll back; wait so that its locks are gone.
            let _ = self.child.wait();
        }
    }
}

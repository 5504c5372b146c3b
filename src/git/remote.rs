//! Other repositories: their addresses, their refs, and sending and fetching refs by name.
//!
//! Every call runs in a repository of ours ([`Repo::git_in`]), with the user's configuration, because credentials and the way
//! to a host stand there. Only git's own ways of transport are allowed, none that runs a program of an address's choice
//! (`ext::`); a repository of ours has no hooks, and the user's are not run for it.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;

use bstr::ByteSlice;

use super::child::{Git, GitError};
use super::repository::Repo;
use crate::model::{Oid, RefName};

/// So many refs are sent or fetched by one call: their names stand on its command line.
const BATCH: usize = 200;

const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "fetch.fsckObjects=true",
    "fetch.prune=false",
    "fetch.recurseSubmodules=no",
    "core.bigFileThreshold=16m",
    "pack.threads=1",
    "pack.windowMemory=64m",
];

impl Repo {
    /// Returns the address that pushing to a remote of this repository uses; `None` when there is no remote of that name.
    pub fn push_address(&self, remote: &str) -> Result<Option<String>, GitError> {
        if self.config(&format!("remote.{remote}.url"))?.is_none() {
            return Ok(None);
        }
        self.git("remote").args(["get-url", "--push", "--", remote]).run()?.line().map(Some)
    }

    /// Returns the command that brings what a shallow or partial clone lacks, and all branches.
    pub fn completing_command(&self) -> Result<String, GitError> {
        let remotes = self.git("remote").run()?.success()?;
        let is_plain = |name: &&[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
        let mut names = remotes.lines().filter(is_plain).map(|name| name.to_str_lossy());
        let first = names.next().unwrap_or_else(|| "origin".into());
        let remote = if names.any(|name| name == "origin") { "origin".into() } else { first };
        let how = match (self.is_shallow(), self.lacks_history()) {
            (true, _) => " --unshallow",
            (false, true) => " --refetch --no-filter",
            (false, false) => "",
        };
        Ok(format!("git fetch{how} {remote} '+refs/heads/*:refs/remotes/{remote}/*'"))
    }

    /// Returns what git makes of an address by the user's `url.<base>.insteadOf`.
    pub fn rewritten_address(&self, address: &str) -> Result<String, GitError> {
        self.git("ls-remote").args(["--get-url", "--", address]).run()?.line()
    }

    /// Returns the refs under `prefix` (`refs/x/`) of a remote repository.
    pub fn refs_of(&self, own: &Path, address: &str, prefix: &str) -> Result<BTreeMap<RefName, Oid>, GitError> {
        let text = self.far(own, "ls-remote").args(["--", address, &format!("{prefix}*")]).run()?.success()?;
        let parse = |line: &[u8]| {
            let (oid, name) = line.split_once_str("\t")?;
            // `refs/x/y^{}` is what a tag points at.
            let is_peeled = name.ends_with(b"^{}");
            (!is_peeled && name.starts_with_str(prefix)).then(|| Some((RefName::from(name), Oid::from_hex(oid)?)))?
        };
        Ok(text.lines().filter_map(parse).collect())
    }

    /// Sends objects under names that are new there: `(object, name)`. What is sent of several may be there when it fails.
    pub fn send(&self, own: &Path, address: &str, refs: &[(Oid, String)]) -> Result<(), GitError> {
        for batch in refs.chunks(BATCH) {
            let push = self.far(own, "push").args(["--quiet", "--no-verify", "--no-signed", "--", address]);
            push.args(batch.iter().map(|(oid, name)| format!("{oid}:{name}"))).run()?.success()?;
        }
        Ok(())
    }

    /// Fetches refs, `(name there, name here)`, of which none is here yet. What is fetched of several may be here when it
    /// fails.
    pub fn bring(&self, own: &Path, address: &str, refs: &[(String, String)]) -> Result<(), GitError> {
        for batch in refs.chunks(BATCH) {
            let fetch = self.far(own, "fetch").args(["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc"]);
            let fetch = fetch.args(["--", address]);
            fetch.args(batch.iter().map(|(there, here)| format!("{there}:{here}"))).run()?.success()?;
        }
        Ok(())
    }

    fn far(&self, own: &Path, subcommand: &str) -> Git {
        // What few objects bring lies loose: a git that does not know `core.fsync` is told so, a newer one would warn of it.
        let is_old = self.git_version().is_ok_and(|version| version < (2, 36, 0));
        let durable = if is_old { "core.fsyncObjectFiles=true" } else { "core.fsync=committed" };
        // The repository of ours has not the user's local configuration.
        let configured = self.config("core.sshCommand").ok().flatten();
        let configured = configured.map(|command| format!("core.sshCommand={}", command.to_str_lossy()));
        let settings: Vec<&str> = SETTINGS.iter().copied().chain([durable]).chain(configured.as_deref()).collect();
        let git = self.git_in(own, &settings, subcommand).env("GIT_ALLOW_PROTOCOL", "file:ssh:git:http:https");
        let is_set = |name: &str| self.environment().get(name).is_some();
        let is_chosen = configured.is_some() || is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH");
        // ssh asks at the terminal that a script was started from, though nobody may sit there.
        if is_chosen || std::io::stdin().is_terminal() {
            git
        } else {
            git.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        }
    }
}

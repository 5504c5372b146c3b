//! The scripts that git runs: short, in POSIX sh, kept in the top-level folder `hooks/`.
//!
//! Each decides in the shell, without starting a process, whether guard has anything to do with the call, runs the hooks
//! that git would run without guard with the same arguments and stdin, and then guard: what those change (formatters do)
//! is judged with the rest, and their refusal comes first, as it always did. Those hooks are the one that stood in the
//! script's place (`<name>.recoveryguard-original`) and, in a folder of our own, the one in the folder that
//! `core.hooksPath` names. Without a guard to run, git goes on.
//!
//! Placeholders are filled in when a script is written: `#@theirs` and `#@call`, the lines that several share
//! (`hooks/theirs`, `hooks/call`); `@GUARD@`, the program's quoted path; `@ALSO@`, the hook in that other folder; `@UP@`,
//! the way from the hooks folder to git's shared one.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bstr::ByteSlice;

use crate::model::{Hook, Raw};

/// What is added to the name of a hook that stood there before.
pub(super) const ORIGINAL: &str = ".recoveryguard-original";

/// The lines that run the hooks of others.
const THEIRS: &str = include_str!("../../hooks/theirs");

/// The lines that run guard.
const CALL: &str = include_str!("../../hooks/call");

/// A script that only runs the hook of its name in another folder.
const PASS: &str = include_str!("../../hooks/pass");

/// How our scripts begin: this, a number that grows with their form, and [`MARK_END`]. Nothing else says that a file is
/// ours, so that a hook that only mentions guard is never taken for it.
const MARK: &[u8] = b"#!/bin/sh\n# recoveryguard hook ";
const MARK_END: &[u8] = b" (installed by 'guard install'; 'guard uninstall' takes it out)\n";

/// git's other hooks: where a folder of ours takes the place of another one, they are passed on to that.
const PASSED: [&str; 14] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "commit-msg",
    "pre-auto-gc",
    "sendemail-validate",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
];

/// Hooks that git treats differently, or runs with each `git status`, as soon as there are any: they are passed on only
/// when the other folder has them.
const PASSED_WHEN_THERE: [&str; 3] = ["push-to-checkout", "proc-receive", "post-index-change"];

/// One script in a hooks folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// It calls guard.
    Judging(Hook),
    /// It only passes on to the hook of this name in the folder that `core.hooksPath` names.
    Passing(&'static str),
}

impl Script {
    /// Returns the scripts that stand in a hooks folder, in the order in which they are installed. `passes` says whether
    /// another folder's hooks have to be run, and which of them are there. A server judges pushes and nothing else.
    pub(super) fn all(server: bool, passes: Option<impl Fn(&str) -> bool>) -> Vec<Self> {
        let judging: &[Hook] = if server { &Hook::SERVER } else { &Hook::ALL };
        let mut scripts: Vec<Self> = judging.iter().copied().map(Self::Judging).collect();
        if let Some(is_there) = passes {
            let is_judged = |name: &&str| judging.iter().any(|hook| hook.name() == *name);
            let others = PASSED.into_iter().chain(Hook::ALL.map(Hook::name)).filter(|name| !is_judged(name));
            scripts.extend(others.map(Self::Passing));
            scripts.extend(PASSED_WHEN_THERE.into_iter().filter(|name| is_there(name)).map(Self::Passing));
        }
        scripts
    }

    /// Returns all scripts that we may ever have put into a hooks folder.
    pub(super) fn any() -> Vec<Self> {
        let mut scripts = Self::all(false, Some(|_: &str| true));
        // One for each name: whoever takes ours out looks at what stands there.
        scripts.retain(|script| !Hook::SERVER.iter().any(|hook| hook.name() == script.name()));
        scripts.extend(Hook::SERVER.into_iter().map(Self::Judging));
        scripts
    }

    /// Returns git's name of the hook, which is its file name too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Judging(hook) => hook.name(),
            Self::Passing(name) => name,
        }
    }

    /// Returns the hook that calls guard.
    pub const fn judging(self) -> Option<Hook> {
        match self {
            Self::Judging(hook) => Some(hook),
            Self::Passing(_) => None,
        }
    }

    /// Returns the script, with its placeholders.
    const fn template(self) -> &'static str {
        match self {
            Self::Judging(Hook::ReferenceTransaction) => include_str!("../../hooks/reference-transaction"),
            Self::Judging(Hook::PreMergeCommit) => include_str!("../../hooks/pre-merge-commit"),
            Self::Judging(Hook::PreCommit) => include_str!("../../hooks/pre-commit"),
            Self::Judging(Hook::PrepareCommitMsg) => include_str!("../../hooks/prepare-commit-msg"),
            Self::Judging(Hook::PostMerge) => include_str!("../../hooks/post-merge"),
            Self::Judging(Hook::PostCommit) => include_str!("../../hooks/post-commit"),
            Self::Judging(Hook::PostCheckout) => include_str!("../../hooks/post-checkout"),
            Self::Judging(Hook::PostRewrite) => include_str!("../../hooks/post-rewrite"),
            Self::Judging(Hook::PreRebase) => include_str!("../../hooks/pre-rebase"),
            Self::Judging(Hook::PrePush) => include_str!("../../hooks/pre-push"),
            Self::Judging(Hook::PreReceive) => include_str!("../../hooks/pre-receive"),
            Self::Passing(_) => PASS,
        }
    }
}

/// What scripts are written for: one hooks folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The way from the hooks folder to the folder that all worktrees share: `..`, `../../..`.
    pub up: String,
    /// The folder whose hooks are run too, as git takes it: relative to where the hook runs, or absolute.
    pub theirs: Option<Raw>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { up: "..".to_owned(), theirs: None }
    }
}

/// Returns the bytes of a script that runs the program at `guard`, an absolute path.
pub fn render(script: Script, guard: &Path, setting: &Setting) -> Vec<u8> {
    let text = script.template().replace("#@theirs\n", THEIRS).replace("#@call\n", CALL).replace("@UP@", &setting.up);
    let also = setting.theirs.as_ref().map_or(Vec::new(), |folder| {
        let folder: &[u8] = folder;
        [b" ", &quote(folder)[..], b"/", script.name().as_bytes()].concat()
    });
    // Last, because nothing in a path is a placeholder.
    let parts: Vec<Vec<u8>> = text.as_bytes().split_str("@GUARD@").map(|part| part.replace("@ALSO@", &also)).collect();
    bstr::join(quote(guard.as_os_str().as_bytes()), parts)
}

/// Returns whether a hook file is one of ours, of any version: its first two lines say so.
pub fn is_ours(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(MARK) else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(MARK_END)
}

/// Quotes a word for sh: nothing is special within single quotes but their end.
pub(super) fn quote(word: &[u8]) -> Vec<u8> {
    [b"'", &word.replace("'", r"'\''")[..], b"'"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_short_ascii_and_knows_itself() {
        for script in Script::any() {
            let (name, text) = (script.name(), script.template());
            assert!(text.is_ascii() && !text.contains('\r'), "{name}");
            assert!(is_ours(text.as_bytes()), "{name}");
            let setting = Setting { up: "../..".to_owned(), theirs: Some(".husky/_".into()) };
            let whole = String::from_utf8(render(script, Path::new("/a/guard"), &setting)).unwrap();
            assert!(!whole.replace("\"$@\"", "").contains('@'), "{name}");
            assert!(whole.contains(&format!("\" '.husky/_'/{name}; do")), "{name}");
            assert!(whole.len() < 4096, "{name} has {} bytes: sh reads them each time", whole.len());
            let call = whole.contains(&format!("call {name} "));
            assert_eq!(call, script.judging().is_some(), "{name} calls guard by its own name");
        }
    }

    #[test]
    fn a_hook_that_mentions_us_is_not_ours() {
        for text in [
            "",
            "#!/bin/sh\n# recoveryguard hook  (installed by 'guard install'; 'guard uninstall' takes it out)\n",
            "#!/bin/sh\n\n# recoveryguard hook 1 (installed by 'guard install'; 'guard uninstall' takes it out)\n",
            "#!/bin/sh\n# recoveryguard hook 1\nexec guard hook pre-commit\n",
            "#!/bin/sh\r\n# recoveryguard hook 1 (installed by 'guard install'; 'guard uninstall' takes it out)\r\n",
        ] {
            assert!(!is_ours(text.as_bytes()), "{text}");
        }
        let later =
            "#!/bin/sh\n# recoveryguard hook 27 (installed by 'guard install'; 'guard uninstall' takes it out)\n";
        assert!(is_ours(later.as_bytes()));
    }

    #[test]
    fn nothing_in_a_path_is_a_placeholder() {
        let setting = Setting { theirs: Some("@GUARD@".into()), ..Setting::default() };
        let script = render(Script::Judging(Hook::PreCommit), Path::new("/@ALSO@/@UP@"), &setting);
        assert!(script.contains_str("g='/@ALSO@/@UP@'\n") && script.contains_str(" '@GUARD@'/pre-commit;"));
    }

    #[test]
    fn a_path_is_one_word_whatever_is_in_it() {
        assert_eq!(quote(b"/a b/$x/\\'q'\xff"), b"'/a b/$x/\\'\\''q'\\''\xff'");
    }
}

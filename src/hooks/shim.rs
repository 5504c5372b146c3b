//! The scripts that git runs: short, in POSIX sh, kept in the top-level folder `hooks/`.
//!
//! Each decides in the shell, without starting a process, whether guard has anything to do with the call, runs the hook
//! that stood in its place before (`<name>.recoveryguard-original`) with the same arguments and stdin, and then guard.
//! Without a guard to run, git goes on. Two placeholders are filled in when a script is written: `#@call`, the lines
//! that all of them share (`hooks/call`), and `@GUARD@`, the program's quoted path.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bstr::ByteSlice;

use crate::model::Hook;

/// What is added to the name of a hook that stood there before.
pub(super) const ORIGINAL: &str = ".recoveryguard-original";

/// The lines that all scripts share.
const CALL: &str = include_str!("../../hooks/call");

/// How our scripts begin: this, a number that grows with their form, and [`MARK_END`]. Nothing else says that a file is
/// ours, so that a hook that only mentions guard is never taken for it.
const MARK: &[u8] = b"#!/bin/sh\n# recoveryguard hook ";
const MARK_END: &[u8] = b" (installed by 'guard install'; 'guard uninstall' takes it out)\n";

/// Returns the script of a hook, with its placeholders.
pub const fn template(hook: Hook) -> &'static str {
    match hook {
        Hook::ReferenceTransaction => include_str!("../../hooks/reference-transaction"),
        Hook::PreMergeCommit => include_str!("../../hooks/pre-merge-commit"),
        Hook::PreCommit => include_str!("../../hooks/pre-commit"),
        Hook::PrepareCommitMsg => include_str!("../../hooks/prepare-commit-msg"),
        Hook::PostMerge => include_str!("../../hooks/post-merge"),
        Hook::PostCommit => include_str!("../../hooks/post-commit"),
        Hook::PostCheckout => include_str!("../../hooks/post-checkout"),
        Hook::PostRewrite => include_str!("../../hooks/post-rewrite"),
        Hook::PreRebase => include_str!("../../hooks/pre-rebase"),
        Hook::PrePush => include_str!("../../hooks/pre-push"),
        Hook::PreReceive => include_str!("../../hooks/pre-receive"),
    }
}

/// Returns the bytes of a hook's script that runs the program at `guard`, an absolute path.
pub fn render(hook: Hook, guard: &Path) -> Vec<u8> {
    let script = template(hook).replace("#@call\n", CALL);
    script.as_bytes().replace("@GUARD@", quote(guard.as_os_str().as_bytes()))
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
        for hook in Hook::ALL.into_iter().chain(Hook::SERVER) {
            let text = template(hook);
            assert!(text.is_ascii() && !text.contains('\r'), "{}", hook.name());
            assert!(is_ours(text.as_bytes()), "{}", hook.name());
            let script = String::from_utf8(render(hook, Path::new("/a/guard"))).unwrap();
            assert!(!script.contains('@') || script.contains("\"$@\""), "{}", hook.name());
            assert!(!script.contains("@GUARD@") && !script.contains("#@call"), "{}", hook.name());
            assert!(script.len() < 2500, "{} has {} bytes: sh reads them each time", hook.name(), script.len());
            let call = script.contains(&format!("call {} ", hook.name()));
            assert!(call, "{} calls guard by its own name", hook.name());
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
    fn a_path_is_one_word_whatever_is_in_it() {
        assert_eq!(quote(b"/a b/$x/\\'q'\xff"), b"'/a b/$x/\\'\\''q'\\''\xff'");
    }
}

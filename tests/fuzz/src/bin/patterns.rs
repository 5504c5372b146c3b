//! Patterns of protected paths: two lists of lines, then paths.
//!
//! What is said about a list without trying it (`may_name_beneath`, `literals`, `weakened`) has to fit what it names. One line
//! is compared with libgit2, whose matcher is git's own C code.

#![no_main]

use std::cell::OnceCell;

use bstr::{BStr, ByteSlice};
use fuzz::{assert_plain, parts, scratch};
use git2::Repository;
use libfuzzer_sys::fuzz_target;
use recoveryguard::manifest::{Deny, Manifest, Patterns, Protect, weakened};
use recoveryguard::model::Level;

/// As many paths are tried.
const PATHS: usize = 16;

fuzz_target!(init: fuzz::seeds::write("patterns"), |data: &[u8]| {
    let [before, after, paths] = parts(data);
    let (Some(before), Some(after)) = (read(before), read(after)) else { return };
    let plain = |patterns: &Patterns| patterns.lines().iter().all(|line| !line.starts_with('!'));
    let covered = plain(&before) && plain(&after) && {
        let level = |_: &str| Level::Block;
        weakened(&protecting(before.clone()), &protecting(after.clone()), &level).is_empty()
    };
    for literal in before.literals() {
        assert!(before.matches(literal.as_bstr()), "{literal} of {before:?}");
    }
    for path in paths.lines().take(PATHS).map(BStr::new) {
        let named = before.matches(path);
        before.matches_folder(path);
        for end in path.find_iter(b"/").filter(|_| named) {
            let folder = path[..end].as_bstr();
            assert!(before.may_name_beneath(folder), "{before:?} names {path:?}, and nothing beneath {folder:?}");
        }
        assert!(!(covered && named) || after.matches(path), "{after:?} covers {before:?}, not {path:?}");
        if let [line] = before.lines()
            && let Some(theirs) = of_libgit2(line, path)
        {
            assert_eq!(named, theirs, "{line:?} on {path:?}");
        }
    }
});

fn read(text: &[u8]) -> Option<Patterns> {
    let lines: Vec<&str> = text.to_str().ok()?.split('\n').filter(|line| !line.is_empty()).collect();
    Patterns::new(&lines).inspect_err(|error| assert_plain(&error.to_string())).ok()
}

fn protecting(paths: Patterns) -> Manifest {
    let name = "all".to_owned();
    let on = Patterns::default();
    let entry =
        Protect { name, paths, deny: vec![Deny::Delete], level: Level::Block, on, reason: None, owners: Vec::new() };
    Manifest { protect: vec![entry], ..Manifest::default() }
}

/// Asks libgit2; `None` where it is not asked the same: what a line of an ignore file has beyond a pattern, and what is
/// no path.
fn of_libgit2(line: &str, path: &BStr) -> Option<bool> {
    thread_local!(static REPOSITORY: OnceCell<Repository> = const { OnceCell::new() });
    let odd = line.starts_with(['!', '#']) || line.contains(|one: char| one == '\\' || one.is_whitespace());
    let path = path.to_str().ok()?;
    let parts =
        path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !part.starts_with(".git"));
    if odd || !parts || path.contains(['\\', '\r', '\0']) {
        return None;
    }
    REPOSITORY.with(|repository| {
        let repository = repository.get_or_init(|| Repository::init(scratch()).expect("a repository can be made"));
        repository.clear_ignore_rules().ok()?;
        repository.add_ignore_rule(line).ok()?;
        repository.is_path_ignored(path).ok()
    })
}

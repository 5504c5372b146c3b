//! Files beneath a root: what is read, what gives way, and what must never happen.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::super::{Fault, fail_after};
use super::*;

fn sandbox() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("root")).unwrap();
    fs::create_dir(folder.path().join("outside")).unwrap();
    let root = Root::open(&folder.path().join("root")).unwrap();
    (folder, root)
}

fn path(text: &str) -> TreePath {
    text.into()
}

fn file(mode: Mode, bytes: &[u8]) -> OnDisk {
    OnDisk::File { mode, bytes: bytes.to_vec() }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, root) = sandbox();
    for (mode, bytes) in [(Mode::File, &b"a\0b"[..]), (Mode::Executable, b"#!/bin/sh"), (Mode::Link, b"../elsewhere")] {
        let at = TreePath::from(&b"deep/er/n\xffame"[..]);
        root.replace(&at, (mode, None), bytes, Durability::Fsync).unwrap();
        assert_eq!(root.read(&at).unwrap(), Some(file(mode, bytes)));
        assert_eq!(root.metadata(&at).unwrap().unwrap().kind, Kind::File(mode));
        assert_eq!(root.open_file(&at).unwrap().is_some(), mode.is_regular());
    }
    assert_eq!(names(&root.path().join("deep/er")).len(), 1, "no temporary is left");
}

// D8
#[test]
fn what_does_not_pass_takes_no_place_and_leaves_nothing() {
    let (_folder, root) = sandbox();
    let at = path("data/a.json");
    root.replace(&at, (Mode::File, None), b"old", Durability::Lazy).unwrap();
    let refuse = |beside: &Path| {
        assert_eq!(fs::read(beside).unwrap(), b"new");
        assert_eq!(beside.parent(), Some(root.path().join("data").as_path()));
        assert_eq!(fs::read(root.path().join("data/a.json")).unwrap(), b"old");
        Err("it is no good".to_owned())
    };
    let error =
        root.replace_from(&at, (Mode::File, None), &mut &b"new"[..], Durability::Fsync, Some(&refuse)).unwrap_err();
    assert_eq!(error.to_string(), "'data/a.json' was not replaced: it is no good");
    assert_eq!(root.read(&at).unwrap(), Some(file(Mode::File, b"old")));
    assert_eq!(names(&root.path().join("data")), ["a.json"]);
    let fine: &Check<'_> = &|_| Ok(());
    root.replace_from(&at, (Mode::File, None), &mut &b"new"[..], Durability::Fsync, Some(fine)).unwrap();
    assert_eq!(root.read(&at).unwrap(), Some(file(Mode::File, b"new")));
}

/// Some bytes, and then an error.
struct Broken(bool);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.0, true) {
            return Err(io::Error::other("it ends too early"));
        }
        buffer[..4].copy_from_slice(b"half");
        Ok(4)
    }
}

// D12
#[test]
fn what_can_be_read_in_part_only_takes_no_place_and_leaves_nothing() {
    let (_folder, root) = sandbox();
    let at = path("data/a.json");
    root.replace(&at, (Mode::File, None), b"old", Durability::Lazy).unwrap();
    for mode in [Mode::File, Mode::Link] {
        let error = root.replace_from(&at, (mode, None), &mut Broken(false), Durability::Lazy, None).unwrap_err();
        assert!(matches!(error, DiskError::Source { .. }), "{error}");
        assert_eq!(root.read(&at).unwrap(), Some(file(Mode::File, b"old")));
        assert_eq!(names(&root.path().join("data")), ["a.json"]);
    }
}

#[test]
fn permissions_are_those_that_git_gives() {
    let (_folder, root) = sandbox();
    // What a plain creation gives shows the umask without changing it for other tests.
    drop(fs::OpenOptions::new().write(true).create_new(true).open(root.path().join("plain")).unwrap());
    let bits = |name: &str| fs::metadata(root.path().join(name)).unwrap().permissions().mode() & 0o777;
    root.replace(&path("file"), (Mode::File, None), b"", Durability::Lazy).unwrap();
    root.replace(&path("run"), (Mode::Executable, None), b"", Durability::Lazy).unwrap();
    assert_eq!(bits("file"), bits("plain"));
    assert_eq!(bits("run"), bits("plain") | (bits("plain") & 0o444) >> 2);
}

#[test]
fn a_linked_folder_is_never_followed() {
    let (folder, root) = sandbox();
    let outside = folder.path().join("outside");
    let secret = outside.join("secret");
    std::io::Write::write_all(
        &mut fs::OpenOptions::new().write(true).create_new(true).open(&secret).unwrap(),
        b"secret",
    )
    .unwrap();
    symlink(&outside, root.path().join("link")).unwrap();
    let at = path("link/secret");
    assert_eq!(root.read(&at).unwrap(), None, "git too takes what lies behind a link for missing");
    assert_eq!(root.metadata(&at).unwrap(), None);
    let error = root.replace(&at, (Mode::File, None), b"x", Durability::Lazy).unwrap_err();
    assert!(
        matches!(&error, DiskError::Obstructed { path, what: "a symbolic link" } if path.ends_with("link")),
        "{error}"
    );
    assert!(root.replace(&path("link/new/deep"), (Mode::File, None), b"x", Durability::Lazy).is_err());
    assert!(!root.remove(&at, Durability::Lazy).unwrap());
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(names(&outside), ["secret"]);

    // The link itself is an entry like any other: replacing it does not write through it.
    symlink(&secret, root.path().join("to-file")).unwrap();
    root.replace(&path("to-file"), (Mode::File, None), b"x", Durability::Lazy).unwrap();
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(root.read(&path("to-file")).unwrap(), Some(file(Mode::File, b"x")));
}

#[test]
fn nothing_leads_out_of_the_root_or_into_git() {
    let (folder, root) = sandbox();
    for bad in ["../outside/x", "/etc/x", "", "a/../../outside/x", ".git/hooks/x", "sub/.GIT/x", "git~1/x", "a\0b"] {
        let at = path(bad);
        assert!(matches!(root.read(&at), Err(DiskError::Refused { .. })), "{bad}");
        assert!(matches!(root.metadata(&at), Err(DiskError::Refused { .. })), "{bad}");
        assert!(
            matches!(root.replace(&at, (Mode::File, None), b"", Durability::Lazy), Err(DiskError::Refused { .. })),
            "{bad}"
        );
        assert!(matches!(root.remove(&at, Durability::Lazy), Err(DiskError::Refused { .. })), "{bad}");
    }
    assert!(names(&folder.path().join("outside")).is_empty());
    assert!(names(root.path()).is_empty());
}

#[test]
fn special_files_are_seen_and_left_alone() {
    let (_folder, root) = sandbox();
    rustix::fs::mknodat(CWD, root.path().join("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    assert_eq!(root.read(&path("pipe")).unwrap(), Some(OnDisk::Special));
    assert_eq!(root.read(&path("folder")).unwrap(), Some(OnDisk::Folder));
    assert!(root.open_file(&path("pipe")).unwrap().is_none());
    assert!(root.replace(&path("pipe"), (Mode::File, None), b"", Durability::Lazy).is_err());
    assert!(root.remove(&path("pipe"), Durability::Lazy).is_err());
    assert!(root.remove(&path("folder"), Durability::Lazy).is_err());
    assert!(root.replace(&path("x"), (Mode::Submodule, None), b"", Durability::Lazy).is_err());
    assert_eq!(names(root.path()), ["folder", "pipe"]);
}

#[test]
fn an_empty_folder_gives_way_and_a_full_one_does_not() {
    let (_folder, root) = sandbox();
    fs::create_dir(root.path().join("empty")).unwrap();
    root.replace(&path("empty"), (Mode::File, None), b"x", Durability::Lazy).unwrap();
    assert_eq!(root.read(&path("empty")).unwrap(), Some(file(Mode::File, b"x")));
    root.replace(&path("full/file"), (Mode::File, None), b"kept", Durability::Lazy).unwrap();
    assert!(matches!(
        root.replace(&path("full"), (Mode::File, None), b"x", Durability::Lazy),
        Err(DiskError::Obstructed { .. })
    ));
    let error = root.replace(&path("full/file/below"), (Mode::File, None), b"x", Durability::Lazy).unwrap_err();
    assert!(
        matches!(&error, DiskError::Obstructed { path, what: "no folder" } if path.ends_with("full/file")),
        "{error}"
    );
    assert_eq!(root.read(&path("full/file")).unwrap(), Some(file(Mode::File, b"kept")));
    assert_eq!(root.read(&path("full/file/below")).unwrap(), None);
    assert_eq!(names(root.path()), ["empty", "full"]);
}

#[test]
fn removing_takes_emptied_folders_along() {
    let (_folder, root) = sandbox();
    for at in ["a/b/c/file", "a/other", "top"] {
        root.replace(&path(at), (Mode::File, None), b"", Durability::Lazy).unwrap();
    }
    assert!(root.remove(&path("a/b/c/file"), Durability::Fsync).unwrap());
    assert_eq!(names(&root.path().join("a")), ["other"]);
    assert!(root.remove(&path("a/other"), Durability::Lazy).unwrap());
    assert!(!root.remove(&path("a/other"), Durability::Lazy).unwrap());
    assert!(root.remove(&path("top"), Durability::Lazy).unwrap());
    assert!(root.path().exists());
    assert!(names(root.path()).is_empty());
}

#[test]
fn every_failing_step_leaves_the_old_file_or_the_new_one() {
    for (durability, least) in [(Durability::Fsync, 3), (Durability::Lazy, 4)] {
        for steps in 0.. {
            let (_folder, root) = sandbox();
            root.replace(&path("d/file"), (Mode::File, None), b"old", Durability::Lazy).unwrap();
            fail_after(Some((steps, Fault::Once)));
            let result = root.replace(&path("d/file"), (Mode::Executable, None), b"new", durability);
            fail_after(None);
            assert_eq!(names(&root.path().join("d")), ["file"], "step {steps}");
            let now = root.read(&path("d/file")).unwrap().unwrap();
            if let Err(error) = result {
                assert!(error.is_full() && now == file(Mode::File, b"old"), "step {steps}: {error}");
                continue;
            }
            assert_eq!(now, file(Mode::Executable, b"new"));
            assert!(steps >= least, "{steps} steps");
            break;
        }
    }
}

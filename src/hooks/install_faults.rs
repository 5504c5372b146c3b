//! Install and uninstall with the n-th change of the file system failing, for n = 0, 1, 2 … until all succeeds.
#![expect(clippy::disallowed_methods, reason = "tests make the files that stand there before")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{apply_install, apply_uninstall, plan_install, plan_uninstall};
use crate::disk::{Fault, fail_after};
use crate::git::{Deadline, Environment, Repo};
use crate::model::Timestamp;

/// A repository with hooks of somebody else: a script, a link, one of an older guard, one put over ours.
struct Bench {
    _folder: tempfile::TempDir,
    hooks: PathBuf,
    repo: Repo,
}

impl Bench {
    fn new() -> Self {
        Self::with("[core]\n\thooksPath = HOOKS\n")
    }

    /// Makes one with a configuration, in which `HOOKS` stands for the hooks folder: it says where hooks are, so that the
    /// configuration of whoever runs the tests does not matter.
    fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().canonicalize().unwrap().join("repo/.git");
        let hooks = git.join("hooks");
        for part in ["objects", "refs", "hooks"] {
            fs::create_dir_all(git.join(part)).unwrap();
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git.join("config"), config.replace("HOOKS", hooks.to_str().unwrap())).unwrap();
        script(&hooks.join("pre-commit"), "#!/bin/sh\necho theirs\n");
        symlink("pre-commit", hooks.join("pre-push")).unwrap();
        let start = if config.contains("bare") { &git } else { git.parent().unwrap() };
        let repo = Repo::discover(start, Environment::default(), Deadline::never()).unwrap();
        Self { _folder: folder, hooks, repo }
    }

    fn install(&self) -> Result<(), super::InstallError> {
        let plan = plan_install(&self.repo, Path::new("/usr/bin/guard"))?;
        apply_install(&self.repo, &plan, Timestamp(0))
    }

    fn uninstall(&self) -> Result<(), super::InstallError> {
        apply_uninstall(&self.repo, &plan_uninstall(&self.repo, false)?, Timestamp(0))
    }

    /// Returns name → bytes or link target of all that stands in the hooks folder.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        Self::below(&self.hooks)
    }

    /// The same of the folder around it and of our own, without what describes an installation.
    fn around(&self) -> BTreeMap<String, Vec<u8>> {
        let git = self.hooks.parent().unwrap();
        let mut files = Self::below(git);
        files.retain(|name, _| name != "recoveryguard");
        let ours = git.join("recoveryguard-hooks");
        if ours.exists() {
            files.extend(Self::below(&ours));
        }
        files
    }

    fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let read = |path: PathBuf| match fs::read_link(&path) {
            Ok(target) => target.into_os_string().into_encoded_bytes(),
            Err(_) if path.is_dir() => Vec::new(),
            Err(_) => fs::read(&path).unwrap(),
        };
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), read(entry.path()))).collect()
    }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs `action` with each step failing once, until it succeeds; `check` looks after each failure.
fn each_step(fault: Fault, prepare: impl Fn(&Bench), action: impl Fn(&Bench) -> bool, check: impl Fn(&Bench, u64)) {
    each_step_of(Bench::new, fault, prepare, action, check);
}

fn each_step_of(
    make: impl Fn() -> Bench,
    fault: Fault,
    prepare: impl Fn(&Bench),
    action: impl Fn(&Bench) -> bool,
    check: impl Fn(&Bench, u64),
) {
    for step in 0.. {
        let bench = make();
        prepare(&bench);
        fail_after(Some((step, fault)));
        let succeeded = action(&bench);
        fail_after(None);
        if succeeded {
            assert!(step > 5, "the fault was never met");
            return;
        }
        check(&bench, step);
    }
}

fn none(_: &Bench) {}

#[test]
fn an_install_that_fails_takes_everything_back() {
    let before = Bench::new().files();
    let install = |bench: &Bench| bench.install().is_ok();
    each_step(Fault::Once, none, install, |bench, step| assert_eq!(bench.files(), before, "step {step}"));
}

#[test]
fn a_failed_upgrade_takes_everything_back() {
    let prepare = |bench: &Bench| {
        bench.install().unwrap();
        let mark = "# recoveryguard hook 0 (installed by 'guard install'; 'guard uninstall' takes it out)";
        script(&bench.hooks.join("post-merge"), &format!("#!/bin/sh\n{mark}\n"));
        script(&bench.hooks.join("pre-commit"), "#!/bin/sh\necho put over ours\n");
    };
    let prepared = Bench::new();
    prepare(&prepared);
    let before = prepared.files();
    let install = |bench: &Bench| bench.install().is_ok();
    each_step(Fault::Once, prepare, install, |bench, step| assert_eq!(bench.files(), before, "step {step}"));
}

/// A disk that stays full can't be taken back on: no hook is lost, and uninstall puts everything right later.
#[test]
fn what_could_not_be_taken_back_is_put_right_by_uninstall() {
    let before = Bench::new().files();
    let check = |bench: &Bench, step| {
        bench.uninstall().unwrap();
        let mut files = bench.files();
        files.retain(|name, _| !name.starts_with(crate::disk::TEMPORARY));
        assert_eq!(files, before, "step {step}");
    };
    each_step(Fault::FromThenOn, none, |bench| bench.install().is_ok(), check);
}

#[test]
fn an_uninstall_that_fails_is_finished_by_the_next() {
    let before = Bench::new().files();
    let check = |bench: &Bench, step| {
        bench.uninstall().unwrap();
        assert_eq!(bench.files(), before, "step {step}");
    };
    each_step(Fault::Once, |bench| bench.install().unwrap(), |bench| bench.uninstall().is_ok(), check);
}

/// Where git has to be led to a folder of ours: it is only once everything stands there, and not any more before
/// anything goes.
#[test]
fn a_detour_that_fails_leaves_nothing() {
    fails_and_leaves_nothing("[core]\n\thooksPath = elsewhere");
}

#[test]
fn push_options_that_fail_leave_nothing() {
    fails_and_leaves_nothing("[core]\n\trepositoryFormatVersion = 0\n\tbare = true\n\thooksPath = HOOKS\n[receive]\n");
}

fn fails_and_leaves_nothing(config: &str) {
    let make = || Bench::with(config);
    // The hooks folder has another name in each.
    let around = |bench: &Bench| {
        let mut files = bench.around();
        let hooks = bench.hooks.to_str().unwrap();
        let config = files.get_mut("config").unwrap();
        *config = String::from_utf8_lossy(config).replace(hooks, "HOOKS").into_bytes();
        files.extend(bench.files());
        files
    };
    let before = around(&make());
    let install = |bench: &Bench| bench.install().is_ok();
    each_step_of(make, Fault::Once, none, install, |bench, step| assert_eq!(around(bench), before, "step {step}"));
    let check = |bench: &Bench, step| {
        bench.uninstall().unwrap();
        assert_eq!(around(bench), before, "step {step}");
    };
    let prepare = |bench: &Bench| {
        bench.install().unwrap();
        assert!(around(bench).keys().any(|name| name.ends_with(".config")), "nothing was added to the configuration");
    };
    each_step_of(make, Fault::Once, prepare, |bench| bench.uninstall().is_ok(), check);
}

//! I2, I5: other hook managers, each installed for real, before guard, after it, and again: everyone's hooks run once and
//! do what they do without guard, a bad fast-forward is refused, doctor is content or says what to do, and uninstall
//! leaves theirs as they would be. A second repository, which never saw guard, is what all is compared with.

mod frameworks;
mod git_lfs;
mod husky;
mod lefthook;
mod overcommit;
mod own_way;
mod table;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{GATE, Ran, Sandbox, Tree, with_tool, write_program};

/// One manager.
struct Manager {
    /// As the table calls it.
    name: &'static str,
    /// Its program.
    tool: &'static str,
    /// Writes its configuration into the working tree.
    configure: fn(&Sandbox),
    /// Puts its hooks in: a command for the shell.
    install: &'static str,
    /// Returns what ran since the file was last emptied: one line a hook.
    ran: fn(&Path) -> Vec<String>,
}

/// Who puts hooks in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Guard,
    Manager,
}

/// What has to be done when the manager came last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    GuardAgain,
}

/// A repository with a manifest, a hook of the user's own and the manager's configuration.
struct Bench<'a> {
    sandbox: Sandbox,
    manager: &'a Manager,
}

impl<'a> Bench<'a> {
    /// Makes one; `None` where the manager is not here.
    fn new(manager: &'a Manager) -> Option<Self> {
        let bench = Self::without_own(manager)?;
        write_program(bench.sandbox.at(".git/hooks/pre-commit"), "#!/bin/sh\necho own >>\"$HOME/ran\"\n");
        Some(bench)
    }

    /// Makes one without a hook of the user's own.
    fn without_own(manager: &'a Manager) -> Option<Self> {
        let sandbox = Sandbox::new();
        if !with_tool(&sandbox, manager.tool) {
            return None;
        }
        sandbox.write("keep.txt", "x\n");
        sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"keep.txt\"]\n");
        (manager.configure)(&sandbox);
        sandbox.commit("start");
        sandbox.branch("bad", &[("keep.txt", None)]);
        sandbox.branch("good", &[("good.txt", Some("x\n"))]);
        // What git itself says that it runs.
        sandbox.env("GIT_TRACE", sandbox.root().join("home/trace"));
        Some(Self { sandbox, manager })
    }

    fn take(&self, step: Step) -> Ran {
        match step {
            Step::Guard => self.sandbox.guard(["install"]),
            Step::Manager => self.shell(self.manager.install),
        }
    }

    fn shell(&self, command: &str) -> Ran {
        Ran::of(self.sandbox.command("sh", self.sandbox.work()).args(["-c", command]), b"")
    }

    /// Runs git and returns which of the others' hooks ran.
    fn ran(&self, arguments: &[&str]) -> Vec<String> {
        let home = self.sandbox.root().join("home");
        for file in ["ran", "trace"] {
            fs::write(home.join(file), "").unwrap();
        }
        let _ = self.sandbox.git(arguments).ok();
        (self.manager.ran)(&home)
    }

    /// Commits a change and returns which of the others' hooks ran.
    fn commit(&self) -> Vec<String> {
        self.sandbox.write("work.txt", self.sandbox.rev("HEAD"));
        let _ = self.sandbox.git(["add", "work.txt"]).ok();
        self.ran(&["commit", "-q", "-m", "x"])
    }

    /// Commits, merges, and returns what ran each time.
    fn work(&self) -> [Vec<String>; 2] {
        let commit = self.commit();
        let merge = self.ran(&["merge", "-q", "--no-ff", "-m", "merged", "good"]);
        let _ = self.sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
        [commit, merge]
    }

    /// Returns everything of others that install may touch.
    fn theirs(&self) -> Tree {
        let parts = |path: &str| ["hooks", "config"].contains(&path.split('/').next().unwrap());
        let mut tree = Tree::read(&self.sandbox.at(".git"), |path| !parts(path));
        // Git LFS writes its lines in another order each time.
        let (_, config) = tree.0.get_mut("config").unwrap();
        let mut lines: Vec<_> = config.split(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        *config = lines.concat();
        tree
    }

    fn operations(&self) -> usize {
        let log = self.sandbox.guard(["log", "--json"]).ok();
        serde_json::from_str::<Value>(&log.stdout).unwrap()["operations"].as_array().unwrap().len()
    }
}

/// Lines that hooks wrote into `ran`.
fn written(home: &Path) -> Vec<String> {
    fs::read_to_string(home.join("ran")).unwrap().lines().map(str::to_owned).collect()
}

/// Takes the steps, and looks at everything.
fn holds(manager: &Manager, steps: &[Step], then: Then) {
    // lefthook refuses to be installed again where both a hook was before it and one is in its place.
    let has_own = manager.name != "lefthook" || steps.len() < 3;
    let make = || if has_own { Bench::new(manager) } else { Bench::without_own(manager) };
    let (Some(with), Some(without)) = (make(), make()) else { return };
    for step in steps {
        let _ = with.take(*step).ok();
        if *step == Step::Manager {
            let _ = without.take(*step).ok();
        }
    }
    let doctor = with.sandbox.guard(["doctor"]);
    match then {
        Then::Nothing => assert_eq!(doctor.status, 0, "{steps:?}: {doctor}"),
        Then::GuardAgain => {
            assert!(doctor.status == 1 && doctor.stdout.contains("do: guard install\n"), "{steps:?}: {doctor}");
            let _ = with.take(Step::Guard).ok();
            let _ = with.sandbox.guard(["doctor"]).ok();
        }
    }
    let mended = with.sandbox.guard(["install", "--json"]).ok();
    assert!(mended.stdout.contains("\"changed\":false"), "{steps:?}: {mended}");

    let before = with.operations();
    let expected = without.work();
    assert!(expected.iter().all(|lines| !lines.is_empty()), "{}'s hooks say nothing", manager.name);
    assert_eq!(with.work(), expected, "{steps:?}: others' hooks run as without guard");
    // A commit, a merge, a reset: each seen once by ours.
    assert_eq!(with.operations() - before, 3, "{steps:?}");
    if GATE.is_here() {
        let state = with.sandbox.state();
        let _ = with.sandbox.git(["merge", "--ff-only", "bad"]).fails().says("[protected-delete]");
        with.sandbox.assert_unchanged(&state);
    }

    let _ = with.sandbox.guard(["uninstall"]).ok();
    assert_eq!(without.theirs().differences(&with.theirs()), [""; 0], "{steps:?}: after uninstall");
    let gone = [without.work(), with.work()];
    assert_eq!(gone[0], gone[1], "{steps:?}: after uninstall");
}

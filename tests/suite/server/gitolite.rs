//! gitolite, run for real: pushes reach its shell as sshd would hand them on, and it checks them in its own `update` hook.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{Ran, Sandbox, Tree, with_tool, write_program};

const MANIFEST: &str = "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\"]\n";

/// What stands in gitolite's configuration beside what a test adds.
const CONF: &str =
    "repo gitolite-admin\n    RW+ = ada\n\nrepo testing\n    RW+ = ada\n    -   locked = bob\n    RW+ = bob\n";

/// A gitolite with the repository `testing`; the sandbox's working tree is a project that is not pushed yet.
struct Gitolite {
    sandbox: Sandbox,
    home: PathBuf,
}

impl Gitolite {
    fn new() -> Option<Self> {
        let sandbox = Sandbox::new();
        if !with_tool(&sandbox, "gitolite") {
            return None;
        }
        sandbox.write(".recoveryguard.toml", MANIFEST).write("tool.sh", "#!/bin/sh\n").commit("project");
        let _ = sandbox.git(["branch", "-q", "-m", "master"]).ok();
        sandbox.branch("bad", &[("tool.sh", None)]);
        sandbox.branch("good", &[("new", Some("1\n"))]);
        let home = sandbox.root().join("gitolite");
        // guard is not on the server's PATH: a hook has to say where it is.
        fs::create_dir_all(home.join("bin")).unwrap();
        for name in ["git", "gitolite"] {
            symlink(sandbox.root().join("bin").join(name), home.join("bin").join(name)).unwrap();
        }
        fs::write(home.join(".gitconfig"), "[user]\n\tname = g\n\temail = g@h\n[init]\n\tdefaultBranch = master\n")
            .unwrap();
        let gitolite = Self { sandbox, home };
        let _ = gitolite.server(&["gitolite", "setup", "-a", "ada"]).ok();
        let shell = gitolite.server(&["gitolite", "query-rc", "GL_BINDIR"]).ok();
        let ssh = format!(
            "#!/bin/sh\nexec env -i {} SSH_CONNECTION='::1 1 ::1 22' SSH_ORIGINAL_COMMAND=\"$2\" {}/gitolite-shell \"${{1%@*}}\"\n",
            gitolite.surroundings().join(" "),
            shell.line()
        );
        write_program(gitolite.home.join("ssh"), ssh);
        gitolite.sandbox.env("GIT_SSH", gitolite.home.join("ssh")).env("GIT_SSH_VARIANT", "simple");
        Some(gitolite)
    }

    /// All that a program on the server finds in its environment.
    fn surroundings(&self) -> [String; 4] {
        let home = self.home.display();
        [format!("HOME={home}"), format!("PATH={home}/bin:/usr/bin:/bin"), "USER=git".into(), "LC_ALL=C".into()]
    }

    /// Runs a program on the server, as its administrator.
    fn server(&self, words: &[&str]) -> Ran {
        let mut command = self.sandbox.command("env", &self.home);
        Ran::of(command.arg("-i").args(self.surroundings()).args(words), b"")
    }

    fn guard(&self, words: &[&str]) -> Ran {
        let guard = self.sandbox.root().join("bin/guard");
        let repository = self.repository("testing");
        self.server(&[&[guard.to_str().unwrap(), "-C", repository.to_str().unwrap()], words].concat())
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.home.join("repositories").join(format!("{name}.git"))
    }

    /// Writes a script that runs guard.
    fn call(&self, place: &str) {
        let guard = self.sandbox.root().join("bin/guard");
        write_program(self.home.join(place), format!("#!/bin/sh\nexec '{}' hook pre-receive\n", guard.display()));
    }

    /// Adds to gitolite's configuration, as its administrator does: by a push.
    fn configure(&self, more: &str) {
        let admin = self.sandbox.root().join("admin");
        if !admin.exists() {
            let _ = self.sandbox.git_in(self.sandbox.root(), ["clone", "-q", "ada@host:gitolite-admin", "admin"]).ok();
        }
        fs::write(admin.join("conf/gitolite.conf"), format!("{CONF}{more}")).unwrap();
        for words in [&["commit", "-q", "-a", "-m", "conf"][..], &["push", "-q"]] {
            let _ = self.sandbox.git_in(&admin, words).ok();
        }
    }

    fn push(&self, repository: &str, words: &[&str]) -> Ran {
        let (options, refs): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| word.starts_with('-'));
        self.sandbox.git([&["push"][..], &options, &[&format!("bob@host:{repository}")], &refs].concat())
    }

    /// A repository takes the project, refuses what deletes the protected file, and takes it with a reason.
    fn assert_judges(&self, repository: &str) {
        let _ = self.push(repository, &["-f", "master"]).ok();
        let refused = self.push(repository, &["bad:master"]).fails();
        assert_eq!(refused.stderr.matches("guard: refused this push").count(), 1, "{refused}");
        let _ = self.push(repository, &["--push-option=guard-allow=protected-delete: it moved", "bad:master"]).ok();
    }
}

#[test]
fn needs_gitolite_whose_common_hooks_judge_every_repository() {
    let Some(gitolite) = Gitolite::new() else { return };
    gitolite.call(".gitolite/hooks/common/pre-receive");
    let _ = gitolite.server(&["gitolite", "setup", "--hooks-only"]).ok();
    let _ = gitolite.server(&["git", "config", "--global", "receive.advertisePushOptions", "true"]).ok();
    let _ = gitolite.server(&["gitolite", "setup"]).ok();
    gitolite.configure("\nrepo later\n    RW+ = bob\n\nrepo wild/..*\n    C = bob\n    RW+ = CREATOR\n");
    for repository in ["testing", "later", "wild/one"] {
        gitolite.assert_judges(repository);
        assert!(!gitolite.repository(repository).join("recoveryguard").exists(), "nothing is recorded");
    }
    let doctor = gitolite.guard(&["doctor"]).ok();
    assert!(doctor.stdout.contains("gitolite/.gitolite/hooks/common/pre-receive' runs guard"), "{doctor}");
    assert!(doctor.stdout.contains("before     git push to this repository"), "{doctor}");
}

#[test]
fn needs_gitolite_that_refuses_for_itself() {
    let Some(gitolite) = Gitolite::new() else { return };
    gitolite.call(".gitolite/hooks/common/pre-receive");
    let _ = gitolite.server(&["gitolite", "setup", "--hooks-only"]).ok();
    gitolite.configure("");
    let _ = gitolite.push("testing", &["master"]).ok();
    let at = |branch: &str| {
        let name = format!("refs/heads/{branch}");
        gitolite.sandbox.git_in(&gitolite.repository("testing"), ["rev-parse", "-q", "--verify", &name]).status == 0
    };
    let _ = gitolite.push("testing", &["--atomic", "good:locked", "good:one"]).fails().says("DENIED");
    assert_eq!((at("locked"), at("one")), (false, false));
    let _ = gitolite.push("testing", &["good:locked", "good:two"]).fails().says("DENIED");
    assert_eq!((at("locked"), at("two")), (false, true), "git asks the update hook about each branch");
    let refused = gitolite.push("testing", &["good:three", "bad:master"]).fails().says("guard: refused this push");
    assert!(!at("three") && !refused.stderr.contains("DENIED"), "{refused}");
    let _ = gitolite.sandbox.git(["push", "carl@host:testing", "good"]).fails().says("W any testing carl DENIED");
}

/// gitolite's `repo-specific-hooks`: a driver that runs `pre-receive.*`, which it finds by its own name.
#[test]
fn needs_gitolite_whose_configuration_says_which_repositories_are_judged() {
    let Some(gitolite) = Gitolite::new() else { return };
    gitolite.call("local/hooks/repo-specific/recoveryguard");
    write_program(gitolite.home.join("local/hooks/repo-specific/other"), "#!/bin/sh\ncat >> seen\n");
    let rc = gitolite.home.join(".gitolite.rc");
    let text = fs::read_to_string(&rc).unwrap();
    let text = text.replace("# LOCAL_CODE                =>  \"$ENV{HOME}", "LOCAL_CODE => \"$ENV{HOME}");
    let text = text.replace("ENABLE => [", "ENABLE => [ 'repo-specific-hooks',");
    fs::write(&rc, text.replace("GIT_CONFIG_KEYS                 =>  ''", "GIT_CONFIG_KEYS => 'receive\\..*'"))
        .unwrap();
    let options = "    config receive.advertisePushOptions = true\n    option hook.pre-receive = ";
    gitolite.configure(&format!("{options}recoveryguard other\n\nrepo free\n    RW+ = bob\n{options}other\n"));
    gitolite.assert_judges("testing");
    let _ = gitolite.push("free", &["master"]).ok();
    let _ = gitolite.push("free", &["bad:master"]).ok();
    let seen = |name: &str| fs::read_to_string(gitolite.repository(name).join("seen")).unwrap().lines().count();
    assert_eq!((seen("testing"), seen("free")), (2, 2), "the refused push ended before it came to the other hook");
    let hooks = gitolite.repository("testing").join("hooks");
    let before = Tree::read(&hooks, |_| false);
    let told = gitolite.guard(&["install", "--server"]).ok();
    assert!(told.stdout.contains("left out: what stands there runs guard"), "{told}");
    let doctor = gitolite.guard(&["doctor"]).ok();
    assert!(doctor.stdout.contains("repo-specific/recoveryguard' runs guard"), "{doctor}");
    gitolite.configure(&format!("{options}other\n"));
    let _ = gitolite.guard(&["install", "--server"]).exits(4).says("guard belongs among gitolite's hooks");
    gitolite.configure(&format!("{options}recoveryguard other\n"));
    assert_eq!(before.differences(&Tree::read(&hooks, |_| false)), Vec::<String>::new());
}

#[test]
fn needs_gitolite_with_guard_in_one_repository() {
    let Some(gitolite) = Gitolite::new() else { return };
    // gitolite's own commands write logs and the index of its admin repository.
    let skipped = |path: &str| path.contains("/logs") || path.contains("/objects") || path.ends_with("/index");
    let all = || Tree::read(&gitolite.home, skipped);
    let before = all();
    let told = gitolite.guard(&["install", "--server"]).ok();
    assert!(told.stdout.contains("note: gitolite keeps the hooks here"), "{told}");
    let _ = gitolite.server(&["gitolite", "setup"]).ok();
    let _ = gitolite.guard(&["doctor"]).ok();
    let _ = gitolite.guard(&["uninstall"]).ok();
    assert_eq!(before.differences(&all()), Vec::<String>::new());
    let _ = gitolite.guard(&["install", "--server"]).ok();
    gitolite.assert_judges("testing");
    // A common hook takes its place, and it is not ours to take that back.
    write_program(gitolite.home.join(".gitolite/hooks/common/pre-receive"), "#!/bin/sh\nexit 0\n");
    let _ = gitolite.server(&["gitolite", "setup"]).ok();
    let theirs = all();
    let doctor = gitolite.guard(&["doctor"]).exits(1);
    assert!(doctor.stdout.contains("'pre-receive' is not ours"), "{doctor}");
    assert!(doctor.stdout.contains("guard belongs among gitolite's hooks"), "{doctor}");
    assert!(!doctor.stdout.contains("do: guard install --server"), "{doctor}");
    let _ = gitolite.guard(&["install", "--server"]).exits(4).says("/.gitolite/hooks/common/pre-receive'");
    let mut left = theirs.differences(&all());
    left.retain(|line| !line.starts_with("'repositories/testing.git/recoveryguard/"));
    assert_eq!(left, Vec::<String>::new());
    let _ = gitolite.guard(&["uninstall"]).ok();
    let left = Tree::read(&gitolite.repository("testing").join("hooks"), |_| false);
    let ours = left.0.keys().filter(|name| name.contains("recoveryguard")).count();
    assert!(ours == 0 && left.0["pre-receive"].1.ends_with(b"/common/pre-receive"), "{:?}", left.0.keys());
    // The common hook goes again, and its link leads to nothing.
    fs::remove_file(gitolite.home.join(".gitolite/hooks/common/pre-receive")).unwrap();
    let _ = gitolite.guard(&["install", "--server"]).ok();
    let _ = gitolite.server(&["gitolite", "setup"]).ok();
    let _ = gitolite.guard(&["doctor"]).ok();
    let _ = gitolite.guard(&["uninstall"]).ok();
    let hooks = Tree::read(&gitolite.repository("testing").join("hooks"), |_| false);
    assert_eq!(left.differences(&hooks), Vec::<String>::new());
}

//! I1, I6: what install adds to git's configuration (the way to a hooks folder of ours, push options on a server) is
//! taken out byte for byte, whatever the file looks like, and what others have changed since stays as it would be without
//! guard.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::{Ran, Sandbox};

/// What install has to add something for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A server, where nobody has said anything about push options.
    Server,
    /// `core.hooksPath`, for all worktrees.
    Local,
    /// `core.hooksPath`, for one worktree.
    Worktree,
}

const ALL: [Why; 3] = [Why::Server, Why::Local, Why::Worktree];

/// A repository for which install adds something to a file of the configuration.
struct Bench {
    sandbox: Sandbox,
    why: Why,
    /// The file.
    file: PathBuf,
    /// What it holds at first.
    base: Vec<u8>,
}

impl Bench {
    fn new(why: Why) -> Self {
        let sandbox = if why == Why::Server { Sandbox::options().bare().create() } else { Sandbox::new() };
        match why {
            Why::Server => {}
            Why::Local => _ = sandbox.git(["config", "core.hooksPath", ".githooks"]).ok(),
            Why::Worktree => {
                let _ = sandbox.git(["config", "extensions.worktreeConfig", "true"]).ok();
                let _ = sandbox.git(["config", "--worktree", "core.hooksPath", ".githooks"]).ok();
            }
        }
        let file = match why {
            Why::Server => sandbox.at("config"),
            Why::Local => sandbox.at(".git/config"),
            Why::Worktree => sandbox.at(".git/config.worktree"),
        };
        let base = fs::read(&file).unwrap();
        Self { sandbox, why, file, base }
    }

    fn install(&self) -> Ran {
        self.sandbox.guard(if self.why == Why::Server { vec!["install", "--server"] } else { vec!["install"] })
    }

    /// Returns whether git reads what install adds.
    fn is_in_force(&self) -> bool {
        match self.why {
            Why::Server => self.sandbox.git(["config", "receive.advertisePushOptions"]).stdout == "true\n",
            Why::Local | Why::Worktree => {
                self.sandbox.git(["rev-parse", "--git-path", "hooks"]).ok().stdout.contains("recoveryguard-hooks")
            }
        }
    }

    fn bytes(&self) -> String {
        String::from_utf8(fs::read(&self.file).unwrap()).unwrap()
    }

    /// Returns the files around it that are ours.
    fn ours(&self) -> Vec<String> {
        let names = fs::read_dir(self.file.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).filter(|name| name.contains("guard")).collect()
    }

    /// Runs a line of sh beside the file.
    fn shell(&self, line: &str) {
        let mut command = self.sandbox.command("sh", self.file.parent().unwrap());
        let _ = Ran::of(command.args(["-c", line]), b"").ok();
    }
}

/// Ends of a file, as programs and people leave them.
const ENDS: [&str; 12] = [
    "",
    "\n\n",
    "[receive]\n",
    "[receive]",
    "[Receive] denyDeletes = false\n",
    "[receive] # of ours?\n\t; push options: later\n",
    "[user]\n\tname = Ada \\\n\tLovelace\n",
    "[user]\n\tname = Ada",
    "# the end",
    "[user]\r\n\tname = Ada\r\n",
    "[core]\n\tfileMode = true\n[CORE]\n\tfilemode = true\n[core]\n\tfileMode = true\n",
    "[include]\n\tpath = more\n[includeIf \"gitdir:/\"]\n\tpath = more\n",
];

#[test]
fn what_install_adds_goes_byte_for_byte() {
    for why in ALL {
        let bench = Bench::new(why);
        for end in ENDS {
            fs::write(&bench.file, [&bench.base, end.as_bytes()].concat()).unwrap();
            let before = bench.bytes();
            let _ = bench.install().ok();
            assert!(bench.is_in_force() && bench.bytes() != before, "{why:?} {end:?}: {}", bench.bytes());
            let again = bench.install().ok();
            assert!(again.stdout.contains("already"), "{why:?} {end:?}: {again}");
            let _ = bench.sandbox.guard(["uninstall"]).ok();
            assert_eq!(bench.bytes(), before, "{why:?} {end:?}");
            assert!(bench.ours().is_empty() && !bench.is_in_force(), "{why:?} {end:?}: {:?}", bench.ours());
        }
    }
}

/// What somebody does in between, as lines of sh beside the file.
const CHANGES: [&str; 8] = [
    "git config receive.denyDeletes true",
    "git config --add includeIf.gitdir:/.path more",
    "git config includeIf.onbranch:x.path more",
    "git config branch.x.remote origin; git config --remove-section branch.old",
    "git config user.name Grace",
    "printf '# mine\\n' >>\"$FILE\"",
    "printf '[user]\\n\\tname = x\\n' | cat - \"$FILE\" >new; mv new \"$FILE\"",
    "git config receive.advertisePushOptions false",
];

#[test]
fn what_others_have_changed_since_is_as_without_guard() {
    for why in ALL {
        for end in ["[branch \"old\"]\n\tremote = x\n", "[user]\n\tname = Ada", "[receive]\n"] {
            let (with, without) = (Bench::new(why), Bench::new(why));
            for change in CHANGES {
                if change.contains("branch.old") && !end.contains("old") {
                    continue;
                }
                for bench in [&with, &without] {
                    fs::write(&bench.file, [&bench.base, end.as_bytes()].concat()).unwrap();
                }
                let _ = with.install().ok();
                for bench in [&with, &without] {
                    let file = bench.file.display();
                    bench.shell(&format!("FILE='{file}'; {}", change.replace("git config", "git config -f \"$FILE\"")));
                }
                let _ = with.sandbox.guard(["uninstall"]).ok();
                assert!(with.ours().is_empty(), "{why:?} {end:?} {change}: {:?}", with.ours());
                // git adds to a section of that name, so that ours stays with what is theirs; and it ends a last line.
                let theirs =
                    |bench: &Bench| bench.bytes().replace("[includeIf \"gitdir:/\"]\n", "").trim_end().to_owned();
                assert_eq!(theirs(&with), theirs(&without), "{why:?} {end:?} {change}");
            }
        }
    }
}

/// An editor that writes every line anew leaves nothing that is ours byte for byte: git takes it out.
#[test]
fn what_was_written_anew_goes_too() {
    for why in ALL {
        let bench = Bench::new(why);
        let _ = bench.install().ok();
        let spaced =
            bench.bytes().replace('\t', "    ").replace(" = ", "=").replace("/\"]", "/\" ]").replace("\" ]", "\"]");
        fs::write(&bench.file, spaced.replace('\n', "\r\n")).unwrap();
        assert!(bench.is_in_force());
        let _ = bench.sandbox.guard(["uninstall"]).ok();
        assert!(!bench.is_in_force() && !bench.bytes().contains("guard"), "{why:?}: {}", bench.bytes());
        assert!(bench.ours().is_empty(), "{why:?}: {:?}", bench.ours());
    }
}

#[test]
fn links_and_permissions_stay() {
    for why in ALL {
        let bench = Bench::new(why);
        let elsewhere = bench.sandbox.root().join("elsewhere");
        fs::rename(&bench.file, &elsewhere).unwrap();
        symlink(&elsewhere, &bench.file).unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
        let before = bench.bytes();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let _ = bench.install().ok();
        assert!(bench.is_in_force() && bench.file.is_symlink() && mode(&elsewhere) == 0o640, "{why:?}");
        let _ = bench.sandbox.guard(["uninstall"]).ok();
        assert!(bench.file.is_symlink() && mode(&elsewhere) == 0o640, "{why:?}");
        assert_eq!(bench.bytes(), before, "{why:?}");
    }
}

/// git reads no more of a file that ends in the middle of a value than that value.
#[test]
fn where_git_would_not_read_it_nothing_is_added() {
    for why in ALL {
        let bench = Bench::new(why);
        for end in ["[user]\n\tname = Ada\\\n", "[user]\n\tname = Ada\\"] {
            fs::write(&bench.file, [&bench.base, end.as_bytes()].concat()).unwrap();
            let before = bench.bytes();
            let _ = bench.install().exits(2).says("look at its last line");
            assert_eq!(bench.bytes(), before, "{why:?}");
            assert!(bench.ours().iter().all(|name| name == "recoveryguard"), "{why:?}: {:?}", bench.ours());
        }
    }
}

#[test]
fn a_file_that_another_process_holds_is_left_alone() {
    for why in ALL {
        let bench = Bench::new(why);
        let lock = PathBuf::from(format!("{}.lock", bench.file.display()));
        let before = bench.bytes();
        fs::write(&lock, "").unwrap();
        let _ = bench.install().exits(5).says(".lock' is locked by another process");
        assert_eq!(bench.bytes(), before, "{why:?}");
        fs::remove_file(&lock).unwrap();
        let _ = bench.install().ok();
        fs::write(&lock, "").unwrap();
        let _ = bench.sandbox.guard(["uninstall"]).exits(5);
        assert!(bench.is_in_force(), "{why:?}");
        fs::remove_file(&lock).unwrap();
        let _ = bench.sandbox.guard(["uninstall"]).ok();
        assert_eq!(bench.bytes(), before, "{why:?}");
    }
}

/// git does without a file of its configuration.
#[test]
fn a_file_that_was_not_there_is_gone_again() {
    let bench = Bench::new(Why::Local);
    let global = bench.sandbox.root().join("home/.gitconfig");
    fs::rename(&bench.file, &global).unwrap();
    bench.sandbox.env("GIT_CONFIG_GLOBAL", &global);
    let _ = bench.install().ok();
    assert!(bench.is_in_force() && bench.file.exists());
    let _ = bench.sandbox.guard(["uninstall"]).ok();
    assert!(!bench.file.exists());
}

#[test]
fn what_the_operator_has_said_of_push_options_since_stays() {
    for value in ["false", "true"] {
        let bench = Bench::new(Why::Server);
        let _ = bench.install().ok();
        let _ = bench.sandbox.git(["config", "receive.advertisePushOptions", value]).ok();
        let json = bench.sandbox.guard(["uninstall", "--dry-run", "--json"]).ok().stdout;
        assert!(json.contains("\"push_options_switched_off\":false") && json.contains("\"changed\":true"), "{json}");
        let said = bench.sandbox.guard(["uninstall"]).ok().stdout;
        assert!(said.contains("was set since") && !said.contains("off again"), "{said}");
        assert_eq!(bench.sandbox.git(["config", "receive.advertisePushOptions"]).ok().line(), value);
    }
    let bench = Bench::new(Why::Server);
    let _ = bench.install().ok();
    let dry = bench.sandbox.guard(["uninstall", "--dry-run"]).ok().stdout;
    assert!(dry.contains("would be off again"), "{dry}");
    let said = bench.sandbox.guard(["uninstall"]).ok().stdout;
    assert!(said.contains("are off again") && !said.contains("was set since"), "{said}");
}

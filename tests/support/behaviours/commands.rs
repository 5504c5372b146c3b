//! What git's commands can do.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Behaviour, diverged};
use crate::support::Sandbox;

pub const PATH_FORMAT: Behaviour = Behaviour {
    name: "rev-parse --path-format",
    what: "`git rev-parse --path-format=absolute` (lefthook needs it)",
    // What it does not know it repeats.
    probe: || diverged().git(["rev-parse", "--path-format=absolute", "--git-dir"]).line().starts_with('/'),
};

pub const DEDUPLICATE: Behaviour = Behaviour {
    name: "ls-files --deduplicate",
    what: "`git ls-files --deduplicate` (pre-commit needs it)",
    probe: || can(&["ls-files", "--deduplicate"]),
};

pub const ORT: Behaviour = Behaviour {
    name: "ort as the usual strategy",
    what: "branches are merged by `ort`, which overwrites ignored files without a word",
    probe: || {
        let sandbox = diverged();
        fs::write(sandbox.at(".git/info/exclude"), "new.txt\n").unwrap();
        sandbox.write("new.txt", "secret\n");
        sandbox.git(["merge", "-q", "feat"]).status == 0
    },
};

pub const MERGE_TREE: Behaviour = Behaviour {
    name: "merge-tree --write-tree",
    what: "`git merge-tree --write-tree` predicts a merge",
    probe: || can(&["merge-tree", "--write-tree", "main", "feat"]),
};

pub const MERGE_TREE_BASE: Behaviour = Behaviour {
    name: "merge-tree --merge-base",
    what: "with a merge base of one's own, too (`--merge-base`)",
    probe: || can(&["merge-tree", "--write-tree", "--merge-base=main^", "main", "feat"]),
};

pub const MERGE_TREE_OPTIONS: Behaviour = Behaviour {
    name: "merge-tree -X",
    what: "and with options of the strategy (`-X`)",
    probe: || can(&["merge-tree", "--write-tree", "-X", "ours", "main", "feat"]),
};

pub const REMERGE_DIFF: Behaviour = Behaviour {
    name: "log --remerge-diff",
    what: "`git log --remerge-diff` shows what was changed in a merge by hand",
    probe: || can(&["log", "--remerge-diff", "-1"]),
};

pub const ATTR_SOURCE: Behaviour = Behaviour {
    name: "--attr-source",
    what: "attributes may be read from a commit (`--attr-source`)",
    probe: || can(&["--attr-source=HEAD", "rev-parse", "HEAD"]),
};

pub const SPARSE_RULES: Behaviour = Behaviour {
    name: "sparse-checkout check-rules",
    what: "`git sparse-checkout check-rules` tells which paths are in a sparse checkout",
    probe: || {
        let sandbox = Sandbox::new();
        // An old one refuses a checkout without any file.
        let _ = sandbox.git(["sparse-checkout", "set", "in"]);
        sandbox.git(["sparse-checkout", "check-rules"]).status == 0
    },
};

pub const SPARSE_INDEX: Behaviour = Behaviour {
    name: "sparse index",
    what: "an index may hold folders (`ls-files --sparse`)",
    probe: || can(&["ls-files", "--sparse"]),
};

pub const ANSWERS_AT_ONCE: Behaviour = Behaviour {
    name: "answers of update-ref at once",
    what: "`git update-ref --stdin` answers each command before it reads the next",
    probe: || {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command("git", sandbox.work());
        command.args(["update-ref", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut git = command.spawn().unwrap();
        let (mut input, output) = (git.stdin.take().unwrap(), git.stdout.take().unwrap());
        input.write_all(b"start\n").unwrap();
        let (sender, answer) = mpsc::channel();
        let reader = thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            // Nobody waits any more when it comes too late.
            let _ = sender.send(line);
        });
        // Far longer than git takes on a busy machine: where it answers, that ends the wait.
        let answered = answer.recv_timeout(Duration::from_secs(10)).is_ok_and(|line| line == "start: ok\n");
        drop(input);
        reader.join().unwrap();
        git.wait().unwrap();
        answered
    },
};

pub const CORE_FSYNC: Behaviour = Behaviour {
    name: "core.fsync",
    what: "what git writes can be made durable (`core.fsync`)",
    probe: || {
        let sandbox = Sandbox::new();
        let ran = sandbox.git(["-c", "core.fsync=nonsense", "hash-object", "-w", "base.txt"]);
        ran.stderr.contains("core.fsync")
    },
};

pub const SHA256: Behaviour = Behaviour {
    name: "SHA-256",
    what: "objects may be named by SHA-256",
    probe: || can(&["init", "-q", "--object-format=sha256", "../sha256"]),
};

pub const REFTABLE: Behaviour = Behaviour {
    name: "reftable",
    what: "refs may be stored in a reftable",
    probe: || can(&["init", "-q", "--ref-format=reftable", "../tables"]),
};

pub const CONFIG_VARIABLES: Behaviour = Behaviour {
    name: "configuration in variables",
    what: "variables may hold configuration (`GIT_CONFIG_COUNT`)",
    probe: || {
        let sandbox = Sandbox::new();
        sandbox.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "probe.here").env("GIT_CONFIG_VALUE_0", "yes");
        sandbox.git(["config", "probe.here"]).line() == "yes"
    },
};

pub const CONFIG_FILES: Behaviour = Behaviour {
    name: "configuration files in variables",
    what: "variables may name the user's and the system's configuration (`GIT_CONFIG_GLOBAL`, `GIT_CONFIG_SYSTEM`)",
    probe: || {
        let sandbox = Sandbox::new();
        sandbox.write("mine", "[probe]\n\there = yes\n").env("GIT_CONFIG_GLOBAL", sandbox.at("mine"));
        sandbox.git(["config", "probe.here"]).line() == "yes"
    },
};

pub const FOREIGN_OWNER: Behaviour = Behaviour {
    name: "question for the owner",
    what: "git refuses to work in another user's repository",
    probe: || {
        let sandbox = Sandbox::new();
        sandbox.damaged().env("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1");
        sandbox.git(["rev-parse", "HEAD"]).status != 0
    },
};

fn can(arguments: &[&str]) -> bool {
    diverged().git(arguments).status == 0
}

//! Which hooks git runs, when, and what they hear.

use std::fs;

use super::{Behaviour, ahead, diverged, is_refused_cleanly};
use crate::support::{Sandbox, write_program};

/// Refuses a transaction before it is made, when it has `ORIG_HEAD`.
const REFUSE_ORIG_HEAD: &str = "[ \"$1\" != prepared ] || ! grep -q ' ORIG_HEAD$'";
/// Refuses a transaction before it is made, when it moves a branch.
const REFUSE_BRANCHES: &str = "[ \"$1\" != prepared ] || ! grep -q ' refs/heads/'";
/// Refuses everything that can be refused.
const REFUSE_ALL: &str = "[ \"$1\" != prepared ]";
/// Notes each call as one line.
const NOTE: &str = "echo \"$1 $(tr '\\n' ' ')\" >>\"$HOME/heard\"";

pub const PRE_MERGE_COMMIT: Behaviour = Behaviour {
    name: "hook pre-merge-commit",
    what: "a merge without conflict asks `pre-merge-commit` before its commit",
    probe: || {
        let sandbox = diverged();
        hook(&sandbox, "pre-merge-commit", "exit 1");
        let tip = sandbox.rev("HEAD");
        sandbox.git(["merge", "-q", "feat"]).status != 0 && sandbox.rev("HEAD") == tip
    },
};

pub const TRANSACTIONS: Behaviour = Behaviour {
    name: "hook reference-transaction",
    what: "`reference-transaction` hears of a branch that moves",
    probe: || heard(&ahead(), &["branch", "other"]).contains(" refs/heads/other"),
};

pub const GATE: Behaviour = Behaviour {
    name: "gate",
    what: "`git merge` writes `ORIG_HEAD` first, in a transaction that may be refused: nothing has changed then",
    probe: || [ahead(), diverged()].iter().all(|sandbox| is_refused(sandbox, &["merge", "-q", "feat"])),
};

pub const GATE_OF_PULL: Behaviour = Behaviour {
    name: "gate of pull",
    what: "so does `git pull`",
    probe: || {
        [ahead(), diverged()].iter().all(|sandbox| is_refused(sandbox, &["pull", "-q", "--no-rebase", ".", "feat"]))
    },
};

pub const GATE_NAMES: Behaviour = Behaviour {
    name: "names of what comes in",
    what: "the hook is told there which commits come in (`GITHEAD_…`)",
    probe: || {
        let sandbox = ahead();
        let script = "grep -q ' ORIG_HEAD$' && env | grep '^GITHEAD_' >>\"$HOME/heard\"; exit 0";
        hook(&sandbox, "reference-transaction", script);
        let _ = sandbox.git(["merge", "-q", "feat"]).ok();
        notes(&sandbox).contains(&sandbox.rev("feat"))
    },
};

pub const GATE_BEFORE_AUTOSTASH: Behaviour = Behaviour {
    name: "gate before autostash",
    what: "with `--autostash` that comes before the edits are put away",
    probe: || {
        let sandbox = ahead();
        sandbox.write("base.txt", "edited\n");
        is_refused(&sandbox, &["merge", "-q", "--autostash", "feat"])
    },
};

pub const CLEAN_LATE_REFUSAL: Behaviour = Behaviour {
    name: "clean refusal of a branch",
    what: "a fast-forward that is refused when its branch moves leaves no file changed",
    probe: || {
        let sandbox = ahead();
        hook(&sandbox, "reference-transaction", REFUSE_BRANCHES);
        is_refused_cleanly(&sandbox, &["merge", "-q", "feat"])
    },
};

pub const OLD_VALUES: Behaviour = Behaviour {
    name: "old values of a forced branch",
    what: "`git checkout -B` of a branch that is there tells its old value",
    probe: || {
        let sandbox = ahead();
        let old = sandbox.rev("feat");
        heard(&sandbox, &["checkout", "-q", "-B", "feat"]).contains(&format!("prepared {old} "))
    },
};

pub const DELETED_VALUES: Behaviour = Behaviour {
    name: "old values of a deleted branch",
    what: "`git branch -D` tells the old value",
    probe: || {
        let sandbox = ahead();
        let old = sandbox.rev("feat");
        heard(&sandbox, &["branch", "-q", "-D", "feat"]).contains(&format!("prepared {old} "))
    },
};

pub const SWITCHES: Behaviour = Behaviour {
    name: "transaction of a switch",
    what: "`git switch` is heard of, with the branch that `HEAD` names",
    probe: || heard(&ahead(), &["switch", "-q", "feat"]).contains("ref:refs/heads/feat HEAD"),
};

pub const RESULT_TREE: Behaviour = Behaviour {
    name: "transaction of AUTO_MERGE",
    what: "the tree of a merge's result is heard of (`AUTO_MERGE`)",
    probe: || heard(&diverged(), &["merge", "-q", "feat"]).contains(" AUTO_MERGE"),
};

pub const AUTOSTASH_REF: Behaviour = Behaviour {
    name: "transaction of MERGE_AUTOSTASH",
    what: "edits that `--autostash` puts away are heard of (`MERGE_AUTOSTASH`)",
    probe: || {
        let sandbox = diverged();
        sandbox.write("base.txt", "edited\n");
        heard(&sandbox, &["merge", "-q", "--autostash", "feat"]).contains(" MERGE_AUTOSTASH")
    },
};

pub const PREPARING: Behaviour = Behaviour {
    name: "state preparing",
    what: "a transaction is heard of before refs are locked, too (`preparing`)",
    probe: || heard(&ahead(), &["branch", "other"]).contains("preparing "),
};

pub const ONE_TRANSACTION: Behaviour = Behaviour {
    name: "fetch as one transaction",
    what: "all tags that a fetch brings are one transaction",
    probe: || {
        let sandbox = Sandbox::new();
        let _ = sandbox.git(["clone", "-q", ".", "../origin"]).ok();
        for tag in ["one", "two"] {
            let _ = sandbox.git_in(&sandbox.root().join("origin"), ["tag", tag]).ok();
        }
        let heard = heard(&sandbox, &["fetch", "-q", "--tags", "../origin"]);
        heard.lines().any(|call| call.contains(" refs/tags/one") && call.contains(" refs/tags/two"))
    },
};

pub const HOOKS_APART: Behaviour = Behaviour {
    name: "hooks that are told apart",
    what: "`reference-transaction` is found again after another hook was looked for",
    probe: || {
        let sandbox = diverged();
        sandbox.write("base.txt", "edited\n");
        hook(&sandbox, "reference-transaction", NOTE);
        let merged = sandbox.git(["merge", "-q", "--autostash", "feat"]);
        !merged.stderr.contains("cannot run") && !notes(&sandbox).is_empty()
    },
};

pub const REBASE_REFUSAL: Behaviour = Behaviour {
    name: "refusal of a rebase",
    what: "`git pull --rebase` asks `pre-rebase`; refused, nothing has changed",
    probe: || {
        let sandbox = diverged();
        hook(&sandbox, "pre-rebase", "exit 1");
        is_refused_cleanly(&sandbox, &["pull", "-q", "--rebase", ".", "feat"])
    },
};

pub const REBASE_REFUSAL_WITH_AUTOSTASH: Behaviour = Behaviour {
    name: "refusal of a rebase with autostash",
    what: "with `--autostash`, too: the edits come back",
    probe: || {
        let sandbox = diverged();
        sandbox.write("base.txt", "edited\n");
        hook(&sandbox, "pre-rebase", "exit 1");
        is_refused_cleanly(&sandbox, &["pull", "-q", "--rebase", "--autostash", ".", "feat"])
    },
};

pub const PICKS: Behaviour = Behaviour {
    name: "hook before a pick",
    what: "`git cherry-pick` asks a hook that may refuse before a file changes",
    probe: || {
        let sandbox = diverged();
        hook(&sandbox, "reference-transaction", REFUSE_ALL);
        is_refused_cleanly(&sandbox, &["cherry-pick", "feat"])
    },
};

pub const RESETS: Behaviour = Behaviour {
    name: "hook before a reset",
    what: "`git reset --hard` asks a hook that may refuse before a file changes",
    probe: || {
        let sandbox = diverged();
        hook(&sandbox, "reference-transaction", REFUSE_ALL);
        is_refused_cleanly(&sandbox, &["reset", "-q", "--hard", "HEAD^"])
    },
};

pub const CONFIG_HOOKS: Behaviour = Behaviour {
    name: "hooks in the configuration",
    what: "hooks in the configuration run (`hook.<name>.command`)",
    probe: || {
        let sandbox = Sandbox::new();
        let _ = sandbox.git(["config", "hook.theirs.event", "pre-commit"]).ok();
        let _ = sandbox.git(["config", "hook.theirs.command", "exit 1"]).ok();
        sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).status != 0
    },
};

pub const EVENTS_OFF: Behaviour = Behaviour {
    name: "switch for the hooks of an event",
    what: "`hook.<event>.enabled = false` switches off the script in the hooks folder, too",
    probe: || {
        let sandbox = Sandbox::new();
        hook(&sandbox, "pre-commit", "exit 1");
        let _ = sandbox.git(["config", "hook.pre-commit.enabled", "false"]).ok();
        sandbox.git(["commit", "-q", "--allow-empty", "-m", "x"]).status == 0
    },
};

/// Puts a hook of ours into a repository.
fn hook(sandbox: &Sandbox, name: &str, script: &str) {
    write_program(sandbox.at(".git/hooks").join(name), format!("#!/bin/sh\n{script}\n"));
}

/// Returns what `reference-transaction` is told while git does something, a line a call.
fn heard(sandbox: &Sandbox, arguments: &[&str]) -> String {
    hook(sandbox, "reference-transaction", NOTE);
    // It fails where git does not know an option.
    let _ = sandbox.git(arguments);
    notes(sandbox)
}

fn notes(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.root().join("home/heard")).unwrap_or_default()
}

fn is_refused(sandbox: &Sandbox, arguments: &[&str]) -> bool {
    hook(sandbox, "reference-transaction", REFUSE_ORIG_HEAD);
    is_refused_cleanly(sandbox, arguments)
}

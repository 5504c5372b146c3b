//! By which manifest a merge is judged, and what it can say (H10, H14, H16; design sections 4 and 5).

use crate::support::{MERGE_TREE, Sandbox};

const FILE: &str = ".recoveryguard.toml";
const PROTECT: &str = "[[protect]]\nname = \"recovery\"\npaths = [\"/keep\"]\n";

fn manifest(rest: &str) -> String {
    format!("version = 1\n{rest}")
}

/// `main` with this manifest and a file `keep`, which the branch `bad` deletes.
fn start(manifest: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(FILE, manifest).write("keep", "keep\n").write("list", "base\n");
    sandbox.commit("main");
    sandbox.branch("bad", &[("keep", None)]);
    sandbox.branch("good", &[("good", Some("good\n"))]);
    sandbox.install();
    sandbox
}

#[track_caller]
fn refused(sandbox: &Sandbox, line: &[&str], says: &str) {
    let before = sandbox.state();
    let _ = sandbox.git(line).exits(128).says(says);
    sandbox.assert_unchanged(&before);
}

#[track_caller]
fn silent(sandbox: &Sandbox, line: &[&str]) {
    let ran = sandbox.git(line).ok();
    assert!(!ran.stderr.contains("guard"), "{ran}");
}

fn back(sandbox: &Sandbox) {
    let _ = sandbox.git(["reset", "-q", "--hard", "ORIG_HEAD"]).ok();
}

// H14
#[test]
fn every_way_to_weaken_the_manifest_is_refused() {
    let strong = manifest(&format!("{PROTECT}[[data]]\npaths = [\"data/*.json\"]\n"));
    let weaker = [
        Some(manifest("")),
        Some(strong.replace("\"/keep\"", "\"/kept\"")),
        Some(strong.replace("\"/keep\"", "\"/keep\", \"!/keep\"")),
        Some(strong.replace("[[data]]", "level = \"warn\"\n[[data]]")),
        Some(strong.replace("[[data]]", "on = [\"release/*\"]\n[[data]]")),
        Some(strong.replace("[[data]]", "deny = [\"delete\"]\n[[data]]")),
        Some(format!("{strong}format = \"text\"\n")),
        Some(format!("{strong}[rules]\nconflict-markers = \"off\"\n")),
        Some(format!("{strong}[policy]\naccepted = [\"origin/wild\"]\n")),
        Some("this is no manifest\n".to_owned()),
        Some(String::new()),
        None,
    ];
    let sandbox = start(&strong);
    for (number, text) in weaker.iter().enumerate() {
        let branch = format!("weaker{number}");
        sandbox.branch(&branch, &[(FILE, text.as_deref())]);
        let before = sandbox.state();
        let merge = sandbox.git(["merge", &branch]);
        assert!(merge.status == 128 && merge.stderr.contains("[manifest-weakened]"), "{text:?}: {merge}");
        sandbox.assert_unchanged(&before);
    }
}

#[test]
fn other_edits_of_the_manifest_are_only_noted() {
    let sandbox = start(&manifest(PROTECT));
    let texts = [
        manifest(&format!("{PROTECT}[[protect]]\npaths = [\"/more\"]\n")),
        manifest(&PROTECT.replace("recovery", "renamed")),
        manifest(&format!("# a comment\n{PROTECT}")),
    ];
    for (number, text) in texts.iter().enumerate() {
        let branch = format!("edit{number}");
        sandbox.branch(&branch, &[(FILE, Some(text))]);
        let merge = sandbox.git(["merge", "-q", &branch]).ok().says("judges nothing more leniently");
        assert!(merge.stderr.contains("  info "), "{merge}");
        back(&sandbox);
    }
}

// H14: what comes in, and what lies in the working tree, is not what counts.
#[test]
fn only_the_manifest_of_the_branch_merged_into_counts() {
    let sandbox = Sandbox::new();
    sandbox.write("keep", "keep\n");
    sandbox.commit("no manifest");
    sandbox.branch("bad", &[("keep", None)]);
    sandbox.branch("first", &[(FILE, Some(&manifest(PROTECT))), ("keep", None)]);
    sandbox.install();
    silent(&sandbox, &["merge", "-q", "bad"]);
    back(&sandbox);
    // The first manifest of a branch is no finding, and does not judge the merge that brings it.
    silent(&sandbox, &["merge", "-q", "first"]);
    back(&sandbox);
    sandbox.write(FILE, manifest(PROTECT));
    silent(&sandbox, &["merge", "-q", "bad"]);
    back(&sandbox);
    sandbox.write(FILE, manifest(PROTECT));
    sandbox.commit("now it counts");
    let _ = sandbox.git(["rm", "-q", "--cached", FILE]).ok();
    std::fs::remove_file(sandbox.at(FILE)).unwrap();
    refused(&sandbox, &["merge", "-q", "bad"], "[protected-delete]");
}

// H14: the built-in rules need none.
#[test]
fn without_a_manifest_the_built_in_rules_hold() {
    let sandbox = Sandbox::new();
    sandbox.write("list", "base\n");
    sandbox.commit("base");
    sandbox.branch("clash", &[("list", Some("theirs\n"))]);
    sandbox.write("list", "ours\n");
    sandbox.commit("ours");
    sandbox.install();
    let _ = sandbox.git(["merge", "clash"]).exits(1);
    let _ = sandbox.git(["commit", "-q", "-a", "--no-edit"]).exits(1).says("[conflict-markers]");
}

#[test]
fn an_entry_blocks_where_it_says() {
    let sandbox = start(&manifest(&format!("{PROTECT}on = [\"/main\", \"release/*\"]\n")));
    refused(&sandbox, &["merge", "bad"], "[protected-delete]");
    for (branch, blocks) in [("release/1", true), ("feature", false), ("other/main", false)] {
        let _ = sandbox.git(["checkout", "-q", "-b", branch, "main"]).ok();
        if blocks {
            refused(&sandbox, &["merge", "bad"], "[protected-delete]");
        } else {
            let merge = sandbox.git(["merge", "bad"]).ok().says("  warn ");
            assert!(!merge.stderr.contains("block"), "{merge}");
        }
    }
    let _ = sandbox.git(["checkout", "-q", "--detach", "main"]).ok();
    let _ = sandbox.git(["merge", "bad"]).ok().says("  warn ");
}

#[test]
fn a_wrong_branch_is_refused_by_whatever_name_it_comes() {
    let sandbox = start(&manifest("[[branch]]\ninto = [\"/main\"]\nnever = [\"sandbox\", \"wip/*\"]\n"));
    for branch in ["sandbox", "wip/x"] {
        sandbox.branch(branch, &[("new", Some(branch))]);
    }
    let oid = sandbox.rev("sandbox");
    let _ = sandbox.git(["update-ref", "refs/remotes/origin/wip/y", "wip/x"]).ok();
    for name in ["sandbox", "wip/x", "heads/sandbox", "refs/heads/sandbox", "sandbox~0", "origin/wip/y", &oid] {
        refused(&sandbox, &["merge", name], "[wrong-branch]");
        refused(&sandbox, &["merge", "--no-ff", name], "[wrong-branch]");
    }
    if MERGE_TREE.is_here() {
        refused(&sandbox, &["merge", "good", "sandbox"], "[wrong-branch]");
    }
    refused(&sandbox, &["pull", "-q", "--no-rebase", ".", "sandbox"], "[wrong-branch]");
    silent(&sandbox, &["merge", "-q", "good"]);
    // Elsewhere it may go, and where HEAD is detached no branch is merged into.
    let _ = sandbox.git(["checkout", "-q", "-b", "feature", "main"]).ok();
    silent(&sandbox, &["merge", "-q", "--no-edit", "sandbox"]);
    let _ = sandbox.git(["checkout", "-q", "--detach", "main"]).ok();
    silent(&sandbox, &["merge", "-q", "--no-edit", "sandbox"]);
}

// A pull knows the branch from FETCH_HEAD only: its tip has no name here.
#[test]
fn a_wrong_branch_that_is_pulled_is_known_by_its_name_there() {
    let origin = Sandbox::new();
    origin.branch("sandbox", &[("new", Some("new\n"))]);
    let sandbox = Sandbox::new();
    sandbox.write(FILE, manifest("[[branch]]\ninto = [\"main\"]\nnever = [\"sandbox\"]\n"));
    sandbox.commit("manifest");
    sandbox.install();
    let url = origin.work().to_str().unwrap();
    refused(&sandbox, &["pull", "-q", "--no-rebase", "--no-edit", url, "sandbox"], "[wrong-branch]");
}

#[test]
fn rules_have_the_levels_and_numbers_that_the_manifest_says() {
    for (level, status) in [("block", 128), ("warn", 0), ("info", 0), ("off", 0)] {
        let rules =
            format!("[rules]\nmass-delete = {{ level = \"{level}\", files = 3 }}\nprotected-delete = \"off\"\n");
        let sandbox = Sandbox::new();
        sandbox.write(FILE, manifest(&format!("{rules}{PROTECT}")));
        for name in ["a", "b", "c", "keep"] {
            sandbox.write(name, "x\n");
        }
        sandbox.commit("main");
        sandbox.branch("two", &[("a", None), ("keep", None)]);
        sandbox.branch("three", &[("a", None), ("b", None), ("keep", None)]);
        sandbox.install();
        silent(&sandbox, &["merge", "-q", "two"]);
        back(&sandbox);
        let merge = sandbox.git(["merge", "-q", "three"]).exits(status);
        let said = merge.stderr.lines().find(|line| line.contains("[mass-delete]"));
        assert_eq!(said.is_some_and(|line| line.trim_start().starts_with(level)), level != "off", "{merge}");
    }
}

#[test]
fn the_lines_that_are_accepted_are_the_manifests_to_choose() {
    let upstream = |policy: &str| {
        let sandbox = start(&manifest(&format!("{PROTECT}{policy}")));
        let _ = sandbox.git(["branch", "-q", "shared", "bad"]).ok();
        let _ = sandbox.git(["branch", "-q", "--set-upstream-to=shared"]).ok();
        sandbox
    };
    let _ = upstream("").git(["merge", "bad"]).ok().says("'@{upstream}' already contains it");
    refused(&upstream("[policy]\naccepted = []\n"), &["merge", "bad"], "[protected-delete]");
    let sandbox = upstream("[policy]\naccepted = [\"shared\"]\n");
    let _ = sandbox.git(["branch", "-q", "--unset-upstream"]).ok();
    let _ = sandbox.git(["merge", "bad"]).ok().says("'shared' already contains it");
}

/// What would be lost here no line contains, whoever has what comes in.
#[test]
fn what_is_in_the_working_tree_is_accepted_by_nobody() {
    let sandbox = start(&manifest("[snapshot]\nmax_file = '1 KiB'\n"));
    sandbox.branch("shared", &[("local", Some("theirs\n"))]);
    let _ = sandbox.git(["branch", "-q", "-u", "shared"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "told", "shared"]).ok();
    let trailer = "bring\n\nGuard-Allow: ignored-overwritten local -- fine here";
    let _ = sandbox.git(["commit", "-q", "--amend", "-m", trailer]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write(".git/info/exclude", "local\n").write("local", "mine\n".repeat(1000));
    for branch in ["shared", "told"] {
        refused(&sandbox, &["merge", branch], "it could not be saved [ignored-overwritten]");
        assert_eq!(sandbox.read("local"), "mine\n".repeat(1000).as_bytes());
    }
}

// What a merge itself loses stands in no line, whatever of its sides is published.
#[test]
fn what_a_conflict_cost_one_side_is_accepted_by_nobody() {
    let data = "[[data]]\npaths = ['list.jsonl']\nrecords = ''\nkey = 'id'\nmax_loss = '1%'\n";
    let list = |last: u32| format!("{{\"id\": 1}}\n{{\"id\": 2}}\n{{\"id\": {last}}}\n");
    let sandbox = start(&manifest(data));
    sandbox.write("list.jsonl", list(3));
    sandbox.commit("list");
    sandbox.branch("feat", &[("list.jsonl", Some(&list(4)))]);
    sandbox.write("list.jsonl", list(5));
    sandbox.commit("main's");
    // The own line as it is published, and a line that has all that comes in.
    for shared in ["main", "feat"] {
        let _ = sandbox.git(["branch", "-q", "-f", "shared", shared]).ok();
        let _ = sandbox.git(["branch", "-q", "--set-upstream-to=shared"]).ok();
        let _ = sandbox.git(["merge", "-q", "feat"]).exits(1);
        let _ = sandbox.git(["checkout", "-q", "--ours", "--", "list.jsonl"]).ok();
        let _ = sandbox.git(["add", "list.jsonl"]).ok();
        let _ = sandbox.git(["commit", "-q", "--no-edit"]).exits(1).says("1 record of feat is missing");
        let _ = sandbox.git(["merge", "--abort"]).ok();
    }
}

// H10: the policy of a manifest that can be read, and data that is over a limit.
#[test]
fn what_cannot_be_judged_follows_the_policy() {
    let data = "[[data]]\npaths = [\"data/*.json\"]\n";
    let deep = "[".repeat(1000);
    let sandbox = start(&manifest(data));
    sandbox.branch("deep", &[("data/deep.json", Some(&deep))]);
    for kind in ["--ff-only", "--no-ff"] {
        let merge = sandbox.git(["merge", "--no-edit", kind, "deep"]).ok().says("git goes on").says("nested deeper");
        assert_eq!(merge.stderr.matches("could not judge").count(), 1, "{merge}");
        back(&sandbox);
    }
    let sandbox = start(&manifest(&format!("{data}[policy]\non_failure = \"block\"\n")));
    sandbox.branch("deep", &[("data/deep.json", Some(&deep))]);
    for kind in ["--ff-only", "--no-ff", "--squash", "--no-commit"] {
        refused(&sandbox, &["merge", kind, "deep"], "could not judge merging 'deep' into 'main': refused");
    }
    silent(&sandbox, &["merge", "-q", "good"]);
}

// H10: a refusal says why, each time.
#[test]
fn a_conclusion_that_cannot_be_judged_is_refused_with_the_reason_each_time() {
    let policy = "[[data]]\npaths = [\"data/*.json\"]\n[policy]\non_failure = \"block\"\n";
    let sandbox = start(&manifest(policy));
    sandbox.branch("clash", &[("list", Some("theirs\n"))]);
    sandbox.write("list", "ours\n");
    sandbox.commit("ours");
    let _ = sandbox.git(["merge", "clash"]).exits(1);
    sandbox.write("list", "both\n").write("data/deep.json", "[".repeat(1000));
    let _ = sandbox.git(["add", "-A"]).ok();
    for _ in 0..3 {
        let _ = sandbox.git(["commit", "-q", "--no-edit"]).exits(1).says("could not judge").says("nested deeper");
    }
    sandbox.write("data/deep.json", "[]\n");
    let commit = sandbox.git(["commit", "-q", "-a", "--no-edit"]).ok();
    assert!(!commit.stderr.contains("could not judge"), "{commit}");
}

// H16, H10: the policy holds for whatever the reason is, also when git itself can't answer.
#[test]
fn a_shallow_clone_is_refused_where_the_policy_says_so() {
    for (policy, config) in [("[policy]\non_failure = \"block\"\n", ""), ("", "block"), ("", "")] {
        let origin = start(&manifest(&format!("{PROTECT}{policy}")));
        origin.write("more", "more\n");
        origin.commit("more");
        let clone = Sandbox::new();
        let url = format!("file://{}", origin.work().display());
        let _ = clone.git(["fetch", "-q", "--depth=1", &url, "main:shallow-main", "bad:shallow-bad"]).ok();
        let _ = clone.git(["checkout", "-q", "shallow-main"]).ok();
        if !config.is_empty() {
            let _ = clone.git(["config", "recoveryguard.onFailure", config]).ok();
        }
        clone.install();
        let before = clone.state();
        let line = ["merge", "--allow-unrelated-histories", "-m", "m", "shallow-bad"];
        let merge = clone.git(line).says("could not judge merging").says("the clone is shallow");
        if policy.is_empty() && config.is_empty() {
            // Three hooks see it; one says it.
            assert_eq!(merge.stderr.matches("guard:").count(), 1, "{merge}");
            let _ = merge.exits(0).says("git goes on");
        } else {
            let _ = merge.exits(128).says("refused");
            clone.assert_unchanged(&before);
        }
    }
}

// Design section 5: a checkout is held against its own manifest, once per commit.
#[test]
fn a_branch_that_lacks_what_its_manifest_names_is_told_once() {
    let sandbox = start(&manifest(&format!("{PROTECT}[[data]]\npaths = [\"data/*.json\"]\n")));
    sandbox.branch("broken", &[("data/x.json", Some("{\n"))]);
    let _ = sandbox.git(["checkout", "-q", "bad"]).ok().says("'keep' is missing here").says("[protected-delete]");
    silent(&sandbox, &["checkout", "-q", "main"]);
    silent(&sandbox, &["checkout", "-q", "bad"]);
    let _ = sandbox.git(["switch", "-q", "broken"]).ok().says("[invalid-data]").says("line 2");
    silent(&sandbox, &["checkout", "-q", "--", "keep"]);
}

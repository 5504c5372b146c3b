//! Which merges differ from the automatic result: the same as `git log --remerge-diff` says, over generated histories.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{REMERGE_DIFF, Random, Sandbox};

fn lines(count: usize) -> String {
    (1..=count).map(|number| format!("line number {number}\n")).collect()
}

fn text(sandbox: &Sandbox, path: &str) -> String {
    String::from_utf8(sandbox.read(path)).unwrap()
}

/// Returns the merges whose result git says is not what merging gives, after comparing them with ours; and how many there are.
#[track_caller]
fn agreed(sandbox: &Sandbox) -> (BTreeSet<String>, usize) {
    let log =
        sandbox.git(["log", "--all", "--merges", "--remerge-diff", "--topo-order", "--raw", "--format=commit %H"]).ok();
    let (mut gits, mut all) = (BTreeSet::new(), Vec::new());
    for line in log.stdout.lines() {
        if let Some(commit) = line.strip_prefix("commit ") {
            all.push(commit.to_owned());
        } else if line.starts_with(':') {
            gits.extend(all.last().cloned());
        }
    }
    let branches = sandbox.git(["for-each-ref", "--format=%(refname)", "refs/heads"]).ok().stdout;
    let ran = sandbox.guard(["audit", "--json", "--all"].into_iter().chain(branches.lines())).ok();
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let merges = document["merges"].as_array().unwrap();
    let deviates = |merge: &&Value| merge["deviates"] == true;
    let ours: BTreeSet<String> =
        merges.iter().filter(deviates).map(|merge| merge["commit"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ours, gits);
    (gits, all.len())
}

/// Conflicts, moved files, criss-cross merges and whatever a person makes of them.
#[test]
fn the_same_merges_deviate_as_git_says() {
    if !REMERGE_DIFF.is_needed_here() {
        return;
    }
    let merges: usize = (1..=6).map(|seed| agreed(&history(seed)).1).sum();
    assert!(merges > 30, "{merges} merges");
}

fn history(seed: u64) -> Sandbox {
    let mut random = Random(seed);
    let sandbox = Sandbox::new();
    for file in ["a", "b", "dir/c"] {
        sandbox.write(file, lines(24));
    }
    sandbox.commit("files");
    for branch in ["one", "two"] {
        let _ = sandbox.git(["branch", branch]).ok();
    }
    for step in 0..40 {
        let branch = random.pick(&["main", "one", "two"]).to_owned();
        let _ = sandbox.git(["checkout", "-q", "-f", &branch]).ok();
        if random.below(3) > 0 {
            let file = random.pick(&["a", "b", "dir/c", "moved/c"]).to_owned();
            if !sandbox.at(&file).exists() {
                continue;
            }
            let place = random.below(24) + 1;
            let text = text(&sandbox, &file)
                .replace(&format!("number {place}\n"), &format!("number {place} of {branch} at {step}\n"));
            sandbox.write(&file, text);
            if random.below(12) == 0 && file == "dir/c" {
                let _ = sandbox.git(["mv", "-k", "dir", "moved"]).ok();
            }
            sandbox.commit(&format!("step {step}"));
            continue;
        }
        let other = random.pick(&["main", "one", "two"]).to_owned();
        let merged = sandbox.git(["merge", "-q", "--no-ff", "--no-commit", &other]);
        if !sandbox.at(".git/MERGE_HEAD").exists() {
            continue;
        }
        let settle = random.below(4);
        if merged.status != 0 {
            let side = if settle == 0 { "--ours" } else { "--theirs" };
            let _ = sandbox.git(["checkout", side, "."]);
        } else if settle == 0 {
            // An evil merge: something that no side has.
            sandbox.write("a", text(&sandbox, "a").replace("number 3", "nobody's number 3"));
        }
        let _ = sandbox.git(["add", "-A"]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", &format!("merge at {step}")]).ok();
    }
    sandbox
}

/// One side moves some files, the other changes all of them.
#[test]
fn each_of_several_moved_files_is_followed() {
    if !REMERGE_DIFF.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    let files = ["lib/a", "lib/b", "lib/c", "lib/d"];
    for file in files {
        sandbox.write(file, format!("{file}\n{}", lines(20)));
    }
    sandbox.commit("files");
    let changed = files.map(|file| (file, format!("{file}\n{}new\n", lines(20))));
    let changed: Vec<(&str, Option<&str>)> = changed.iter().map(|(file, text)| (*file, Some(&text[..]))).collect();
    sandbox.branch("feat", &changed);
    // The new place stands before the old one in a tree.
    sandbox.write("inner/own", "own\n");
    let _ = sandbox.git(["mv", "lib", "inner/lib"]).ok();
    sandbox.commit("move");
    let _ = sandbox.git(["merge", "-q", "--no-edit", "feat"]).ok();
    assert!(text(&sandbox, "inner/lib/d").contains("new"));
    assert_eq!(agreed(&sandbox), (BTreeSet::new(), 1));
}

/// Old release lines contradict each other, and the newest merge base knows better than both: git looks at that one first.
#[test]
fn merge_bases_are_put_together_in_gits_order() {
    if !REMERGE_DIFF.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("version", "0\n");
    sandbox.commit("root");
    let merge = |branches: &[&str], version: &str| {
        for branch in branches {
            let _ = sandbox.git(["merge", "-q", "--no-ff", "--no-commit", branch]);
            sandbox.write("version", format!("{version}\n"));
            sandbox.commit(&format!("merge {branch}"));
        }
    };
    let start = |branch: &str, at: &str| _ = sandbox.git(["checkout", "-q", "-b", branch, at]).ok();
    for (release, topic) in [("one", "topic-one"), ("two", "topic-two")] {
        start(release, "main");
        sandbox.write("version", format!("{release}\n"));
        sandbox.commit(release);
        start(topic, release);
        sandbox.write(topic, "work\n");
        sandbox.commit(topic);
    }
    start("maint", "one");
    merge(&["two"], "maint");
    start("next", "maint");
    sandbox.write("version", "next\n");
    sandbox.commit("next");
    merge(&["topic-one", "topic-two"], "next");
    let _ = sandbox.git(["checkout", "-q", "maint"]).ok();
    merge(&["topic-one", "topic-two"], "maint");
    let _ = sandbox.git(["checkout", "-q", "next"]).ok();
    merge(&["maint"], "next");
    let (deviating, _) = agreed(&sandbox);
    assert_eq!(deviating, BTreeSet::from([sandbox.rev("maint~2")]), "only the merge of both releases");
}

/// One side renames a folder, the other adds a file to it. Git puts that into the renamed folder and asks whether it should be
/// there; whoever merged left it where it was, or did what git proposed.
#[test]
fn a_new_file_in_a_renamed_folder_is_seen() {
    if !REMERGE_DIFF.is_needed_here() {
        return;
    }
    for left in [true, false] {
        let sandbox = Sandbox::new();
        sandbox.write("tests/core/a", lines(20)).write("tests/core/b", lines(30)).write("tests/http/c", lines(40));
        sandbox.commit("tests");
        sandbox.branch("feat", &[("tests/core/new", Some("new\n"))]);
        let _ = sandbox.git(["mv", "tests/core", "core"]).ok();
        sandbox.commit("move");
        let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]);
        if left {
            let _ = sandbox.git(["rm", "-q", "-f", "core/new"]).ok();
            sandbox.write("tests/core/new", "new\n");
        }
        sandbox.commit("merge feat");
        let deviating = if left { BTreeSet::from([sandbox.rev("HEAD")]) } else { BTreeSet::new() };
        assert_eq!(agreed(&sandbox), (deviating, 1), "left where it was: {left}");
    }
}

//! `guard restore --lost`: what a merge lost comes back on top of today's state.

use serde_json::Value;

use crate::support::{MERGE_TREE, OF_FEAT, OF_MAIN, Ran, Sandbox, lines};

/// main and feat, which both changed `path`: feat in two places, of which one conflicts. Merged with "take mine".
fn taken(path: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.diverge(path, &[]).lose_work(path);
    sandbox
}

/// Settles the merge in progress with these files, and concludes it.
fn concluded(sandbox: &Sandbox, files: &[(&str, &str)]) {
    for (path, text) in files {
        sandbox.write(path, text);
        let _ = sandbox.git(["add", "--", path]).ok();
    }
    let _ = sandbox.git(["commit", "-q", "-m", "merge"]).ok();
}

#[test]
fn what_does_not_overlap_comes_back_and_later_edits_stay() {
    let path = "dir/odd ' \"name.txt";
    let sandbox = taken(path);
    let merge = sandbox.git(["rev-parse", "HEAD"]).ok().stdout.trim().to_owned();
    sandbox.write(path, sandbox.text(path).replace("line number 12\n", "line number 12, later\n"));
    sandbox.commit("later");
    sandbox.write(path, sandbox.text(path).replace("line number 28\n", "line number 28, not committed\n"));
    let before = sandbox.text(path);
    let plan = sandbox.guard(["restore", "--lost", &merge, "--dry-run", "--json"]).ok();
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["left_out"], serde_json::json!([path]), "{plan:#}");
    assert_eq!(sandbox.text(path), before, "a preview");
    let ran = sandbox.guard(["restore", "--lost", &merge]).ok();
    assert!(ran.stdout.contains("what overlaps with that was left out in 'dir/odd"), "{ran:?}");
    let expected = before.replace("line number 5\n", "line number 5\nfeat's careful work\n");
    assert_eq!(sandbox.text(path), expected);
    assert_eq!(sandbox.git(["diff", "--cached", "--name-only"]).ok().stdout, "", "the index stays");
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(sandbox.text(path), before);
    // What was left out, as the printed command puts it.
    let command = ran.stderr.split_once("by hand: ").unwrap().1;
    let marked = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    assert!(marked.stdout.contains("has conflict markers"), "{marked}");
    let both = format!("<<<<<<< now\n{OF_MAIN}=======\n{OF_FEAT}>>>>>>> lost\n");
    assert_eq!(sandbox.text(path), expected.replace(OF_MAIN, &both));
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(sandbox.text(path), before);
}

/// Done twice, the second restore is none, and the first can be taken back.
#[test]
fn what_is_back_already_is_not_brought_back_again() {
    let sandbox = taken("code.txt");
    sandbox.write("code.txt", sandbox.text("code.txt").replace("line number 12\n", "line number 12, later\n"));
    let before = sandbox.text("code.txt");
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]).ok();
    let after = sandbox.text("code.txt");
    assert_ne!(after, before);
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]);
    assert_eq!(sandbox.text("code.txt"), after);
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(sandbox.text("code.txt"), before);
}

/// The command of a finding is the one that works.
#[test]
fn the_audit_names_the_command() {
    let sandbox = taken("code.txt");
    let document: Value = serde_json::from_str(&sandbox.guard(["audit", "--json"]).ok().stdout).unwrap();
    let command = document["merges"][0]["findings"][0]["remedy"].as_str().unwrap().to_owned();
    assert!(command.starts_with("guard restore --lost "), "{command}");
    let words: Vec<&str> = command.split(' ').skip(1).map(|word| word.trim_matches('\'')).collect();
    std::fs::create_dir(sandbox.at("sub")).unwrap();
    let _ = sandbox.guard([&["-C", "sub"], &words[..]].concat()).ok();
    assert!(sandbox.text("code.txt").contains("feat's careful work"));
}

#[test]
fn where_all_of_it_overlaps_nothing_changes_and_the_way_is_named() {
    let sandbox = taken("code.txt");
    let now = sandbox.text("code.txt").replace("line number 5\n", "line number 5, rewritten\n");
    sandbox.write("code.txt", now.replace("line number 6\n", "line number 6, rewritten\n"));
    let before = sandbox.text("code.txt");
    let ran = sandbox.guard(["restore", "--lost", "HEAD", "code.txt"]).exits(4);
    assert!(ran.stderr.contains("nothing was changed") && ran.stderr.contains("--markers -- 'code.txt'"), "{ran:?}");
    assert_eq!(sandbox.text("code.txt"), before);
}

/// Lines that both sides have, and a file of one side: only that comes back, the other side's work stays.
#[test]
fn lines_of_both_sides_and_whole_files_come_back() {
    if !MERGE_TREE.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("code.txt", lines(30));
    sandbox.commit("code");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write("code.txt", lines(30).replace("line number 2\n", "line number 2 of feat\n"));
    sandbox.write("feat.txt", "feat's file\n");
    sandbox.commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write("code.txt", lines(30).replace("line number 28\n", "line number 28 of main\n"));
    sandbox.commit("main");
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
    let merged = sandbox.text("code.txt");
    let poor = (10..=16).fold(merged.clone(), |text, number| text.replace(&format!("line number {number}\n"), ""));
    let _ = sandbox.git(["rm", "-q", "-f", "feat.txt"]).ok();
    concluded(&sandbox, &[("code.txt", &poor)]);
    sandbox.write("code.txt", poor.replace("line number 22\n", "line number 22, later\n"));
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]).ok();
    assert_eq!(sandbox.text("code.txt"), merged.replace("line number 22\n", "line number 22, later\n"));
    assert_eq!(sandbox.text("feat.txt"), "feat's file\n");
}

#[test]
fn what_is_no_merge_or_lost_nothing_is_said() {
    let sandbox = taken("code.txt");
    let _ = sandbox.guard(["restore", "--lost", "HEAD~1"]).exits(2).says("'HEAD~1' is no merge commit here");
    let _ = sandbox.guard(["restore", "--lost", "nonsense"]).exits(2).says("'nonsense' is no merge commit here");
    let _ = sandbox.guard(["restore", "--lost", "HEAD", "other.txt"]).exits(4).says("lost nothing at 'other.txt'");
    let _ = sandbox.git(["checkout", "-q", "-b", "side", "HEAD~1"]).ok();
    sandbox.write("other.txt", "other\n");
    sandbox.commit("other");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "-m", "clean", "side"]).ok();
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]).exits(4).says("nothing of it counts as lost");
}

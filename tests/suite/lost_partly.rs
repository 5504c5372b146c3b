//! `guard restore --lost` where one file can't take what was lost: the others get it, and it is said which and why.

use serde_json::{Value, json};

use crate::support::{OF_MAIN, Sandbox, WORK, lines};

/// Each of these files lost feat's work; what becomes of one of them afterwards differs.
const FILES: [&str; 3] = ["dir/b.txt", "dir/c.txt", "one.txt"];

fn taken() -> Sandbox {
    let sandbox = Sandbox::new();
    for path in FILES {
        sandbox.write(path, lines(30));
    }
    sandbox.commit("files");
    let change = |text: String, line: &str| text.replace("line number 20\n", line);
    let feat =
        change(lines(30).replace("line number 5\n", &format!("line number 5\n{WORK}")), "line number 20, feat\n");
    sandbox.branch("feat", &FILES.map(|path| (path, Some(&*feat))));
    for path in FILES {
        sandbox.write(path, change(lines(30), OF_MAIN));
    }
    sandbox.commit("main");
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    let _ = sandbox.git(["checkout", "--ours", "."]).ok();
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge feat"]).ok();
    sandbox
}

fn plan(sandbox: &Sandbox, arguments: &[&str], exit: i32) -> Value {
    let ran = sandbox.guard([&["restore", "--json", "--lost"], arguments].concat()).exits(exit);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Makes the first file one that can't take it, and looks what becomes of all three.
fn without_one(become_so: impl Fn(&Sandbox), why: &str, advice: &str) {
    let sandbox = taken();
    let merge = sandbox.rev("HEAD");
    become_so(&sandbox);
    let before = sandbox.state();
    let preview = plan(&sandbox, &[&merge, "--dry-run"], 3);
    let left = &preview["left_alone"];
    assert_eq!((left.as_array().unwrap().len(), &left[0]["path"]), (1, &FILES[0].into()), "{preview:#}");
    assert!(left[0]["why"].as_str().unwrap().contains(why), "{preview:#}");
    assert_eq!(preview["conflicts"], json!([]));
    // Who names it gets all or nothing.
    let named =
        sandbox.guard([&["restore", "--lost", &merge], &FILES[..]].concat()).exits(4).says("nothing was changed");
    assert!(named.stderr.contains(why) && named.stderr.contains(advice), "{named}");
    sandbox.assert_unchanged(&before);
    let ran = sandbox.guard(["restore", "--lost", &merge]).exits(3);
    assert!(ran.stdout.contains(&format!("left '{}' alone: {why}", FILES[0])), "{ran}");
    assert!(ran.stderr.contains(advice) && !ran.stdout.contains("later edits"), "{ran}");
    for path in &FILES[1..] {
        assert!(sandbox.text(path).contains(WORK), "{path}");
    }
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    sandbox.assert_unchanged(&before);
}

#[test]
fn a_deleted_file_does_not_keep_the_others_from_getting_theirs() {
    let delete = |sandbox: &Sandbox| {
        let _ = sandbox.git(["rm", "-q", FILES[0]]).ok();
        sandbox.commit("gone");
    };
    without_one(delete, "it was deleted since", "guard restore --from ");
}

#[test]
fn nor_does_a_link() {
    let link = |sandbox: &Sandbox| {
        std::fs::remove_file(sandbox.at(FILES[0])).unwrap();
        std::os::unix::fs::symlink("c.txt", sandbox.at(FILES[0])).unwrap();
        sandbox.commit("a link");
    };
    without_one(link, "it was changed since, and it is, was or would be a link", "guard restore --from ");
}

#[test]
fn nor_does_one_that_is_no_text_or_overlaps() {
    let binary = |sandbox: &Sandbox| _ = sandbox.write(FILES[0], b"\0\x01");
    without_one(binary, "it was changed since, and is no text that could be merged", "guard restore --from ");
    let rewrite = |sandbox: &Sandbox| _ = sandbox.write(FILES[0], "all of it\nis new\n");
    without_one(rewrite, "it was changed since, and the changes overlap", "--markers -- 'dir/b.txt'");
}

#[test]
fn nor_does_one_outside_of_the_sparse_checkout() {
    let sparse = |sandbox: &Sandbox| {
        let _ = sandbox.git(["sparse-checkout", "set", "--no-cone", "/*", "!/dir/b.txt"]).ok();
        assert!(!sandbox.at(FILES[0]).exists());
    };
    without_one(sparse, "it is outside of the sparse checkout", "guard restore --from ");
}

/// The whole file, as the printed command gets it.
#[test]
fn the_printed_command_gets_the_whole_file() {
    let sandbox = taken();
    let _ = sandbox.git(["rm", "-q", FILES[0]]).ok();
    sandbox.commit("gone");
    let ran = sandbox.guard(["restore", "--lost", "HEAD~"]).exits(3);
    let command = ran.stderr.split_once("whole file: ").unwrap().1.lines().next().unwrap();
    let _ = crate::support::Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    assert!(sandbox.text(FILES[0]).contains("line number 20, feat\n"));
}

/// A file that was moved gets it at its new place; where two files could be it, it is left alone.
#[test]
fn a_moved_file_is_followed_where_that_is_certain() {
    for committed in [true, false] {
        let sandbox = taken();
        let merge = sandbox.rev("HEAD");
        let _ = sandbox.git(["mv", FILES[0], "moved.txt"]).ok();
        sandbox.edit("moved.txt", "line number 12\n", "line number 12, later\n");
        if committed {
            sandbox.commit("moved");
        }
        let before = sandbox.text("moved.txt");
        let ran = sandbox.guard(["restore", "--lost", &merge]).ok();
        assert!(ran.stdout.contains("'dir/b.txt' has moved since: it stands at 'moved.txt' now"), "{ran}");
        assert_eq!(sandbox.text("moved.txt"), before.replace("line number 5\n", &format!("line number 5\n{WORK}")));
        assert!(!sandbox.at(FILES[0]).exists());
        // What overlaps there is settled by the name that the merge knows.
        assert!(ran.stderr.contains("--markers -- 'dir/b.txt'"), "{ran}");
    }
    let sandbox = taken();
    let _ = sandbox.git(["mv", FILES[0], "moved.txt"]).ok();
    sandbox.write("twin.txt", sandbox.read("moved.txt"));
    sandbox.commit("moved and copied");
    let ran = sandbox.guard(["restore", "--lost", "HEAD~"]).exits(3);
    assert!(ran.stdout.contains("left 'dir/b.txt' alone: it was deleted since"), "{ran}");
    assert!(!sandbox.text("moved.txt").contains(WORK) && !sandbox.text("twin.txt").contains(WORK));
}

/// Nothing can come back: that is a refusal.
#[test]
fn where_nothing_comes_back_it_is_refused() {
    let sandbox = taken();
    let _ = sandbox.git(["rm", "-q", "-r", "dir", "one.txt"]).ok();
    sandbox.commit("gone");
    let before = sandbox.state();
    let document = plan(&sandbox, &["HEAD~"], 4);
    assert_eq!(document["conflicts"].as_array().unwrap().len(), 3, "{document:#}");
    sandbox.assert_unchanged(&before);
}

/// Where a merge in conflict lost lines of both sides nobody knows what should stand there: that is said, not guessed.
#[test]
fn what_is_not_known_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("cut.txt", lines(30));
    sandbox.diverge("one.txt", &[("cut.txt", &lines(30).replace("line number 20\n", "line number 20 of feat\n"))]);
    sandbox.edit("cut.txt", "line number 20\n", "line number 20 of main\n");
    sandbox.commit("main's other work");
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    let both = "line number 20 of main\nline number 20 of feat\n";
    let settled =
        lines(30).replace("line number 20\n", both).replace("line number 10\nline number 11\nline number 12\n", "");
    sandbox.write("cut.txt", settled);
    let _ = sandbox.git(["checkout", "--ours", "one.txt"]).ok();
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge feat"]).ok();
    let before = sandbox.state();
    let _ = sandbox.guard(["restore", "--lost", "HEAD", "cut.txt", "one.txt"]).exits(4).says("is not known");
    sandbox.assert_unchanged(&before);
    let ran = sandbox.guard(["restore", "--lost", "HEAD"]).exits(3).says("to look at it: git show --cc ");
    assert!(ran.stdout.contains("left 'cut.txt' alone: lines of both sides are missing"), "{ran}");
    assert!(sandbox.text("one.txt").contains(WORK));
}

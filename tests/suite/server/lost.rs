//! Work that the merges of a push lost: the server's verdict is the one that CI gives by the same manifest.

use super::Server;
use crate::support::MERGE_TREE;

const BLOCKING: &str = "version = 1\n[rules]\nlost-change = \"block\"\n[policy]\non_failure = \"block\"\n";

/// What came back to whoever pushed, without line breaks.
fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "remote:").collect::<Vec<_>>().join(" ")
}

/// A server whose clone has merged and thrown away what feat did, by this manifest.
fn lossy(manifest: &str) -> Server {
    let server = Server::with(manifest);
    server.sandbox.diverge("code.txt", &[]);
    let _ = server.push(&["HEAD~1:refs/heads/main"]).ok();
    server.sandbox.lose_work("code.txt");
    server
}

/// Says the same in the merge commit.
fn told(server: &Server, trailer: &str) {
    let _ = server.sandbox.git(["commit", "-q", "--amend", "-m", "merge feat", "-m", trailer]).ok();
}

#[test]
fn where_the_manifest_lets_it_block_the_push_is_refused_with_author_and_lines() {
    let server = lossy(BLOCKING);
    let before = server.at("main");
    let refused = server.push(&["main"]).fails();
    let said = words(&refused.stderr);
    let merge = &server.sandbox.rev("HEAD")[..10];
    assert!(said.contains("guard: refused this push; next: guard restore --lost"), "{refused}");
    assert!(
        said.contains("of the second parent") && said.contains("are missing from 'code.txt' [lost-change]"),
        "{refused}"
    );
    assert!(said.contains(&format!("in {merge} Merge branch 'feat'")), "{refused}");
    assert!(said.contains("lost work of Ada (") && said.contains("- feat's careful work"), "{refused}");
    assert_eq!(server.at("main"), before);
    // What the printed command makes is taken, and CI says the same of both.
    let ci = |server: &Server| {
        let range = format!("{before}..HEAD");
        server.sandbox.guard(["check", &range]).status
    };
    assert_eq!(ci(&server), 1);
    let _ = server.sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    let _ = server.sandbox.git(["merge", "-q", "-X", "theirs", "-m", "merge feat", "feat"]).ok();
    assert_eq!(ci(&server), 0);
    let _ = server.push(&["main"]).ok();
}

#[test]
fn by_itself_it_is_a_warning_and_a_merge_without_loss_is_not_talked_about() {
    let server = lossy("version = 1\n");
    let warned = server.push(&["main"]).ok();
    let said = words(&warned.stderr);
    assert!(
        said.contains("look at what this push brings") && said.contains("warn") && said.contains("[lost-change]"),
        "{warned}"
    );
    assert!(said.contains("do guard restore --lost"), "{warned}");
    assert_eq!(server.at("main"), server.sandbox.rev("HEAD"));
    server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let _ = server.sandbox.git(["merge", "-q", "--no-ff", "-m", "good", "good"]).ok();
    assert_eq!(server.push(&["main"]).ok().stderr, "");
}

#[test]
fn the_branchs_own_manifest_counts_and_not_the_one_that_is_pushed() {
    // The pushed line, and the merge's first parent, let such work pass; the branch does not.
    let server = Server::with(BLOCKING);
    let sandbox = &server.sandbox;
    sandbox.write(".recoveryguard.toml", "version = 1\n[rules]\nlost-change = \"off\"\n").commit("lenient");
    sandbox.diverge("code.txt", &[]);
    sandbox.lose_work("code.txt");
    let refused = server.push(&["main"]).fails();
    assert!(refused.stderr.contains("[lost-change]") && refused.stderr.contains("[manifest-weakened]"), "{refused}");
    let refused = server.push(&["main:refs/heads/new"]).fails();
    assert!(refused.stderr.contains("[lost-change]"), "of a new branch the default one's: {refused}");
}

#[test]
fn a_reason_lets_it_pass_where_the_branch_says_so() {
    let lenient = "version = 1\n[rules]\nlost-change = \"block\"\n[policy]\nallow = [\"lost-change\"]\n";
    let reason = "guard-allow=lost-change: feat was given up";
    let server = lossy(lenient);
    let refused = server.push(&["main"]).fails();
    assert!(words(&refused.stderr).contains("git push -o 'guard-allow=lost-change: <why>'"), "{refused}");
    let _ = server.push(&["-o", reason, "main"]).ok();
    assert_eq!(server.at("main"), server.sandbox.rev("HEAD"));
    // The result is what the first parent has: the merge changed nothing there, and yet it is the one that lost something.
    let server = lossy(lenient);
    told(&server, "Guard-Allow: lost-change code.txt -- feat was given up");
    let _ = server.push(&["main"]).ok();
    // Where the branch does not say so, neither counts.
    let server = lossy(BLOCKING);
    let _ = server.push(&["-o", reason, "main"]).fails();
    told(&server, "Guard-Allow: lost-change code.txt -- feat was given up");
    let _ = server.push(&["main"]).fails();
}

/// Whoever merges it did not say so.
#[test]
fn what_is_said_in_a_merge_that_is_merged_lets_nothing_pass() {
    let lenient = "version = 1\n[rules]\nlost-change = \"block\"\n[policy]\nallow = [\"lost-change\"]\n";
    let server = lossy(lenient);
    let sandbox = &server.sandbox;
    told(&server, "Guard-Allow: lost-change * -- feat was given up");
    let _ = sandbox.git(["branch", "theirs"]).ok();
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "merge theirs", "theirs"]).ok();
    let refused = server.push(&["main"]).fails();
    assert!(words(&refused.stderr).contains("do git push -o 'guard-allow=lost-change: <why>'"), "{refused}");
    // Without push options there is no other way than to bring it back.
    server.config("receive.advertisePushOptions", "false");
    let refused = server.push(&["main"]).fails();
    assert!(refused.stderr.contains("do    guard restore --lost"), "{refused}");
    server.config("receive.advertisePushOptions", "true");
    let _ = server.push(&["-o", "guard-allow=lost-change: feat was given up", "main"]).ok();
    assert_eq!(server.at("main"), sandbox.rev("HEAD"));
}

#[test]
fn a_discarded_side_may_block_and_be_excused_as_a_whole() {
    let manifest = "version = 1\n[rules]\nside-discarded = \"block\"\n[policy]\nallow = [\"side-discarded\"]\n";
    let server = lossy(manifest);
    let refused = server.push(&["main"]).fails();
    assert!(refused.stderr.contains("[side-discarded]"), "{refused}");
    // Where the server takes no reason with the push, what it names is done.
    server.config("receive.advertisePushOptions", "false");
    let refused = server.push(&["main"]).fails();
    assert!(words(&refused.stderr).contains("'Guard-Allow: side-discarded * -- <why>'"), "{refused}");
    told(&server, "Guard-Allow: side-discarded * -- feat was given up");
    let _ = server.push(&["main"]).ok();
}

#[test]
fn what_only_git_can_tell_is_asked_of_git() {
    if !MERGE_TREE.is_needed_here() {
        return;
    }
    // git's own merge takes the whole file of the first side there, which nobody but git knows.
    let server = Server::with(BLOCKING);
    server.config("merge.mine.driver", "true");
    std::fs::create_dir_all(server.bare.join("info")).unwrap();
    std::fs::write(server.bare.join("info/attributes"), "code.txt merge=mine\n").unwrap();
    server.sandbox.diverge("code.txt", &[]);
    server.sandbox.lose_work("code.txt");
    let _ = server.push(&["main"]).ok();
    assert_eq!(server.at("main"), server.sandbox.rev("HEAD"));
    let left = std::fs::read_dir(server.bare.join("objects")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().contains("objects-")).count(), 0);
    assert!(!server.bare.join("recoveryguard/tmp").exists(), "nothing is written but in quarantine");
}

/// git's own merge takes longer than a push has: what was not looked at is said. Whether the push is taken then is asked of
/// `on_failure` only where lost work would refuse it.
#[test]
fn when_the_time_is_over_a_rule_that_only_warns_refuses_nothing() {
    if !MERGE_TREE.is_needed_here() {
        return;
    }
    for (level, taken) in [("block", false), ("warn", true)] {
        let manifest = BLOCKING.replace("lost-change = \"block\"", &format!("lost-change = \"{level}\""));
        let server = lossy(&manifest);
        server.config("merge.slow.driver", "exec >/dev/null 2>&1; sleep $SLOW");
        std::fs::create_dir_all(server.bare.join("info")).unwrap();
        std::fs::write(server.bare.join("info/attributes"), "code.txt merge=slow\n").unwrap();
        // On a busy machine all that comes before may need a while, too.
        let said = [2, 8, 32].into_iter().find_map(|seconds| {
            server.config("recoveryguard.pushSeconds", &seconds.to_string());
            let pack = format!("--receive-pack=env SLOW={} git-receive-pack", seconds + 3);
            let ran = server.sandbox.git(["push", "-q", &pack, "origin", "main"]);
            assert_eq!(ran.status == 0, taken, "{ran}");
            Some(words(&ran.stderr)).filter(|said| !said.contains("judged in time"))
        });
        let said = said.expect("32 seconds are enough for one merge");
        let missed = "'main': 1 of 1 merges were not looked at for lost work: no time was left";
        assert!(said.contains(missed) && !said.contains("[lost-change]"), "{said}");
        if taken {
            assert!(said.contains("guard: this push is fine") && said.contains("all of them: guard audit"), "{said}");
        } else {
            assert!(said.contains("could not judge this push: refused") && said.contains("pushSeconds"), "{said}");
        }
    }
}

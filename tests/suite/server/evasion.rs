//! Ways around a server's verdict that must not lead anywhere: who pushes can't excuse himself.

use super::Server;

const STRICT: &str = "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n";
const LENIENT: &str = "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\"]\n";

/// Commits the deletion of the protected file on a new branch, with this message.
fn deleting(server: &Server, branch: &str, message: &str) -> String {
    let sandbox = &server.sandbox;
    let _ = sandbox.git(["checkout", "-q", "-b", branch, "main"]).ok();
    std::fs::remove_file(sandbox.at("tool.sh")).unwrap();
    let commit = sandbox.commit(message);
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    commit
}

/// Merges a branch into a new one.
fn merging(server: &Server, branch: &str, into: &str, message: &str) -> String {
    let sandbox = &server.sandbox;
    let _ = sandbox.git(["checkout", "-q", "-b", into, "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", message, branch]).ok();
    let commit = sandbox.rev("HEAD");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    commit
}

const TRAILER: &str = "gone\n\nGuard-Allow: protected-delete tool.sh -- I want it";

#[test]
fn a_trailer_counts_only_for_rules_that_the_branch_lets_pass() {
    let server = Server::with(STRICT);
    let bad = deleting(&server, "bad", TRAILER);
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
    let server = Server::with(LENIENT);
    let bad = deleting(&server, "bad", TRAILER);
    let _ = server.push(&[&format!("{bad}:refs/heads/main")]).ok();
}

#[test]
fn a_trailer_counts_in_the_merge_and_not_in_what_is_merged() {
    let server = Server::with(LENIENT);
    let _ = deleting(&server, "theirs", TRAILER);
    let merge = merging(&server, "theirs", "unseen", "merge theirs");
    let refused = server.push(&[&format!("{merge}:refs/heads/main")]).fails();
    assert_eq!(refused.stderr.matches("[protected-delete]").count(), 1, "of the step or of its merge: {refused}");
    let told = merging(&server, "theirs", "told", TRAILER);
    let _ = server.push(&[&format!("{told}:refs/heads/main")]).ok();
    assert_eq!(server.at("main"), told);
}

#[test]
fn what_was_pushed_under_a_clones_name_of_a_branch_is_not_accepted() {
    let server = Server::with(STRICT);
    let bad = deleting(&server, "bad", "gone");
    for name in
        ["refs/heads/origin/HEAD", "refs/remotes/origin/HEAD", "refs/tags/origin/HEAD", "refs/heads/origin/main"]
    {
        let _ = server.push(&[&format!("{bad}:{name}")]).ok();
    }
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
}

#[test]
fn what_the_default_branch_has_may_come_to_other_branches_but_not_by_force() {
    let server = Server::with(LENIENT);
    let sandbox = &server.sandbox;
    let _ = server.push(&["main:refs/heads/release"]).ok();
    let bad = deleting(&server, "bad", "gone");
    let _ = server.push(&["-o", "guard-allow=protected-delete: it moved", &format!("{bad}:refs/heads/main")]).ok();
    let merge = {
        let _ = sandbox.git(["checkout", "-q", "-b", "work", "main"]).ok();
        sandbox.write("own", "1\n").commit("own");
        let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "main into release", "bad"]).ok();
        sandbox.rev("HEAD")
    };
    let _ = server.push(&[&format!("{merge}:refs/heads/release")]).ok();
    // A branch that is put where the default branch once was loses what it had.
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[protect]]\npaths = [\"own\"]\n");
    sandbox.write("own", "1\n").commit("own");
    let _ = server.push(&["main:refs/heads/other"]).ok();
    let refused = server.push(&["--force", &format!("{bad}:refs/heads/other")]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
}

#[test]
fn a_merge_that_came_with_a_tag_is_judged_when_it_comes_to_a_branch() {
    let server = Server::with("version = 1\n[rules]\nconflict-markers = \"block\"\n");
    let sandbox = &server.sandbox;
    sandbox.branch("theirs", &[("base.txt", Some("theirs\n"))]);
    let _ = sandbox.git(["checkout", "-q", "-b", "work", "main"]).ok();
    sandbox.write("base.txt", "ours\n").commit("ours");
    let _ = sandbox.git(["merge", "-q", "theirs"]).fails();
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["commit", "-q", "--no-verify", "-m", "markers"]).ok();
    let _ = server.push(&["work:refs/tags/v1"]).ok();
    let refused = server.push(&["work:refs/heads/main"]).fails();
    assert!(refused.stderr.contains("conflict-markers"), "{refused}");
    let refused = server.push(&["work:refs/heads/new"]).fails();
    assert!(refused.stderr.contains("conflict-markers"), "{refused}");
}

#[test]
fn the_manifest_that_is_there_judges_the_one_that_comes() {
    let server = Server::with(STRICT);
    let sandbox = &server.sandbox;
    let weak = sandbox.branch("weak", &[(".recoveryguard.toml", Some("version = 1\n")), ("tool.sh", None)]);
    let refused = server.push(&[&format!("{weak}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("manifest-weakened") && refused.stderr.contains("protected-delete"), "{refused}");
    // Something else in its place: a link, a folder, a submodule.
    let blob = sandbox.rev("HEAD:base.txt");
    let commit = sandbox.rev("HEAD");
    let link = format!("120000,{blob},.recoveryguard.toml");
    let folder = format!("100644,{blob},.recoveryguard.toml/x");
    let module = format!("160000,{commit},.recoveryguard.toml");
    for (n, entry) in [link, folder, module].iter().enumerate() {
        let _ = sandbox.git(["checkout", "-q", "-f", "-b", &format!("odd{n}"), "main"]).ok();
        let _ = sandbox.git(["rm", "-q", "--cached", ".recoveryguard.toml"]).ok();
        let _ = sandbox.git(["update-index", "--add", "--cacheinfo", entry]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", "odd"]).ok();
        let refused = server.push(&[&format!("odd{n}:refs/heads/main")]).fails();
        assert!(refused.stderr.contains("manifest-weakened"), "{entry}: {refused}");
        let _ = sandbox.git(["read-tree", "main"]).ok();
    }
}

#[test]
fn a_replaced_commit_does_not_bring_another_manifest() {
    let server = Server::with(STRICT);
    let bad = deleting(&server, "bad", "gone");
    let sandbox = &server.sandbox;
    let tree = sandbox.git(["hash-object", "-w", "-t", "tree", "/dev/null"]).ok().line().to_owned();
    let empty = sandbox.git(["commit-tree", "-m", "nothing is protected", &tree]).ok().line().to_owned();
    let _ = server.push(&[&format!("{empty}:refs/replace/{}", server.at("main"))]).ok();
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
}

#[test]
fn a_branch_that_anybody_may_make_is_no_accepted_line() {
    let accepting = format!("{STRICT}[policy]\naccepted = [\"origin/develop\", \"upstream/main\"]\n");
    let server = Server::with(&accepting);
    let bad = deleting(&server, "bad", "gone");
    for name in ["develop", "upstream/main"] {
        let _ = server.push(&[&format!("{bad}:refs/heads/{name}")]).ok();
    }
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
}

const DATA: &str =
    "version = 1\n[[data]]\npaths = [\"data.json\"]\nrecords = \"/emails\"\nkey = \"id\"\nmax_loss = \"10%\"\n";

/// Commits so many records.
fn records(server: &Server, number: usize) {
    let all: Vec<String> = (0..number).map(|id| format!("{{\"id\": {id}}}")).collect();
    server.sandbox.write("data.json", format!("{{\"emails\": [{}]}}\n", all.join(","))).commit("records");
}

/// Makes a merge on a new branch that keeps nothing of the records that come in.
fn losing(server: &Server, name: &str) -> String {
    let (sandbox, more) = (&server.sandbox, format!("{name}-more"));
    let _ = sandbox.git(["checkout", "-q", "-b", &more, "main"]).ok();
    records(server, 20);
    let _ = sandbox.git(["checkout", "-q", "-b", name, "main"]).ok();
    sandbox.write(name, "own\n").commit("own");
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", name, &more]).ok();
    sandbox.rev("HEAD")
}

/// A merge is judged by the manifest of each branch that it comes to, whatever other branches have it, or get it in the same push.
#[test]
fn a_merge_is_not_known_by_way_of_a_branch_with_another_manifest() {
    let server = Server::with(DATA);
    let sandbox = &server.sandbox;
    records(&server, 10);
    let _ = server.push(&["main"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "aaa"]).ok();
    let _ = sandbox.git(["rm", "-q", ".recoveryguard.toml"]).ok();
    sandbox.commit("nothing is data");
    let _ = server.push(&["aaa"]).ok();
    let [first, second] = ["first", "second"].map(|name| losing(&server, name));
    let refused = |refs: &[&str]| {
        let refused = server.push(refs).fails();
        assert!(refused.stderr.contains("[lost-records]"), "{refused}");
    };
    refused(&[&format!("{first}:refs/heads/main")]);
    let _ = sandbox.git(["checkout", "-q", "aaa"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "both", &first]).ok();
    refused(&["aaa", &format!("{first}:refs/heads/main")]);
    refused(&["aaa", &format!("{second}:refs/heads/main")]);
    let _ = server.push(&["aaa"]).ok();
    refused(&[&format!("{first}:refs/heads/main")]);
}

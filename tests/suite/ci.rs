//! `guard check --ci`: the same verdict in a pipeline, from what its environment says.

use serde_json::json;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\non = [\"main\"]\n[[branch]]\ninto = [\"main\"]\nnever = [\"wip/*\"]\n";

/// A project whose branch `feat` deletes a protected file; returns base and head.
fn project(sandbox: &Sandbox) -> (String, String) {
    sandbox.write(".recoveryguard.toml", MANIFEST).write("tool.sh", "#!/bin/sh\n");
    let base = sandbox.commit("project");
    (base, sandbox.branch("feat", &[("tool.sh", None)]))
}

fn event(sandbox: &Sandbox, name: &str, event: &serde_json::Value) {
    sandbox.write("../event.json", event.to_string());
    sandbox.env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", name).env("GITHUB_EVENT_PATH", "../event.json");
}

fn pull_request(base: &str, head: &str, from: &str) -> serde_json::Value {
    json!({ "pull_request": { "base": { "sha": base, "ref": "main" }, "head": { "sha": head, "ref": from } } })
}

#[test]
fn a_pull_request_is_judged_by_the_branch_that_it_goes_into() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    // As a runner checks it out: no branch, only the commit.
    let _ = sandbox.git(["checkout", "-q", "--detach", &head]).ok();
    event(&sandbox, "pull_request", &pull_request(&base, &head, "feat"));
    let refused = sandbox.guard(["check", "--ci"]).exits(1);
    assert!(refused.stdout.contains("::error") && refused.stdout.contains("protected-delete"), "{refused}");
    let document = sandbox.guard(["check", "--ci", "--json"]).exits(1);
    assert!(document.line().starts_with("{\"version\":1,\"command\":\"check\""), "{document}");
    let elsewhere = json!({ "pull_request": { "base": { "sha": base, "ref": "sandbox" }, "head": { "sha": head, "ref": "feat" } } });
    event(&sandbox, "pull_request", &elsewhere);
    let warned = sandbox.guard(["check", "--ci", "--format", "text"]).ok();
    assert!(warned.stdout.contains("warn"), "on another branch it only warns: {warned}");
}

#[test]
fn the_names_of_both_branches_count() {
    let sandbox = Sandbox::new();
    let (base, _) = project(&sandbox);
    let head = sandbox.branch("half-done", &[("new", Some("1\n"))]);
    event(&sandbox, "pull_request", &pull_request(&base, &head, "wip/idea"));
    let refused = sandbox.guard(["check", "--ci"]).exits(1);
    assert!(refused.stdout.contains("wrong-branch"), "{refused}");
}

#[test]
fn a_push_is_a_step() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    let push = json!({ "before": base, "after": head, "ref": "refs/heads/main" });
    event(&sandbox, "push", &push);
    assert!(sandbox.guard(["check", "--ci"]).exits(1).stdout.contains("protected-delete"));
    // The shared line has it because it was pushed.
    let _ = sandbox.git(["update-ref", "refs/remotes/origin/HEAD", &head]).ok();
    assert!(sandbox.guard(["check", "--ci"]).exits(1).stdout.contains("protected-delete"));
}

/// git takes a tag before a branch that was fetched; and not each `origin/HEAD` is the default branch.
#[test]
fn what_others_pushed_under_a_name_of_ours_does_not_count() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    let _ = sandbox.git(["update-ref", "refs/remotes/origin/main", &base]).ok();
    let names = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &head), ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    for (name, value) in names {
        sandbox.env(name, value);
    }
    for name in ["refs/tags/origin/main", "refs/tags/origin/HEAD", "refs/remotes/origin/HEAD"] {
        let _ = sandbox.git(["update-ref", name, &head]).ok();
        let refused = sandbox.guard(["check", "--ci", "--format", "text"]).exits(1);
        assert!(refused.stdout.contains("protected-delete"), "{name}: {refused}");
    }
    let _ = sandbox.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/feat"]).ok();
    let _ = sandbox.guard(["check", "--ci", "--format", "text"]).ok();
}

#[test]
fn a_change_does_not_excuse_itself_where_the_branch_does_not_say_so() {
    for (allow, status) in [("", 1), ("[policy]\nallow = [\"protected-delete\"]\n", 0)] {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", format!("{MANIFEST}{allow}")).write("tool.sh", "#!/bin/sh\n");
        let base = sandbox.commit("project");
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        let _ = sandbox.git(["rm", "-q", "tool.sh"]).ok();
        let head = sandbox.commit("gone\n\nGuard-Allow: protected-delete tool.sh -- I want it");
        event(&sandbox, "pull_request", &pull_request(&base, &head, "feat"));
        let _ = sandbox.guard(["check", "--ci"]).exits(status);
    }
}

/// What `guard allow` records stays in one clone: a pipeline names what counts for it, and that counts.
#[test]
fn the_way_to_pass_is_one_that_passes_there() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    event(&sandbox, "pull_request", &pull_request(&base, &head, "feat"));
    let refused = sandbox.guard(["check", "--ci", "--format", "text"]).exits(1);
    let never = "do    take it out of the change; '[policy] allow' of this branch does not let 'protected-delete' pass";
    assert!(refused.stdout.contains(never), "{refused}");
    sandbox.write(".recoveryguard.toml", format!("{MANIFEST}[policy]\nallow = [\"protected-delete\"]\n"));
    let base = sandbox.commit("policy");
    let _ = sandbox.git(["checkout", "-q", "-b", "fix"]).ok();
    let _ = sandbox.git(["rm", "-q", "tool.sh"]).ok();
    let head = sandbox.commit("gone");
    event(&sandbox, "pull_request", &pull_request(&base, &head, "fix"));
    let refused = sandbox.guard(["check", "--ci", "--format", "text"]).exits(1);
    let (_, after) = refused.stdout.split_once("'Guard-Allow: ").unwrap_or_else(|| panic!("{refused}"));
    let trailer = after.split_once('\'').unwrap().0.replace("<why>", "it moved");
    let _ = sandbox.git(["commit", "-q", "--amend", "-m", &format!("gone\n\nGuard-Allow: {trailer}")]).ok();
    event(&sandbox, "pull_request", &pull_request(&base, &sandbox.rev("HEAD"), "fix"));
    let _ = sandbox.guard(["check", "--ci", "--format", "text"]).ok();
}

/// A merge that takes its first parent's side changes nothing there; what it lost it says itself.
#[test]
fn a_merge_says_why_it_lost_something_where_the_branch_lets_it() {
    for (allow, status) in [("", 1), ("[policy]\nallow = [\"lost-change\", \"side-discarded\"]\n", 0)] {
        let sandbox = Sandbox::new();
        let rules = "version = 1\n[rules]\nlost-change = \"block\"\nside-discarded = \"block\"\n";
        sandbox.write(".recoveryguard.toml", format!("{rules}{allow}")).commit("strict");
        sandbox.diverge("code.txt", &[]);
        let base = sandbox.rev("HEAD");
        sandbox.lose_work("code.txt");
        let check = |status: i32| {
            event(&sandbox, "pull_request", &pull_request(&base, &sandbox.rev("HEAD"), "topic"));
            let _ = sandbox.guard(["check", "--ci"]).exits(status);
        };
        check(1);
        let told = "Guard-Allow: lost-change code.txt -- given up\nGuard-Allow: side-discarded * -- given up";
        let _ = sandbox.git(["commit", "-q", "--amend", "-m", "merge feat", "-m", told]).ok();
        check(status);
        // Where that merge is merged, somebody else said so.
        let _ = sandbox.git(["branch", "-q", "-f", "side"]).ok();
        let _ = sandbox.git(["reset", "-q", "--hard", &base]).ok();
        let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "merge side", "side"]).ok();
        check(1);
    }
}

#[test]
fn h16_a_shallow_clone_is_told_what_to_add_and_is_never_green() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    let shallow = sandbox.root().join("shallow");
    let from = format!("file://{}", sandbox.work().display());
    let clone = ["clone", "-q", "--depth", "1", "--branch", "feat", &from, shallow.to_str().unwrap()];
    let _ = sandbox.git_in(sandbox.root(), clone).ok();
    event(&sandbox, "pull_request", &pull_request(&base, &head, "feat"));
    let check = |status: i32| {
        let mut command = sandbox.command("guard", &shallow);
        Ran::of(command.args(["check", "--ci"]), b"").exits(status)
    };
    let told = check(3);
    let first = told.stderr.lines().next().unwrap();
    assert!(first.contains("could not verify") && first.contains("fetch-depth: 0"), "{told}");
    // Who sees only the annotation is told, too.
    assert!(told.stdout.starts_with("::error") && told.stdout.contains("fetch-depth: 0"), "{told}");
    // The command that brings it works as it is printed.
    let (_, now) = first.split_once("or now: ").unwrap();
    let _ = Ran::of(sandbox.command("sh", &shallow).args(["-c", now]), b"").ok();
    assert!(check(1).stdout.contains("protected-delete"));
}

/// GitLab's runner fetches one branch into an empty repository: the one that is merged into is not there, whatever the depth.
#[test]
fn a_runner_that_fetches_one_branch_is_told_how_to_get_the_other() {
    let sandbox = Sandbox::new();
    let (_, head) = project(&sandbox);
    let _ = sandbox.git(["init", "-q", "../runner"]).ok();
    let runner = sandbox.root().join("runner");
    let url = format!("file://{}", sandbox.work().display());
    let _ = sandbox.git_in(&runner, ["remote", "add", "origin", &url]).ok();
    let _ = sandbox.git_in(&runner, ["fetch", "-q", "origin", "+refs/heads/feat:refs/remotes/origin/feat"]).ok();
    let _ = sandbox.git_in(&runner, ["checkout", "-q", "--detach", &head]).ok();
    sandbox.env("GITLAB_CI", "true").env("CI_COMMIT_SHA", &head);
    sandbox.env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main").env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feat");
    let told = sandbox.guard(["-C", "../runner", "check", "--ci"]).exits(3);
    let first = told.stderr.lines().next().unwrap();
    assert!(
        first.contains("'refs/remotes/origin/main' is not a commit here") && first.contains("'GIT_DEPTH: 0'"),
        "{told}"
    );
    let (_, now) = first.split_once("or now: ").unwrap();
    let template = include_str!("../../docs/ci/gitlab.yml");
    assert!(template.contains(&now.replace("git fetch", "git fetch --quiet")), "the template does it: {now}");
    let _ = Ran::of(sandbox.command("sh", &runner).args(["-c", now]), b"").ok();
    assert!(sandbox.guard(["-C", "../runner", "check", "--ci"]).exits(1).stdout.contains("protected-delete"));
}

/// What a branch was before a forced push is in no branch any more: no clone has it, however deep.
#[test]
fn what_a_forced_push_left_behind_is_fetched_by_its_name() {
    let sandbox = Sandbox::new();
    let (base, head) = project(&sandbox);
    let before = sandbox.write("more", "1\n").commit("more");
    let _ = sandbox.git(["reset", "-q", "--hard", &base]).ok();
    let _ = sandbox.git(["clone", "-q", &format!("file://{}", sandbox.work().display()), "../runner"]).ok();
    event(&sandbox, "push", &json!({ "before": before, "after": head, "ref": "refs/heads/main", "forced": true }));
    let told = sandbox.guard(["-C", "../runner", "check", "--ci"]).exits(3);
    let first = told.stderr.lines().next().unwrap();
    let (_, now) = first.split_once("hint: ").unwrap();
    assert!(first.contains("could not verify") && now.ends_with(&before), "{told}");
    let _ = Ran::of(sandbox.command("sh", &sandbox.root().join("runner")).args(["-c", now]), b"").ok();
    assert!(sandbox.guard(["-C", "../runner", "check", "--ci"]).exits(1).stdout.contains("protected-delete"));
}

#[test]
fn outside_of_a_pipeline_it_is_said_what_to_give() {
    let sandbox = Sandbox::new();
    let _ = project(&sandbox);
    let _ = sandbox.guard(["check", "--ci"]).exits(2).says("give a range");
}

//! A bare repository that judges pushes (I10): real pushes, quarantine, several refs, forced ones, new and deleted branches.

mod budget;
mod evasion;
mod github;
mod gitolite;
mod hostile;
mod lost;
mod options;
mod others;
mod transports;

use std::path::PathBuf;

use crate::support::{Ran, Sandbox, write_program};

const MANIFEST: &str =
    "version = 1\n[[protect]]\nname = \"tools\"\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"mass-delete\"]\n";

/// A clone in the sandbox's working tree whose `origin` is a bare repository with guard's hook.
struct Server {
    sandbox: Sandbox,
    bare: PathBuf,
}

impl Server {
    fn new() -> Self {
        Self::with(MANIFEST)
    }

    fn with(manifest: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write(".recoveryguard.toml", manifest).write("tool.sh", "#!/bin/sh\n").commit("project");
        let bare = sandbox.root().join("server.git");
        let _ = sandbox.git_in(sandbox.root(), ["clone", "-q", "--bare", "repo", "server.git"]).ok();
        let _ = sandbox.git_in(&bare, ["config", "receive.advertisePushOptions", "true"]).ok();
        let _ = sandbox.git(["remote", "add", "origin", bare.to_str().unwrap()]).ok();
        let server = Self { sandbox, bare };
        let _ = server.guard(&["install", "--server"]).ok();
        server
    }

    fn guard(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.sandbox.command("guard", &self.bare).args(arguments), b"")
    }

    fn push(&self, arguments: &[&str]) -> Ran {
        self.sandbox.git([&["push", "-q", "origin"], arguments].concat())
    }

    fn config(&self, name: &str, value: &str) {
        let _ = self.sandbox.git_in(&self.bare, ["config", name, value]).ok();
    }

    fn at(&self, branch: &str) -> String {
        let ran = self.sandbox.git_in(&self.bare, ["rev-parse", "-q", "--verify", &format!("refs/heads/{branch}")]);
        ran.stdout.trim().to_owned()
    }
}

#[test]
fn a_push_that_deletes_a_protected_file_is_refused_and_nothing_moves() {
    let server = Server::new();
    let before = server.at("main");
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let refused = server.push(&[&format!("{bad}:refs/heads/main"), "main:refs/heads/other"]).fails();
    assert!(refused.stderr.contains("guard: refused this push"), "{refused}");
    assert!(refused.stderr.contains("protected-delete") && refused.stderr.contains("no branch has moved"), "{refused}");
    assert_eq!((server.at("main"), server.at("other")), (before, String::new()), "all of it or nothing");
    let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let _ = server.push(&[&format!("{good}:refs/heads/main")]).ok();
    assert_eq!(server.at("main"), good);
}

#[test]
fn a_merge_on_a_new_branch_is_judged_by_the_default_branch() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    sandbox.branch("bad", &[("tool.sh", None)]);
    sandbox.write("base.txt", "more\n").commit("more");
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-edit", "bad"]).ok();
    let refused = server.push(&["HEAD:refs/heads/release"]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
    assert_eq!(server.at("release"), "");
}

#[test]
fn a_forced_push_is_compared_with_what_was_there() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    let _ = sandbox.git(["checkout", "-q", "--orphan", "other"]).ok();
    let _ = sandbox.git(["rm", "-q", "--cached", "tool.sh"]).ok();
    std::fs::remove_file(sandbox.at("tool.sh")).unwrap();
    sandbox.commit("another history");
    let refused = server.push(&["--force", "HEAD:main"]).fails();
    assert!(refused.stderr.contains("protected-delete"), "{refused}");
}

#[test]
fn branches_may_go_tags_are_not_judged_and_an_empty_server_takes_the_first_push() {
    let server = Server::new();
    let _ = server.push(&["main:refs/heads/old"]).ok();
    let _ = server.push(&["--delete", "old"]).ok();
    assert_eq!(server.at("old"), "");
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let _ = server.push(&[&format!("{bad}:refs/tags/v1")]).ok();
    let empty = server.sandbox.root().join("empty.git");
    let _ = server.sandbox.git_in(server.sandbox.root(), ["init", "-q", "--bare", "-b", "main", "empty.git"]).ok();
    let _ = Ran::of(server.sandbox.command("guard", &empty).args(["install", "--server"]), b"").ok();
    let _ = server.sandbox.git(["push", "-q", empty.to_str().unwrap(), "main"]).ok();
}

#[test]
fn a_push_option_lets_pass_what_the_branch_says_may_pass() {
    let server =
        Server::with("version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\"]\n");
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let refspec = format!("{bad}:refs/heads/main");
    let refused = server.push(&[&refspec]).fails();
    assert!(refused.stderr.contains("git push -o 'guard-allow=protected-delete: <why>'"), "{refused}");
    let _ = server.push(&["-o", "guard-allow=protected-delete:", &refspec]).fails();
    let _ = server.push(&["-o", "guard-allow=protected-delete: it moved to ops", &refspec]).ok();
    assert_eq!(server.at("main"), bad);
    let strict = Server::new();
    let bad = strict.sandbox.branch("bad", &[("tool.sh", None)]);
    let refspec = format!("{bad}:refs/heads/main");
    let refused = strict.push(&["-o", "guard-allow=protected-delete: I want it", &refspec]).fails();
    assert!(refused.stderr.contains("does not let 'protected-delete' pass"), "{refused}");
}

#[test]
fn where_options_are_not_taken_the_remedy_says_whom_to_ask() {
    let server =
        Server::with("version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\"]\n");
    let _ = server.sandbox.git_in(&server.bare, ["config", "--unset", "receive.advertisePushOptions"]).ok();
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("this server takes no push options"), "{refused}");
}

#[test]
fn no_trailer_is_offered_for_what_has_no_path() {
    let never = "[[branch]]\ninto = [\"main\"]\nnever = [\"wip\"]\n[policy]\nallow = [\"wrong-branch\"]\n";
    let server = Server::with(&format!("version = 1\n{never}"));
    let wip = server.sandbox.branch("wip", &[("new", Some("1\n"))]);
    let _ = server.push(&["wip"]).ok();
    server.config("receive.advertisePushOptions", "false");
    let refused = server.push(&[&format!("{wip}:refs/heads/main")]).fails();
    let first = refused.stderr.lines().next().unwrap();
    assert!(first.contains("only a push option lets 'wrong-branch' pass, and this server takes none"), "{refused}");
    server.config("receive.advertisePushOptions", "true");
    let _ = server.push(&["-o", "guard-allow=wrong-branch: it is done", &format!("{wip}:refs/heads/main")]).ok();
}

/// 'guard allow' is a clone's, and what only warns is taken.
#[test]
fn a_warning_offers_no_remedy_that_a_server_does_not_know() {
    let server = Server::with("version = 1\n");
    let sandbox = &server.sandbox;
    for number in 0..200 {
        let _ = sandbox.write(format!("old/{number}"), number.to_string());
    }
    sandbox.commit("many files");
    let _ = server.push(&["main"]).ok();
    std::fs::remove_dir_all(sandbox.at("old")).unwrap();
    sandbox.commit("none of them");
    let warned = server.push(&["main"]).ok();
    assert!(warned.stderr.contains("[mass-delete]") && !warned.stderr.contains("guard allow"), "{warned}");
}

/// Nobody but the server's operator takes in what a manifest lets nobody allow, one that asks for less among it.
#[test]
fn what_nothing_lets_pass_the_operator_fetches() {
    let server = Server::new();
    let weaker = server.sandbox.branch("weaker", &[(".recoveryguard.toml", Some("version = 1\n"))]);
    let refused = server.push(&["weaker:main"]).fails();
    assert!(refused.stderr.contains("does not let 'manifest-weakened' pass"), "{refused}");
    let clone = server.sandbox.work().to_str().unwrap();
    let _ = server.sandbox.git_in(&server.bare, ["fetch", "-q", clone, "weaker:main"]).ok();
    assert_eq!(server.at("main"), weaker);
}

#[test]
fn without_a_guard_pushes_are_taken_unless_the_server_says_otherwise() {
    let server = Server::new();
    let hook = server.bare.join("hooks/pre-receive");
    let text = std::fs::read_to_string(&hook).unwrap();
    let lost: String =
        text.lines()
            .map(|line| {
                if line.trim_start().starts_with("g='") { "\tg=/nonexistent\n".to_owned() } else { format!("{line}\n") }
            })
            .collect();
    write_program(&hook, lost);
    std::fs::remove_file(server.sandbox.root().join("bin/guard")).unwrap();
    let push = |branch: &str| server.push(&[&format!("main:refs/heads/{branch}")]);
    let _ = push("open").ok().says("guard could not be run");
    let _ = server.sandbox.git_in(&server.bare, ["config", "recoveryguard.onFailure", "block"]).ok();
    let _ = push("shut").fails();
    assert_eq!(server.at("shut"), "");
}

#[test]
fn a_manifest_that_can_not_be_read_refuses_on_a_server_and_may_be_mended() {
    let server = Server::with("version = 1\n[[protect]]\npaths = [");
    let refused = server.push(&[&format!("{}:main", server.sandbox.branch("x", &[("x", Some("1"))]))]).fails();
    assert!(refused.stderr.contains("could not judge this push: refused"), "{refused}");
    let mended = server.sandbox.branch("mended", &[(".recoveryguard.toml", Some("version = 1\n"))]);
    let _ = server.push(&[&format!("{mended}:main")]).ok();
}

#[test]
fn the_hook_that_was_there_runs_first_and_uninstall_leaves_it() {
    let server = Server::new();
    let _ = server.guard(&["uninstall"]).ok();
    assert!(!server.bare.join("hooks/pre-receive").exists());
    let theirs = "#!/bin/sh\ncat > seen\n";
    write_program(server.bare.join("hooks/pre-receive"), theirs);
    let _ = server.guard(&["install", "--server"]).ok();
    let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let _ = server.push(&[&format!("{good}:refs/heads/main")]).ok();
    assert!(std::fs::read_to_string(server.bare.join("seen")).unwrap().contains(&good));
    let doctor = server.guard(&["doctor"]);
    assert!(doctor.stdout.contains("git push to this repository (pre-receive)"), "{doctor}");
    let bare = server.sandbox.root().join("new.git");
    let _ = server.sandbox.git(["init", "-q", "--bare", bare.to_str().unwrap()]).ok();
    let told = Ran::of(server.sandbox.command("guard", &bare).arg("doctor"), b"").exits(1);
    assert!(told.stdout.contains("guard install --server\n") && !told.stdout.contains("guard install\n"), "{told}");
    let _ = server.guard(&["uninstall"]).ok();
    assert_eq!(std::fs::read_to_string(server.bare.join("hooks/pre-receive")).unwrap(), theirs);
}

#[test]
fn the_roles_are_not_mixed_up() {
    let server = Server::new();
    let _ = server.sandbox.guard(["install", "--server"]).exits(4).says("hint: guard install");
    let _ = server.guard(&["install"]).exits(4).says("hint: guard install --server");
}

/// A thousand commits with a hundred merges at once.
#[test]
fn a_push_of_a_hundred_merges_is_judged_whole() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    let mut stream = String::new();
    let head = sandbox.rev("HEAD");
    let commit = |stream: &mut String, branch: &str, mark: usize, parents: &[String], path: &str| {
        stream.push_str(&format!(
            "commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@x> {} +0000\ndata 1\nx\n",
            1_800_000_000 + mark
        ));
        for (place, parent) in parents.iter().enumerate() {
            stream.push_str(&format!("{} {parent}\n", if place == 0 { "from" } else { "merge" }));
        }
        if !path.is_empty() {
            stream.push_str(&format!("M 100644 inline {path}\ndata 2\n{}\n\n", mark % 10));
        }
        stream.push('\n');
    };
    let (mut tip, mut mark) = (head, 0);
    for merge in 0..100 {
        let mut side = tip.clone();
        for step in 0..9 {
            mark += 1;
            commit(&mut stream, "side", mark, &[side.clone()], &format!("d{merge}/f{step}"));
            side = format!(":{mark}");
        }
        mark += 1;
        commit(&mut stream, "many", mark, &[tip.clone()], &format!("m{merge}"));
        let first = format!(":{mark}");
        mark += 1;
        // fast-import takes the tree of the first parent: what the side has is said again.
        stream.push_str(&format!(
            "commit refs/heads/many\nmark :{mark}\ncommitter A <a@x> {} +0000\ndata 1\nm\nfrom {first}\nmerge {side}\n",
            1_800_000_000 + mark
        ));
        for step in 0..9 {
            stream.push_str(&format!("M 100644 inline d{merge}/f{step}\ndata 2\n{}\n\n", (mark - 10 + step) % 10));
        }
        stream.push('\n');
        tip = format!(":{mark}");
    }
    let _ =
        Ran::of(sandbox.command("git", sandbox.work()).args(["fast-import", "--quiet", "--force"]), stream.as_bytes())
            .ok();
    let pushed = server.push(&["many:refs/heads/main"]).ok();
    assert_eq!(server.at("main"), sandbox.rev("many"));
    assert!(!pushed.stderr.contains("could not judge"), "{pushed}");
}

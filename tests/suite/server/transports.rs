//! Pushes over `git daemon` and smart HTTP: what the hook says reaches whoever pushes, and nothing of a refused push stays.

use std::fs;
use std::path::Path;

use super::Server;
use crate::support::{Daemon, Http, Ran};

const MANIFEST: &str = "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\nreason = \"whoever is on call at night needs this to bring the shop back, also when nobody else can be reached\"\nowners = [\"@ops\"]\n[policy]\nallow = [\"protected-delete\"]\n";

/// Runs a test once over each way to a server.
fn over_each(test: impl Fn(&Server)) {
    let server = Server::with(MANIFEST);
    let daemon = Daemon::start(&server.sandbox);
    aim(&server, &daemon.url("server.git"));
    test(&server);
    drop(daemon);
    let server = Server::with(MANIFEST);
    let Some(http) = Http::start(&server.sandbox) else { return };
    aim(&server, &http.url("server.git"));
    test(&server);
}

fn aim(server: &Server, url: &str) {
    let _ = server.sandbox.git(["remote", "set-url", "origin", url]).ok();
}

/// What stands behind `remote: `, line by line.
fn remote(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim_end).collect()
}

fn has(server: &Server, oid: &str) -> bool {
    server.sandbox.git_in(&server.bare, ["cat-file", "-e", oid]).status == 0
}

/// Whether nothing stays in quarantine. git has answered before it removes what it refused.
fn is_clean(folder: &Path) -> bool {
    let left = || {
        let names = fs::read_dir(folder.join("objects")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("tmp_objdir")).count()
    };
    (0..3000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        left() == 0
    })
}

#[test]
fn a_refusal_is_read_by_whoever_pushes_and_its_objects_go() {
    over_each(|server| {
        let before = server.at("main");
        let bad = server.sandbox.branch("bad", &[("tool.sh", None), ("new", Some("unseen\n"))]);
        let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
        let said = remote(&refused);
        let first = "guard: refused this push; next: git push -o 'guard-allow=protected-delete: <why>'";
        assert_eq!(said.first(), Some(&first), "{refused}");
        assert_eq!(said.last(), Some(&"nothing was taken: no branch has moved"), "{refused}");
        let lines = refused.stderr.lines().filter(|line| line.starts_with("remote"));
        let wide = lines.skip(1).filter(|line| line.trim_end().chars().count() > 80);
        assert_eq!(wide.count(), 0, "{refused}");
        let whole = said.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(whole.contains("also when nobody else can be reached ask @ops"), "{refused}");
        assert!(
            said.iter().any(|line| line.trim() == "do    git push -o 'guard-allow=protected-delete: <why>'"),
            "{refused}"
        );
        assert!(is_clean(&server.bare));
        assert_eq!((server.at("main"), has(server, &bad)), (before, false));
    });
}

#[test]
fn a_reason_lets_it_pass_and_is_said_back() {
    over_each(|server| {
        let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
        let refspec = format!("{bad}:refs/heads/main");
        let slip = server.push(&["-o", "guard-allow=protected-delet: it moved to ops", &refspec]).fails();
        assert!(
            remote(&slip).contains(&"        git push -o 'guard-allow=protected-delete: it moved to ops'"),
            "{slip}"
        );
        let _ = server.push(&["-o", "guard-allow=protected-delete: it moved to ops", &refspec]).ok();
        assert_eq!(server.at("main"), bad);
    });
}

#[test]
fn several_branches_forced_new_and_deleted_ones_are_one_push() {
    over_each(|server| {
        let sandbox = &server.sandbox;
        let good = sandbox.branch("good", &[("new", Some("1\n"))]);
        let bad = sandbox.branch("bad", &[("tool.sh", None)]);
        let _ = server.push(&["main:refs/heads/old", "good:refs/heads/side"]).ok();
        let (main, side, old) = (server.at("main"), server.at("side"), server.at("old"));
        let all = [format!("{good}:refs/heads/main"), format!("+{bad}:refs/heads/side"), ":refs/heads/old".to_owned()];
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        for atomic in ["--atomic", "--no-atomic"] {
            let refused = server.push(&[&[atomic], &all[..]].concat()).fails();
            assert!(remote(&refused).join("\n").contains("protected-delete"), "{refused}");
            assert_eq!(
                (server.at("main"), server.at("side"), server.at("old")),
                (main.clone(), side.clone(), old.clone())
            );
        }
        let _ = server
            .push(&["--atomic", &format!("{good}:refs/heads/main"), "+main:refs/heads/side", ":refs/heads/old"])
            .ok();
        assert_eq!((server.at("main"), server.at("side"), server.at("old")), (good, main, String::new()));
    });
}

#[test]
fn a_big_push_by_http_comes_in_chunks() {
    let server = Server::with(MANIFEST);
    let Some(http) = Http::start(&server.sandbox) else { return };
    aim(&server, &http.url("server.git"));
    let sandbox = &server.sandbox;
    let _ = sandbox.git(["config", "http.postBuffer", "65536"]).ok();
    let mut random = crate::support::Random(7);
    let noise: String = (0..300_000).map(|_| format!("{:x}", random.below(16))).collect();
    let big = sandbox.branch("big", &[("noise", Some(&noise))]);
    let worse = sandbox.branch("worse", &[("noise", Some(&noise[1..])), ("tool.sh", None)]);
    let refused = server.push(&[&format!("{worse}:refs/heads/main")]).fails();
    assert!(remote(&refused).join("\n").contains("protected-delete"), "{refused}");
    assert!(!has(&server, &worse));
    let _ = server.push(&[&format!("{big}:refs/heads/main")]).ok();
    assert_eq!((server.at("main"), http.chunked() >= 2), (big, true), "{} in chunks", http.chunked());
}

/// Nobody sees half of what another one pushes, and one of two that move the same branch is refused by git.
#[test]
fn pushes_at_the_same_time_are_judged_each_for_itself() {
    let server = Server::with(MANIFEST);
    let daemon = Daemon::start(&server.sandbox);
    aim(&server, &daemon.url("server.git"));
    let sandbox = &server.sandbox;
    let bad = sandbox.branch("bad", &[("tool.sh", None)]);
    let goods: Vec<String> =
        (0..4).map(|n| sandbox.branch(&format!("good{n}"), &[(&format!("f{n}"), Some("1\n"))])).collect();
    let mut running = Vec::new();
    for (n, good) in goods.iter().enumerate() {
        for refspec in
            [format!("{good}:refs/heads/own{n}"), format!("{good}:refs/heads/main"), format!("{bad}:refs/heads/main")]
        {
            let mut command = sandbox.command("git", sandbox.work());
            command.args(["push", "-q", "origin", &refspec]);
            running.push(std::thread::spawn(move || (refspec, Ran::of(&mut command, b""))));
        }
    }
    for thread in running {
        let (refspec, ran) = thread.join().unwrap();
        if refspec.contains("own") {
            let _ = ran.ok();
        } else if refspec.starts_with(&bad) {
            let _ = ran.fails();
        }
    }
    let owned: Vec<String> = (0..4).map(|n| server.at(&format!("own{n}"))).collect();
    assert_eq!(owned, goods);
    assert!(goods.contains(&server.at("main")), "one of them won");
    assert!(is_clean(&server.bare));
}

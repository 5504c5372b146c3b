//! What a hostile pusher may send: names, manifests, objects. The server answers in time and prints nothing that controls a terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use super::Server;
use crate::support::Ran;

/// Fails where anything but text and line ends reached whoever pushed.
fn assert_printable(ran: &Ran) {
    // git's own: it clears the line after each of ours on a terminal, and not here.
    let odd: Vec<char> = ran.stderr.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(odd.is_empty(), "{odd:?} in {ran}");
}

#[test]
fn names_with_escapes_line_feeds_and_odd_bytes_are_escaped() {
    let server = Server::with("version = 1\n[[protect]]\npaths = [\"*.sh\"]\n");
    let sandbox = &server.sandbox;
    let name = OsStr::from_bytes(b"a\x1b[2J\n\x07\xff\xe2\x80\xae.sh");
    std::fs::write(sandbox.at(name), "1\n").unwrap();
    sandbox.commit("odd name");
    let _ = server.push(&["main"]).ok();
    std::fs::remove_file(sandbox.at(name)).unwrap();
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["-c", "user.name=\u{1b}[31mred\r", "commit", "-q", "-m", "\u{1b}]0;title\u{7}\u{9b}31m"]).ok();
    for branch in ["main", "ä\u{1f600}", "-x", "a'b;c"] {
        let refspec = format!("HEAD:refs/heads/{branch}");
        let _ = server.push(&[&format!("HEAD~1:refs/heads/{branch}")]).ok();
        let refused = server.push(&[&refspec]).fails();
        assert_printable(&refused);
        assert!(refused.stderr.contains("protected-delete") && refused.stderr.contains(r"\u{1b}[2J"), "{refused}");
    }
    let refused = server.push(&["-o", "guard-allow=\u{1b}[2Jx: \u{7}", "HEAD:refs/heads/main"]).fails();
    assert_printable(&refused);
}

/// The hook has five seconds; a debug build on a busy machine is given more before this fails.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn huge_manifests_take_no_longer_than_the_time_for_a_push() {
    let server = Server::with("version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\non_failure = \"block\"\n");
    let sandbox = &server.sandbox;
    server.config("recoveryguard.pushSeconds", "5");
    let many: Vec<String> = (0..60_000).map(|n| format!("'a{n}/**/*b'")).collect();
    let greedy = vec!["'**/*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b'"; 2000];
    let deep = "[".repeat(100_000);
    let over = "#".repeat(2 << 20);
    let manifests = [
        format!("version = 1\n[[protect]]\npaths = [{}]\n", many.join(",")),
        format!("version = 1\n[[protect]]\npaths = [{}]\n", greedy.join(",")),
        format!("version = 1\nx = {deep}"),
        format!("version = 1\n{over}"),
    ];
    for (n, text) in manifests.iter().enumerate() {
        let long = format!("{}/{}", "a".repeat(200), "a".repeat(200));
        let commit = sandbox.branch(&format!("m{n}"), &[(".recoveryguard.toml", Some(text)), (&long, Some("x"))]);
        let began = Instant::now();
        let refused = server.push(&[&format!("{commit}:refs/heads/main")]).fails();
        assert!(began.elapsed() < PATIENCE, "manifest {n} took {:?}", began.elapsed());
        assert!(
            refused.stderr.contains("manifest-weakened") || refused.stderr.contains("could not judge"),
            "{n}: {refused}"
        );
        // On a branch of his own, where his manifest counts then.
        let own = format!("{commit}:refs/heads/own{n}");
        let _ = server.push(&[&own]).ok();
        let next = sandbox.git(["commit-tree", "-p", &commit, "-m", "next", "main^{tree}"]).ok().line().to_owned();
        let began = Instant::now();
        let _ = server.push(&[&format!("{next}:refs/heads/own{n}")]);
        assert!(began.elapsed() < PATIENCE, "manifest {n} took {:?} as the judge", began.elapsed());
    }
}

/// git takes such objects where receive.fsckObjects is off; a manifest's 'warn' is not for them.
#[test]
fn damaged_objects_are_no_way_past_the_verdict() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    sandbox.damaged();
    let blob = sandbox.rev("HEAD:base.txt");
    let raw: Vec<u8> = (0..40).step_by(2).map(|at| u8::from_str_radix(&blob[at..at + 2], 16).unwrap()).collect();
    let entry = |mode: &str, name: &str| [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &raw].concat();
    let trees = [
        ("an odd mode", entry("150644", "x")),
        ("cut off", entry("100644", "x")[..20].to_vec()),
        ("no mode", entry("", "x")),
    ];
    for (what, bytes) in trees {
        let hash = ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"];
        let tree = Ran::of(sandbox.command("git", sandbox.work()).args(hash), &bytes).ok().line().to_owned();
        let commit = sandbox.git(["commit-tree", "-p", "main", "-m", what, &tree]).ok().line().to_owned();
        let refused = server.push(&[&format!("{commit}:refs/heads/main")]).fails();
        assert!(server.at("main") != commit, "{what}: {refused}");
    }
    // Names that lead elsewhere are only names here.
    for name in ["..", ".git", ".", "a/b"] {
        let hash = ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"];
        let bytes = entry("100644", name);
        let tree = Ran::of(sandbox.command("git", sandbox.work()).args(hash), &bytes).ok().line().to_owned();
        let commit = sandbox.git(["commit-tree", "-p", "main", "-m", name, &tree]).ok().line().to_owned();
        let refused = server.push(&[&format!("{commit}:refs/heads/main")]).fails();
        assert!(refused.stderr.contains("protected-delete"), "{name}: {refused}");
    }
}

#[test]
fn objects_that_are_missing_are_gits_to_refuse() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    sandbox.damaged();
    let good = sandbox.branch("good", &[("only-here", Some("lost soon\n"))]);
    let blob = sandbox.rev("good:only-here");
    std::fs::remove_file(sandbox.work().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let _ = server.push(&[&format!("{good}:refs/heads/main")]).fails();
    assert!(server.at("main") != good);
}

/// What a database needs on the disk can't be written: the manifest says what happens then.
#[test]
fn a_full_disk_is_could_not_judge() {
    for (policy, taken) in [("block", false), ("warn", true)] {
        let server =
            Server::with(&format!("version = 1\n[[data]]\npaths = [\"*.db\"]\n[policy]\non_failure = \"{policy}\"\n"));
        let sandbox = &server.sandbox;
        let table = |rows: i64| {
            let _ = std::fs::remove_file(sandbox.at("a.db"));
            let database = rusqlite::Connection::open(sandbox.at("a.db")).unwrap();
            database.execute_batch("CREATE TABLE t(a)").unwrap();
            for row in 0..rows {
                database.execute("INSERT INTO t VALUES (?1)", [row]).unwrap();
            }
        };
        table(100);
        sandbox.commit("a hundred rows");
        let _ = server.push(&["main"]).ok();
        table(0);
        sandbox.commit("no rows");
        sandbox.env("RECOVERYGUARD_FAULT", "full:0");
        let ran = server.push(&["main"]);
        assert_eq!(ran.status == 0, taken, "{ran}");
        assert!(ran.stderr.contains("could not judge this push"), "{ran}");
        let left = std::fs::read_dir(server.bare.join("objects")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.filter(|name| name.to_string_lossy().contains("tmp")).count(), 0);
    }
}

/// Variables that lead git elsewhere belong to whoever starts the server, and never come with a push. They change nothing about
/// which manifest judges.
#[test]
fn variables_that_redirect_git_do_not_redirect_the_verdict() {
    let server = Server::new();
    let sandbox = &server.sandbox;
    let bad = sandbox.branch("bad", &[("tool.sh", None)]);
    let elsewhere = sandbox.work().join(".git").into_os_string();
    let alternate = sandbox.work().join(".git/objects").into_os_string();
    for (name, value) in [
        ("GIT_WORK_TREE", elsewhere.clone()),
        ("GIT_INDEX_FILE", elsewhere.clone()),
        ("GIT_COMMON_DIR", elsewhere),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternate),
        ("GIT_CONFIG_PARAMETERS", "'recoveryguard.onFailure=warn'".into()),
        ("GIT_EXTERNAL_DIFF", "false".into()),
        ("RECOVERYGUARD_LINES", "x".into()),
    ] {
        // As if the server had been started with it: receive-pack is run with it, the client is not.
        let pack = format!("--receive-pack=env {name}='{}' git-receive-pack", value.display());
        let ran = sandbox.git(["push", "-q", &pack, server.bare.to_str().unwrap(), &format!("{bad}:refs/heads/main")]);
        assert!(ran.status != 0, "{name}: {ran}");
        // What only stands there is not sent, and is judged all the same.
        assert!(name != "GIT_ALTERNATE_OBJECT_DIRECTORIES" || ran.stderr.contains("protected-delete"), "{ran}");
        assert!(server.at("main") != bad, "{name}: {ran}");
    }
}

/// git takes folders in folders, two thousand deep, and before 2.43 without end: a call for each would end the guard, and a push that
/// nothing has judged is taken.
#[test]
fn folders_in_folders_without_end_are_judged() {
    let server = Server::with("version = 1\n[rules]\nlost-change = \"block\"\n[policy]\non_failure = \"block\"\n");
    let sandbox = &server.sandbox;
    server.config("recoveryguard.pushSeconds", "60");
    let path = "a/".repeat(1_900) + "code.txt";
    let commit = |mark: usize, parents: &str, text: &str| {
        let length = text.len();
        format!(
            "commit refs/heads/deep\nmark :{mark}\ncommitter Ada <a@x> {} +0000\ndata 1\nm\n{parents}M 100644 inline {path}\ndata {length}\n{text}\n",
            1_800_000_000 + mark
        )
    };
    let mine = "what main makes of it\n";
    let stream = [
        commit(1, &format!("from {}\n", sandbox.rev("main")), "what it was\n"),
        commit(2, "from :1\n", "careful work\nand more of it\n"),
        commit(3, "from :1\n", mine),
        commit(4, "from :3\nmerge :2\n", mine),
    ];
    let import = ["fast-import", "--quiet", "--force"];
    let _ = Ran::of(sandbox.command("git", sandbox.work()).args(import), stream.concat().as_bytes()).ok();
    let _ = server.push(&["deep~1^:refs/heads/main"]).ok();
    let refused = server.push(&["deep:refs/heads/main"]).fails();
    assert!(refused.stderr.contains("[lost-change]"), "{}", &refused.stderr[..refused.stderr.len().min(2000)]);
}

/// A file far down is looked for from folder to folder, and not from the top again in each folder.
#[test]
fn many_folders_in_folders_cost_no_square_of_their_depth() {
    let server = Server::with("version = 1\n[policy]\non_failure = \"block\"\n");
    let sandbox = &server.sandbox;
    server.config("recoveryguard.pushSeconds", "60");
    let folder = "a/".repeat(1_900);
    let stream = format!(
        "commit refs/heads/deep\ncommitter Ada <a@x> 1800000000 +0000\ndata 1\nm\nM 100644 inline {folder}f\ndata 1\nx\n"
    );
    let with = |words: &[&str], input: &str| {
        Ran::of(sandbox.command("git", sandbox.work()).args(words), input.as_bytes()).ok().line().to_owned()
    };
    let _ = Ran::of(sandbox.command("git", sandbox.work()).args(["fast-import", "--quiet"]), stream.as_bytes()).ok();
    // All of them are the same one.
    let deep = sandbox.rev("deep^{tree}");
    let many: String = (100..600).map(|number| format!("040000 tree {deep}\t{number}\n")).collect();
    let there = sandbox.git(["ls-tree", "main"]).ok().stdout.clone();
    let tree = with(&["mktree"], &format!("{many}{there}"));
    let commit = with(&["commit-tree", &tree, "-p", "main", "-m", "many"], "");
    let _ = server.push(&[&format!("{commit}:refs/heads/main")]).ok();
}

/// Texts that take long to compare, and one that unpacks to more than git may take: neither keeps the server, and neither passes.
#[test]
fn texts_that_are_made_to_be_compared_for_long_are_no_way_past_the_verdict() {
    let manifest = "version = 1\n[rules]\nlost-change = \"block\"\n[policy]\non_failure = \"block\"\n";
    // What stands before the longest piece of all texts is compared again, and so on.
    let pieces = |own: &str| {
        let piece = |number: usize| (0..=number).map(move |line| format!("{number}.{line}\n"));
        (0..700).flat_map(|number| piece(number).chain([format!("{own}{number}\n")])).collect::<String>()
    };
    let many = "a\n".repeat(25 << 20);
    let slow = [pieces("base"), pieces("theirs"), pieces("mine")];
    let large = [many.clone(), many.clone() + "theirs\n", format!("mine\n{many}")];
    for (what, seconds, texts) in [("slow", "3", slow), ("large", "30", large)] {
        let server = Server::with(manifest);
        let sandbox = &server.sandbox;
        sandbox.write("big", &texts[0]).diverge("code.txt", &[("big", &texts[1])]);
        sandbox.write("big", &texts[2]).commit("main's, too");
        let mains = ["main^{tree}", "-p", "main", "-p", "feat", "-m", "merge feat"];
        let merge = sandbox.git([&["commit-tree"], &mains[..]].concat()).ok().line().to_owned();
        server.config("recoveryguard.pushSeconds", seconds);
        let began = Instant::now();
        let refused = server.push(&[&format!("{merge}:refs/heads/main")]).fails();
        assert!(began.elapsed() < PATIENCE, "{what} took {:?}", began.elapsed());
        let is_told = refused.stderr.contains("were not looked at") || refused.stderr.contains("in time");
        assert!(is_told || refused.stderr.contains("[lost-change]"), "{what}: {refused}");
    }
}

//! What is saved, what is said of it, and what is left alone.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{backup, create, json, manifest, sandbox};
use crate::support::{Ran, Sandbox, other_user};

#[test]
fn tracked_ignored_and_unknown_files_are_saved_and_nothing_else() {
    let sandbox = sandbox();
    sandbox.write("data/tracked.txt", "t\n").commit("data");
    sandbox.write("data/ignored.json", "{}").write("data/deep/unknown.csv", "a,b\n1,2\n").write("other.json", "{");
    sandbox.write("data/nested/x.json", "{").write("data/odd\nname.txt", "o").write("elsewhere/data/x.json", "{");
    sandbox.write("data/:(top)*.json", "{}");
    let odd = OsStr::from_bytes(b"data/n\xffme.txt");
    fs::write(sandbox.at(odd), "n").unwrap();
    let _ = sandbox.git_in(&sandbox.at("data/nested"), ["init", "-q"]).ok();
    // What lies behind a link is not ours.
    fs::create_dir(sandbox.root().join("outside")).unwrap();
    fs::write(sandbox.root().join("outside/x.json"), "{").unwrap();
    symlink(sandbox.root().join("outside"), sandbox.at("data/folder")).unwrap();
    let before = sandbox.state();
    let document = json(&sandbox, &["create"]);
    sandbox.assert_unchanged(&before);
    let files: Vec<String> = document["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            let marks = ["tracked", "ignored", "secret"].map(|mark| if file[mark] == true { &mark[..1] } else { "-" });
            format!(
                "{} {} {} {}",
                marks.concat(),
                file["mode"].as_str().unwrap(),
                file["standing"].as_str().unwrap(),
                file["path"]
            )
        })
        .collect();
    let expected = [
        "-i- file good \"data/:(top)*.json\"",
        "--- file good \"data/deep/unknown.csv\"",
        "--- link unknown \"data/folder\"",
        "-i- file good \"data/ignored.json\"",
        "--- file good {\"bytes\":\"646174612f6eff6d652e747874\"}",
        "--- file good \"data/odd\\nname.txt\"",
        "t-- file good \"data/tracked.txt\"",
    ];
    assert_eq!(files, expected);
    assert_eq!(document["standing"], "good");
    let text = backup(&sandbox, &["show", document["backup"].as_str().unwrap()]).ok().stdout;
    assert!(text.contains("'data/odd\\nname.txt'") && text.contains("'data/n\\xffme.txt'"), "{text}");
    assert!(text.contains("cat-file blob backup/"), "{text}");
}

/// D7: nothing changed, nothing new; an invalid source is saved, marked, and told by the exit code, each time.
#[test]
fn d7_an_invalid_source_is_saved_and_never_counts_as_good() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "{\"a\": 1}\n").write("data/b.txt", "b\n");
    let first = create(&sandbox);
    let same = backup(&sandbox, &["create"]).ok();
    assert_eq!(same.stdout, format!("Nothing has changed since backup {first} (2 files): no new one was made.\n"));
    sandbox.write("data/a.json", "{\"a\": \n");
    let bad = backup(&sandbox, &["create"]).exits(1);
    assert!(bad.stdout.contains(": bad.\n  bad     'data/a.json': line 2"), "{bad}");
    let _ = backup(&sandbox, &["create"]).exits(1);
    let list = json(&sandbox, &["list"]);
    let standings: Vec<_> =
        list["backups"].as_array().unwrap().iter().map(|one| one["standing"].as_str().unwrap()).collect();
    assert_eq!(standings, ["bad", "good"]);
    // Newer ones that are bad don't push it out, whatever the number that stays.
    manifest(&sandbox, "");
    for number in 0..3 {
        sandbox.write("data/a.json", format!("{{{number}"));
        let _ = backup(&sandbox, &["create"]).exits(1);
    }
    let pruned = json(&sandbox, &["prune"]);
    let stays: Vec<&str> = pruned["stays"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(stays.contains(&first.as_str()) && pruned["pruned"].as_array().unwrap().len() == 2, "{pruned}");
    let text = backup(&sandbox, &["list"]).ok().stdout;
    assert_eq!(text.lines().count(), 4, "{text}");
}

/// D4: rows that only the log holds are in the backup, also when nothing else changed.
#[test]
fn d4_a_database_is_saved_while_it_is_in_use() {
    let sandbox = sandbox();
    fs::create_dir_all(sandbox.at("data")).unwrap();
    let connection = rusqlite::Connection::open(sandbox.at("data/app.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.execute_batch("CREATE TABLE mail (id INTEGER PRIMARY KEY); INSERT INTO mail VALUES (1), (2)").unwrap();
    let rows = |list: &serde_json::Value| list["backups"].as_array().unwrap().len();
    let _ = backup(&sandbox, &["create"]).ok();
    let _ = backup(&sandbox, &["create"]).ok();
    assert_eq!(rows(&json(&sandbox, &["list"])), 1, "nothing changed");
    connection.execute_batch("INSERT INTO mail VALUES (3)").unwrap();
    let _ = backup(&sandbox, &["create"]).ok();
    let list = json(&sandbox, &["list"]);
    assert_eq!(rows(&list), 2);
    let id = list["backups"][0]["id"].as_str().unwrap();
    let _ = sandbox.guard(["restore", "data/app.db", "--from", id]).exits(4).says("'data/app.db' is in use");
    drop(connection);
    fs::remove_file(sandbox.at("data/app.db")).unwrap();
    let done = sandbox.guard(["restore", "data/app.db"]).ok();
    assert!(
        done.stdout.contains(&format!("came back: backup {id}")) && done.stdout.contains("it has 3 rows"),
        "{done}"
    );
}

/// A file that git ignores is gone: the newest good backup of it comes back.
#[test]
fn what_git_ignores_comes_back_from_a_backup() {
    let sandbox = sandbox();
    sandbox.write(".gitignore", "data/\n").write("data/a.json", "{\"v\": 1}");
    let _ = backup(&sandbox, &["create"]).ok();
    sandbox.write("data/a.json", "{\"v\": 2}");
    let _ = backup(&sandbox, &["create"]).ok();
    sandbox.write("data/a.json", "{");
    let _ = backup(&sandbox, &["create"]).exits(1);
    let _ = sandbox.git(["clean", "-fdxq"]).ok();
    let done = sandbox.guard(["restore", "data/a.json"]).ok();
    assert!(done.stdout.contains("passed over: backup "), "{done}");
    assert_eq!(sandbox.read("data/a.json"), b"{\"v\": 2}");
    let list = json(&sandbox, &["list"]);
    let oldest = list["backups"][2]["id"].as_str().unwrap();
    let _ = sandbox.guard(["restore", "data/a.json", "--from", oldest]).ok();
    assert_eq!(sandbox.read("data/a.json"), b"{\"v\": 1}");
}

/// What is staged or committed is no newer than a backup made since.
#[test]
fn a_backup_made_since_comes_before_what_is_committed_and_no_commit_is_needed() {
    let sandbox = Sandbox::new();
    manifest(&sandbox, "");
    sandbox.write("data/a.json", "[1]");
    sandbox.commit("one");
    sandbox.write("data/a.json", "[1, 2]");
    let _ = backup(&sandbox, &["create"]).ok();
    sandbox.write("data/a.json", "[1,");
    let done = sandbox.guard(["restore", "data/a.json"]).ok();
    assert!(done.stdout.contains("came back: backup "), "{done}");
    assert_eq!(sandbox.read("data/a.json"), b"[1, 2]");
    let _ = sandbox.git(["checkout", "-q", "--orphan", "new"]).ok();
    let _ = sandbox.git(["rm", "-q", "-f", "--cached", "data/a.json"]).ok();
    sandbox.write("data/a.json", "[");
    let _ = sandbox.guard(["restore", "data/a.json"]).ok();
    assert_eq!(sandbox.read("data/a.json"), b"[1, 2]");
}

/// D15: too large is refused with advice; the others are saved.
#[test]
fn d15_a_file_that_is_too_large_is_refused_with_advice() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    let huge = fs::File::create(sandbox.at("data/huge.bin")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let ran = backup(&sandbox, &["create"]).exits(3);
    assert!(ran.stdout.contains("'data/huge.bin': it holds") && ran.stdout.contains("split it"), "{ran}");
    assert_eq!(json(&sandbox, &["list"])["backups"][0]["files"], 1);
}

#[test]
fn what_is_missing_is_said() {
    let sandbox = Sandbox::new();
    let _ = backup(&sandbox, &["create"]).exits(2).says("there is no '.recoveryguard.toml' here");
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['x']\n");
    let _ = backup(&sandbox, &["create"])
        .exits(2)
        .says("no [[data]] or [[database]] entry of '.recoveryguard.toml' has backup = true");
    let _ = backup(&sandbox, &["show", "x"]).exits(2).says("there is no store");
    assert!(backup(&sandbox, &["list"]).ok().stdout.starts_with("There is no backup yet"));
    manifest(&sandbox, "");
    sandbox.write(".recoveryguard.toml", "version = 1\nnonsense = 1\n");
    let _ = backup(&sandbox, &["create"]).exits(2).says("nonsense");
    manifest(&sandbox, "");
    let _ = backup(&sandbox, &["create"]).ok();
    sandbox.write("data/a.txt", "a\n");
    let id = create(&sandbox);
    let _ = backup(&sandbox, &["show", "x"]).exits(2).says("there is no backup 'x'");
    let _ = backup(&sandbox, &["show", &id[..10]]).ok();
    let dry = json(&sandbox, &["create", "--dry-run"]);
    assert_eq!(dry["done"], false);
}

/// A pattern with a literal beginning looks into no other folder: it could not, for this one.
#[test]
fn unrelated_folders_are_not_looked_into() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    // Its inner folders have paths that are too long to be opened, whoever asks.
    let _ = crate::support::Ran::of(
        sandbox.command("sh", sandbox.work()).args([
            "-c",
            "i=0; mkdir unrelated; cd unrelated; while [ $i -lt 1100 ]; do mkdir dddd; cd dddd; i=$((i+1)); done",
        ]),
        b"",
    );
    let id = create(&sandbox);
    assert!(!id.is_empty());
    manifest(&sandbox, "[[data]]\npaths = ['*.elsewhere']\nbackup = true\n");
    let _ = backup(&sandbox, &["create"]).exits(2).says("unrelated");
    let _ = crate::support::Ran::of(sandbox.command("rm", sandbox.work()).args(["-rf", "unrelated"]), b"").ok();
}

#[test]
fn two_at_once_make_one() {
    let sandbox = sandbox();
    sandbox.write("data/a.txt", "a\n");
    let commands: Vec<_> = (0..4)
        .map(|_| {
            let mut command = sandbox.command("guard", sandbox.work());
            command.args(["backup", "create"]).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in commands {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(json(&sandbox, &["list"])["backups"].as_array().unwrap().len(), 1);
    let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
}

/// A file that git does not know and that was lost is not forgotten by the next backup.
#[test]
fn what_is_gone_is_told_until_it_is_back_or_let_go() {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[[data]]\npaths = [\"var/*.json\"]\nbackup = true\n";
    sandbox.write(".recoveryguard.toml", manifest).write(".gitignore", "var/\n").commit("manifest");
    sandbox.write("var/a.json", "{\"a\": 1}\n").write("var/b.json", "{\"b\": 1}\n");
    let _ = sandbox.guard(["backup", "create"]).ok();
    std::fs::remove_file(sandbox.at("var/a.json")).unwrap();
    for _ in 0..2 {
        let told = sandbox.guard(["backup", "create"]).exits(3).stdout;
        assert!(told.contains("'var/a.json': it is gone") && told.contains("guard restore --missing"), "{told}");
        let bad = sandbox.guard(["verify"]).exits(1).stdout;
        assert!(bad.contains("it is not there, though backup"), "{bad}");
    }
    let copy = sandbox.guard(["restore", "--missing"]).ok().stdout;
    assert!(copy.contains("came back"), "{copy}");
    let _ = sandbox.guard(["backup", "create"]).ok();
    std::fs::remove_file(sandbox.at("var/a.json")).unwrap();
    let _ = sandbox.guard(["backup", "create", "--let-go"]).ok();
    let _ = sandbox.guard(["verify"]).ok();
    let _ = sandbox.guard(["backup", "create"]).ok();
}

/// Two worktrees have files of the same names, and nothing else in common.
#[test]
fn what_a_linked_worktree_saved_is_not_brought_back_here() {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[[data]]\npaths = [\"*.json\"]\nbackup = true\n[backup]\nkeep = \"last=1\"\n";
    sandbox.write(".recoveryguard.toml", manifest).write(".gitignore", "*.json\n").commit("manifest");
    sandbox.write("a.json", "{\"whose\": \"main\"}\n");
    let _ = sandbox.guard(["backup", "create"]).ok();
    let _ = sandbox.git(["worktree", "add", "-q", "../linked", "-b", "linked"]).ok();
    let linked = sandbox.root().join("linked");
    let guard = |arguments: &[&str]| Ran::of(sandbox.command("guard", &linked).args(arguments), b"");
    std::fs::write(linked.join("a.json"), "{\"whose\": \"linked\"}\n").unwrap();
    std::fs::write(linked.join("only-there.json"), "{}\n").unwrap();
    let _ = guard(&["backup", "create"]).ok();
    let _ = guard(&["backup", "prune"]).ok();
    let _ = sandbox.guard(["verify"]).ok();
    std::fs::remove_file(sandbox.at("a.json")).unwrap();
    let _ = sandbox.guard(["restore", "--missing"]).ok();
    assert_eq!(sandbox.read("a.json"), b"{\"whose\": \"main\"}\n");
    assert!(!sandbox.at("only-there.json").exists());
}

/// A backup that is not known to be good says of which file, and a link, which holds no data, makes no backup less good.
#[test]
fn what_is_not_known_to_be_good_is_named() {
    let sandbox = sandbox();
    sandbox.write("data/a.json", "[1]\n");
    symlink("a.json", sandbox.at("data/link.json")).unwrap();
    let said = backup(&sandbox, &["create"]).ok();
    assert!(said.stdout.ends_with(": good.\n") && said.stdout.lines().count() == 1, "{said}");
    sandbox.write("data/deep.json", "[".repeat(300) + &"]".repeat(300)).write("data/bad.json", "[");
    let said = backup(&sandbox, &["create"]).exits(1);
    let lines: Vec<&str> = said.stdout.lines().skip(1).collect();
    assert!(lines[0].starts_with("  bad     'data/bad.json': line 1, "), "{said}");
    assert!(lines[1].starts_with("  unknown 'data/deep.json': ") && lines.len() == 2, "{said}");
}

/// A folder that may not be looked into is named, whether it may be listed or not, and the other files are saved. What it holds that
/// git does not know stays expected.
#[test]
fn needs_setpriv_for_a_folder_that_may_not_be_looked_into() {
    let sandbox = sandbox();
    sandbox
        .write("data/in/ignored.json", "[1]\n")
        .write("data/in/a.txt", "a\n")
        .write("data/b.txt", "b\n")
        .commit("data");
    let Some(as_other) = other_user(&sandbox) else { return };
    let own = || Ran::of(sandbox.command("chown", sandbox.root()).args(["-R", "65534", "."]), b"").ok();
    let _ = own();
    sandbox.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    let _ = as_other(&sandbox, "guard backup create").ok();
    let mode = |mode| fs::set_permissions(sandbox.at("data/in"), fs::Permissions::from_mode(mode)).unwrap();
    for (bits, named) in [(0, "data/in/"), (0o444, "data/in/a.txt")] {
        mode(bits);
        sandbox.write("data/b.txt", format!("{bits}\n"));
        let _ = own();
        let said = as_other(&sandbox, "guard backup create").exits(3);
        assert!(said.stdout.starts_with("Saved 1 file ("), "{said}");
        for path in [named, "data/in/ignored.json"] {
            assert!(said.stdout.contains(&format!("  left    '{path}': not readable: ")), "{said}");
        }
        let _ = as_other(&sandbox, "guard backup create").exits(3);
        let doctor = as_other(&sandbox, "guard doctor");
        assert!(doctor.stdout.contains(&format!(" lacks '{named}' and 1 more: not readable: ")), "{doctor}");
        mode(0o755);
    }
    fs::remove_dir_all(sandbox.at("data/in")).unwrap();
    let told = as_other(&sandbox, "guard verify").exits(1);
    assert!(told.stdout.contains("data/in/ignored.json\n         it is not there, though backup"), "{told}");
    let _ = as_other(&sandbox, "guard restore --missing").ok();
    assert_eq!(sandbox.read("data/in/ignored.json"), b"[1]\n");
    let _ = as_other(&sandbox, "guard restore data/in/a.txt").ok();
    let _ = as_other(&sandbox, "guard backup create").ok();
}

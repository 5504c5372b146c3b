//! `guard restore <path>`: back to the newest version of a data file that is good.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::Sandbox;

const MANIFEST: &str = "version = 1\n[[data]]\npaths = ['data/*.json']\nrecords = '/emails'\nkey = 'id'\n";
const DATA: &str = "data/processed.json";

fn emails(count: usize) -> String {
    let records: Vec<String> = (1..=count).map(|id| format!("    {{\"id\": {id}, \"to\": \"user{id}\"}}")).collect();
    format!("{{\n  \"emails\": [\n{}\n  ]\n}}\n", records.join(",\n"))
}

/// A file of ten records that grew to twelve, each commit by itself.
fn grown() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write(DATA, emails(10));
    sandbox.commit("ten");
    sandbox.write(DATA, emails(12));
    sandbox.commit("twelve");
    sandbox
}

fn text(sandbox: &Sandbox) -> String {
    String::from_utf8(sandbox.read(DATA)).unwrap()
}

// D8
#[test]
fn a_half_written_file_comes_back_and_the_restore_can_be_taken_back() {
    let sandbox = grown();
    let cut = &emails(12)[..200];
    sandbox.write(DATA, cut);
    let before = sandbox.state();
    let dry = sandbox.guard(["restore", DATA, "--dry-run"]).ok();
    sandbox.assert_unchanged(&before);
    assert!(
        dry.stdout.contains("'data/processed.json' now: bad: line 9, column 4: the file ends amid a value"),
        "{dry}"
    );
    assert!(dry.stdout.contains("Ada: twelve) (number 2 from the newest)"), "{dry}");
    let done = sandbox.guard(["restore", DATA]).ok();
    assert!(done.stdout.contains("it has 12 records"), "{done}");
    assert_eq!(text(&sandbox), emails(12));
    let again = sandbox.guard(["restore", DATA]).ok();
    assert_eq!(again.stdout, "'data/processed.json' is good as it stands: nothing to restore\n");
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(text(&sandbox), cut);
}

#[test]
fn an_interrupted_restore_is_told_by_the_next_one_also_when_the_file_is_good_already() {
    let sandbox = grown();
    let killed = |steps: u32| {
        sandbox.write(DATA, &emails(12)[..200]);
        let mut command = sandbox.command("guard", sandbox.work());
        let _ = command.args(["restore", DATA]).env("RECOVERYGUARD_FAULT", format!("die:{steps}")).output().unwrap();
        let is_open = sandbox.guard(["log"]).ok().stderr.contains("has not ended");
        is_open && text(&sandbox) == emails(12)
    };
    assert!((0..60).any(killed), "it never died after the swap");
    let told = sandbox.guard(["restore", DATA]).ok().stdout;
    assert!(told.contains("is good as it stands") && told.contains("was interrupted and is finished now"), "{told}");
    assert!(!sandbox.guard(["log"]).ok().stderr.contains("has not ended"));
}

// D10
#[test]
fn versions_are_passed_over_with_the_reason_and_the_loss_is_told() {
    let sandbox = grown();
    sandbox.write(DATA, emails(13).replace("13,", "12,"));
    sandbox.commit("doubled");
    sandbox.write(DATA, "<!DOCTYPE html><html>502</html>");
    sandbox.commit("fetched");
    fs::remove_file(sandbox.at(DATA)).unwrap();
    let _ = sandbox.git(["rm", "-q", "--cached", DATA]).ok();
    let done = sandbox.guard(["restore", DATA]).ok();
    for said in [
        "now: it is not there",
        "bad: an HTML page stands here instead of the data",
        "bad: 2 records have the name '12'",
        ": twelve)",
        "it has 12 records; none of those in",
    ] {
        assert!(done.stdout.contains(said), "{said}: {done}");
    }
    assert_eq!(text(&sandbox), emails(12));
}

// D10
#[test]
fn what_only_a_reflog_has_counts_and_so_does_a_place_before_a_move() {
    let sandbox = grown();
    sandbox.write(DATA, emails(15));
    sandbox.commit("fifteen");
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    sandbox.write(DATA, "{");
    sandbox.commit("broken");
    let _ = sandbox.guard(["restore", DATA]).ok();
    assert_eq!(text(&sandbox), emails(15));

    let moved = grown();
    let _ = moved.git(["mv", DATA, "data/now.json"]).ok();
    moved.commit("moved");
    moved.write("data/now.json", "{");
    moved.commit("broken");
    moved.write("data/now.json", "[");
    let done = moved.guard(["restore", "data/now.json"]).ok();
    assert_eq!(moved.read("data/now.json"), emails(12).as_bytes(), "{done}");
}

// D10
#[test]
fn what_only_an_operation_saved_counts() {
    let sandbox = grown();
    // Never committed, and replaced by an older version that somebody asked for.
    sandbox.write(DATA, emails(15));
    let _ = sandbox.guard(["restore", DATA, "--from", "HEAD~1"]).ok();
    assert_eq!(text(&sandbox), emails(10));
    sandbox.write(DATA, "{");
    let done = sandbox.guard(["restore", DATA]).ok();
    assert!(
        done.stdout.contains("came back: what was saved before operation ")
            && done.stdout.contains("it has 15 records"),
        "{done}"
    );
    assert_eq!(text(&sandbox), emails(15));
}

// D10
#[test]
fn a_side_branch_that_was_merged_counts() {
    let sandbox = grown();
    let _ = sandbox.git(["checkout", "-q", "-b", "side", "HEAD~1"]).ok();
    sandbox.write(DATA, emails(20));
    sandbox.commit("twenty");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "-X", "ours", "-m", "merge", "side"]);
    sandbox.write(DATA, "{");
    sandbox.commit("broken");
    let done = sandbox.guard(["restore", DATA, "--json"]).ok();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["files"][0]["chosen"]["verdict"], "good", "{done}");
}

// D10
#[test]
fn a_version_that_was_a_link_is_passed_over_and_never_followed() {
    let sandbox = Sandbox::new();
    // As a text the target of a link would be good.
    let manifest = "version = 1\n[[data]]\npaths = ['data/*']\nformat = 'text'\nbackup = true\n";
    sandbox.write(".recoveryguard.toml", manifest).write("data/a", "a\n").write("target", "b\n");
    sandbox.commit("a file");
    fs::remove_file(sandbox.at("data/a")).unwrap();
    symlink("../target", sandbox.at("data/a")).unwrap();
    sandbox.commit("a link");
    let _ = sandbox.guard(["backup", "create"]);
    fs::remove_file(sandbox.at("data/a")).unwrap();
    let done = sandbox.guard(["restore", "data/a"]).ok();
    assert!(done.stdout.contains(": a symbolic link stands there\n") && done.stdout.contains(": a file)"), "{done}");
    assert!(sandbox.at("data/a").symlink_metadata().unwrap().is_file());
    assert_eq!((sandbox.read("data/a"), sandbox.read("target")), (b"a\n".to_vec(), b"b\n".to_vec()));
}

// D2
#[test]
fn a_file_that_parses_and_has_lost_half_of_its_records_is_passed_over() {
    let sandbox = grown();
    sandbox.write(".recoveryguard.toml", format!("{MANIFEST}max_loss = '10%'\n"));
    sandbox.commit("at most a tenth");
    sandbox.write(DATA, emails(6));
    sandbox.commit("six");
    let done = sandbox.guard(["restore", DATA]).ok();
    assert!(done.stdout.contains("now: 6 of 12 that the next good version has are gone"), "{done}");
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
    assert!(!sandbox.guard(["verify"]).ok().stdout.contains("gone"));
    sandbox.write(DATA, emails(6));
    let note = "note: 6 of 12 records that the last commit has are gone: 'guard restore' passes it over";
    let verified = sandbox.guard(["verify", DATA]).ok();
    assert!(verified.stdout.contains(note), "{verified}");
    let _ = sandbox.guard(["restore", DATA]).ok();
    assert_eq!(text(&sandbox), emails(12));
    // Without a bound nobody knows that it is not meant so.
    sandbox.write(".recoveryguard.toml", MANIFEST).write(DATA, emails(6));
    assert!(sandbox.guard(["restore", DATA]).ok().stdout.contains("good as it stands"));
}

// D8
#[test]
fn several_files_come_back_all_or_none() {
    let sandbox = grown();
    sandbox.write("data/other.json", "{\"emails\": []}");
    sandbox.commit("other");
    sandbox.write("data/third.json", "{").write(DATA, "{").write("data/other.json", "");
    let before = sandbox.state();
    let refused = sandbox.guard(["restore", DATA, "data/other.json", "data/third.json"]).exits(4);
    assert!(refused.stderr.contains("no good version of 'data/third.json' is known; nothing was changed"), "{refused}");
    sandbox.assert_unchanged(&before);
    let _ = sandbox.guard(["restore", DATA, "data/other.json"]).ok();
    assert_eq!((text(&sandbox), sandbox.read("data/other.json")), (emails(12), b"{\"emails\": []}".to_vec()));
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!((text(&sandbox), sandbox.read("data/other.json")), ("{".to_owned(), Vec::new()));
    // A folder names all of its data.
    let _ = sandbox.guard(["restore", "data"]).ok();
    assert_eq!((text(&sandbox), sandbox.read("data/other.json")), (emails(12), b"{\"emails\": []}".to_vec()));
}

// D8
#[test]
fn what_is_missing_comes_back_from_the_newest_backup() {
    let sandbox = Sandbox::new();
    let backed_up = format!("{MANIFEST}backup = true\n");
    sandbox.write(".recoveryguard.toml", backed_up).write(".gitignore", "/data/cache*.json\n").write(DATA, emails(2));
    sandbox.commit("two");
    let _ = sandbox.guard(["restore", "--missing"]).exits(4).says("there is no backup here");
    sandbox.write("data/cache.json", emails(3)).write("data/cache2.json", emails(2));
    let _ = sandbox.guard(["backup", "create"]).ok();
    assert!(sandbox.guard(["restore", "--missing"]).ok().stdout.starts_with("nothing is missing"));
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    sandbox.write("data/cache2.json", emails(1));
    let dry = sandbox.guard(["restore", "--missing", "--dry-run"]).ok();
    assert!(dry.stdout.contains("'data/cache.json' now: it is not there"), "{dry}");
    let _ = sandbox.guard(["restore", "--missing"]).ok();
    assert_eq!((text(&sandbox), sandbox.read("data/cache.json")), (emails(2), emails(3).into_bytes()));
    // What stands there stays.
    assert_eq!(sandbox.read("data/cache2.json"), emails(1).into_bytes());
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert!(!sandbox.at("data/cache.json").exists());
}

// D9
#[test]
fn nothing_outside_and_nothing_but_files_is_touched() {
    let sandbox = grown();
    let _ = sandbox.guard(["restore", "../elsewhere.json"]).exits(2);
    fs::create_dir(sandbox.at("empty")).unwrap();
    let _ = sandbox.guard(["restore", "empty"]).exits(4).says("git tracks no file beneath 'empty'");
    let _ = sandbox.guard(["restore", "never.json"]).exits(4).says("no version of 'never.json' is known");
    fs::remove_file(sandbox.at(DATA)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", sandbox.at(DATA)).unwrap();
    let _ = sandbox.guard(["restore", DATA]).exits(4).says("is a symbolic link");
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    fs::create_dir(sandbox.root().join("outside")).unwrap();
    std::os::unix::fs::symlink(sandbox.root().join("outside"), sandbox.at("data")).unwrap();
    let _ = sandbox.guard(["restore", DATA]).fails();
    assert!(fs::read_dir(sandbox.root().join("outside")).unwrap().next().is_none());
}

// D8
#[test]
fn mode_and_line_endings_come_back_as_git_writes_them() {
    let sandbox = grown();
    let _ = sandbox.git(["config", "core.autocrlf", "true"]).ok();
    let run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(sandbox.at(DATA), run).unwrap();
    sandbox.commit("run it");
    fs::remove_file(sandbox.at(DATA)).unwrap();
    sandbox.write(DATA, "{");
    sandbox.commit("broken");
    let _ = sandbox.guard(["restore", DATA]).ok();
    assert_eq!(text(&sandbox), emails(12).replace('\n', "\r\n"));
    let bits = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(sandbox.at(DATA)).unwrap().permissions());
    assert_eq!(bits & 0o100, 0o100);
}

#[test]
fn a_schema_of_the_working_tree_is_asked_and_a_missing_one_proves_nothing() {
    let sandbox = grown();
    sandbox.write(".recoveryguard.toml", format!("{MANIFEST}schema = 's.json'\n"));
    sandbox.write("s.json", r#"{"properties": {"emails": {"minItems": 11}}}"#);
    sandbox.commit("schema");
    sandbox.write(DATA, emails(5));
    let done = sandbox.guard(["restore", DATA]).ok();
    assert!(done.stdout.contains("now: bad: '/emails': does not fit the schema"), "{done}");
    assert_eq!(text(&sandbox), emails(12));
    sandbox.write(".recoveryguard.toml", format!("{MANIFEST}schema = 'gone.json'\n"));
    let refused = sandbox.guard(["restore", DATA]).exits(4);
    assert!(refused.stderr.contains("the schema 'gone.json' can't be used: it is not there"), "{refused}");
}

#[test]
fn what_is_told_has_no_escape_sequences_of_the_repository() {
    let sandbox = grown();
    sandbox.write(DATA, "{\"a\u{1b}[31m\": 1, \"a\u{1b}[31m\": 2}");
    sandbox.commit("\u{1b}[2Jcleared");
    sandbox.write(DATA, "{\"emails\": [], \"b\\u001b[31m\": 1, \"b\\u001b[31m\": 2}");
    let done = sandbox.guard(["restore", DATA, "-v"]).ok();
    assert!(!done.stdout.contains('\u{1b}'), "{done}");
    assert!(done.stdout.contains("stands there twice"), "{done}");
}

// D8
#[test]
fn a_version_that_was_asked_for_and_is_bad_comes_back_only_unchecked() {
    let sandbox = grown();
    sandbox.write(DATA, "{");
    sandbox.commit("broken");
    sandbox.write(DATA, emails(3));
    let before = sandbox.state();
    let refused = sandbox.guard(["restore", DATA, "--from", "HEAD"]).exits(4);
    assert!(
        refused.stderr.contains("'data/processed.json' is bad there: line 1, column 1: the file ends"),
        "{refused}"
    );
    assert!(refused.stderr.contains("--unchecked"), "{refused}");
    let _ = sandbox.guard(["restore", DATA, "--from", "HEAD", "--dry-run"]).exits(4);
    sandbox.assert_unchanged(&before);
    let _ = sandbox.guard(["restore", DATA, "--from", "HEAD", "--unchecked"]).ok();
    assert_eq!(text(&sandbox), "{");
    let _ = sandbox.guard(["restore", DATA, "--from", "HEAD~1"]).ok();
    assert_eq!(text(&sandbox), emails(12));
}

// D10
#[test]
fn only_the_line_at_hand_counts_and_a_child_before_its_parent() {
    let sandbox = grown();
    let _ = sandbox.git(["checkout", "-q", "-b", "other"]).ok();
    sandbox.write(DATA, emails(30));
    sandbox.commit("somebody's experiment");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    // Two within one second, as a rebase makes them, and one by a clock that was set back.
    for (count, date) in [(13, "1700009999 +0000"), (14, "1700009999 +0000"), (15, "1700000001 +0000")] {
        sandbox.env("GIT_COMMITTER_DATE", date).env("GIT_AUTHOR_DATE", date);
        sandbox.write(DATA, emails(count));
        sandbox.commit("an odd time");
    }
    sandbox.write(DATA, "{");
    sandbox.commit("broken");
    let _ = sandbox.guard(["restore", DATA]).ok();
    assert_eq!(text(&sandbox), emails(15));
}

#[test]
fn a_folder_that_is_gone_comes_back_as_a_folder() {
    let sandbox = grown();
    sandbox.write("data/deep/b.json", "{\"emails\": []}");
    sandbox.write(".recoveryguard.toml", MANIFEST.replace("data/*.json", "data/**"));
    sandbox.commit("deep");
    for named in ["data", "data/", "."] {
        fs::remove_dir_all(sandbox.at("data")).unwrap();
        let _ = sandbox.guard(["restore", named]).ok();
        assert_eq!(
            (text(&sandbox), sandbox.read("data/deep/b.json")),
            (emails(12), b"{\"emails\": []}".to_vec()),
            "{named}"
        );
    }
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    let _ = sandbox.git(["rm", "-rq", "--cached", "data"]).ok();
    let _ = sandbox.guard(["restore", "data/deep"]).exits(4).says("no version of 'data/deep' is known");
}

#[test]
fn a_manifest_or_schema_that_is_a_link_is_not_followed() {
    let sandbox = grown();
    sandbox.write(".recoveryguard.toml", format!("{MANIFEST}schema = 's.json'\n"));
    std::os::unix::fs::symlink(sandbox.root().join("outside.json"), sandbox.at("s.json")).unwrap();
    sandbox.write(sandbox.root().join("outside.json"), "{}");
    let refused = sandbox.guard(["restore", DATA]).exits(4);
    assert!(refused.stderr.contains("the schema 's.json' can't be used: it is not there"), "{refused}");
    fs::remove_file(sandbox.at(".recoveryguard.toml")).unwrap();
    std::os::unix::fs::symlink("elsewhere.toml", sandbox.at(".recoveryguard.toml")).unwrap();
    for command in [&["restore", DATA][..], &["verify"], &["backup", "create"]] {
        let _ = sandbox.guard(command).exits(2).says("'.recoveryguard.toml' is no ordinary file");
    }
}

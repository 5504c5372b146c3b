//! `guard restore --from`: a version that somebody asked for, into its place or into a folder (`--to`); large files and damaged backups.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str = "version = 1\n[[data]]\npaths = ['data/*.json']\nbackup = true\n[[data]]\npaths = ['data/*.bin']\n\
                        backup = true\n";
const DATA: &str = "data/a.json";

/// Two data files, of which git ignores one, and a backup of both: its name.
fn backed_up(files: &[(&str, &[u8])]) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write(".gitignore", "*.bin\n");
    for (path, bytes) in files {
        sandbox.write(path, bytes);
    }
    sandbox.commit("data");
    // Bad data is saved, and said to be bad.
    let made = document(&sandbox.guard(["backup", "create", "--json"]));
    (sandbox, made["backup"].as_str().unwrap().to_owned())
}

/// Damages the largest object of the store that is in no pack: the bytes of the largest file.
fn damage(sandbox: &Sandbox) {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in fs::read_dir(sandbox.common_dir().join("recoveryguard/store.git/objects")).unwrap() {
        files.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|entry| entry.unwrap().path()));
    }
    let largest = files.into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::remove_file(&largest).unwrap();
    fs::write(largest, bytes).unwrap();
}

/// Bytes that don't get much smaller.
fn noise(count: u64) -> Vec<u8> {
    (0..count / 8).flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

// D12
#[test]
fn a_damaged_backup_is_named_and_nothing_changes() {
    for (path, bytes) in [(DATA, format!("{:?}", noise(5000)).into_bytes()), ("data/a.bin", noise(5000))] {
        let (sandbox, backup) = backed_up(&[(path, &bytes)]);
        damage(&sandbox);
        sandbox.write(path, "[1]");
        let before = sandbox.state();
        for more in [&[][..], &["--unchecked"], &["--dry-run"], &["--to", "elsewhere"]] {
            let ran = sandbox.guard([&["restore", path, "--from", &backup], more].concat()).exits(4);
            assert!(ran.stderr.contains(&format!("'{path}' can't be brought back from there: ")), "{ran}");
            assert!(ran.stderr.contains("nothing was changed"), "{ran}");
        }
        assert_eq!(sandbox.read(path), b"[1]");
        sandbox.assert_unchanged(&before);
    }
    // So is one whose list of files is gone.
    let (sandbox, backup) = backed_up(&[(DATA, b"[]")]);
    let place = sandbox.common_dir().join("recoveryguard/store.git/refs/tags/backup").join(&backup);
    fs::write(place, "garbage\n").unwrap();
    let ran = sandbox.guard(["restore", DATA, "--from", &backup]).exits(4);
    assert!(ran.stderr.contains(&backup), "{ran}");
}

// D8, D15: larger than what is held in memory, from git (as it is, and converted), from a backup, and back.
#[test]
fn a_large_file_comes_back_from_everywhere_and_goes_again() {
    let text = format!("[\"{}\",\n1]\n", "x".repeat(17 << 20)).into_bytes();
    let bytes = noise(17 << 20);
    let (sandbox, backup) = backed_up(&[(DATA, &text), ("data/a.bin", &bytes)]);
    let now = |path: &str| sandbox.read(path);
    let mut other = bytes.clone();
    other[9 << 20] ^= 1;
    sandbox.write("data/a.bin", &other).write(DATA, &text[..16 << 20]);
    let _ = sandbox.guard(["restore", DATA]).ok();
    assert!(now(DATA) == text);
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert!(now(DATA) == text[..16 << 20]);
    let _ = sandbox.guard(["restore", "data", "--from", &backup]).ok();
    assert!(now(DATA) == text && now("data/a.bin") == bytes);
    let again = sandbox.guard(["restore", "data", "--from", &backup]).ok();
    assert!(again.stdout.contains("nothing to restore"), "{again}");
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert!(now(DATA) == text[..16 << 20] && now("data/a.bin") == other);
    sandbox.write(".gitattributes", "data/*.json text eol=crlf\n");
    let _ = sandbox.guard(["restore", DATA, "--from", "HEAD"]).ok();
    assert!(now(DATA) == String::from_utf8(text).unwrap().replace('\n', "\r\n").into_bytes());
    let again = sandbox.guard(["restore", DATA, "--from", "HEAD"]).ok();
    assert!(again.stdout.contains("nothing to restore"), "{again}");
}

// D15: where the store's names are not git's.
#[test]
fn a_large_file_comes_back_in_a_repository_of_sha_256() {
    let sandbox = Sandbox::options().sha256().create();
    let bytes = noise(17 << 20);
    sandbox.write("a.bin", &bytes);
    sandbox.commit("large");
    sandbox.write("a.bin", &bytes[8..]);
    let _ = sandbox.guard(["restore", "a.bin", "--from", "HEAD"]).ok();
    assert!(sandbox.read("a.bin") == bytes);
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert!(sandbox.read("a.bin") == bytes[8..]);
    let _ = sandbox.guard(["restore", "a.bin", "--from", "HEAD", "--to", "copies"]).ok();
    assert!(sandbox.read("copies/a.bin") == bytes);
}

// D8
#[test]
fn a_bad_version_is_copied_only_unchecked_and_nothing_into_gits_folder() {
    let (sandbox, _) = backed_up(&[(DATA, b"{"), ("data/b.json", b"[]")]);
    let to = sandbox.root().join("copies");
    let to = to.to_str().unwrap();
    let refused = sandbox.guard(["restore", "data", "--from", "HEAD", "--to", to]).exits(4);
    assert!(refused.stderr.contains("'data/a.json' is bad there: line 1, column 1: the file ends"), "{refused}");
    assert!(
        refused.stderr.contains("nothing was changed; hint: to bring it back all the same, add --unchecked"),
        "{refused}"
    );
    assert!(!Path::new(to).exists());
    let _ = sandbox.guard(["restore", "data", "--from", "HEAD", "--to", to, "--unchecked"]).ok();
    assert_eq!(names(&Path::new(to).join("data")), ["a.json", "b.json"]);
    fs::create_dir(sandbox.root().join("linked")).unwrap();
    std::os::unix::fs::symlink(sandbox.common_dir(), sandbox.root().join("linked/way")).unwrap();
    for inside in [".git", ".git/hooks", ".git/new/er", "../linked/way/hooks", "data/../.git"] {
        let refused = sandbox.guard(["restore", "data/b.json", "--from", "HEAD", "--to", inside]).exits(4);
        assert!(refused.stderr.contains("is in git's own folder"), "{inside}: {refused}");
    }
    assert!(!sandbox.common_dir().join("new").exists() && !sandbox.common_dir().join("data").exists());
}

// D10
#[test]
fn a_folder_also_names_what_git_ignores_where_a_backup_has_it() {
    let (sandbox, _) = backed_up(&[(DATA, b"[1]"), ("data/a.bin", b"kept"), ("data/gone.json", b"[2]")]);
    let _ = sandbox.git(["rm", "-q", "data/gone.json"]).ok();
    sandbox.commit("not needed any more");
    let _ = sandbox.git(["clean", "-fdxq"]).ok();
    assert!(!sandbox.at("data/a.bin").exists());
    let done = sandbox.guard(["restore", "data"]).ok();
    assert_eq!(sandbox.read("data/a.bin"), b"kept", "{done}");
    assert!(!sandbox.at("data/gone.json").exists(), "a commit removed it: {done}");
    // Also where git tracks nothing.
    let _ = sandbox.git(["rm", "-rq", "data"]).ok();
    let _ = fs::remove_dir_all(sandbox.at("data"));
    sandbox.commit("all of it");
    let _ = sandbox.guard(["restore", "data"]).ok();
    assert_eq!(names(&sandbox.at("data")), ["a.bin"]);
}

#[test]
fn there_is_a_document_whatever_happens() {
    let (sandbox, _) = backed_up(&[(DATA, b"{")]);
    let refused = sandbox.guard(["restore", DATA, "--from", "HEAD", "--json"]).exits(4);
    let found = document(&refused);
    assert_eq!((&found["command"], &found["done"]), (&"restore".into(), &false.into()), "{refused}");
    assert!(found["failure"].as_str().unwrap().contains("'data/a.json' is bad there"), "{refused}");
    assert!(found["hint"].as_str().unwrap().contains("--unchecked"), "{refused}");
    for arguments in [&["restore", DATA, "--json"][..], &["restore", "--undo", "--json"], &["restore", "no", "--json"]]
    {
        let found = document(&sandbox.guard(arguments).exits(4));
        assert!(found["failure"].is_string(), "{found}");
    }
    // What is in the way stands in the document of the plan.
    fs::remove_file(sandbox.at(DATA)).unwrap();
    sandbox.write("data/b.json", "[]");
    sandbox.commit("b");
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    sandbox.write("data", "a file");
    let found = document(&sandbox.guard(["restore", "data/b.json", "--json"]).exits(4));
    assert_eq!(found["conflicts"][0]["path"], "data/b.json", "{found}");
}

#[test]
fn a_backup_says_how_its_files_come_back() {
    let (sandbox, backup) = backed_up(&[(DATA, b"[]")]);
    let shown = sandbox.guard(["backup", "show", &backup]).ok();
    assert!(shown.stdout.contains(&format!("guard restore <path> --from {backup}\n")), "{shown}");
    let help = sandbox.guard(["restore", "--help"]).ok();
    assert!(help.stdout.contains("OPERATION|REVISION|BACKUP"), "{help}");
}

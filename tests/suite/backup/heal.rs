//! D12: damage is told in plain words with what to do about it, and what the working tree still has is stored anew.

use std::fs;
use std::path::{Path, PathBuf};

use super::{backup, create, json, manifest, sandbox};
use crate::support::{Ran, Sandbox};

fn store(sandbox: &Sandbox) -> PathBuf {
    sandbox.common_dir().join("recoveryguard/store.git")
}

/// The file of an object of a backup: `<id>:files/0`, `<id>:files`, `<id>`.
fn object(sandbox: &Sandbox, what: &str) -> PathBuf {
    let store = store(sandbox);
    let name = sandbox
        .git(["--git-dir", store.to_str().unwrap(), "rev-parse", &format!("backup/{what}")])
        .ok()
        .line()
        .to_owned();
    store.join("objects").join(&name[..2]).join(&name[2..])
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    Missing,
    Truncated,
    Flipped,
    Garbage,
}

const ALL: [Damage; 4] = [Damage::Missing, Damage::Truncated, Damage::Flipped, Damage::Garbage];

fn damage(path: &Path, damage: Damage) {
    let mut bytes = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    match damage {
        Damage::Missing => return,
        Damage::Truncated => bytes.truncate(bytes.len() / 2),
        Damage::Flipped => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
        }
        Damage::Garbage => bytes = b"garbage\n".to_vec(),
    }
    fs::write(path, bytes).unwrap();
}

/// Flips a byte of the first file's bytes in the only pack.
fn damage_packed(sandbox: &Sandbox, id: &str) {
    let folder = store(sandbox).join("objects/pack");
    let packs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pack = packs.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap();
    let at = store(sandbox).to_str().unwrap().to_owned();
    let name = sandbox.git(["--git-dir", &at, "rev-parse", &format!("backup/{id}:files/0")]).ok().line().to_owned();
    let list = sandbox.git(["verify-pack", "-v", pack.to_str().unwrap()]).ok().stdout;
    // Name, kind, size, size in the pack, place.
    let line: Vec<&str> = list.lines().find(|line| line.starts_with(&name)).unwrap().split_whitespace().collect();
    let (size, place): (usize, usize) = (line[3].parse().unwrap(), line[4].parse().unwrap());
    let mut bytes = fs::read(&pack).unwrap();
    bytes[place + size / 2] ^= 0x10;
    fs::remove_file(&pack).unwrap();
    fs::write(&pack, bytes).unwrap();
}

/// Words of the libraries below, which tell a person nothing.
#[track_caller]
fn plain(ran: &Ran) {
    for raw in ["inflate", "zlib", "odb", "object not found", "loose object", "panicked", "unpack"] {
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(raw), "'{raw}': {ran}");
    }
}

fn run(sandbox: &Sandbox, command: &str) -> Ran {
    Ran::of(sandbox.command("sh", sandbox.work()).args(["-c", command]), b"")
}

#[test]
fn d12_what_the_working_tree_still_has_is_stored_anew() {
    for packed in [false, true] {
        for kind in ALL {
            let sandbox = sandbox();
            sandbox.write("data/a.txt", "a line of text\n".repeat(300)).write("data/b.json", "[1, 2]\n");
            std::thread::sleep(std::time::Duration::from_millis(30));
            let id = create(&sandbox);
            let context = format!("{kind:?}, packed: {packed}");
            if packed {
                let _ = sandbox.git(["--git-dir", store(&sandbox).to_str().unwrap(), "repack", "-adq"]).ok();
                damage_packed(&sandbox, &id);
            } else {
                damage(&object(&sandbox, &format!("{id}:files/0")), kind);
                let list = backup(&sandbox, &["list"]).ok();
                assert!(list.stdout.ends_with("stored bytes not read: guard backup verify\n"), "{list}");
                plain(&backup(&sandbox, &["show", &id]));
            }
            let found = backup(&sandbox, &["verify"]).exits(1);
            plain(&found);
            assert!(found.stdout.contains(&format!("damaged refs/tags/backup/{id}")), "{context}: {found}");
            assert!(found.stdout.contains("\n  guard backup create\n"), "{context}: {found}");
            let said = backup(&sandbox, &["create"]).ok();
            plain(&said);
            let healed = "healed  1 file whose stored bytes were damaged is stored anew\n";
            // What is missing is no damage: it is written as ever.
            assert!(said.stdout.contains(healed) || matches!(kind, Damage::Missing), "{context}: {said}");
            if packed {
                // Its pack is damaged as before; the other remedy is for that.
                let found = json(&sandbox, &["verify"]);
                let remedies = found["remedies"].as_array().unwrap();
                assert_eq!(remedies.len(), 1, "{found}");
                let _ = run(&sandbox, remedies[0].as_str().unwrap()).ok();
            }
            let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
            let _ = sandbox.git(["--git-dir", store(&sandbox).to_str().unwrap(), "fsck", "--full"]).ok();
            if packed {
                break;
            }
        }
    }
}

/// Nobody has to look first: what is missing in the store is noticed by the next backup, though the file was not touched.
#[test]
fn d12_what_is_missing_is_noticed_by_the_next_backup() {
    for kind in [Damage::Missing, Damage::Garbage] {
        let sandbox = sandbox();
        sandbox.write("data/a.txt", "a\n");
        std::thread::sleep(std::time::Duration::from_millis(30));
        let id = create(&sandbox);
        damage(&object(&sandbox, &format!("{id}:files/0")), kind);
        let shown = backup(&sandbox, &["show", &id]).exits(1);
        assert!(shown.stdout.contains(&format!("damaged refs/tags/backup/{id} 'data/a.txt'")), "{shown}");
        let _ = backup(&sandbox, &["create"]).ok();
        let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
    }
}

/// A tree that is damaged belongs to a later backup of the same files, too.
#[test]
fn d12_a_damaged_tree_is_written_anew() {
    for kind in ALL {
        let sandbox = sandbox();
        sandbox.write("data/a.txt", "a\n");
        let first = create(&sandbox);
        sandbox.write("data/a.txt", "b\n");
        create(&sandbox);
        damage(&object(&sandbox, &format!("{first}:files")), kind);
        let list = backup(&sandbox, &["list"]).exits(1);
        plain(&list);
        assert!(list.stdout.contains(&format!("damaged refs/tags/backup/{first}")), "{list}");
        plain(&backup(&sandbox, &["show", &first]).exits(2).says("hint: guard backup verify"));
        sandbox.write("data/a.txt", "a\n");
        let again = create(&sandbox);
        assert_ne!(again, first);
        let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
    }
}

/// What nobody has any more is to be forgotten; the command works as it is printed, for a ref of garbage as well.
#[test]
fn d12_what_is_lost_is_forgotten_by_the_command_that_is_printed() {
    for what in [":files/0", ":files", ":manifest.json", "", "the ref"] {
        let sandbox = sandbox();
        sandbox.write("data/a.txt", "a\n");
        let lost = create(&sandbox);
        sandbox.write("data/a.txt", "b\n");
        let stays = create(&sandbox);
        if what == "the ref" {
            fs::write(store(&sandbox).join("refs/tags/backup").join(&lost), "garbage\n").unwrap();
        } else {
            damage(&object(&sandbox, &format!("{lost}{what}")), Damage::Garbage);
        }
        let found = json(&sandbox, &["verify"]);
        let remedies: Vec<&str> =
            found["remedies"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(remedies.len() == 1 && remedies[0].contains(&lost), "{what}: {found}");
        let _ = run(&sandbox, remedies[0]).ok();
        let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
        let kept = json(&sandbox, &["list"]);
        assert_eq!(
            (&kept["backups"][0]["id"], &kept["backups"][1]["id"]),
            (&stays.clone().into(), &serde_json::Value::Null)
        );
        let _ = backup(&sandbox, &["create"]).ok();
    }
}

/// What is damaged does not leave, and the others do.
#[test]
fn d12_nothing_damaged_is_sent() {
    for kind in ALL {
        let sandbox = sandbox();
        let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
        let far = sandbox.root().join("far.git");
        manifest(&sandbox, &format!("remote.url = '{}'", far.display()));
        sandbox.write("data/a.txt", "one line of it\n".repeat(20)).commit("data");
        let first = create(&sandbox);
        sandbox.write("data/a.txt", "two lines of it\n".repeat(20));
        let second = create(&sandbox);
        let broken = object(&sandbox, &format!("{first}:files/0"));
        let whole = fs::read(&broken).unwrap();
        damage(&broken, kind);
        let sent = backup(&sandbox, &["push"]).exits(3);
        plain(&sent);
        assert!(sent.stdout.contains(&format!("damaged refs/tags/backup/{first} 'data/a.txt'")), "{sent}");
        let there = sandbox.git(["ls-remote", far.to_str().unwrap()]).ok().stdout;
        assert!(there.contains(&second) && !there.contains(&first), "{there}");
        // Damaged after it was sent: git can't tell what the remote lacks.
        let _ = fs::remove_file(&broken);
        fs::write(&broken, whole).unwrap();
        let _ = backup(&sandbox, &["push"]).ok();
        sandbox.write("data/a.txt", "three\n");
        create(&sandbox);
        damage(&object(&sandbox, &format!("{first}:files")), kind);
        let sent = backup(&sandbox, &["push"]).exits(3);
        plain(&sent);
        assert!(format!("{}{}", sent.stdout, sent.stderr).contains(&format!("refs/tags/backup/{first}")), "{sent}");
    }
}

/// What the working tree has no more comes from where it was sent, by the command that is printed, and nothing is fetched twice.
#[test]
fn d12_what_was_sent_comes_back_from_there() {
    for (what, kind) in [
        (":files/0", Damage::Flipped),
        (":files/0", Damage::Missing),
        (":files", Damage::Missing),
        (":manifest.json", Damage::Truncated),
        ("", Damage::Garbage),
        ("the ref", Damage::Garbage),
        ("the pack", Damage::Flipped),
    ] {
        let sandbox = sandbox();
        let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
        let far = sandbox.root().join("far.git").to_str().unwrap().to_owned();
        sandbox.write("data/a.txt", "a line of text\n".repeat(300)).commit("data");
        let lost = create(&sandbox);
        sandbox.write("data/a.txt", "b\n");
        create(&sandbox);
        let _ = backup(&sandbox, &["push", &far]).ok();
        let other = self::sandbox();
        other.write("data/a.txt", "of another clone\n").commit("data");
        let new = create(&other);
        let _ = backup(&other, &["push", &far]).ok();
        match what {
            "the ref" => fs::write(store(&sandbox).join("refs/tags/backup").join(&lost), "garbage\n").unwrap(),
            "the pack" => {
                let _ = sandbox.git(["--git-dir", store(&sandbox).to_str().unwrap(), "repack", "-adq"]).ok();
                damage_packed(&sandbox, &lost);
            }
            _ => damage(&object(&sandbox, &format!("{lost}{what}")), kind),
        }
        let found = json(&sandbox, &["verify"]);
        let fetch = format!("guard backup fetch '{far}'");
        let remedies = found["remedies"].as_array().unwrap();
        assert!(remedies.contains(&fetch.as_str().into()), "{what}: {found}");
        let dry = json(&sandbox, &["fetch", &far, "--dry-run"]);
        assert_eq!(
            (&dry["healed"], &dry["fetched"]),
            (&serde_json::json!([lost]), &serde_json::json!([new])),
            "{what}"
        );
        let _ = backup(&sandbox, &["verify", "--level", "bytes"]).exits(1);
        let said = run(&sandbox, &fetch).ok();
        plain(&said);
        assert!(said.stdout.contains(&format!("whole again with what came from there: 1 backup.\n  healed  {lost}\n")));
        if what == "the pack" {
            let _ = run(&sandbox, json(&sandbox, &["verify"])["remedies"][0].as_str().unwrap()).ok();
        }
        let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
        let again = json(&sandbox, &["fetch", &far]);
        assert_eq!((&again["here"], &again["healed"]), (&3.into(), &serde_json::json!([])), "{what}");
        assert_eq!(fs::read_dir(sandbox.common_dir().join("recoveryguard/tmp")).map_or(0, Iterator::count), 0);
    }
}

/// A remote whose own copy is damaged heals nothing, and says so.
#[test]
fn d12_a_damaged_copy_heals_nothing() {
    let sandbox = sandbox();
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    let far = sandbox.root().join("far.git").to_str().unwrap().to_owned();
    sandbox.write("data/a.txt", "a\n").commit("data");
    let lost = create(&sandbox);
    sandbox.write("data/a.txt", "b\n");
    create(&sandbox);
    let _ = backup(&sandbox, &["push", &far]).ok();
    let broken = object(&sandbox, &format!("{lost}:files/0"));
    let there = Path::new(&far).join("objects").join(broken.strip_prefix(store(&sandbox).join("objects")).unwrap());
    for path in [&broken, &there] {
        damage(path, Damage::Garbage);
    }
    let told = backup(&sandbox, &["fetch", &far]).fails();
    assert!(!told.stdout.contains("healed"), "{told}");
    let _ = backup(&sandbox, &["verify"]).exits(1);
}

/// What is damaged on both sides holds up no other backup, neither one that the remote can heal nor one that is new.
#[test]
fn d12_one_that_is_damaged_on_both_sides_holds_up_no_other() {
    for what in [":files/0", ":files", ":manifest.json", "", "the ref"] {
        let sandbox = sandbox();
        let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
        let far = sandbox.root().join("far.git").to_str().unwrap().to_owned();
        sandbox.write("data/a.txt", "a\n").commit("data");
        let lost = create(&sandbox);
        sandbox.write("data/a.txt", "b\n");
        let healed = create(&sandbox);
        let _ = backup(&sandbox, &["push", &far]).ok();
        let other = self::sandbox();
        other.write("data/a.txt", "of another clone\n").commit("data");
        let new = create(&other);
        let _ = backup(&other, &["push", &far]).ok();
        let objects = store(&sandbox).join("objects");
        let there = |path: &Path| Path::new(&far).join("objects").join(path.strip_prefix(&objects).unwrap());
        let whole = object(&sandbox, &format!("{healed}:files/0"));
        let broken = object(&sandbox, &format!("{lost}{}", if what == "the ref" { ":files" } else { what }));
        damage(&there(&broken), Damage::Missing);
        if what == "the ref" {
            fs::write(store(&sandbox).join("refs/tags/backup").join(&lost), "garbage\n").unwrap();
        } else {
            damage(&broken, Damage::Missing);
        }
        damage(&whole, Damage::Missing);
        // An old git (2.30) does not offer a ref of which the object is missing.
        let is_there = sandbox.git(["ls-remote", &far]).ok().stdout.contains(&lost);
        let told = backup(&sandbox, &["fetch", &far]).exits(if is_there { 3 } else { 0 });
        plain(&told);
        let damaged = is_there.then(|| format!("damaged refs/tags/backup/{lost}"));
        for said in [Some(format!("  healed  {healed}\n")), damaged].into_iter().flatten() {
            assert!(told.stdout.contains(&said), "{what}: {said}: {told}");
        }
        let _ = backup(&sandbox, &["show", &new]).ok();
        let _ = backup(&sandbox, &["show", &healed]).ok();
    }
}

/// What is damaged at the remote only holds up no other, either: it is named, nothing here is changed, and it is said what helps.
#[test]
fn d12_a_new_one_that_is_damaged_there_holds_up_no_other() {
    let sandbox = sandbox();
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    let far = sandbox.root().join("far.git").to_str().unwrap().to_owned();
    let made = ["a", "b", "c", "d", "e"].map(|text| {
        sandbox.write("data/a.txt", text.repeat(300)).commit(text);
        create(&sandbox)
    });
    let _ = backup(&sandbox, &["push", &far]).ok();
    let there = |what: &str| {
        let broken = object(&sandbox, &format!("{}{what}", made[1]));
        Path::new(&far).join("objects").join(broken.strip_prefix(store(&sandbox).join("objects")).unwrap())
    };
    for what in [":files/0", ":files", ":manifest.json", ""] {
        let other = self::sandbox();
        let whole = fs::read(there(what)).unwrap();
        damage(&there(what), if what.is_empty() { Damage::Missing } else { Damage::Flipped });
        let told = backup(&other, &["fetch", &far]).exits(3);
        plain(&told);
        let said = format!(
            "  damaged refs/tags/backup/{}: it can't be read there, so nothing of it was changed here; \
             where it was made, 'guard backup push <another remote>' sends it anew\n",
            made[1]
        );
        assert!(told.stdout.contains(&said), "{what}: {told}");
        assert!(told.stdout.starts_with("Fetched 4 backups from "), "{what}: {told}");
        assert_eq!(json(&other, &["list"])["backups"].as_array().unwrap().len(), 4, "{what}");
        let _ = backup(&other, &["verify", "--level", "restore"]).ok();
        // Once it is whole there, it comes.
        fs::remove_file(there(what)).ok();
        fs::write(there(what), whole).unwrap();
        assert_eq!(json(&other, &["fetch", &far])["fetched"], serde_json::json!([made[1]]));
    }
    // git itself can't list what is damaged so.
    damage(&there(""), Damage::Flipped);
    let other = self::sandbox();
    let told = backup(&other, &["fetch", &far])
        .exits(4)
        .says("because one is damaged there; nothing was changed here; hint: where it");
    plain(&told);
}

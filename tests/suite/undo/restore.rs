//! `guard restore`: single files.

use super::journal::{guarded, log};
use super::world::World;

/// An ignored file was overwritten by a merge, a tracked one changed; the merge's operation.
fn overwritten() -> (World, String) {
    let world = guarded(|| World::with_feature(&[]));
    world.write(".git/info/exclude", "new.txt\n");
    world.write("new.txt", b"secret\r\n\xff");
    world.git(&["merge", "-q", "feat"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    (world, id)
}

#[test]
fn one_file_comes_back_as_before_an_operation() {
    let (world, id) = overwritten();
    world.write("a.txt", "mine\n");
    let now = world.look();
    let dry = world.guard_json(&["restore", "new.txt", "--from", &id, "--dry-run"]);
    assert_eq!(
        (&dry["way"], &dry["done"], dry["paths"].as_array().unwrap().len()),
        (&"restore".into(), &false.into(), 1)
    );
    assert_eq!(world.look(), now);
    let text = world.guard_ok(&["restore", "new.txt", "a.txt", "--from", &id]);
    assert!(text.contains("to take this back: guard restore --undo"), "{text}");
    assert_eq!(world.read("new.txt"), b"secret\r\n\xff");
    assert_eq!(world.text("a.txt"), super::world::lines(20));
    let restored = world.look();
    assert_eq!((&restored.index, &restored.head), (&now.index, &now.head));
    world.guard_ok(&["restore", "--undo"]);
    assert_eq!(world.look(), now);
    world.guard_ok(&["redo"]);
    assert_eq!(world.look(), restored);
    world.guard_ok(&["undo"]);
    assert_eq!(world.look(), now);
}

#[test]
fn a_folder_comes_back_from_a_revision() {
    let (world, _) = overwritten();
    world.write("dir/x", "mine\n");
    world.write("dir/untracked", "mine\n");
    world.guard_ok(&["restore", "dir/", "--from", "feat"]);
    assert_eq!((world.text("dir/x"), world.text("dir/untracked")), ("x\n".into(), "mine\n".into()));
    // A file that the merge deleted stands in no commit of the branch's tip.
    world.guard_ok(&["restore", "gone.txt", "--from", "feat^"]);
    assert_eq!(world.text("gone.txt"), "gone\n");
}

/// Only a database has logs: what is only named like one stays as it is, and what a revision has beside a database stays there.
#[test]
fn what_is_named_like_a_log_does_not_come_along() {
    let (world, _) = overwritten();
    let database = |page: &str| format!("SQLite format 3\0{page}");
    for time in ["then", "now"] {
        world.write("travel", time);
        world.write("travel-journal", time);
        world.write("app.db", database(time));
        world.write("app.db-wal", time);
        world.commit(time);
    }
    world.write("travel-journal", "mine\n");
    world.write("app.db-wal", "mine\n");
    world.guard_ok(&["restore", "travel", "app.db", "--from", "HEAD~1"]);
    assert_eq!((world.text("travel"), world.text("app.db")), ("then".into(), database("then")));
    assert_eq!(world.text("travel-journal"), "mine\n");
    // The log of the database that stood there went with it.
    assert!(!world.exists("app.db-wal"));
    // Nor does it from an operation.
    let log = log(&world);
    let restore = log.iter().find(|operation| operation["kind"] == "restore").unwrap()["id"].as_str().unwrap();
    world.write("travel-journal", "later\n");
    world.guard_ok(&["restore", "travel", "--from", restore]);
    assert_eq!(world.text("travel-journal"), "later\n");
}

#[test]
fn a_deleted_file_comes_back_and_goes_again() {
    let world = World::diverged(&[]);
    world.git(&["merge", "-q", "feat"]);
    world.remove("a.txt");
    world.write("dir/x", "mine\n");
    let now = world.look();
    world.guard_ok(&["restore", ".", "--from", "HEAD"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.guard_ok(&["restore", "--undo"]);
    assert_eq!(world.look(), now);
    // From a folder beneath, and what is outside.
    let said = world.guard_in(&world.path("dir"), &["restore", "x", "../a.txt", "--from", "HEAD"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(world.text("dir/x"), "x\n");
    let said = world.guard(&["restore", "../outside", "--from", "HEAD"]);
    assert!(said.code == 2 && said.err.contains("is outside of the working tree"), "{}", said.err);
}

#[test]
fn copies_go_elsewhere_and_overwrite_nothing() {
    let (world, id) = overwritten();
    let now = world.look();
    let folder = world.home().join("then");
    let to = folder.to_str().unwrap();
    let text = world.guard_ok(&["restore", "new.txt", "run.sh", "--from", &id, "--to", to]);
    assert!(text.contains("wrote 2 files to"), "{text}");
    assert_eq!(std::fs::read(folder.join("new.txt")).unwrap(), b"secret\r\n\xff");
    assert_eq!(world.look(), now);
    let said = world.guard_refuses(&["restore", "new.txt", "--from", &id, "--to", to]);
    assert!(said.contains("'new.txt' exists in"), "{said}");
}

#[test]
fn what_is_not_there_is_said() {
    let (world, id) = overwritten();
    assert!(world.guard_refuses(&["restore", "nothing", "--from", &id]).contains("'nothing' is not in"));
    assert!(world.guard_refuses(&["restore", "a.txt", "--from", "nonsense"]).contains("neither an operation nor"));
    assert!(world.guard_refuses(&["restore", "--undo"]).contains("there is no restore to take back"));
    assert_eq!(world.guard(&["restore", "a.txt", "--to", "elsewhere"]).code, 2);
    assert_eq!(world.guard(&["restore"]).code, 2);
    // What is in the way is never removed.
    world.remove("a.txt");
    world.write("a.txt/inside", "mine\n");
    let said = world.guard_refuses(&["restore", "a.txt", "--from", &id]);
    assert!(said.contains("'a.txt/inside' is in its way"), "{said}");
}

/// A restore that finds everything as it should be is none: the one before is what can be taken back.
#[test]
fn a_restore_that_changes_nothing_is_not_recorded() {
    let (world, id) = overwritten();
    world.write("a.txt", "mine\n");
    let mine = world.look();
    world.guard_ok(&["restore", "a.txt", "--from", &id]);
    let restored = world.look();
    let known = log(&world).len();
    for more in [&[][..], &["--dry-run"]] {
        let text = world.guard_ok(&[&["restore", "a.txt", "--from", &id], more].concat());
        assert_eq!(text, "nothing to restore: all of it is as it is there\n");
    }
    let document = world.guard_json(&["restore", "a.txt", "--from", &id]);
    assert_eq!((&document["done"], &document["recorded_as"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!((world.look(), log(&world).len()), (restored, known));
    world.guard_ok(&["restore", "--undo"]);
    assert_eq!(world.look(), mine);
}

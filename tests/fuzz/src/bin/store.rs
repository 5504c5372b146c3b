//! A store that was fetched from somebody else: the manifests of a snapshot and of a backup, and what one file's bytes are.

#![no_main]

use std::collections::HashSet;
use std::fs;

use fuzz::{parts, scratch};
use git2::Repository;
use libfuzzer_sys::fuzz_target;
use recoveryguard::disk::Durability;
use recoveryguard::model::Timestamp;
use recoveryguard::store::Store;
use recoveryguard::validate::sqlite::compare_databases;

fuzz_target!(init: fuzz::seeds::write("store"), |data: &[u8]| {
    let [snapshot, backup, file] = parts(data);
    let folder = scratch();
    fs::remove_dir_all(folder.join("store.git/objects")).ok();
    fs::create_dir_all(folder.join("store.git/objects")).ok();
    let now = Timestamp(1_795_387_531_000);
    let store = Store::open_or_create(folder, Durability::Lazy, now).expect("a store can be made");
    let repository = Repository::open_bare(store.path()).expect("it is a repository");
    lay(&repository, "refs/tags/backup/20261122-224531-3fa9c1", backup, file).expect("objects can be written");
    lay(&repository, "refs/tags/snapshot/20261122-224531-3fa9c1", snapshot, file).expect("objects can be written");
    let (snapshots, problems) = store.list().expect("a damaged snapshot is a problem, no error");
    drop((snapshots, problems));
    store.verify().expect("a damaged snapshot is a problem, no error");
    let (backups, _) = store.backups().expect("a damaged backup is a problem, no error");
    let mut known = HashSet::new();
    for backup in &backups {
        store.check_backup(backup, &mut known).expect("a damaged backup is a problem, no error");
        store.read_through(backup, &mut known).ok();
        for pair in backup.files.windows(2) {
            let [one, other] = [&pair[0].contents, &pair[1].contents];
            compare_databases(&[one], &[("one", one), ("other", other)], other);
            compare_databases(&[], &[("one", other)], one);
        }
    }
});

fn lay(repository: &Repository, name: &str, manifest: &[u8], file: &[u8]) -> Result<(), git2::Error> {
    let blob = repository.blob(file)?;
    let mut files = repository.treebuilder(None)?;
    files.insert("0", blob, 0o100_644)?;
    let files = files.write()?;
    let mut tree = repository.treebuilder(None)?;
    tree.insert("manifest.json", repository.blob(manifest)?, 0o100_644)?;
    tree.insert("files", files, 0o040_000)?;
    let tree = repository.find_object(tree.write()?, None)?;
    let who = git2::Signature::new("somebody", "else", &git2::Time::new(1_700_000_000, 0))?;
    let tag = repository.tag_annotation_create("x", &tree, &who, "x")?;
    repository.reference(name, tag, true, "")?;
    Ok(())
}

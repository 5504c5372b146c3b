//! `guard backup` on real repositories.

mod before_merge;
mod copies;
mod create;
mod damage;
mod doctor;
mod forged;
mod full;
mod heal;
mod killed;
mod odd;
mod packed;
mod plain;

use serde_json::Value;

use crate::support::{Ran, Sandbox};

/// A repository whose `data/` is backed up; JSON in it is ignored by git.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    manifest(&sandbox, "");
    sandbox.write(".gitignore", "*.json\n");
    sandbox.commit("manifest");
    sandbox
}

/// Writes the manifest: the entry for `data/`, and more.
fn manifest(sandbox: &Sandbox, more: &str) {
    let text = format!("version = 1\n[backup]\nkeep = 'last=2'\n{more}\n[[data]]\npaths = ['/data/']\nbackup = true\n");
    sandbox.write(".recoveryguard.toml", text);
}

/// Runs `guard backup …` and reads its document.
#[track_caller]
fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let ran = backup(sandbox, &[arguments, &["--json"]].concat());
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

fn backup(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.guard([&["backup"], arguments].concat())
}

/// Makes a backup that goes well; returns its name.
#[track_caller]
fn create(sandbox: &Sandbox) -> String {
    let document = json(sandbox, &["create"]);
    assert_eq!((&document["done"], &document["standing"]), (&true.into(), &"good".into()), "{document}");
    document["backup"].as_str().unwrap().to_owned()
}

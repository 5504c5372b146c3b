//! D13: what guard saved comes back without guard.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;
use serde_json::Value;

use super::{backup, json, sandbox};
use crate::support::{Ran, Sandbox};

/// The commands of the page, as they stand there, with what stands in angle brackets filled in.
fn page(filled: &[(&str, &str)]) -> Vec<String> {
    let text = include_str!("../../../docs/store-format.md");
    let text = &text[text.find("A file of a backup comes back").unwrap()..];
    let blocks = text.split("```sh\n").skip(1).take(2).map(|block| block.split("```").next().unwrap());
    blocks
        .map(|block| {
            filled.iter().fold(block.to_owned(), |block, (name, value)| block.replace(&format!("<{name}>"), value))
        })
        .collect()
}

fn sh(sandbox: &Sandbox, script: &str) -> Ran {
    Ran::of(sandbox.command("sh", sandbox.work()).args(["-e", "-c", script]), b"").ok()
}

#[test]
fn d13_the_page_s_own_commands_bring_files_back_here_and_elsewhere() {
    let sandbox = sandbox();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    sandbox.write("data/a.bin", &bytes).write("data/b.json", "[1]\n");
    let id = json(&sandbox, &["create"])["backup"].as_str().unwrap().to_owned();
    fs::remove_dir_all(sandbox.at("data")).unwrap();
    let filled = |path: &'static str| {
        [("id", id.clone()), ("n", "0".into()), ("path", path.into()), ("remote", "../far.git".into())]
    };
    let fill = |path| {
        let values = filled(path);
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        page(&values)
    };
    let said = sh(&sandbox, &fill("here.bin")[0]).stdout;
    assert!(said.contains(&format!("refs/tags/backup/{id}")) && said.contains("\"path\": \"data/a.bin\""), "{said}");
    assert_eq!(sandbox.read("here.bin"), bytes);
    let _ = sandbox.git(["init", "-q", "--bare", "../far.git"]).ok();
    let far = sandbox.root().join("far.git");
    let _ = sandbox.git(["config", "recoveryguard.privateRemote", far.to_str().unwrap()]).ok();
    let _ = backup(&sandbox, &["push", "../far.git"]).ok();
    // The clone is lost.
    fs::remove_dir_all(sandbox.common_dir().join("recoveryguard")).unwrap();
    let _ = sh(&sandbox, &fill("there.bin")[1]);
    assert_eq!(sandbox.read("there.bin"), bytes);
}

/// A file, with its permission bits, or a link.
#[derive(Debug, Clone)]
enum Thing {
    File(Vec<u8>, u32),
    Link(Vec<u8>),
}

fn thing() -> impl Strategy<Value = Thing> {
    let bits = prop_oneof![Just(0o644), Just(0o600), Just(0o755), Just(0o700)];
    prop_oneof![
        4 => (proptest::collection::vec(any::<u8>(), 0..3000), bits).prop_map(|(bytes, bits)| Thing::File(bytes, bits)),
        1 => proptest::collection::vec(1_u8..=255, 1..30).prop_map(Thing::Link),
    ]
}

/// Names with spaces, newlines, bytes that are no text.
fn name() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(
        prop_oneof![Just(b'a'), Just(b' '), Just(b'\n'), Just(0xff), Just(b'"'), Just(b'*')],
        1..4,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 12, ..ProptestConfig::default() })]

    /// Restoring ∘ create = identity, over trees of all sorts: by plain git, and by guard.
    #[test]
    fn whatever_was_there_comes_back(
        things in proptest::collection::btree_map((name(), name()), thing(), 1..8),
    ) {
        let sandbox = sandbox();
        let mut made: BTreeMap<Vec<u8>, Thing> = BTreeMap::new();
        for ((folder, name), thing) in things {
            let path = [b"data/", folder.as_slice(), b"/f", &name].concat();
            let place = sandbox.at(OsStr::from_bytes(&path));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            match &thing {
                Thing::File(bytes, bits) => {
                    fs::write(&place, bytes).unwrap();
                    fs::set_permissions(&place, fs::Permissions::from_mode(*bits)).unwrap();
                }
                Thing::Link(target) => symlink(OsStr::from_bytes(target), &place).unwrap(),
            }
            made.insert(path, thing);
        }
        let id = json(&sandbox, &["create"])["backup"].as_str().unwrap().to_owned();
        let store = sandbox.common_dir().join("recoveryguard/store.git");
        let blob = |what: &str| {
            let name = format!("backup/{id}:{what}");
            let mut git = sandbox.command("git", sandbox.work());
            git.arg("--git-dir").arg(&store).args(["cat-file", "blob", &name]).output().unwrap().stdout
        };
        let manifest: Value = serde_json::from_slice(&blob("manifest.json")).unwrap();
        let files = manifest["files"].as_array().unwrap();
        prop_assert_eq!(files.len(), made.len());
        for (number, file) in files.iter().enumerate() {
            let path: recoveryguard::model::TreePath = serde_json::from_value(file["path"].clone()).unwrap();
            let bytes = blob(&format!("files/{number}"));
            match &made[path.as_bytes()] {
                Thing::File(expected, bits) => {
                    prop_assert_eq!(&bytes, expected);
                    prop_assert_eq!(file["bits"].as_u64(), Some(u64::from(*bits)));
                    prop_assert_eq!(file["mode"] == "executable", bits & 0o100 != 0);
                }
                Thing::Link(target) => {
                    prop_assert_eq!(&bytes, target);
                    prop_assert_eq!(&file["mode"], "link");
                }
            }
        }
        let verified = json(&sandbox, &["verify", "--level", "restore"]);
        prop_assert_eq!(&verified["damaged"], &serde_json::json!([]));
        fs::remove_dir_all(sandbox.at("data")).unwrap();
        let mut guard = sandbox.command("guard", sandbox.work());
        guard.args(["restore", "--from", &id, "--"]).args(made.keys().map(|path| OsStr::from_bytes(path)));
        let _ = Ran::of(&mut guard, b"").ok();
        for (path, thing) in &made {
            let place = sandbox.at(OsStr::from_bytes(path));
            match thing {
                Thing::File(bytes, bits) => {
                    prop_assert_eq!(&fs::read(&place).unwrap(), bytes);
                    prop_assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, *bits);
                }
                Thing::Link(target) => {
                    let leads = fs::read_link(&place).unwrap();
                    prop_assert_eq!(leads.as_os_str().as_bytes(), target.as_slice());
                }
            }
        }
    }
}

//! The store is packed when much lies loose in it, and gives room back.

use std::fs;

use super::{backup, create, json, sandbox};
use crate::support::write_program;

/// Bytes that can't be compressed.
fn noise(megabytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(megabytes << 20);
    while bytes.len() < megabytes << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

#[test]
fn a_large_version_is_packed_comes_back_and_gives_its_room_back() {
    let sandbox = sandbox();
    let mut bytes = noise(66);
    sandbox.write("data/large.bin", &bytes).write("data/small.txt", "s\n");
    create(&sandbox);
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    let packs = || {
        let files = fs::read_dir(store.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
            .map(|path| path.metadata().unwrap().len())
            .sum::<u64>()
    };
    assert!(packs() > 60 << 20, "{}", packs());
    // A second version differs by a little: packed again, both take hardly more than one.
    bytes[30 << 20] ^= 1;
    sandbox.write("data/large.bin", &bytes);
    create(&sandbox);
    assert!(packs() < 68 << 20, "{}", packs());
    let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
    for text in ["one", "two"] {
        sandbox.write("data/large.bin", text);
        create(&sandbox);
    }
    let pruned = json(&sandbox, &["prune"]);
    assert_eq!(pruned["pruned"].as_array().unwrap().len(), 2, "{pruned}");
    assert!(packs() < 1 << 20, "what nothing needs is in no pack any more: {}", packs());
    let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
}

/// A git of a guard that was killed, or another guard, packs the store while it is verified.
#[test]
fn a_pack_that_gives_way_to_another_is_not_damaged() {
    let sandbox = sandbox();
    let store = sandbox.common_dir().join("recoveryguard/store.git");
    sandbox.write("data/a.json", "[1]\n");
    create(&sandbox);
    let _ = sandbox.git(["--git-dir", store.to_str().unwrap(), "repack", "-adq"]).ok();
    sandbox.write("data/a.json", "[2]\n");
    create(&sandbox);
    let git = sandbox.root().join("bin/git");
    let real = fs::canonicalize(&git).unwrap();
    let packing = format!(
        "#!/bin/sh\ncase \" $* \" in *' verify-pack '*) '{0}' --git-dir '{1}' repack -adq && echo >'{2}' ;; esac\nexec '{0}' \"$@\"\n",
        real.display(),
        store.display(),
        sandbox.root().join("packed").display()
    );
    fs::remove_file(&git).unwrap();
    write_program(&git, packing);
    let _ = backup(&sandbox, &["verify", "--level", "restore"]).ok();
    assert!(sandbox.root().join("packed").exists(), "nothing was packed meanwhile");
}

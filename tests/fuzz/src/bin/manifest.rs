//! The manifest: whatever stands in one, an answer comes, errors can be shown, and a manifest is not weaker than itself.

#![no_main]

use bstr::ByteSlice;
use fuzz::{assert_plain, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::manifest::{Manifest, parse, weakened};
use recoveryguard::model::Level;
use recoveryguard::rules::default_level;

fuzz_target!(init: fuzz::seeds::write("manifest"), |data: &[u8]| {
    let [before, after] = parts(data).map(read);
    let level = |rule: &str| default_level(rule).unwrap_or(Level::Block);
    if let Some(manifest) = &before {
        assert_eq!(weakened(manifest, manifest, &level), [""; 0]);
        for path in [&b"a"[..], b"data/x.json", b"scripts/restore_all.sh", b"deep/er/\xff\n"] {
            let path = path.as_bstr();
            manifest.protecting(path).for_each(|entry| assert!(entry.level_on(Some(path)) <= entry.level));
            manifest.data_rule(path);
            manifest.keyed(path);
        }
    }
    if let (Some(before), Some(after)) = (&before, &after) {
        weakened(before, after, &level).iter().for_each(|text| assert_plain(text));
    }
});

fn read(bytes: &[u8]) -> Option<Manifest> {
    match parse(bytes) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            let said = error.to_string();
            assert_plain(&said);
            assert!(!said.contains('\n'), "{said:?}");
            assert!(error.line <= bytes.lines().count() + 1 && error.line > 0 && error.column > 0, "{error:?}");
            None
        }
    }
}

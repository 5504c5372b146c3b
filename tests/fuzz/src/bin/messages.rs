//! What is read out of commits: their headers, what a message says it takes back, and `Guard-Allow` trailers.

#![no_main]

use fuzz::{assert_plain, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::facts::{parse_trailer, render_trailer, untrusted as facts};
use recoveryguard::git::untrusted as git;
use recoveryguard::model::{TreePath, escape};

fuzz_target!(init: fuzz::seeds::write("messages"), |data: &[u8]| {
    let [message, reason, path, other] = parts(data);
    if let Some(commit) = git::commit(message) {
        assert!(commit.message.len() <= message.len());
        facts::message(&commit.message);
    }
    facts::message(message);
    if let Some((rule, path, reason)) = parse_trailer(message) {
        [rule, path, reason].iter().for_each(|text| assert_plain(text));
    }
    // What is written comes back, and no other path is meant by it.
    let reason = String::from_utf8_lossy(reason);
    let read = |path: &[u8]| {
        let line = render_trailer("lost-change", Some(&TreePath::from(path)), &reason);
        assert_plain(&line);
        assert!(!line.contains('\n'), "{line:?}");
        let (rule, named, why) = parse_trailer(line.as_bytes()).expect("a trailer of ours can be read");
        assert_eq!((rule.as_str(), why.as_str()), ("lost-change", escape(reason.as_bytes()).trim()), "{line:?}");
        named
    };
    assert_eq!(path == other, read(path) == read(other), "{path:?} {other:?}");
});

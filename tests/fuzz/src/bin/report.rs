//! Reports: whatever a repository holds, nothing of it controls a terminal, a runner, a page or a shell.
//!
//! Input: path, message, a line of a file, author, subject.

#![no_main]

use bstr::ByteSlice;
use fuzz::{assert_plain, oid, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::model::{Finding, Level, Raw, Timestamp, Verdict, escape, fingerprint};
use recoveryguard::report::{About, Report, github, github_summary, gitlab, page, sarif};
use recoveryguard::routes::Audited;
use recoveryguard::rules::shell_quote;
use serde_json::Value;

fuzz_target!(init: fuzz::seeds::write("report"), |data: &[u8]| {
    let [path, message, line, author, subject] = parts::<5>(data);
    let shown = escape(data);
    assert_plain(&shown);
    assert!(!shown.contains('\n'));
    let quoted = shell_quote(path);
    assert_plain(&quoted);
    assert_eq!(unquoted(&quoted).as_bstr(), path.as_bstr(), "{quoted}");
    let finding = Finding {
        rule: "lost-change".into(),
        level: Level::Block,
        path: (!path.is_empty()).then(|| Raw::from(path)),
        message: escape(message),
        evidence: [("line_1", line), ("lost_author", author)].map(|(name, text)| (name.into(), escape(text))).into(),
        remedy: format!("git checkout -- {quoted}"),
        fingerprint: fingerprint(&[path, message]),
        excuse: None,
    };
    let audited = |number, findings: Vec<Finding>, failure: Option<String>| Audited {
        commit: oid(number),
        time: 1_700_000_000,
        author: author.into(),
        subject: subject.into(),
        deviates: true,
        verdict: if failure.is_some() { Verdict::CouldNotJudge } else { Verdict::of(&findings) },
        findings,
        failure,
    };
    let why = String::from_utf8_lossy(message).into_owned();
    let all = [audited(1, vec![finding.clone(), finding], None), audited(2, Vec::new(), Some(why))];
    let about = About { repository: escape(author), range: escape(subject), at: Timestamp(1_700_000_000_000) };
    let report = Report::of_audit(about, &all, true);
    let commands = github(&report);
    assert_plain(&commands);
    for line in commands.lines() {
        let ours = ["::error ", "::warning ", "::notice ", "guard audit"].iter().any(|start| line.starts_with(start));
        assert!(ours && line.matches("::").count() >= usize::from(line.starts_with("::")) * 2, "{line:?}");
    }
    let summary = github_summary(&report);
    assert_plain(&summary);
    let markup = |line: &str| line.trim_start().starts_with("::") || line.contains("##[") || line.contains("<script");
    assert!(!summary.lines().any(markup), "{summary}");
    for text in [gitlab(&report), sarif(&report)] {
        assert_plain(&text);
        serde_json::from_str::<Value>(&text).expect("it is JSON");
    }
    let page = page(&report);
    assert_plain(&page);
    for tag in ["<img", "<script>alert", "<iframe", " onerror="] {
        assert!(!page.contains(tag), "{tag}");
    }
});

/// Reads a word as a shell does: `'…'` and `$'…'`, all that is used.
fn unquoted(word: &str) -> Vec<u8> {
    let Some(body) = word.strip_prefix("$'") else {
        let inner = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).expect("it is quoted");
        let plain = inner.replace(r"'\''", "");
        assert!(!plain.contains('\''), "{word}");
        return inner.replace(r"'\''", "'").into_bytes();
    };
    let mut rest = body.strip_suffix('\'').expect("it is quoted").as_bytes();
    let mut bytes = Vec::new();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        assert_ne!(*byte, b'\'', "{word}");
        if *byte != b'\\' {
            bytes.push(*byte);
        } else if rest[0].is_ascii_digit() {
            let digits = std::str::from_utf8(&rest[..3]).expect("three digits");
            bytes.push(u8::from_str_radix(digits, 8).expect("three digits"));
            rest = &rest[3..];
        } else {
            bytes.push(rest[0]);
            rest = &rest[1..];
        }
    }
    bytes
}

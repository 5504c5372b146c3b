//! SARIF 2.1.0, for code scanning and editors.
//!
//! A finding is a result with the fingerprint `guardFinding/v1`. Paths are URIs relative to `%SRCROOT%`, each byte that is
//! no plain letter percent-encoded, so that any path git can hold is one. A finding about a whole merge stands at the root,
//! `./`, because consumers refuse results that stand nowhere. What could not be judged makes the run unsuccessful.
//!
//! In messages, braces stand for arguments and `[…](…)` for links (§3.11): the first are doubled, the second taken apart.

use serde_json::{Map, Value, json};

use crate::model::{Finding, Level};
use crate::report::reported::{Entry, Report, place};
use crate::rules::{REGISTER, Rule};

/// Where the schema of the format is.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What relative URIs are relative to.
const ROOT: &str = "%SRCROOT%";

/// Returns the log: one run.
pub fn sarif(report: &Report<'_>) -> String {
    let unjudged: Vec<Value> = report
        .unjudged()
        .map(|(merge, why)| {
            let text = message(&format!("could not judge {}: {why}", merge.name));
            json!({ "level": "error", "message": { "text": text }, "properties": { "commit": merge.commit } })
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "RecoveryGuard",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": REGISTER.iter().map(rule).collect::<Vec<_>>(),
            } },
            "automationDetails": { "id": format!("guard/{}/", report.asked.word()) },
            "originalUriBaseIds": { ROOT: { "description": { "text": "the top of the working tree" } } },
            "invocations": [{
                "executionSuccessful": unjudged.is_empty(),
                "toolExecutionNotifications": unjudged,
            }],
            "results": report.entries().iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log}\n")
}

fn rule(rule: &Rule) -> Value {
    let docs = &rule.docs;
    let first = docs.finds.split(". ").next().unwrap_or_default().trim_end_matches('.');
    json!({
        "id": rule.name,
        "shortDescription": { "text": format!("{first}.") },
        "fullDescription": { "text": docs.finds },
        "help": { "text": format!("{}\n\n{}\n\n{}", docs.why, docs.what_to_do, docs.when_wrong) },
        "defaultConfiguration": { "level": level(rule.default) },
    })
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Block => "error",
        Level::Warn => "warning",
        Level::Info => "note",
        Level::Off => "none",
    }
}

fn result(entry: &Entry<'_, '_>) -> Value {
    let finding = entry.finding;
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.level),
        "message": { "text": message(&entry.told().join("\n")) },
        "locations": [{ "physicalLocation": location(finding) }],
        "partialFingerprints": { "guardFinding/v1": entry.identity },
        "properties": properties(entry),
    });
    // A rule that a newer guard found and this one does not know has no place in the list.
    if let (Some(index), Some(result)) =
        (REGISTER.iter().position(|rule| rule.name == finding.rule), result.as_object_mut())
    {
        result.insert("ruleIndex".into(), index.into());
    }
    result
}

fn location(finding: &Finding) -> Value {
    let uri = finding.path.as_ref().map_or_else(|| "./".to_owned(), |path| uri(path));
    let mut location = json!({ "artifactLocation": { "uri": uri, "uriBaseId": ROOT } });
    if let (Some(line), Some(location)) = (place(finding), location.as_object_mut()) {
        location.insert("region".into(), json!({ "startLine": line }));
    }
    location
}

/// Returns a path as a relative URI. Letters, digits and `-._~` stay (RFC 3986, §2.3), and the slashes between parts.
fn uri(path: &[u8]) -> String {
    let mut uri = String::new();
    for &byte in path {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// What tools that know the guard read: nothing here is shortened or changed.
fn properties(entry: &Entry<'_, '_>) -> Value {
    let (merge, finding) = (entry.merge, entry.finding);
    let mut bag = Map::new();
    bag.insert("merge".into(), json!(merge.name));
    bag.insert("commit".into(), json!(merge.commit));
    bag.insert("subject".into(), json!(merge.subject));
    bag.insert("author".into(), json!(merge.author));
    bag.insert("evidence".into(), json!(finding.evidence));
    bag.insert("remedy".into(), json!(finding.remedy));
    bag.insert("finding".into(), json!(finding.fingerprint));
    Value::Object(bag)
}

/// Returns text that a message may hold.
fn message(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

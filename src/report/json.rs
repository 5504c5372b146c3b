//! The one JSON document of a command: `docs/json.md`. Additions never rename.

use serde_json::{Map, Value, json};

use crate::model::{Finding, Verdict};

/// Starts a command's document.
pub fn document(command: &str) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("version".into(), json!(1));
    document.insert("command".into(), json!(command));
    document
}

/// Adds a verdict and its findings.
pub fn add_verdict(document: &mut Map<String, Value>, verdict: Verdict, findings: &[Finding], failure: Option<&str>) {
    document.insert("verdict".into(), json!(verdict.word()));
    document.insert("findings".into(), json!(findings));
    if let Some(why) = failure {
        document.insert("failure".into(), json!(why));
    }
}

/// Returns the document as it is printed.
pub fn render(document: Map<String, Value>) -> String {
    format!("{}\n", Value::Object(document))
}

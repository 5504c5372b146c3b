//! The one JSON document of a command: `docs/json.md`. Additions never rename.

use serde_json::{Map, Value, json};

use super::Exit;
use super::undone::recovered_json;
use crate::model::{Finding, Verdict};
use crate::undo::Recovered;

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

/// A command that failed, and has no document of its own.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// The command's name; empty where none was named.
    pub command: &'a str,
    /// What failed.
    pub failure: &'a str,
    /// What to do next.
    pub hint: Option<&'a str>,
    /// How it ended.
    pub exit: Exit,
    /// Whether it was a dry run; `None` where the command has none.
    pub dry_run: Option<bool>,
    /// Interrupted operations that were dealt with before.
    pub recovered: &'a [Recovered],
}

impl Failed<'_> {
    /// Returns its document.
    pub fn json(&self) -> String {
        let mut text = document(self.command);
        text.insert("failure".into(), json!(self.failure));
        text.insert("hint".into(), json!(self.hint));
        text.insert("exit".into(), json!(self.exit.code()));
        if let Some(dry_run) = self.dry_run {
            text.insert("dry_run".into(), json!(dry_run));
            // What was done in part is neither.
            let is_open = self.exit == Exit::CouldNotJudge && !dry_run;
            text.insert("done".into(), if is_open { Value::Null } else { json!(false) });
        }
        if !self.recovered.is_empty() {
            text.insert("recovered".into(), self.recovered.iter().map(recovered_json).collect());
        }
        render(text)
    }
}

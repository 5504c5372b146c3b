//! `guard explain`: a rule's page.

use serde_json::json;

use crate::cli::{Context, Failure};
use crate::report::{self, Exit};
use crate::{manifest, rules};

/// Say what a rule finds, why it matters, what to do, and when it is wrong
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard explain
  guard explain protected-delete

Exit codes: 0 fine, 2 there is no such rule")]
pub struct Arguments {
    /// The rule, as it stands in brackets behind a finding; all rules when none is given
    rule: Option<String>,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(name) = &arguments.rule else {
        context.terminal.answer(|| list(context.json));
        return Ok(Exit::Fine);
    };
    let Some(rule) = rules::explain(name) else {
        let failure =
            Failure::new(Exit::Usage, format!("there is no rule '{}'", crate::model::escape(name.as_bytes())));
        let hint = manifest::nearest_rule(name).map(|near| format!("guard explain {near}"));
        return Err(Failure { hint, ..failure }.into());
    };
    context.terminal.answer(|| if context.json { document(&[rule]) } else { rules::render_page(rule) });
    Ok(Exit::Fine)
}

fn list(json: bool) -> String {
    if json {
        return document(&rules::REGISTER.iter().collect::<Vec<_>>());
    }
    let line = |rule: &rules::Rule| {
        let finds = rule.docs.finds.split(". ").next().unwrap_or_default().trim_end_matches('.');
        format!("{:20} {:5}  {finds}\n", rule.name, rule.default.word())
    };
    rules::REGISTER.iter().map(line).collect()
}

fn document(rules: &[&rules::Rule]) -> String {
    let page = |rule: &&rules::Rule| {
        json!({
            "name": rule.name,
            "level": rule.default,
            "finds": rule.docs.finds,
            "why": rule.docs.why,
            "what_to_do": rule.docs.what_to_do,
            "when_wrong": rule.docs.when_wrong,
        })
    };
    let mut document = report::json::document("explain");
    document.insert("rules".into(), rules.iter().map(page).collect());
    report::json::render(document)
}

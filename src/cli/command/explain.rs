//! `guard explain`: a rule's page, or an incident's.

use serde_json::json;

use crate::cli::{Context, Failure};
use crate::drill::{REGISTER, scenario};
use crate::report::{self, Exit};
use crate::{manifest, rules};

/// Say what a rule finds or what an incident is, why it matters, and what to do
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  guard explain                              all rules
  guard explain protected-delete
  guard explain incident                     all incidents
  guard explain incident merge-deletes

Exit codes: 0 fine, 2 there is no such rule or incident"
)]
pub struct Arguments {
    /// The rule, as it stands in brackets behind a finding; all rules when none is given
    rule: Option<String>,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    Incident(OfIncident),
}

/// Say what an incident is, how it is noticed, and how one gets out of it
///
/// These are the procedures that 'guard drill' rehearses.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard explain incident
  guard explain incident merge-deletes
  guard explain incident merge-deletes --json

Exit codes: 0 fine, 2 there is no such incident")]
struct OfIncident {
    /// Its name; all incidents with their titles when none is given
    name: Option<String>,
}

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    if let Some(Other::Incident(incident)) = &arguments.other {
        return of_incident(context, incident.name.as_deref());
    }
    let Some(name) = &arguments.rule else {
        context.terminal.answer(|| list(context.json));
        return Ok(Exit::Fine);
    };
    let Some(rule) = rules::explain(name) else {
        let failure =
            Failure::new(Exit::Usage, format!("there is no rule '{}'", crate::model::escape(name.as_bytes())));
        let hint = match scenario(name) {
            Some(incident) => Some(format!("guard explain incident {}", incident.name)),
            None => manifest::nearest_rule(name).map(|near| format!("guard explain {near}")),
        };
        return Err(Failure { hint, ..failure }.into());
    };
    context.terminal.answer(|| if context.json { document(&[rule]) } else { rules::render_page(rule) });
    Ok(Exit::Fine)
}

fn of_incident(context: &Context, name: Option<&str>) -> anyhow::Result<Exit> {
    let Some(name) = name else {
        let text = || report::incidents_text(REGISTER);
        context.terminal.answer(|| if context.json { report::incidents_json(REGISTER) } else { text() });
        return Ok(Exit::Fine);
    };
    let Some(found) = scenario(name) else {
        let shown = crate::model::escape(name.as_bytes());
        let failure = Failure::new(Exit::Usage, format!("there is no incident '{shown}'"));
        return Err(failure.hint("guard explain incident").into());
    };
    let text = || report::incident_text(found);
    context.terminal.answer(|| if context.json { report::incidents_json(&[found]) } else { text() });
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

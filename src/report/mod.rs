//! Verdicts, operations and plans as text, JSON, a page and what forges read; exit codes. Nothing here prints: it returns what is to be printed.

mod answer;
mod audited;
mod backup;
mod checked;
mod doctor;
mod drilled;
mod exit;
mod format;
mod history;
mod incident;
pub mod json;
mod page;
mod practiced;
mod pruned;
mod recovered;
mod reported;
mod undone;
mod verified;
pub mod words;

pub use answer::answer;
pub use audited::{audited_json, audited_lines, audited_text};
pub use backup::{
    backup_json, backup_text, backups_json, backups_pruned_json, backups_pruned_text, backups_text, brought_json,
    brought_text, made_json, made_text, put_back_json, put_back_text, sent_json, sent_text, swapped_back_json,
    swapped_back_text, verified_json as backup_verified_json, verified_text as backup_verified_text, would_make_json,
    would_make_text,
};
pub use checked::{Changed, checked_json, checked_text, unchecked_json};
pub use doctor::{doctor_json, doctor_text};
pub use drilled::{drilled_json, drilled_markdown, drilled_page, drilled_text, scenarios_json};
pub use exit::Exit;
pub use format::github::{github, github_summary};
pub use format::gitlab::gitlab;
pub use format::sarif::sarif;
pub use history::{log_json, log_text, operation_json, operation_text};
pub use incident::{incident_text, incidents_json, incidents_text};
pub use json::Failed;
pub use page::page;
pub use practiced::{runbook_json, runbook_text};
pub use pruned::{pruned_json, pruned_text};
pub use recovered::{last_good_json, last_good_text, none_back_text, walk_text};
pub use reported::{About, Report};
pub use undone::{conflicts_text, copied_json, copied_text, recovered_text, undone_json, undone_text};
pub use verified::{verdict_of, verified_findings, verified_json, verified_text, versions_json, versions_text};

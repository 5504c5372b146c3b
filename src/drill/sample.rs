//! The built-in project: a bit of everything that can be damaged, with a history, hooks, and a backup that is two hours old.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::scenario::Kind;
use super::stage::Stage;

/// Its manifest.
pub const SAMPLE_MANIFEST: &str = r#"version = 1

[[protect]]
name   = "recovery scripts"
paths  = ["scripts/*.sh", "docs/recovery_procedure.md"]
reason = "on-call needs these at 3 a.m."
owners = ["@ops"]

[[protect]]
name   = "production configuration"
paths  = ["config/production.toml"]
deny   = ["delete", "modify"]

[[data]]
paths    = ["data/processed/*.json"]
schema   = "schemas/email.schema.json"
records  = "/emails"
key      = "id"
max_loss = "10%"
backup   = true

[[data]]
paths    = ["data/cache/*.json"]
records  = "/sessions"
key      = "id"
backup   = true

[[data]]
paths  = ["data/*.db"]
backup = true

[[branch]]
into  = ["main"]
never = ["wip/*"]

[backup]
keep = "last=10 within=14d daily=7"

[runbook]
rto = "30m"
rpo = "24h"

[[runbook.contact]]
name = "on-call"
how  = "phone +00 0000, chat #ops"
"#;

/// The file of a kind in the sample.
pub const fn sample_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Json | Kind::Records => "data/processed/email_data.json",
        Kind::Database | Kind::TrackedDatabase => "data/app.db",
        Kind::Ignored => "data/cache/sessions.json",
        Kind::Script => "scripts/restore_json_data.sh",
        Kind::Config => "config/production.toml",
        Kind::Text => "src/report.py",
    }
}

const SCHEMA: &str = r#"{
  "type": "object",
  "required": ["emails"],
  "properties": {
    "emails": {
      "type": "array",
      "items": {
        "type": "object",
        "required": ["id", "from", "subject", "label"],
        "properties": { "id": { "type": "integer" }, "label": { "enum": ["inbox", "spam", "done"] } }
      }
    }
  }
}
"#;

/// What used to be forty lines of `cp` and `jq`.
const SCRIPT: &str = "\
#!/bin/sh
# Brings the mail data back to its newest good version.
exec guard restore --last-good data/processed/email_data.json
";

const OTHER_SCRIPT: &str = "\
#!/bin/sh
# Brings the database back to its newest good version.
exec guard restore --last-good data/app.db
";

const CONFIG: &str = "\
# What production runs with.
workers = 4
timeout = 30

[database]
path = \"data/app.db\"
";

/// How old the sample's backup is: what was made since then can be lost.
const BACKUP_AGE: u64 = 2 * 60 * 60 * 1000;

/// Makes the project in an empty repository; the last steps of it are commits of colleagues.
pub(super) fn make(stage: &mut Stage, now: u64) -> anyhow::Result<()> {
    stage.quietly(&["git", "init", "-q", "-b", "main", "."])?;
    stage.write_at(".recoveryguard.toml", SAMPLE_MANIFEST.as_bytes())?;
    stage.write_at(".gitignore", b"data/cache/\n*.log\n")?;
    stage.write_at("README.md", b"# Mail sorter\n\nReads mail, sorts it, keeps accounts.\n")?;
    stage.write_at("config/production.toml", CONFIG.as_bytes())?;
    stage.write_at("scripts/restore_json_data.sh", SCRIPT.as_bytes())?;
    stage.write_at("scripts/restore_database.sh", OTHER_SCRIPT.as_bytes())?;
    stage.write_at("docs/recovery_procedure.md", b"# Recovery procedure\n\nSee 'guard runbook'.\n")?;
    stage.write_at("schemas/email.schema.json", SCHEMA.as_bytes())?;
    stage.write_at("src/report.py", program().as_bytes())?;
    stage.write_at("data/processed/email_data.json", &emails(36))?;
    database(&stage.project().join("data/app.db"))?;
    stage.commit("Ada", "the mail sorter")?;
    stage.write_at("data/processed/email_data.json", &emails(40))?;
    stage.commit("Ben", "nightly import")?;
    stage.write_at("src/mail.py", b"def sort(mails):\n    return sorted(mails, key=lambda mail: mail[\"id\"])\n")?;
    stage.commit("Ada", "sort mails by id")?;
    stage.write_at("data/cache/sessions.json", &sessions(12))?;
    let clock = now.saturating_sub(BACKUP_AGE).to_string();
    stage.quietly_with(&["guard", "backup", "create"], &[("RECOVERYGUARD_CLOCK", &clock)])?;
    // Work went on since.
    stage.write_at("data/cache/sessions.json", &sessions(15))?;
    Ok(())
}

fn emails(count: u32) -> Vec<u8> {
    let labels = ["inbox", "spam", "done"];
    let email = |id: u32| {
        json!({
            "id": id,
            "from": format!("person{}@example.com", id % 7),
            "subject": format!("Subject of mail number {id}"),
            "label": labels[id as usize % labels.len()],
        })
    };
    pretty(&json!({ "emails": (1..=count).map(email).collect::<Vec<_>>() }))
}

fn sessions(count: u32) -> Vec<u8> {
    let session = |id: u32| json!({ "id": format!("s{id:03}"), "user": format!("person{}", id % 7) });
    pretty(&json!({ "sessions": (1..=count).map(session).collect::<Vec<_>>() }))
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

/// A program of forty-odd lines: long enough that two people can work at different ends of it.
fn program() -> String {
    let mut text = "\"\"\"Counts mails for the daily report.\"\"\"\n\nimport json\n\n".to_owned();
    for (name, what) in [("inbox", "waiting"), ("spam", "thrown away"), ("done", "answered"), ("other", "not labelled")]
    {
        text.push_str(&format!(
            "\ndef count_{name}(emails):\n    \"\"\"Returns how many mails are {what}.\"\"\"\n    found = 0\n    for email in \
             emails:\n        if email.get(\"label\", \"other\") == \"{name}\":\n            found += 1\n    return found\n\n"
        ));
    }
    text.push_str("\ndef main():\n    with open(\"data/processed/email_data.json\") as file:\n        emails = json.load(file)[\"emails\"]\n");
    text.push_str("    print(\"inbox:\", count_inbox(emails))\n    print(\"spam:\", count_spam(emails))\n\n\nmain()\n");
    text
}

fn database(path: &Path) -> anyhow::Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, balance INTEGER NOT NULL);
         CREATE TABLE orders (
             id INTEGER PRIMARY KEY AUTOINCREMENT,
             account INTEGER NOT NULL REFERENCES accounts (id),
             state TEXT NOT NULL
         );
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         INSERT INTO accounts (name, balance) SELECT 'person' || i, i * 37 % 1000 FROM n;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO orders (account, state)
             SELECT 1 + i % 60, CASE i % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'paid' WHEN 2 THEN 'sent' ELSE 'back' END FROM n;",
    )?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

//! `guard demo`: the guard at work, in a scratch repository, with real git.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bstr::ByteSlice;
use colored::Colorize;
use serde_json::{Value, json};

use crate::cli::{Context, Failure};
use crate::model::escape;
use crate::report::{self, Exit};
use crate::{disk, git};

/// Show the guard at work in a scratch repository, which is removed afterwards
///
/// A fast-forward that deletes a protected file is refused before a file is touched; a merge is taken back while
/// uncommitted work stays. Everything is done by real git; nothing outside the scratch folder is read or written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  guard demo
  guard demo --keep

Exit codes: 0 everything went as told, 1 it did not, 2 git could not be run")]
pub struct Arguments {
    /// Keep the scratch repository and say where it is
    #[arg(long)]
    keep: bool,
}

/// The manifest of the demonstration.
const MANIFEST: &str = r#"version = 1

[[protect]]
name   = "recovery scripts"
paths  = ["scripts/restore_*.sh"]
reason = "on-call needs these at 3 a.m."
owners = ["@ops"]

[[protect]]
name   = "production configuration"
paths  = ["config/production.toml"]
deny   = ["delete", "modify"]
level  = "warn"
"#;

/// One step: what is typed, and how it has to end.
struct Step {
    say: &'static str,
    line: &'static [&'static str],
    fails: bool,
}

const fn step(say: &'static str, line: &'static [&'static str]) -> Step {
    Step { say, line, fails: false }
}

/// What is done before the story begins, without showing it.
const SETTING: &[&[&str]] = &[
    &["git", "init", "-q", "-b", "main", "."],
    &["git", "config", "user.name", "Demo"],
    &["git", "config", "user.email", "demo@example.com"],
    &["git", "add", "-A"],
    &["git", "commit", "-q", "-m", "the project"],
    &["git", "switch", "-q", "-c", "cleanup"],
    &["git", "rm", "-q", "scripts/restore_db.sh"],
    &["git", "commit", "-q", "-m", "remove unused scripts"],
    &["git", "switch", "-q", "-c", "tuning", "main"],
];

const STORY: &[Step] = &[
    step("Hooks go in. Existing ones would be kept and still run.", &["guard", "install"]),
    Step {
        say: "A colleague's branch deletes a script that operations need. Merging it is a fast-forward: git has no hook \
              for that, and would delete the file.",
        line: &["git", "merge", "cleanup"],
        fails: true,
    },
    step(
        "Nothing was touched: the file is there, the working tree is clean.",
        &["git", "status", "--short", "--branch"],
    ),
    step(
        "Another branch overwrites the configuration. That only warns, so the merge goes through …",
        &["git", "merge", "--no-ff", "-m", "tuning", "tuning"],
    ),
    step("… while somebody has work that is not committed (README.md).", &["git", "diff", "--stat"]),
    step("Take the merge back. 'git reset --hard' would lose that work.", &["guard", "undo-merge"]),
    step("The configuration is as before, and the uncommitted work is still there.", &["git", "diff", "--stat"]),
    step("It can be brought back, too: the same commit.", &["guard", "redo"]),
    step("Everything is in the journal.", &["guard", "log"]),
];

/// Runs the command.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Exit> {
    let parent = context.surroundings.temporary_folder();
    let folder = parent.join(format!("guard-demo-{}-{}", std::process::id(), context.now().0));
    disk::ensure_folder(&folder, 0o700)?;
    let told = tell(context, &folder);
    if arguments.keep {
        context.terminal.note(|| format!("the scratch repository is kept: {}\n", folder.join("project").display()));
    } else {
        disk::remove_folder_all_inside(&parent, &folder)?;
    }
    told
}

fn tell(context: &Context, folder: &Path) -> anyhow::Result<Exit> {
    let stage = Stage::new(context, folder)?;
    stage.write("scripts/restore_db.sh", "#!/bin/sh\necho restoring\n")?;
    stage.write("config/production.toml", "workers = 4\ntimeout = 30\n")?;
    stage.write("README.md", "# Project\n")?;
    stage.write(".recoveryguard.toml", MANIFEST)?;
    for line in SETTING {
        stage.quietly(line)?;
    }
    stage.write("config/production.toml", "workers = 400\ntimeout = 1\n")?;
    stage.quietly(&["git", "commit", "-q", "-am", "tuning for my laptop"])?;
    stage.quietly(&["git", "switch", "-q", "main"])?;
    let mut told: Vec<Value> = Vec::new();
    for (index, step) in STORY.iter().enumerate() {
        if step.line == ["git", "merge", "--no-ff", "-m", "tuning", "tuning"] {
            stage.write("README.md", "# Project\n\nhalf a sentence that nobody has comm\n")?;
        }
        let output = stage.run(step.line)?;
        let lines: Vec<String> = output.stdout.lines().chain(output.stderr.lines()).map(escape).collect();
        let typed = step.line.join(" ");
        if context.json {
            told.push(json!({ "say": step.say, "run": typed, "exit": output.status, "output": lines }));
        } else {
            context.terminal.answer(|| text(index, step, &lines));
        }
        if (output.status != 0) != step.fails {
            let what = format!("'{typed}' ended with {}, which is not how the story goes", output.status);
            return Err(Failure::new(Exit::Blocked, what).into());
        }
    }
    if context.json {
        let mut document = report::json::document("demo");
        document.insert("steps".into(), Value::Array(told));
        context.terminal.answer(|| report::json::render(document));
    }
    Ok(Exit::Fine)
}

fn text(index: usize, step: &Step, lines: &[String]) -> String {
    let mut text = format!("{}\n", format!("# {}. {}", index + 1, step.say).dimmed());
    text.push_str(&format!("{}\n", format!("$ {}", step.line.join(" ")).bold()));
    for line in lines {
        text.push_str(&format!("{line}\n"));
    }
    text.push('\n');
    text
}

/// The scratch repository, and programs that see nothing else.
struct Stage {
    project: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    guard: PathBuf,
}

impl Stage {
    fn new(context: &Context, folder: &Path) -> anyhow::Result<Self> {
        let guard = std::env::current_exe().context("the program's own place is not known")?;
        let project = folder.join("project");
        disk::ensure_folder(&project, 0o700)?;
        let path = context.surroundings.environment.get("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
        let variables = vec![
            ("PATH", path.to_owned()),
            ("HOME", folder.as_os_str().to_owned()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("LC_ALL", "C".into()),
        ];
        Ok(Self { project, variables, guard })
    }

    fn write(&self, path: &str, text: &str) -> anyhow::Result<()> {
        let place = self.project.join(path);
        if let Some(parent) = place.parent() {
            disk::ensure_folder(parent, 0o755)?;
        }
        disk::write_atomic(&place, text.as_bytes(), disk::Durability::Lazy, 0o644)?;
        Ok(())
    }

    fn run(&self, line: &[&str]) -> anyhow::Result<git::Output> {
        let program = if line[0] == "guard" { self.guard.as_path() } else { Path::new(line[0]) };
        let arguments: Vec<&OsStr> = line[1..].iter().map(OsStr::new).collect();
        let variables: Vec<(&str, &OsStr)> =
            self.variables.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
        Ok(git::run_isolated(program, &arguments, &self.project, &variables)?)
    }

    fn quietly(&self, line: &[&str]) -> anyhow::Result<()> {
        let output = self.run(line)?;
        if output.status == 0 { Ok(()) } else { Err(output.failure().into()) }
    }
}

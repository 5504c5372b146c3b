//! The manifest that `guard init` writes: what the repository contains, proposed for protection, and the rest of the
//! schema as examples.
//!
//! Lines that begin with `#` and no space are examples: without the `#` they are a valid manifest too.

use std::collections::{BTreeMap, BTreeSet};

use bstr::ByteSlice;

use super::{FILE, Format, Patterns};
use crate::model::{TreePath, escape};

/// More names than this are one pattern instead: a list is there to be read.
const MOST_NAMES: usize = 8;

const HEAD: &str = "\
# What RecoveryGuard watches over in this repository. Edit it freely and commit it: it counts from that commit on.
# Patterns mean what they mean in .gitignore. Lines that begin with '#' and no space are examples.
version = 1
";

const EXAMPLES: &str = r#"
# More that can be said of protected paths:
#[[protect]]
#name   = "production settings"
#paths  = ["deploy/", "!deploy/README.md"]
#deny   = ["delete", "modify", "mode", "type", "add"]
#level  = "block"                    # or warn, info
#on     = ["main", "release/*"]      # blocks there, warns elsewhere
#reason = "changed by the release team only"
#owners = ["@ops"]

# More that can be said of data:
#[[data]]
#paths    = ["records/*.json"]
#format   = "json"                   # default: by extension
#root     = "object"                 # or array
#required = ["/version", "/items"]   # JSON pointers at which something has to stand
#schema   = "schemas/record.schema.json"
#records  = "/items"                 # where the records are (JSON pointer) ...
#key      = "id"                     # ... and what names one
#max_loss = "10%"                    # of the records, in one merge
#backup   = true                     # saved by `guard backup create`
#secret   = true                     # leaves this machine only for a remote that was declared private

# Databases of a PostgreSQL server (PGHOST, PGUSER and so on say where it is, never this file):
#[[database]]
#name     = "orders"
#service  = "orders_production"      # an entry of pg_service.conf
#max_loss = "10%"                    # of the rows of a table, between two backups
#backup   = true                     # saved by `guard backup create`
#secret   = true                     # leaves this machine only for a remote that was declared private

# Branches that must never be merged into others:
#[[branch]]
#into  = ["main"]
#never = ["sandbox", "wip/*"]

# Levels of rules (`guard explain` lists them): block, warn, info, off.
#[rules]
#lost-change = "warn"
#mass-delete = { level = "block", files = 50, percent = 20 }

#[policy]
#on_failure = "warn"                 # when the guard can't judge: warn or block
#accepted   = ["@{upstream}", "origin/HEAD"]
#allow      = ["protected-delete"]   # rules that Guard-Allow trailers may pass on servers

#[snapshot]
#scope     = "touched"               # or all
#keep      = 100
#max_file  = "50 MiB"
#max_total = "1 GiB"
#max_store = "4 GiB"

#[backup]
#keep = "last=10 within=14d daily=7 weekly=5 monthly=12"
#before_merge = true                 # when the merge touches files with backup = true

#[backup.remote]
#url        = "ssh://backup/project.git"
#visibility = "private"

#[runbook]
#rto = "30m"                         # back at work within
#rpo = "24h"                         # work that may be lost

#[[runbook.contact]]
#name = "on-call"
#how  = "phone +00 0000"
"#;

/// Returns the text of a manifest that proposes to protect what `paths`, the files of a tree, contain.
pub fn starter(paths: &[TreePath]) -> String {
    let mut text = HEAD.to_owned();
    protect(
        &mut text,
        "recovery scripts",
        "block",
        "Recovery runs on these: no merge may delete them.",
        &scripts(paths),
    );
    protect(
        &mut text,
        "pipelines",
        "warn",
        "Builds and releases run on these: a merge that deletes one warns.",
        &pipelines(paths),
    );
    protect(
        &mut text,
        "configuration",
        "warn",
        "Nothing starts without these: a merge that deletes one warns.",
        &configuration(paths),
    );
    protect(&mut text, "manifest", "block", "Without this file none of the above holds.", &[format!("/{FILE}")]);
    for (format, lines) in data(paths) {
        let comment = format!("Data as {}: no merge may break it, and `guard backup create` saves it.", format.word());
        text.push_str(&format!("\n# {comment}\n[[data]]\npaths  = {}\nbackup = true\n", list(&lines)));
    }
    text.push_str(EXAMPLES);
    text
}

fn protect(text: &mut String, name: &str, level: &str, comment: &str, lines: &[String]) {
    if !lines.is_empty() {
        let paths = list(lines);
        text.push_str(&format!(
            "\n# {comment}\n[[protect]]\nname  = \"{name}\"\npaths = {paths}\nlevel = \"{level}\"\n"
        ));
    }
}

fn scripts(paths: &[TreePath]) -> Vec<String> {
    let is_script =
        |folder: &str| paths.iter().any(|path| path.starts_with(folder.as_bytes()) && path.ends_with(b".sh"));
    let restores = |path: &TreePath| path.starts_with(b"scripts/restore");
    let proposed = [
        ("scripts/restore*", paths.iter().any(restores)),
        ("scripts/**/*.sh", is_script("scripts/")),
        ("bin/**/*.sh", is_script("bin/")),
        ("docs/recovery_procedure.md", has(paths, "docs/recovery_procedure.md")),
    ];
    chosen(&proposed)
}

fn pipelines(paths: &[TreePath]) -> Vec<String> {
    let workflows = paths.iter().any(|path| path.starts_with(b".github/workflows/"));
    let proposed = [
        (".github/workflows/", workflows),
        ("/.gitlab-ci.yml", has(paths, ".gitlab-ci.yml")),
        ("/Jenkinsfile", has(paths, "Jenkinsfile")),
    ];
    chosen(&proposed)
}

fn configuration(paths: &[TreePath]) -> Vec<String> {
    let config = paths.iter().any(|path| path.starts_with(b"config/"));
    let mut lines = chosen(&[("/config/", config)]);
    // What `/config/` names needs no second line.
    let outside: Vec<&TreePath> = paths.iter().filter(|path| !path.starts_with(b"config/")).collect();
    let is_compose =
        |name: &[u8]| name.starts_with(b"docker-compose") && (name.ends_with(b".yml") || name.ends_with(b".yaml"));
    lines.extend(names(&outside, |name| name.ends_with(b".env.example"), &["*.env.example"]));
    lines.extend(names(&outside, is_compose, &["docker-compose*.yml", "docker-compose*.yaml"]));
    lines.extend(names(&outside, |name| name == b"Dockerfile", &["Dockerfile"]));
    lines
}

/// A folder and an extension, with its dot.
type Place<'a> = (&'a [u8], &'a [u8]);

/// Returns the structured files under `data/` as one pattern for each folder and extension, by format.
fn data(paths: &[TreePath]) -> BTreeMap<Format, Vec<String>> {
    let mut found: BTreeMap<Format, BTreeSet<Place<'_>>> = BTreeMap::new();
    for path in paths.iter().filter(|path| path.starts_with(b"data/")) {
        let Some(format) = Format::by_extension(path.as_bstr()).filter(|format| *format != Format::Text) else {
            continue;
        };
        let folder = &path[..path.rfind_byte(b'/').unwrap_or_default()];
        let extension = &path[path.rfind_byte(b'.').unwrap_or_default()..];
        found.entry(format).or_default().insert((folder, extension));
    }
    let lines = |places: BTreeSet<Place<'_>>| -> Vec<String> {
        let text = |extension: &[u8]| String::from_utf8_lossy(extension).into_owned();
        if places.len() > MOST_NAMES {
            let extensions: BTreeSet<&[u8]> = places.into_iter().map(|(_, extension)| extension).collect();
            return extensions.into_iter().map(|extension| format!("data/**/*{}", text(extension))).collect();
        }
        let each = places.into_iter().map(|(folder, extension)| format!("{}/*{}", literal(folder), text(extension)));
        each.filter(|line| is_pattern(line)).collect()
    };
    let all = found.into_iter().map(|(format, places)| (format, lines(places)));
    all.filter(|(_, lines)| !lines.is_empty()).collect()
}

fn has(paths: &[TreePath], wanted: &str) -> bool {
    paths.iter().any(|path| path.as_bstr() == wanted)
}

fn chosen(proposed: &[(&str, bool)]) -> Vec<String> {
    proposed.iter().filter(|(_, there)| *there).map(|(line, _)| (*line).to_owned()).collect()
}

/// Returns a line for each file whose name is `wanted`, or `patterns` that name them all when they are many.
fn names(paths: &[&TreePath], wanted: impl Fn(&[u8]) -> bool, patterns: &[&str]) -> Vec<String> {
    let name_of = |path: &TreePath| path.rfind_byte(b'/').map_or(0, |slash| slash + 1);
    let found: Vec<&&TreePath> = paths.iter().filter(|path| wanted(&path[name_of(path)..])).collect();
    if found.len() > MOST_NAMES {
        return patterns.iter().map(|line| (*line).to_owned()).collect();
    }
    found.into_iter().map(|path| format!("/{}", literal(path))).filter(|line| is_pattern(line)).collect()
}

/// A path of thousands of bytes may be too long once it is escaped.
fn is_pattern(line: &str) -> bool {
    Patterns::new(&[line]).is_ok()
}

/// Returns a pattern for exactly these bytes. TOML is UTF-8, so a byte that is not becomes `?`, which is any one byte.
fn literal(bytes: &[u8]) -> String {
    let mut line = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, '*' | '?' | '[' | '\\') {
                line.push('\\');
            }
            line.push(character);
        }
        line.extend(chunk.invalid().iter().map(|_| '?'));
    }
    line
}

fn list(lines: &[String]) -> String {
    let strings: Vec<String> = lines.iter().map(|line| string(line)).collect();
    let one_line = format!("[{}]", strings.join(", "));
    if one_line.chars().count() <= 100 { one_line } else { format!("[\n    {},\n]", strings.join(",\n    ")) }
}

/// Returns a TOML string; what could control a terminal or hide in an editor is written as an escape.
fn string(text: &str) -> String {
    // A literal string needs no backslash for a backslash, which patterns use themselves.
    if text.contains('\\') && !text.contains('\'') && escape(text.as_bytes()) == text {
        return format!("'{text}'");
    }
    let mut out = String::from('"');
    for character in text.chars() {
        let mut buffer = [0; 4];
        let is_plain = escape(character.encode_utf8(&mut buffer).as_bytes()).chars().eq([character]);
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            _ if is_plain => out.push(character),
            _ => out.push_str(&format!("\\U{:08X}", u32::from(character))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
#[path = "starter_tests.rs"]
mod tests;

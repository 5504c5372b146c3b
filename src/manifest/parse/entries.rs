//! `[[protect]]`, `[[data]]`, `[[database]]` and `[[branch]]`.

use std::collections::BTreeSet;

use super::node::{Fields, Node};
use super::problem::{Problem, Problems, shown};
use super::units;
use crate::manifest::words::{DENY, FORMATS, PROTECT_LEVELS, ROOTS};
use crate::manifest::{BranchRule, DataRule, DatabaseRule, Deny, Format, Patterns, Protect};
use crate::model::Level;

/// Reads an array of tables, one by one; `[protect]` for `[[protect]]` is a slip worth naming.
fn each<'a, T>(
    top: Fields<'a>,
    key: &str,
    problems: &mut Problems,
    mut read: impl FnMut(Node<'a>, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let Some(node) = top.get(key) else { return Vec::new() };
    if node.is_table() {
        let problem = Problem::new(node.at, format!("'{key}' is a list, found a single table"));
        problems.add(problem.hint(format!("write [[{key}]]")));
        return Vec::new();
    }
    let items = problems.take(node.items(&format!("a list of tables, [[{key}]]"))).unwrap_or_default();
    items.into_iter().filter_map(|item| read(item, problems)).collect()
}

pub(super) fn protect(top: Fields<'_>, problems: &mut Problems) -> Vec<Protect> {
    let mut names = BTreeSet::new();
    each(top, "protect", problems, |node, problems| one_protect(node, &mut names, problems))
}

fn one_protect(node: Node<'_>, names: &mut BTreeSet<String>, problems: &mut Problems) -> Option<Protect> {
    const KEYS: &[&str] = &["name", "paths", "deny", "level", "on", "reason", "owners"];
    let fields = node.fields("[[protect]]", KEYS, problems)?;
    let name = fields.read("name", problems, Node::text);
    if let Some(name) = &name
        && !names.insert(name.clone())
    {
        let at = fields.get("name").map_or(fields.at, |node| node.at);
        problems.add(Problem::new(at, format!("two [[protect]] entries have the name '{}'", shown(name))));
    }
    let deny = fields.read("deny", problems, deny_words);
    let level = fields.read("level", problems, |node| node.word("level", PROTECT_LEVELS));
    let on = fields.get("on").and_then(|node| patterns(node, problems));
    let reason = fields.read("reason", problems, Node::text);
    let owners = fields.read("owners", problems, texts);
    let paths = patterns(fields.need("paths", problems)?, problems)?;
    let first = || paths.lines().first().cloned().unwrap_or_default();
    Some(Protect {
        name: name.unwrap_or_else(first),
        deny: deny.unwrap_or_else(|| vec![Deny::Delete, Deny::Type]),
        level: level.unwrap_or(Level::Block),
        on: on.unwrap_or_default(),
        reason,
        owners: owners.unwrap_or_default(),
        paths,
    })
}

fn deny_words(node: Node<'_>) -> Result<Vec<Deny>, Problem> {
    let words = node.items("a list such as [\"delete\", \"type\"]")?;
    let denied: BTreeSet<Deny> =
        words.into_iter().map(|word| word.word("word in 'deny'", DENY)).collect::<Result<_, _>>()?;
    if denied.is_empty() {
        let problem = Problem::new(node.at, "'deny' is empty: the entry would protect from nothing");
        return Err(problem.hint("leave the key out for [\"delete\", \"type\"]"));
    }
    Ok(denied.into_iter().collect())
}

pub(super) fn data(top: Fields<'_>, problems: &mut Problems) -> Vec<DataRule> {
    each(top, "data", problems, one_data)
}

fn one_data(node: Node<'_>, problems: &mut Problems) -> Option<DataRule> {
    const KEYS: &[&str] =
        &["paths", "format", "root", "required", "schema", "records", "key", "max_loss", "backup", "secret"];
    let fields = node.fields("[[data]]", KEYS, problems)?;
    let format = fields.read("format", problems, |node| node.word("format", FORMATS));
    let root = fields.read("root", problems, |node| node.word("root", ROOTS));
    let required = fields.read("required", problems, pointers);
    let schema = fields.read("schema", problems, units::tree_path);
    let records = fields.read("records", problems, units::pointer);
    let key = fields.read("key", problems, Node::text);
    let max_loss = fields.read("max_loss", problems, units::max_loss);
    let backup = fields.read("backup", problems, Node::boolean);
    let secret = fields.read("secret", problems, Node::boolean);
    contradictions(fields, format, problems);
    let paths = patterns(fields.need("paths", problems)?, problems)?;
    Some(DataRule {
        paths,
        format,
        root,
        required: required.unwrap_or_default(),
        schema,
        records,
        key,
        max_loss,
        backup: backup.unwrap_or(false),
        secret: secret.unwrap_or(false),
    })
}

/// Reports keys of `[[data]]` that would do nothing beside each other.
fn contradictions(fields: Fields<'_>, format: Option<Format>, problems: &mut Problems) {
    for key in ["key", "max_loss"] {
        if fields.get(key).is_some() && fields.get("records").is_none() {
            let problem = Problem::new(fields.place(key), format!("'{key}' says nothing without 'records'"));
            problems.add(problem.hint("add records = \"/items\", or \"\" for the whole document"));
        }
    }
    for (key, without) in [
        ("root", &[Format::Text, Format::Binary, Format::Sqlite, Format::Csv, Format::Tsv][..]),
        ("required", &[Format::Text, Format::Binary, Format::Sqlite, Format::Csv, Format::Tsv][..]),
        ("schema", &[Format::Text, Format::Binary, Format::Sqlite, Format::Csv, Format::Tsv][..]),
        ("records", &[Format::Text, Format::Binary][..]),
    ] {
        if let Some(format) = format.filter(|format| without.contains(format))
            && fields.get(key).is_some()
        {
            let message = format!("'{key}' says nothing about files of format '{}'", format.word());
            problems.add(Problem::new(fields.place(key), message));
        }
    }
}

/// Reads a list of JSON pointers.
fn pointers(node: Node<'_>) -> Result<Vec<String>, Problem> {
    node.items("a list of JSON pointers")?.into_iter().map(units::pointer).collect()
}

pub(super) fn database(top: Fields<'_>, problems: &mut Problems) -> Vec<DatabaseRule> {
    let mut names = BTreeSet::new();
    each(top, "database", problems, |node, problems| {
        let fields = node.fields("[[database]]", &["name", "service", "max_loss", "backup", "secret"], problems)?;
        let service = fields.read("service", problems, |node| plain_name(node, usize::MAX));
        let max_loss = fields.read("max_loss", problems, units::max_loss);
        let backup = fields.read("backup", problems, Node::boolean);
        let secret = fields.read("secret", problems, Node::boolean);
        let name = fields.need("name", problems)?;
        let name = problems.take(plain_name(name, DatabaseRule::LONGEST))?;
        if !names.insert(name.clone()) {
            let at = fields.get("name").map_or(fields.at, |node| node.at);
            problems.add(Problem::new(at, format!("two [[database]] entries have the name '{}'", shown(&name))));
        }
        let (backup, secret) = (backup.unwrap_or(false), secret.unwrap_or(false));
        Some(DatabaseRule { name, service, max_loss, backup, secret })
    })
}

/// Reads a name that PostgreSQL's programs take as one: they read `host=…` or `postgresql://…` in its place as an address, and
/// what begins with `-` as an option.
fn plain_name(node: Node<'_>, longest: usize) -> Result<String, Problem> {
    let name = node.text()?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_plain = word(name.as_bytes()[0]) && name.bytes().all(|byte| word(byte) || b"-.".contains(&byte));
    if !is_plain {
        let problem = Problem::new(node.at, format!("'{}' is no plain name", shown(&name)));
        return Err(problem.hint("letters, digits, '_', '-' and '.'; addresses and passwords stand in the environment"));
    }
    if name.len() > longest {
        return Err(Problem::new(node.at, format!("'{}' is longer than {longest} characters", shown(&name))));
    }
    Ok(name)
}

pub(super) fn branch(top: Fields<'_>, problems: &mut Problems) -> Vec<BranchRule> {
    each(top, "branch", problems, |node, problems| {
        let fields = node.fields("[[branch]]", &["into", "never"], problems)?;
        let into = fields.need("into", problems).and_then(|node| patterns(node, problems));
        let never = fields.need("never", problems).and_then(|node| patterns(node, problems));
        Some(BranchRule { into: into?, never: never? })
    })
}

/// Reads a list of patterns that names something.
fn patterns(node: Node<'_>, problems: &mut Problems) -> Option<Patterns> {
    let items = problems.take(node.items("a list of patterns"))?;
    let lines = problems.take(items.iter().map(|item| item.string()).collect::<Result<Vec<_>, _>>())?;
    let compiled = Patterns::new(&lines).map_err(|error| {
        let problem = Problem::new(items.get(error.index).map_or(node.at, |item| item.at), error.message);
        Problem { hint: error.hint, ..problem }
    });
    let patterns = problems.take(compiled)?;
    if patterns.is_empty() {
        problems.add(Problem::new(node.at, "a list of patterns is empty"));
        return None;
    }
    if patterns.names_nothing() {
        let problem = Problem::new(node.at, "all patterns begin with '!', so none names anything");
        problems.add(problem.hint("add '*' as the first one to begin with everything"));
        return None;
    }
    Some(patterns)
}

/// Reads a list of strings that say something.
pub(super) fn texts(node: Node<'_>) -> Result<Vec<String>, Problem> {
    node.items("a list of strings")?.into_iter().map(Node::text).collect()
}

//! A database's schema: its objects, and a hash of what they say.
//!
//! The hash is SHA-256 over the hashes of all `CREATE` texts, sorted: it does not change when objects are stored in
//! another order, nor when a text is laid out in another way, changes the case of letters outside of quotes, or loses
//! its comments. What SQLite adds by itself (`sqlite_…` tables, indexes of constraints) is left out.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

/// Tables that virtual tables keep their own data in, by what follows their name. They change without a row being
/// lost. `_content` (full text) and `_rowid` (R-tree) hold one row for each row of the virtual table and are counted.
const SHADOWS: [&str; 9] =
    ["_data", "_idx", "_docsize", "_config", "_segments", "_segdir", "_stat", "_node", "_parent"];

/// What of a schema is needed here.
#[derive(Debug, Default)]
pub(super) struct Schema {
    /// Ordinary tables that hold the user's rows, by name: views and virtual tables are never queried.
    pub(super) tables: BTreeSet<String>,
    /// Whether there is a table of `AUTOINCREMENT` numbers.
    pub(super) has_sequences: bool,
    /// The hash, in hex.
    pub(super) hash: String,
}

/// Reads it.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Schema> {
    let mut schema = Schema::default();
    let (mut texts, mut virtual_tables) = (Vec::new(), Vec::new());
    let mut statement = connection.prepare("SELECT type, name, rootpage, sql FROM sqlite_schema")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).map(text);
        let (kind, name, sql) = (text(0)?, text(1)?.unwrap_or_default(), text(3)?);
        let is_own = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
        let is_table = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("table"));
        let is_stored = row.get_ref(2)?.as_i64().is_ok_and(|page| page > 0);
        match (is_table, is_stored, is_own) {
            (true, true, true) => schema.has_sequences |= name.eq_ignore_ascii_case("sqlite_sequence"),
            (true, true, false) => {
                schema.tables.insert(name);
            }
            (true, false, _) => virtual_tables.push(name),
            (false, ..) => {}
        }
        if let (Some(sql), false) = (sql, is_own) {
            texts.push(<[u8; 32]>::from(Sha256::digest(normal(&sql))));
        }
    }
    let is_shadow = |name: &str| {
        virtual_tables.iter().any(|table| name.strip_prefix(table).is_some_and(|ending| SHADOWS.contains(&ending)))
    };
    schema.tables.retain(|name| !is_shadow(name));
    texts.sort_unstable();
    schema.hash = Sha256::digest(texts.concat()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(schema)
}

/// Returns a value as text, whatever bytes stand in it; `None` for what is no text.
fn text(value: ValueRef<'_>) -> Option<String> {
    value.as_bytes().ok().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Returns an SQL text without comments, in small letters outside of quotes, with one space where two words meet and
/// none elsewhere.
fn normal(sql: &str) -> String {
    let mut normal = String::new();
    let mut rest = sql;
    let mut is_apart = false;
    while let Some(first) = rest.chars().next() {
        let length = gap(rest);
        if length > 0 {
            (is_apart, rest) = (true, &rest[length..]);
            continue;
        }
        let quoted = quoted(rest, first);
        let token = &rest[..quoted.unwrap_or(first.len_utf8())];
        if is_apart && is_word(first) && normal.chars().next_back().is_some_and(is_word) {
            normal.push(' ');
        }
        match quoted {
            Some(_) => normal.push_str(token),
            None => normal.push(first.to_ascii_lowercase()),
        }
        (is_apart, rest) = (false, &rest[token.len()..]);
    }
    normal
}

/// Quotes end a word by themselves: what stands beside them may stand apart or not.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$') || !character.is_ascii()
}

/// Returns the length of the white space or comment that a text begins with.
fn gap(text: &str) -> usize {
    let until = |from: &str, end: &str| text[from.len()..].find(end).map(|at| from.len() + at + end.len());
    if text.starts_with("--") {
        until("--", "\n").unwrap_or(text.len())
    } else if text.starts_with("/*") {
        until("/*", "*/").unwrap_or(text.len())
    } else {
        text.len() - text.trim_start_matches(|character: char| character.is_ascii_whitespace()).len()
    }
}

/// Returns the length of the quoted text that a text begins with, `None` when it does not begin with a quote.
fn quoted(text: &str, first: char) -> Option<usize> {
    let close = match first {
        '\'' | '"' | '`' => first,
        '[' => ']',
        _ => return None,
    };
    // A doubled quote is two quoted texts here, which says the same.
    Some(text[1..].find(close).map_or(text.len(), |at| at + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lay_out_of_a_text_does_not_count_and_its_quotes_do() {
        let plain = normal("create table t(a int,b text default 'A  b--c')");
        assert_eq!(plain, normal("CREATE  TABLE t (\n  a INT, -- the first\n  b TEXT /* 2 */ DEFAULT 'A  b--c'\n)"));
        assert_ne!(plain, normal("create table t(a int,b text default 'a  b--c')"));
        assert_ne!(plain, normal("create table t(a int,b text default 'A b--c')"));
        assert_ne!(normal("a b"), normal("ab"));
        assert_eq!(normal("'it''s' x"), "'it''s'x");
        for open in ["'a", "\"", "`", "[a", "/*", "--", "'\u{e9}", "\u{e9} \u{e9}"] {
            normal(open);
        }
    }
}

//! Patterns: which paths (or branches) a line of the manifest names.
//!
//! The meaning is `.gitignore`'s (gitignore(5)), with one difference that makes a list readable on its own: a line
//! that names a folder names everything below it, `!` lines included, and the last line that names a path decides.
//! git stops at an excluded folder, so there `vendor` followed by `!vendor/keep.sh` keeps nothing, and `!vendor/`
//! takes back only the folder itself. Here both do what they say.
//!
//! Nothing is trimmed and nothing is a comment: a line is a TOML string, not a line of a file.

use std::fmt;

use bstr::{BStr, ByteSlice};
use gix::glob::{Pattern, pattern::Case, wildmatch};

use crate::model::escape;

/// The longest pattern, in bytes: as long as the longest path that systems accept.
const MAX_LENGTH: usize = 4096;

/// The matcher goes one level deeper for each run of stars and gives up at 64 levels, as if nothing matched.
const MAX_STARS: usize = 32;

/// Each `**` may double the work of matching.
const MAX_DOUBLE_STARS: usize = 8;

/// A list of patterns with the meaning of `.gitignore` lines, matched against bytes of tree paths.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    lines: Vec<String>,
    compiled: Vec<Pattern>,
}

/// A line that can't be a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PatternError {
    /// Which line of the list, from 0.
    pub index: usize,
    /// What is wrong with it, escaped for terminals.
    pub message: String,
    /// What to write instead, where that is clear.
    pub hint: Option<String>,
}

impl Patterns {
    /// Compiles a list of lines.
    pub fn new<S: AsRef<str>>(lines: &[S]) -> Result<Self, PatternError> {
        let mut patterns = Self::default();
        for (index, line) in lines.iter().map(AsRef::as_ref).enumerate() {
            let compiled = compile(line).map_err(|(message, hint)| PatternError { index, message, hint })?;
            patterns.compiled.push(compiled);
            patterns.lines.push(line.to_owned());
        }
        Ok(patterns)
    }

    /// Returns the lines as written.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Returns whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns whether the file at `path` is named: by itself or by a folder above it.
    pub fn matches(&self, path: &BStr) -> bool {
        self.decide(path, false)
    }

    /// Returns whether the folder at `path` is named, and with it everything below that no other line takes back.
    /// Submodules are folders to git.
    pub fn matches_folder(&self, path: &BStr) -> bool {
        self.decide(path, true)
    }

    /// Returns whether all lines take back (`!`), so that the list names nothing.
    pub fn names_nothing(&self) -> bool {
        self.compiled.iter().all(Pattern::is_negative)
    }

    fn decide(&self, path: &BStr, is_folder: bool) -> bool {
        // An empty path and one with a leading slash are no tree paths.
        if path.is_empty() || path.starts_with(b"/") {
            return false;
        }
        let last = self.compiled.iter().rev().find(|pattern| names(pattern, path, is_folder));
        last.is_some_and(|pattern| !pattern.is_negative())
    }
}

/// The lines as written; the compiled form says nothing more.
impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.fmt(f)
    }
}

/// Returns whether a line names `path` or a folder above it, `!` or not.
fn names(pattern: &Pattern, path: &BStr, is_folder: bool) -> bool {
    let folders = path.find_iter(b"/").map(|end| (path[..end].as_bstr(), true));
    folders.chain([(path, is_folder)]).any(|(part, is_folder)| {
        let basename = part.rfind_byte(b'/').map(|slash| slash + 1);
        let mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        pattern.matches_repo_relative_path(part, basename, Some(is_folder), Case::Sensitive, mode)
    })
}

type Refusal = (String, Option<String>);

fn compile(line: &str) -> Result<Pattern, Refusal> {
    let shown = escape(line.as_bytes());
    let refuse = |why: &str| Err((format!("pattern '{shown}' {why}"), None));
    let body = line.strip_prefix('!').unwrap_or(line);
    let body = body.strip_prefix('/').unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err((format!("pattern '{shown}' names nothing"), Some("'*' names everything".into())));
    }
    if line.len() > MAX_LENGTH {
        return Err((format!("a pattern is longer than {MAX_LENGTH} bytes"), None));
    }
    if body.contains('\0') {
        return refuse("has a NUL byte, which no path has");
    }
    if ends_in_backslash(body) {
        return refuse("ends in a backslash that escapes nothing");
    }
    check_sets(body, &shown)?;
    check_parts(body, &shown)?;
    check_stars(body, &shown)?;
    // gix takes `!` and `/` away itself; it refuses only what is blank, which was refused above.
    Pattern::from_bytes(line.as_bytes()).ok_or_else(|| (format!("pattern '{shown}' names nothing"), None))
}

/// Paths in trees have no empty part, no `.` and no `..`: a pattern that asks for one would never match.
fn check_parts(body: &str, shown: &str) -> Result<(), Refusal> {
    let inner = body.strip_suffix('/').unwrap_or(body);
    for part in inner.split('/') {
        if matches!(part, "" | "." | "..") {
            let what = if part.is_empty() { "an empty part ('//')".to_owned() } else { format!("the part '{part}'") };
            let message = format!("pattern '{shown}' has {what}, which no path in a tree has");
            return Err((message, Some("patterns start at the top of the repository".into())));
        }
    }
    Ok(())
}

fn check_stars(body: &str, shown: &str) -> Result<(), Refusal> {
    let runs = body.as_bytes().chunk_by(|a, b| a == b).filter(|run| run[0] == b'*');
    let (all, double) = runs.fold((0, 0), |(all, double), run| (all + 1, double + usize::from(run.len() > 1)));
    if all > MAX_STARS || double > MAX_DOUBLE_STARS {
        let limit = format!("the limit is {MAX_STARS}, of which {MAX_DOUBLE_STARS} may be '**'");
        return Err((format!("pattern '{shown}' has too many stars"), Some(limit)));
    }
    Ok(())
}

fn ends_in_backslash(body: &str) -> bool {
    // In `a\/` the slash is taken off as the mark of a folder first, which leaves the backslash alone.
    let body = body.strip_suffix('/').unwrap_or(body);
    body.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// The classes that have a name.
const CLASSES: [&str; 12] =
    ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"];

/// A set of characters that is never closed matches nothing; nor, in our matcher, one in which `[:` begins no class.
fn check_sets(body: &str, shown: &str) -> Result<(), Refusal> {
    let bytes = body.strip_suffix('/').unwrap_or(body).as_bytes();
    let refuse = |what: &str, hint: &str| Err((format!("pattern '{shown}' has {what}"), Some(hint.to_owned())));
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'[' => {
                let Some(end) = class_end(bytes, at + 1) else {
                    return refuse("a '[' without a ']'", "'\\[' is the character itself");
                };
                let begins = |name: &str, rest: &[u8]| {
                    rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":]"))
                };
                let is_class = |open: usize| CLASSES.iter().any(|name| begins(name, &bytes[at + 1 + open + 2..]));
                if !bytes[at + 1..end].find_iter(b"[:").all(is_class) {
                    return refuse(
                        "a set in which '[:' begins no class",
                        "'[[:digit:]]' is one; '[:x\\[]' has the three characters",
                    );
                }
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// Returns where the `]` of a class stands whose first byte is at `at`: one that is first in the class is a member,
/// and a named class (`[:digit:]`) has its own.
fn class_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(matches!(bytes.get(at), Some(b'!' | b'^')));
    let first = at;
    while at < bytes.len() {
        match bytes[at] {
            b']' if at > first => return Some(at),
            b'\\' => at += 2,
            b'[' if bytes.get(at + 1) == Some(&b':') => {
                let close = bytes[at + 2..].find(b"]").map(|found| at + 2 + found)?;
                // Without `:` before it, it is no named class: the `[` was a member.
                at = if bytes[close - 1] == b':' && close > at + 2 { close + 1 } else { at + 1 };
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;

//! Whether one pattern line surely names all that another one does, and whether two may name the same path.

use bstr::ByteSlice;

use crate::manifest::Patterns;

/// A positive line, taken apart.
struct Line<'a> {
    /// Without the slashes at both ends.
    body: &'a str,
    /// Names from the top of the repository only.
    anchored: bool,
    /// Names folders only.
    folder: bool,
}

impl<'a> Line<'a> {
    fn of(written: &'a str) -> Self {
        let rooted = written.strip_prefix('/');
        let rest = rooted.unwrap_or(written);
        let folder = rest.ends_with('/');
        let body = rest.strip_suffix('/').unwrap_or(rest);
        // `**/x` is `x` at any depth, which is what `x` alone means.
        match body.strip_prefix("**/") {
            Some(name) if !name.contains('/') => Self { body: name, anchored: false, folder },
            _ => Self { body, anchored: rooted.is_some() || body.contains('/'), folder },
        }
    }

    fn is_literal(&self) -> bool {
        is_literal(self.body)
    }

    /// Returns the parts before the first one with a wildcard.
    fn literal_parts(&self) -> Vec<&'a str> {
        if !self.anchored {
            return Vec::new();
        }
        self.body.split('/').take_while(|part| is_literal(part)).collect()
    }

    /// Returns the literal end of the last part if it holds an extension: `.json` of `*.json`, `a.json` of `a.json`.
    fn ending(&self) -> Option<&'a str> {
        let last = self.body.rsplit('/').next().unwrap_or_default();
        let end = last.rfind(['*', '?', ']', '\\']).map_or(last, |at| &last[at + 1..]);
        (!self.folder && end.contains('.')).then_some(end)
    }
}

fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '\\'])
}

/// Returns the lines of a list that are not taken back by being `!` lines themselves.
pub(super) fn positive(patterns: &Patterns) -> impl DoubleEndedIterator<Item = &str> {
    patterns.lines().iter().map(String::as_str).filter(|line| !line.starts_with('!'))
}

/// Returns whether `wide` surely names every path that `narrow` names.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let (wide_line, narrow_line) = (Line::of(wide), Line::of(narrow));
    let same = wide_line.body == narrow_line.body && wide_line.anchored == narrow_line.anchored;
    if same && (narrow_line.folder || !wide_line.folder) {
        return true;
    }
    if !wide_line.folder && matches!(wide_line.body, "*" | "**") {
        return true;
    }
    // Different folders at the top: the usual case, answered without compiling a pattern.
    let tops = (wide_line.literal_parts().first().copied(), narrow_line.literal_parts().first().copied());
    if matches!(tops, (Some(wide), Some(narrow)) if wide != narrow) {
        return false;
    }
    covers_folder_of(wide, &wide_line, &narrow_line) || covers_name(wide, &wide_line, &narrow_line)
}

/// `wide` names a folder in which all of `narrow` lies: `scripts/` and `scripts/**` for `scripts/restore_*.sh`.
fn covers_folder_of(wide: &str, wide_line: &Line<'_>, narrow: &Line<'_>) -> bool {
    let mut parts = narrow.literal_parts();
    // The last part is the thing itself; a line for folders names what is in it.
    if narrow.is_literal() && !narrow.folder {
        parts.pop();
    }
    let folder = parts.join("/");
    if folder.is_empty() {
        return false;
    }
    let names_folder =
        |line: &str| Patterns::new(&[line]).is_ok_and(|one| one.matches_folder(folder.as_bytes().as_bstr()));
    let inner = wide_line.body.strip_suffix("/**").or_else(|| wide_line.body.strip_suffix("/*"));
    names_folder(wide) || (!wide_line.folder && inner.is_some_and(|inner| names_folder(&format!("/{inner}/"))))
}

/// `narrow` is a plain name or path and `wide` matches it: `*.sh` for `restore.sh` and for `bin/restore.sh`.
fn covers_name(wide: &str, wide_line: &Line<'_>, narrow: &Line<'_>) -> bool {
    // A name at any depth is not covered by what matches it at the top.
    if !narrow.is_literal() || (!narrow.anchored && wide_line.anchored) {
        return false;
    }
    let path = narrow.body.as_bytes().as_bstr();
    Patterns::new(&[wide]).is_ok_and(|one| if narrow.folder { one.matches_folder(path) } else { one.matches(path) })
}

/// Returns whether a list names all that `line` does before `!` lines are looked at.
pub(super) fn carries(patterns: &Patterns, line: &str) -> bool {
    // Most lines stand there unchanged, which is quick to see.
    positive(patterns).any(|known| known == line) || positive(patterns).any(|known| covers(known, line))
}

/// Returns the `!` lines (without the `!`) that may take back some of what `line` names in a list that carries it.
pub(super) fn exclusions<'a>(patterns: &'a Patterns, line: &str) -> Vec<&'a str> {
    let mut taken = Vec::new();
    if patterns.lines().iter().all(|written| !written.starts_with('!')) {
        return taken;
    }
    for written in patterns.lines().iter().rev() {
        match written.strip_prefix('!') {
            Some(excluded) if may_overlap(excluded, line) => taken.push(excluded),
            None if covers(written, line) => break,
            _ => {}
        }
    }
    taken
}

/// Returns the first `!` line of `after` that takes back some of `line` which `before` does not take back.
pub(super) fn new_exclusion<'a>(before: &Patterns, after: &'a Patterns, line: &str) -> Option<&'a str> {
    let old = exclusions(before, line);
    exclusions(after, line).into_iter().find(|new| !old.iter().any(|old| covers(old, new)))
}

/// Returns whether two lines may name one path; `false` is sure but for folders whose names look like files'.
pub(super) fn may_overlap(one: &str, other: &str) -> bool {
    let (one, other) = (Line::of(one), Line::of(other));
    let (one_parts, other_parts) = (one.literal_parts(), other.literal_parts());
    if one_parts.iter().zip(&other_parts).any(|(one, other)| one != other) {
        return false;
    }
    match (one.ending(), other.ending()) {
        (Some(one), Some(other)) => one.ends_with(other) || other.ends_with(one),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_cases_of_covering_are_known() {
        for (wide, narrow) in [
            ("a", "a"),
            ("/a/b", "a/b"),
            ("**/a", "a"),
            ("a", "a/"),
            ("*", "x/y"),
            ("/**", "x"),
            ("scripts/", "scripts/restore_*.sh"),
            ("scripts/**", "scripts/restore_*.sh"),
            ("scripts/*", "scripts/a/b?c"),
            ("/scripts", "scripts/a.sh"),
            ("*.sh", "restore.sh"),
            ("*.sh", "bin/restore.sh"),
            ("bin/*.sh", "bin/a.sh"),
            ("docs/**", "/docs/"),
            ("s*s/", "scripts/*.sh"),
        ] {
            assert!(covers(wide, narrow), "{wide} covers {narrow}");
        }
        for (wide, narrow) in [
            ("a/", "a"),
            ("/a/", "/a"),
            ("a/b/", "a/b"),
            ("a/b", "b"),
            ("/a", "a"),
            ("*.sh", "*"),
            ("bin/*.sh", "*.sh"),
            ("/*.sh", "restore.sh"),
            ("scripts/*.sh", "scripts/**"),
            ("docs/**", "docs/"),
            ("*/", "a"),
            ("a*", "ab*"),
            ("\\*", "x"),
        ] {
            assert!(!covers(wide, narrow), "{wide} does not surely cover {narrow}");
        }
    }

    #[test]
    fn lines_that_can_not_meet_are_known() {
        assert!(!may_overlap("data/raw/*", "data/good/*"));
        assert!(!may_overlap("*.json", "data/*.csv"));
        assert!(may_overlap("data/**", "*.json"));
        assert!(may_overlap("data/a.json", "data/*.json"));
        assert!(may_overlap("vendor/", "*.sh"));
    }
}

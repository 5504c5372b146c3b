//! Names people mistype, and paths that patterns name outright.

use crate::model::TreePath;

use super::{Patterns, RULE_NAMES};

/// Returns the rule whose name is most like `name`, if one is alike at all.
pub fn nearest_rule(name: &str) -> Option<&'static str> {
    let scored = RULE_NAMES.iter().map(|known| (strsim::jaro_winkler(known, name), *known));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

impl Patterns {
    /// Returns the files that patterns name outright: anchored, without a wildcard, not excluded, no folders.
    pub fn literals(&self) -> Vec<TreePath> {
        let plain = |line: &&String| {
            let anchored = line.trim_end_matches('/').contains('/');
            anchored && !line.ends_with('/') && !line.starts_with(['!', '#']) && !line.contains(['*', '?', '[', '\\'])
        };
        let paths = self.lines().iter().filter(plain).map(|line| TreePath::from(line.trim_start_matches('/')));
        paths.filter(|path| self.matches(path.as_bstr())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outright_names_are_literals() {
        let lines = ["/top", "docs/a.md", "*.md", "any", "dir/", "x/[ab]", "docs/b.md", "!docs/b.md"];
        let literals = Patterns::new(&lines).unwrap().literals();
        assert_eq!(literals, [TreePath::from("top"), TreePath::from("docs/a.md")]);
    }

    #[test]
    fn a_mistyped_rule_is_recognised() {
        assert_eq!(nearest_rule("protected-delte"), Some("protected-delete"));
        assert_eq!(nearest_rule("zzz"), None);
    }
}

//! Names people mistype, and paths that patterns name outright.

use bstr::{BStr, ByteSlice};

use crate::model::TreePath;

use super::{Patterns, RULE_NAMES};

/// Returns the rule whose name is most like `name`, if one is alike at all.
pub fn nearest_rule(name: &str) -> Option<&'static str> {
    let scored = RULE_NAMES.iter().map(|known| (strsim::jaro_winkler(known, name), *known));
    scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

impl Patterns {
    /// Returns whether a file beneath the folder at `path` may be named: whoever looks for such files need not look into
    /// others. Where that is not plain, it may.
    pub fn may_name_beneath(&self, path: &BStr) -> bool {
        let parts: Vec<&[u8]> = path.split_str("/").collect();
        self.lines().iter().filter(|line| !line.starts_with('!')).any(|line| {
            let anchored = line.trim_end_matches('/').contains('/');
            let wanted = line.trim_matches('/').split('/');
            // Fewer parts than the folder has: it names a folder above, and with it everything beneath.
            let odd = |part: &str| part.contains(['*', '?', '[', '\\']);
            let runs = wanted.clone().position(|part| part.contains("**")).unwrap_or(usize::MAX);
            let fits =
                |(at, (wanted, part)): (usize, (&str, &&[u8]))| at >= runs || odd(wanted) || wanted.as_bytes() == *part;
            !anchored || wanted.zip(&parts).enumerate().all(fits)
        })
    }

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
    fn folders_in_which_nothing_can_be_named_are_told() {
        let may = |line: &str, folder: &str| Patterns::new(&[line]).unwrap().may_name_beneath(folder.into());
        for (line, folder) in [
            ("data/processed/*.json", "data"),
            ("data/processed/*.json", "data/processed"),
            ("data/", "data/deep/er"),
            ("/data/", "data"),
            ("*.json", "anywhere/at/all"),
            ("data", "x"),
            ("var/**/x.db", "var/a/b"),
            ("**/x.db", "a"),
            ("*/x/y.db", "a/x"),
            ("d[ab]/x.db", "da"),
            ("a/b", "a/b/c"),
        ] {
            assert!(may(line, folder), "{line} in {folder}");
        }
        for (line, folder) in [
            ("data/processed/*.json", "src"),
            ("data/processed/*.json", "data/raw"),
            ("/data/", "src"),
            ("/top.json", "src"),
            ("var/**/x.db", "src/a"),
            ("*/x/y.db", "a/z"),
            ("!data/x", "data"),
        ] {
            assert!(!may(line, folder), "{line} in {folder}");
        }
    }

    #[test]
    fn a_mistyped_rule_is_recognised() {
        assert_eq!(nearest_rule("protected-delte"), Some("protected-delete"));
        assert_eq!(nearest_rule("zzz"), None);
    }
}

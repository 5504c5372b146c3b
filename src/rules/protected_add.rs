//! `protected-add`: a path appears where none may.

use crate::manifest::Deny;
use crate::model::Level;

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "protected-add",
    default: Level::Block,
    docs: Docs {
        finds: "The merge brings a path that the branch merged into does not have, where a `[[protect]]` entry denies \
                `add`; a file moved there counts as well.",
        why: "Some folders are closed lists (released migrations, vendored code, keys), and some names must never appear \
              (`.env`, `*.pem`).",
        what_to_do: "Let the branch take the file out (`git rm --cached <path>` and a commit), and merge again; where \
                     the merge is in the index already, take it out there. When it belongs there: `guard allow \
                     protected-add <path> --reason '...'`.",
        when_wrong: "The pattern names more than was meant: narrow it, or except the path with a `!` line.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let added = case.paths().filter(|facts| facts.first.is_none() && facts.result.is_some());
    let draft = |facts: &crate::model::PathFacts| {
        let path = &facts.path;
        let protection = case.denied(path, Deny::Add)?;
        let message = format!("'{path}' is added, protected as '{}'", protection.entry.name);
        Some(Draft::at(path, message).protected_by(&protection))
    };
    added.filter_map(draft).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file};

    fn sample() -> Sample {
        Sample::merge().protect(&[".env", "keys/", "!keys/README"], &[Deny::Add])
    }

    #[test]
    fn a_path_that_appears_blocks() {
        let sample = sample().path("app/.env", None, &[file("a")], file("a"));
        assert_eq!(sample.said(), ["block protected-add app/.env"]);
    }

    #[test]
    fn what_was_there_or_is_excepted_is_quiet() {
        let sample = sample().path("keys/a", file("a"), &[file("b")], file("b"));
        let sample = sample.path("keys/README", None, &[file("c")], file("c"));
        assert!(sample.path("keys/b", file("a"), &[None], None).said().is_empty());
    }
}

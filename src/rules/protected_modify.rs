//! `protected-modify`: the content of a protected path changes.

use crate::manifest::Deny;
use crate::model::Level;

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "protected-modify",
    default: Level::Block,
    docs: Docs {
        finds: "A path that a `[[protect]]` entry protects against `modify` has another content in the merge's result \
                than in the branch merged into, at its place or where it was moved to within that protection. A file \
                that turns into another type is `protected-type`'s where that is denied.",
        why: "Some files are changed by their owners only, in a commit of their own: signed configuration, applied \
              migrations, legal texts. A merge changes them among hundreds of others.",
        what_to_do: "Let the branch take its change back (on it: `git checkout <branch merged into> -- <path>` and a \
                     commit), and merge again; where the merge is in the index already, `git checkout HEAD -- <path>`. \
                     Or ask the owners, and `guard allow protected-modify <path> --reason '...'`.",
        when_wrong: "The file is changed by ordinary work: take `modify` out of the entry's `deny`.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let draft = |facts| {
        let &crate::model::PathFacts { ref path, first, .. } = facts;
        let (first, after) = (first?, case.protected_result(facts, Deny::Modify)?);
        let protection = case.denied(path, Deny::Modify)?;
        if first.oid == after.oid {
            return None;
        }
        if !first.mode.same_type(after.mode) && case.denied(path, Deny::Type).is_some() {
            return None;
        }
        let message = format!("'{path}' is changed, protected as '{}'", protection.entry.name);
        Some(Draft::at(path, message).protected_by(&protection))
    };
    case.paths().filter_map(draft).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file, link};

    fn sample() -> Sample {
        Sample::merge().protect(&["migrations/"], &[Deny::Modify])
    }

    #[test]
    fn another_content_of_a_protected_path_blocks() {
        let sample = sample().path("migrations/1.sql", file("a"), &[file("b")], file("b"));
        assert_eq!(sample.said(), ["block protected-modify migrations/1.sql"]);
    }

    #[test]
    fn new_paths_deleted_ones_and_other_paths_are_quiet() {
        let sample = sample().path("migrations/2.sql", None, &[file("b")], file("b"));
        let sample = sample.path("migrations/3.sql", file("a"), &[None], None);
        assert!(sample.path("src/a", file("a"), &[file("b")], file("b")).said().is_empty());
    }

    #[test]
    fn a_change_on_the_way_to_another_protected_place_is_seen() {
        let moved = |after| {
            let sample = sample().path("migrations/1.sql", file("a"), &[None], None);
            let sample = sample.path("migrations/one.sql", None, &[file(after)], file(after));
            sample.moved("migrations/1.sql", "migrations/one.sql")
        };
        assert_eq!(moved("b").said(), ["block protected-modify migrations/1.sql"]);
        assert!(moved("a").said().is_empty());
    }

    #[test]
    fn another_type_is_said_by_one_rule_only() {
        let sample = Sample::merge().protect(&["a"], &[Deny::Modify, Deny::Type]);
        assert_eq!(sample.path("a", file("a"), &[link("b")], link("b")).said(), ["block protected-type a"]);
    }
}

//! `protected-type`: a protected path turns into something else.

use crate::manifest::Deny;
use crate::model::{Level, PathFacts};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "protected-type",
    default: Level::Block,
    docs: Docs {
        finds: "A path that a `[[protect]]` entry protects against `type` turns from a file, symbolic link, submodule or \
                folder into another of these. Where files of a folder go and that is denied too, `protected-delete` \
                says it of each of them instead.",
        why: "A configuration file that became a link points to a place that the next machine does not have; a folder \
              that became a file takes everything in it along.",
        what_to_do: "Let the branch bring the path back (on it: `git checkout <branch merged into> -- <path>` and a \
                     commit), and merge again; where the merge is in the index already, `git checkout HEAD -- <path>`. \
                     When the change is meant: `guard allow protected-type <path> --reason '...'`.",
        when_wrong: "A checkout without symbolic links (`core.symlinks=false`) committed links as files: repair it there.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let draft = |facts: &PathFacts| {
        let (before, after) = change(case, facts)?;
        let path = &facts.path;
        let protection = case.denied(path, Deny::Type)?;
        let message = format!("'{path}' was a {before} and is a {after}, protected as '{}'", protection.entry.name);
        Some(Draft::at(path, message).protected_by(&protection))
    };
    case.paths().filter_map(draft).collect()
}

/// Returns the types before and after where they differ, as words.
fn change(case: &Case<'_>, facts: &PathFacts) -> Option<(&'static str, &'static str)> {
    match (facts.first, facts.result) {
        (Some(first), Some(result)) if !first.mode.same_type(result.mode) => {
            Some((first.mode.noun(), result.mode.noun()))
        }
        (Some(first), None) if case.became_folder(facts) => Some((first.mode.noun(), "folder")),
        (None, Some(result)) if case.was_folder(facts) => {
            let is_said = case.below(&facts.path).any(|below| case.denied(&below.path, Deny::Delete).is_some());
            (!is_said).then_some(("folder", result.mode.noun()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, executable, file, link};

    fn sample(deny: &[Deny]) -> Sample {
        Sample::merge().protect(&["config"], deny)
    }

    #[test]
    fn a_file_that_becomes_a_link_or_a_folder_blocks() {
        let sample = sample(&[Deny::Type, Deny::Delete]);
        let linked = sample.path("config", file("a"), &[link("b")], link("b"));
        assert_eq!(linked.judge()[0].message, "'config' was a file and is a symbolic link, protected as 'ops'");
        let folder = Sample::merge().protect(&["config"], &[Deny::Type, Deny::Delete]);
        let folder = folder.path("config", file("a"), &[None], None).path("config/x", None, &[file("a")], file("a"));
        assert_eq!(folder.said(), ["block protected-type config"]);
    }

    #[test]
    fn where_type_is_not_denied_a_file_that_becomes_a_folder_is_deleted() {
        let folder = sample(&[Deny::Delete]).path("config", file("a"), &[None], None);
        let folder = folder.path("config/x", None, &[file("b")], file("b"));
        assert_eq!(folder.said(), ["block protected-delete config"]);
    }

    #[test]
    fn a_folder_that_becomes_a_file_is_said_once() {
        let swapped = |deny: &[Deny]| {
            let sample = sample(deny).path("config", None, &[file("a")], file("a"));
            sample.path("config/x", file("b"), &[None], None).said()
        };
        assert_eq!(swapped(&[Deny::Type]), ["block protected-type config"]);
        assert_eq!(swapped(&[Deny::Type, Deny::Delete]), ["block protected-delete config/x"]);
    }

    #[test]
    fn run_bits_and_plain_deletions_are_quiet() {
        let sample = sample(&[Deny::Type]).path("config", file("a"), &[executable("b")], executable("b"));
        assert!(sample.path("x/config", file("a"), &[None], None).said().is_empty());
    }
}

//! `protected-delete`: a path that the manifest protects is missing from the result.

use crate::manifest::Deny;
use crate::model::{Level, PathFacts};

use super::{Case, Docs, Draft, Protection, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "protected-delete",
    default: Level::Block,
    docs: Docs {
        finds: "A path that a `[[protect]]` entry protects against deletion is in the branch merged into, and the merge's \
                result does not have it. A file that was moved to a place protected against deletion as strongly is \
                information; one that was moved out of protection counts as deleted, and the new place is named.",
        why: "Files are protected because somebody needs them on a bad day. A merge deletes without a word: the deletion \
              was made in another branch, perhaps long ago, and stands in no diff that a reviewer of this merge looks at.",
        what_to_do: "Merge with `--no-commit`, bring the file back (`git checkout HEAD -- <path>`) and commit; or let the \
                     branch bring it back first. When the file is meant to go: `guard allow protected-delete <path> \
                     --reason '...'`, or take its pattern out of the manifest in a commit of its own.",
        when_wrong: "The file was moved and rewritten so much that it is not recognised as the same: protect the new \
                     place, and allow this one deletion.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.paths().filter_map(|facts| Some(draft(case, facts, deletion(case, facts)?))).collect()
}

/// Returns the protection that a path loses by going away.
///
/// A file that became a folder is `protected-type`'s when that is denied.
pub(super) fn deletion<'a>(case: &Case<'a>, facts: &PathFacts) -> Option<Protection<'a>> {
    if facts.first.is_none() || facts.result.is_some() {
        return None;
    }
    if case.became_folder(facts) && case.denied(&facts.path, Deny::Type).is_some() {
        return None;
    }
    case.denied(&facts.path, Deny::Delete)
}

fn draft(case: &Case<'_>, facts: &PathFacts, protection: Protection<'_>) -> Draft {
    let path = &facts.path;
    let name = &protection.entry.name;
    let Some(moved) = &facts.moved else {
        let both = !facts.others.is_empty() && facts.others.iter().all(Option::is_some);
        return Draft::at(path, format!("'{path}' is deleted, protected as '{name}'"))
            .protected_by(&protection)
            .evidence("both_parents", if both { "yes" } else { "no" });
    };
    let kept = case.denied(&moved.to, Deny::Delete).is_some_and(|there| there.level >= protection.level);
    let draft = if kept {
        Draft::at(path, format!("'{path}' is moved to '{}', which is protected too", moved.to))
            .protected_by(&protection)
            .weighing(Weight::AtMost(Level::Info))
    } else {
        Draft::at(path, format!("'{path}' is moved out of protection to '{}', protected as '{name}'", moved.to))
            .protected_by(&protection)
    };
    draft.evidence("moved_to", &*moved.to).evidence("similarity", format!("{}%", moved.similarity))
}

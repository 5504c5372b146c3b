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
        what_to_do: "Let the branch bring the file back (on it: `git checkout <branch merged into> -- <path>` and a \
                     commit), and merge again. Where the merge is in the index already (a conflict, or only its commit \
                     was refused): `git checkout HEAD -- <path>`, and conclude it. When the file is meant to go: `guard \
                     allow protected-delete <path> --reason '...'`, or take its pattern out of the manifest in a commit \
                     of its own.",
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
            .remedy("nothing to do")
    } else {
        Draft::at(path, format!("'{path}' is moved out of protection to '{}', protected as '{name}'", moved.to))
            .protected_by(&protection)
    };
    draft.evidence("moved_to", &*moved.to).evidence("similarity", format!("{}%", moved.similarity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file};

    fn sample() -> Sample {
        Sample::merge().protect(&["scripts/restore_*.sh", "safe/"], &[Deny::Delete, Deny::Type])
    }

    fn deleted() -> Sample {
        sample().path("scripts/restore_db.sh", file("x"), &[None], None)
    }

    #[test]
    fn a_protected_path_that_goes_away_blocks() {
        let findings = deleted().judge();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Block);
        assert_eq!(findings[0].message, "'scripts/restore_db.sh' is deleted, protected as 'ops'");
        assert_eq!(findings[0].remedy, "guard allow protected-delete 'scripts/restore_db.sh' --reason '...'");
        assert_eq!(findings[0].evidence["reason"], "needed at 3 a.m.");
        assert_eq!(findings[0].evidence["owners"], "@ops");
    }

    #[test]
    fn other_paths_and_conflicts_are_quiet() {
        assert!(sample().path("scripts/other.sh", file("x"), &[None], None).said().is_empty());
        assert!(deleted().with("scripts/restore_db.sh", |facts| facts.conflicted = true).said().is_empty());
        assert!(sample().path("safe/a", None, &[file("x")], file("x")).said().is_empty());
        assert!(sample().path("safe/a", file("x"), &[file("y")], file("y")).said().is_empty());
    }

    #[test]
    fn moved_within_protection_is_information_and_out_of_it_blocks() {
        let within = deleted().path("safe/db.sh", None, &[file("x")], file("x"));
        let within = within.moved("scripts/restore_db.sh", "safe/db.sh");
        assert_eq!(within.said(), ["info protected-delete scripts/restore_db.sh"]);
        let strict = within.set("protected-delete", Some(Level::Block), &[]);
        assert_eq!(strict.said(), ["info protected-delete scripts/restore_db.sh"]);
        let out = deleted().path("old.sh", None, &[file("x")], file("x")).moved("scripts/restore_db.sh", "old.sh");
        assert_eq!(out.said(), ["block protected-delete scripts/restore_db.sh"]);
        assert_eq!(out.judge()[0].evidence["moved_to"], "old.sh");
    }

    #[test]
    fn moved_to_weaker_protection_counts_as_moved_out() {
        let sample = deleted().protect_at(Level::Warn, &["attic/"], &[Deny::Delete]);
        let sample = sample.path("attic/db.sh", None, &[file("x")], file("x"));
        let sample = sample.moved("scripts/restore_db.sh", "attic/db.sh");
        assert_eq!(sample.said(), ["block protected-delete scripts/restore_db.sh"]);
    }

    #[test]
    fn elsewhere_than_on_its_branches_an_entry_warns() {
        let mut sample = deleted();
        sample.manifest.protect[0].on = crate::rules::testing::patterns(&["release"]);
        assert_eq!(sample.said(), ["warn protected-delete scripts/restore_db.sh"]);
        let sample = sample.set("protected-delete", Some(Level::Info), &[]);
        assert_eq!(sample.said(), ["info protected-delete scripts/restore_db.sh"]);
    }
}

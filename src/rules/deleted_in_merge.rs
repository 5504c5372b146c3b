//! `deleted-in-merge`: all sides have a file, and the result does not.

use crate::model::{Level, PathFacts};

use super::protected_delete::deletion;
use super::{Case, Docs, Draft, Rule, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "deleted-in-merge",
    default: Level::Warn,
    docs: Docs {
        finds: "A file that every parent of the merge has is missing from the result, and its content lives nowhere else \
                in it. Protected paths are `protected-delete`'s.",
        why: "No side deleted the file: it was lost while the merge was made. Of 73 such deletions in public histories \
              16 were repaired later; among 6,650 ordinary merges there were 3.",
        what_to_do: "Look whether it was meant. If not, bring the file back from the first parent and amend the merge: \
                     `git restore --source=<first parent> --staged --worktree -- <path>`.",
        when_wrong: "A file that became superfluous by the merge itself was deleted in the same commit. Nothing is \
                     refused; a commit of its own would say why.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.paths().filter(|facts| is_lost(case, facts)).map(|facts| draft(case, facts)).collect()
}

fn is_lost(case: &Case<'_>, facts: &PathFacts) -> bool {
    let all_have_it = !facts.others.is_empty() && facts.others.iter().all(Option::is_some);
    let gone = facts.first.is_some() && facts.result.is_none() && facts.moved.is_none();
    all_have_it && gone && deletion(case, facts).is_none()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Draft {
    let path = &facts.path;
    let draft = Draft::at(path, format!("'{path}' is in every parent, and missing from the result"));
    match case.facts.into.tip {
        Some(tip) => {
            let (tip, path) = (tip.short(), shell_quote(path));
            draft.remedy(format!("git restore --source={tip} --staged --worktree -- {path}"))
        }
        None => draft,
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::Deny;
    use crate::rules::testing::{Sample, file, oid};

    #[test]
    fn a_file_that_every_parent_has_and_the_result_has_not_warns() {
        let sample = Sample::merge().path("it's", file("x"), &[file("y")], None);
        assert_eq!(sample.said(), ["warn deleted-in-merge it's"]);
        let tip = oid("tip").short();
        let remedy = format!("git restore --source={tip} --staged --worktree -- 'it'\\''s'");
        assert_eq!(sample.judge()[0].remedy, remedy);
    }

    #[test]
    fn deletions_of_one_side_and_moves_are_quiet() {
        let sample = Sample::merge().path("a", file("x"), &[None], None);
        let sample = sample.path("b", file("x"), &[file("x"), None], None);
        let sample = sample.path("c", file("x"), &[file("x")], None).moved("c", "d");
        assert!(sample.path("d", None, &[None], file("x")).said().is_empty());
    }

    #[test]
    fn on_a_protected_path_it_is_said_once_and_blocks() {
        let sample = Sample::merge().protect(&["a"], &[Deny::Delete]).path("a", file("x"), &[file("x")], None);
        assert_eq!(sample.said(), ["block protected-delete a"]);
        assert_eq!(sample.judge()[0].evidence["both_parents"], "yes");
    }
}

//! `side-discarded`: the result is one parent's tree, and everything that the other side brought is gone.

use crate::model::Level;

use super::lost_change::side_name;
use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "side-discarded",
    default: Level::Info,
    docs: Docs {
        finds: "The result's tree is the tree of one parent, though the other side brought changes (`-s ours`, \"take all \
                mine\").",
        why: "Git counts the other side as merged: its changes never come again by themselves.",
        what_to_do: "If it was not meant, undo the merge with `guard undo-merge` and merge again.",
        when_wrong: "Forward merges between release branches are often made so on purpose, and look the same. It is only \
                     information.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let losses = &case.facts.losses;
    let Some(side) = losses.side_taken.filter(|_| !losses.at.is_empty()) else { return Vec::new() };
    let count = losses.at.len();
    let files = if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") };
    let other = usize::from(side == 0);
    let name = side_name(case, other);
    let message = format!("nothing of {name} was taken: {files} as in {}", side_name(case, side));
    vec![Draft::new(message).weighing(Weight::Rule).evidence("side", name)]
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Sample;

    #[test]
    fn a_side_of_which_nothing_was_taken_is_said() {
        let mut sample = Sample::merge().loss("a", |_| ()).loss("b", |_| ());
        sample.facts.losses.side_taken = Some(0);
        let said = sample.said();
        assert!(said.contains(&"info side-discarded".to_owned()), "{said:?}");
        let finding = sample.judge().into_iter().find(|found| found.rule == "side-discarded").unwrap();
        assert_eq!(finding.message, "nothing of feat was taken: 2 files are as in main");
    }

    #[test]
    fn a_merge_that_took_something_is_quiet() {
        assert!(Sample::merge().said().is_empty());
    }
}

//! `doubled-block`: lines stand in the result more often than on either side.

use crate::model::Level;

use super::lost_change::drafts;
use super::ranking::About;
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "doubled-block",
    default: Level::Warn,
    docs: Docs {
        finds: "Three or more lines stand in the result more often than in any parent, and more often than git's own merge \
                leaves them. Ranked by the points of `lost-change`.",
        why: "Taking both versions of a conflict doubles what they have in common: a function is defined twice, an entry \
              stands in a list twice.",
        what_to_do: "Look for the second copy and remove it, if nobody needs both.",
        when_wrong: "Who merged may have needed the same lines in two places. Nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    drafts(case, About::Doubled, |loss| {
        let (count, path) = (loss.signals.doubled.len(), &loss.deviation.path);
        format!("{count} lines stand in '{path}' more often than on either side")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Sample;

    #[test]
    fn a_doubled_block_is_listed() {
        let sample = Sample::merge();
        let sample = sample.loss("a", |signals| signals.doubled = Sample::lines(&["1", "2", "3", "4"], false));
        let sample = sample.loss("b", |_| ());
        assert_eq!(sample.said(), ["warn doubled-block a", "info lost-change b"]);
        assert_eq!(sample.judge()[0].message, "4 lines stand in 'a' more often than on either side");
        assert_eq!(sample.judge()[0].evidence["line_1"], "1");
    }

    #[test]
    fn where_nothing_deviates_it_is_quiet() {
        assert!(Sample::merge().said().is_empty());
    }
}

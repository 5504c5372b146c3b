//! `lost-common-line`: lines that both sides have are missing from the result.

use crate::model::Level;

use super::lost_change::drafts;
use super::ranking::About;
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "lost-common-line",
    default: Level::Warn,
    docs: Docs {
        finds: "Lines that every parent of the merge has are missing from the result. Ranked by the points of \
                `lost-change`.",
        why: "Neither side removed them, so nobody decided that they should go: they were cut out while a conflict was \
              settled.",
        what_to_do: "Look at the lines, and put them back if they were not meant to go.",
        when_wrong: "Who merged may have rewritten the place. Nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    drafts(case, About::Common, |loss| {
        let (count, path) = (loss.signals.common.len(), &loss.deviation.path);
        match count {
            1 => format!("a line that both sides have is missing from '{path}'"),
            _ => format!("{count} lines that both sides have are missing from '{path}'"),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Sample;

    #[test]
    fn three_lines_of_both_sides_warn_and_one_is_listed() {
        let gone =
            |signals: &mut crate::model::Signals| signals.common = Sample::lines(&["one", "two", "three"], false);
        let one = |signals: &mut crate::model::Signals| {
            (signals.common, signals.size) = (Sample::lines(&["one"], false), 1);
        };
        let sample = Sample::merge().loss("a", gone).loss("b", one);
        assert_eq!(sample.said(), ["warn lost-common-line a", "info lost-common-line b"]);
        let messages: Vec<String> = sample.judge().into_iter().map(|finding| finding.message).collect();
        assert_eq!(messages[0], "3 lines that both sides have are missing from 'a'");
        assert_eq!(messages[1], "a line that both sides have is missing from 'b'");
    }

    #[test]
    fn where_nothing_deviates_it_is_quiet() {
        assert!(Sample::merge().said().is_empty());
    }
}

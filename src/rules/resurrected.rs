//! `resurrected`: something that one side had removed is back.

use crate::model::Level;

use super::lost_change::drafts;
use super::ranking::About;
use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "resurrected",
    default: Level::Warn,
    docs: Docs {
        finds: "Lines that one side had removed, and the other had left alone, stand in the result. Ranked by the points of \
                `lost-change`.",
        why: "A removal is work, too: an old bug or a retired option comes back when a conflict is settled with the older \
              side's text.",
        what_to_do: "Look whether they were meant to stay removed.",
        when_wrong: "Who merged may have needed them again. Nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    drafts(case, About::Resurrected, |loss| {
        let count: usize = loss.signals.back.iter().map(Vec::len).sum();
        let path = &loss.deviation.path;
        let lines = if count == 1 {
            "a line that one side had removed is".to_owned()
        } else {
            format!("{count} lines that one side had removed are")
        };
        format!("{lines} back in '{path}'")
    })
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Sample;

    #[test]
    fn lines_that_are_back_are_listed() {
        let sample = Sample::merge().loss("a", |signals| signals.back[1] = Sample::lines(&["old"], false));
        let sample = sample.loss("b", |_| ());
        assert_eq!(sample.said(), ["info lost-change b", "info resurrected a"]);
        assert_eq!(sample.judge()[1].message, "a line that one side had removed is back in 'a'");
        let evidence = &sample.judge()[1].evidence;
        assert_eq!(&*evidence["line_1"], "old");
    }

    #[test]
    fn where_nothing_deviates_it_is_quiet() {
        assert!(Sample::merge().said().is_empty());
    }
}

//! `submodule-rewound`: a submodule stands at an older commit than a side had moved it to.

use crate::model::{Entry, Level, Mode, PathFacts};

use super::lost_change::side_name;
use super::{Case, Docs, Draft, Rule, Weight, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "submodule-rewound",
    default: Level::Warn,
    docs: Docs {
        finds: "One side moved a submodule to another commit, and in the result it stands where it stood before, though the \
                other side had left it alone (or had moved it, too). It is information when the result has a commit that no \
                side has, or one that the first parent's own history has had before and moved on from.",
        why: "A submodule's folder that was not updated is committed with `git commit -a`, or a conflict is settled with what \
              lies there: the project is built with old code again, and the difference is one line of digits.",
        what_to_do: "If it was not meant, take the commit of the side that moved it: the finding's command stages it.",
        when_wrong: "Somebody takes a submodule back on purpose, because the newer commit is broken. Nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.paths().filter_map(|facts| draft(case, facts)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let submodule = |entry: Option<Entry>| entry.filter(|entry| entry.mode == Mode::Submodule);
    let (path, result) = (&facts.path, submodule(facts.result)?);
    let parents: Vec<Option<Entry>> = std::iter::once(facts.first).chain(facts.others.iter().copied()).collect();
    let is_known = |entry: Option<Entry>| facts.bases.contains(&entry);
    let moved = |side: &usize| submodule(parents[*side]).is_some() && !is_known(parents[*side]);
    let moved = (0..parents.len()).find(moved).filter(|_| !facts.bases.is_empty());
    if let Some(side) = moved
        && let Some(pointer) = parents[side]
        && !parents.contains(&Some(result)) | is_known(Some(result))
    {
        let owner = side_name(case, side);
        let (what, weight) = if is_known(Some(result)) {
            (format!("is back at {}", result.oid.short()), Weight::Rule)
        } else {
            (format!("is at {}, which no side has", result.oid.short()), Weight::AtMost(Level::Info))
        };
        let draft =
            Draft::at(path, format!("{owner} moved the submodule '{path}' to {}: it {what}", pointer.oid.short()));
        let command = format!("git update-index --cacheinfo 160000,{},{}", pointer.oid, shell_quote(path));
        return Some(
            draft.weighing(weight).evidence("side", owner).evidence("lost", pointer.oid.to_string()).remedy(command),
        );
    }
    let rewound = case.facts.rewound.iter().find(|rewound| rewound.path == *path)?;
    let first = submodule(facts.first)?;
    let name = side_name(case, 0);
    let message = format!("the submodule '{path}' goes back from {} to {}", first.oid.short(), result.oid.short());
    let message = format!("{message}, from which {name} has moved on");
    let command = format!("git update-index --cacheinfo 160000,{},{}", first.oid, shell_quote(path));
    let draft = Draft::at(path, message).weighing(Weight::AtMost(Level::Info)).remedy(command);
    Some(draft.evidence("left_by", rewound.left_by.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::model::{Mode, Rewound};
    use crate::rules::testing::{Sample, Side, file, oid};

    #[expect(clippy::unnecessary_wraps, reason = "a side without the submodule is None")]
    fn at(pointer: &str) -> Side<'_> {
        Some((Mode::Submodule, pointer))
    }

    fn merged(base: Side<'_>, first: Side<'_>, second: Side<'_>, result: Side<'_>) -> Sample {
        Sample::merge().path("sub", first, &[second], result).base("sub", base)
    }

    #[test]
    fn a_pointer_that_is_back_where_it_was_warns() {
        let sample = merged(at("old"), at("old"), at("new"), at("old"));
        assert_eq!(sample.said(), ["warn submodule-rewound sub"]);
        let finding = &sample.judge()[0];
        let (new, old) = (oid("new"), oid("old"));
        assert_eq!(
            finding.message,
            format!("feat moved the submodule 'sub' to {}: it is back at {}", new.short(), old.short())
        );
        assert_eq!(finding.remedy, format!("git update-index --cacheinfo 160000,{new},'sub'"));
        assert_eq!(merged(at("old"), at("new"), at("old"), at("old")).judge()[0].evidence["side"], "main");
        assert_eq!(merged(at("old"), at("new"), at("newer"), at("old")).said(), ["warn submodule-rewound sub"]);
        // Added by one side, and not there.
        assert!(merged(None, None, at("new"), None).said().is_empty());
    }

    #[test]
    fn what_no_side_has_and_what_was_there_before_is_information() {
        assert_eq!(merged(at("old"), at("old"), at("new"), at("else")).said(), ["info submodule-rewound sub"]);
        let mut sample = merged(at("new"), at("new"), at("old"), at("old"));
        assert!(sample.said().is_empty());
        sample.facts.rewound.push(Rewound { path: "sub".into(), left_by: oid("commit") });
        assert_eq!(sample.said(), ["info submodule-rewound sub"]);
        assert_eq!(sample.judge()[0].evidence["left_by"], oid("commit").to_string());
    }

    #[test]
    fn a_pointer_that_came_or_was_chosen_is_quiet() {
        assert!(merged(at("old"), at("old"), at("new"), at("new")).said().is_empty());
        assert!(merged(at("old"), at("new"), at("new"), at("new")).said().is_empty());
        assert!(merged(at("old"), at("newer"), at("new"), at("newer")).said().is_empty());
        assert!(merged(at("old"), at("old"), file("x"), at("old")).said().is_empty());
    }
}

//! `case-collision`: the merge brings a path that differs from another only in case.

use crate::model::{Level, PathFacts};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "case-collision",
    default: Level::Warn,
    docs: Docs {
        finds: "A path that the merge brings, and another file or folder of the result, have names that differ only in \
                upper and lower case.",
        why: "macOS and Windows keep one file for both: a checkout there shows one of them with the other's content as \
              a change, and the next `commit -a` destroys it.",
        what_to_do: "Rename one of them (`git mv`) before the merge is concluded.",
        when_wrong: "Nobody checks the repository out on such a file system: `[rules] case-collision = \"off\"`.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let draft = |facts: &PathFacts| {
        let (path, twin) = (&facts.path, facts.case_twin.as_ref()?);
        // When the merge brings both, each knows the other: the first in byte order says it.
        let says_it = |other: &PathFacts| other.case_twin.as_ref() == Some(path) && !other.conflicted;
        if twin < path && case.at(twin).is_some_and(says_it) {
            return None;
        }
        let draft = Draft::at(path, format!("'{path}' and '{twin}' differ only in case"));
        Some(draft.evidence("twin", &**twin).remedy("rename one of the two before the merge is concluded"))
    };
    case.paths().filter_map(draft).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, file};

    fn twins(sample: Sample, path: &str, twin: &str) -> Sample {
        sample.path(path, None, &[file(path)], file(path)).with(path, |facts| facts.case_twin = Some(twin.into()))
    }

    #[test]
    fn a_name_that_differs_only_in_case_warns() {
        assert_eq!(twins(Sample::merge(), "readme", "README").said(), ["warn case-collision readme"]);
    }

    #[test]
    fn a_pair_that_comes_together_is_said_once() {
        let both = twins(twins(Sample::merge(), "a", "A"), "A", "a");
        assert_eq!(both.said(), ["warn case-collision A"]);
    }

    #[test]
    fn other_names_are_quiet() {
        assert!(Sample::merge().path("a", None, &[file("a")], file("a")).said().is_empty());
    }
}

//! `protected-mode`: the run bit of a protected path changes.

use crate::manifest::Deny;
use crate::model::{Entry, Level, Mode, PathFacts};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "protected-mode",
    default: Level::Block,
    docs: Docs {
        finds: "A file that a `[[protect]]` entry protects against `mode` gets or loses its run bit, at its place or \
                where it was moved to within that protection.",
        why: "A recovery script that lost its run bit fails on the day it is needed, and the diff that took it shows \
              one line without content.",
        what_to_do: "Let the branch set the bit again (on it: `git update-index --chmod=+x <path>` and a commit), and \
                     merge again; where the merge is in the index already, do it there. When the change is meant: \
                     `guard allow protected-mode <path> --reason '...'`.",
        when_wrong: "Bits change because a file system does not keep them (`core.fileMode`): commit the bit once, and \
                     set `core.fileMode` to false there.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let draft = |facts: &PathFacts| {
        let path = &facts.path;
        let after = case.protected_result(facts, Deny::Mode)?;
        if !is_changed(facts.first?, after) {
            return None;
        }
        let protection = case.denied(path, Deny::Mode)?;
        let verb = if after.mode == Mode::Executable { "gets a run bit" } else { "loses its run bit" };
        let message = format!("'{path}' {verb}, protected as '{}'", protection.entry.name);
        Some(Draft::at(path, message).protected_by(&protection).evidence("mode", after.mode.octal()))
    };
    case.paths().filter_map(draft).collect()
}

/// Returns whether both are files, and one of them has a run bit.
pub(super) fn is_changed(first: Entry, after: Entry) -> bool {
    first.mode.is_regular() && after.mode.is_regular() && first.mode != after.mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, executable, file, link};

    fn sample() -> Sample {
        Sample::merge().protect(&["*.sh"], &[Deny::Mode])
    }

    #[test]
    fn a_run_bit_that_goes_or_comes_blocks() {
        let lost = sample().path("a.sh", executable("a"), &[file("a")], file("a"));
        assert_eq!(lost.said(), ["block protected-mode a.sh"]);
        assert_eq!(lost.judge()[0].message, "'a.sh' loses its run bit, protected as 'ops'");
        let found = sample().path("a.sh", file("a"), &[executable("b")], executable("b"));
        assert_eq!(found.judge()[0].message, "'a.sh' gets a run bit, protected as 'ops'");
    }

    #[test]
    fn other_changes_are_quiet() {
        let sample = sample().path("a.sh", file("a"), &[file("b")], file("b"));
        let sample = sample.path("b.sh", file("a"), &[link("b")], link("b"));
        assert!(sample.path("c", file("a"), &[executable("a")], executable("a")).said().is_empty());
    }
}

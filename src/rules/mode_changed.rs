//! `mode-changed`: the result has a type or run bit that no parent has.

use crate::manifest::Deny;
use crate::model::{Level, Mode, PathFacts};

use super::protected_mode::is_changed;
use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "mode-changed",
    default: Level::Info,
    docs: Docs {
        finds: "A path's type (file, symbolic link, submodule) or run bit in the result differs from that in the first \
                parent and in every other parent that has it. On protected paths it warns; where `mode` or `type` is \
                denied, `protected-mode` and `protected-type` say it.",
        why: "No side changed the mode: it changed while the merge was made, often by a file system that keeps no run \
              bits. Of 7 such merges in public histories 4 were repaired later.",
        what_to_do: "Set the bit again: `git update-index --chmod=+x <path>` (or `-x`), and amend the merge.",
        when_wrong: "The merge was used to set the bit on purpose: nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.paths().filter_map(|facts| draft(case, facts)).collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let (first, result) = (facts.first?, facts.result?);
    let mut others = facts.others.iter().flatten().peekable();
    others.peek()?;
    if first.mode == result.mode || others.any(|other| other.mode == result.mode) || is_said(case, facts) {
        return None;
    }
    let path = &facts.path;
    let (before, after) = (first.mode.noun(), result.mode.noun());
    let message = format!("'{path}' is {} {after} in the result, {before} in the branch merged into", article(after));
    let mut draft =
        Draft::at(path, message).evidence("before", first.mode.octal()).evidence("after", result.mode.octal());
    if case.protected(path).is_some() {
        draft = draft.weighing(Weight::Own(Level::Warn));
    }
    let path = crate::rules::shell_quote(path);
    Some(match result.mode {
        Mode::File if first.mode.is_regular() => draft.remedy(format!("git update-index --chmod=+x -- {path}")),
        Mode::Executable if first.mode.is_regular() => draft.remedy(format!("git update-index --chmod=-x -- {path}")),
        _ => draft.remedy("look whether the new type is meant"),
    })
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with('e') { "an" } else { "a" }
}

/// Returns whether a stricter rule says the same of the path.
fn is_said(case: &Case<'_>, facts: &PathFacts) -> bool {
    let (Some(first), Some(result)) = (facts.first, facts.result) else { return false };
    let denied = |what| case.denied(&facts.path, what).is_some();
    (is_changed(first, result) && denied(Deny::Mode)) || (!first.mode.same_type(result.mode) && denied(Deny::Type))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, executable, file, link};

    #[test]
    fn a_mode_that_no_parent_has_is_information() {
        let sample = Sample::merge().path("a.sh", executable("a"), &[executable("b")], file("c"));
        assert_eq!(sample.said(), ["info mode-changed a.sh"]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "'a.sh' is a file in the result, executable file in the branch merged into");
        assert_eq!(finding.remedy, "git update-index --chmod=+x -- 'a.sh'");
        let linked = Sample::merge().path("a", file("a"), &[None, file("b")], link("c"));
        assert_eq!(linked.said(), ["info mode-changed a"]);
    }

    #[test]
    fn on_protected_paths_it_warns_or_the_stricter_rule_says_it() {
        let sample =
            |deny| Sample::merge().protect(&["a"], &[deny]).path("a", file("a"), &[file("b")], executable("c"));
        assert_eq!(sample(Deny::Delete).said(), ["warn mode-changed a"]);
        assert_eq!(sample(Deny::Mode).said(), ["block protected-mode a"]);
    }

    #[test]
    fn a_mode_of_one_parent_is_quiet() {
        let sample = Sample::merge().path("a", file("a"), &[executable("b")], executable("b"));
        assert!(sample.path("b", file("a"), &[None], executable("b")).said().is_empty());
    }
}

//! `manifest-weakened`: the merge changes the rules by which merges are judged.

use crate::manifest::{FILE, Manifest, parse, weakened};
use crate::model::{Entry, Level, PathFacts, TreePath};

use super::{Case, Docs, Draft, Rule, Weight, default_level};

/// The rule.
pub const RULE: Rule = Rule {
    name: "manifest-weakened",
    default: Level::Block,
    docs: Docs {
        finds: "The merge deletes `.recoveryguard.toml`, leaves it unreadable, or changes it so that something would be \
                judged more leniently, protected less, or saved less. Other edits of the manifest are information, and \
                so is one of a manifest that was unreadable and stays so. One that makes an unreadable manifest \
                readable warns. The first manifest of a branch is no finding.",
        why: "A merge is judged by the manifest of the branch it goes into. One that weakens it passes here, and opens \
              the way for the next.",
        what_to_do: "Let the owners of the policy look at the sentences listed. When it is meant: `guard allow \
                     manifest-weakened .recoveryguard.toml --reason '...'`.",
        when_wrong: "Patterns are compared as written: a pattern replaced by another that names the same files counts as \
                     weaker. Keep the old line beside the new one for one merge, or allow it.",
    },
    judge,
};

/// So many ways are listed.
const LISTED: usize = 5;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let found = case.at(&TreePath::from(FILE)).filter(|facts| !facts.conflicted);
    found.and_then(|facts| draft(case, facts)).into_iter().collect()
}

fn draft(case: &Case<'_>, facts: &PathFacts) -> Option<Draft> {
    let path = &facts.path;
    let before = read(case, facts.first?);
    let Some(result) = facts.result else {
        return Some(Draft::at(path, format!("'{path}' is deleted: nothing would be judged by it any more")));
    };
    let draft = match (before, read(case, result)) {
        (Ok(before), Ok(after)) => edited(path, &before, &after),
        (Ok(_), Err(why)) => Draft::at(path, format!("'{path}' can't be read after the merge")).evidence("error", why),
        (Err(why), Ok(_)) => Draft::at(path, format!("'{path}' could not be read, and can be after the merge"))
            .weighing(Weight::AtMost(Level::Warn))
            .evidence("error", why)
            .remedy("look at what the manifest says now; until the merge is made it is not in force"),
        (Err(_), Err(why)) => Draft::at(path, format!("'{path}' is changed, and still can't be read"))
            .weighing(Weight::AtMost(Level::Info))
            .evidence("error", why)
            .remedy("repair the manifest"),
    };
    Some(draft)
}

fn edited(path: &TreePath, before: &Manifest, after: &Manifest) -> Draft {
    let ways = weakened(before, after, &|rule| default_level(rule).unwrap_or(Level::Warn));
    let Some(first) = ways.first() else {
        return Draft::at(path, format!("'{path}' is changed, and judges nothing more leniently"))
            .weighing(Weight::AtMost(Level::Info))
            .remedy("nothing to do");
    };
    let more = if ways.len() > 1 { format!(" (and {} more)", ways.len() - 1) } else { String::new() };
    let draft = Draft::at(path, format!("'{path}' judges more leniently after the merge: {first}{more}"))
        .evidence("count", ways.len().to_string());
    let numbered = ways.iter().take(LISTED).enumerate();
    numbered.fold(draft, |draft, (index, way)| draft.evidence(&format!("weaker_{}", index + 1), way))
}

/// Reads a manifest, or says why it can't be read.
fn read(case: &Case<'_>, entry: Entry) -> Result<Manifest, String> {
    if !entry.mode.is_regular() {
        return Err(format!("it is a {}", entry.mode.noun()));
    }
    let bytes = case.facts.bytes(Some(entry)).ok_or("it is too large, or its content is missing")?;
    parse(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, Side, file, link};

    const STRICT: &str = "version = 1\n[[protect]]\npaths = [\"a\", \"b\"]\n";
    const LENIENT: &str = "version = 1\n[[protect]]\npaths = [\"a\"]\n";

    fn merging(first: Side<'_>, result: Side<'_>) -> Sample {
        Sample::merge().path(FILE, first, &[result], result)
    }

    #[test]
    fn a_manifest_that_goes_breaks_or_gets_weaker_blocks() {
        let expected = ["block manifest-weakened .recoveryguard.toml"];
        for result in [None, file("version = "), link("elsewhere"), file(LENIENT)] {
            assert_eq!(merging(file(STRICT), result).said(), expected, "{result:?}");
        }
        let finding = merging(file(STRICT), file(LENIENT)).judge().remove(0);
        assert_eq!(finding.evidence["count"], "1");
        assert!(finding.message.ends_with(&finding.evidence["weaker_1"]), "{}", finding.message);
    }

    #[test]
    fn one_that_the_merge_itself_broke_is_said_once() {
        let sample = Sample::merge().path(FILE, file(STRICT), &[file(LENIENT)], file("version = "));
        assert_eq!(sample.said(), ["block manifest-weakened .recoveryguard.toml"]);
    }

    #[test]
    fn stricter_ones_and_repairs_do_not_block() {
        assert_eq!(merging(file(LENIENT), file(STRICT)).said(), ["info manifest-weakened .recoveryguard.toml"]);
        assert_eq!(merging(file("x"), file(STRICT)).said(), ["warn manifest-weakened .recoveryguard.toml"]);
        assert_eq!(merging(file("x"), file("y")).said(), ["info manifest-weakened .recoveryguard.toml"]);
    }

    #[test]
    fn the_first_manifest_and_one_in_conflict_are_quiet() {
        assert!(merging(None, file(STRICT)).said().is_empty());
        assert!(merging(None, file("version = ")).said().is_empty());
        assert!(merging(file(STRICT), None).with(FILE, |facts| facts.conflicted = true).said().is_empty());
    }
}

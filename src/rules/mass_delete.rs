//! `mass-delete`: a merge that takes away a large part of the files.

use std::collections::BTreeMap;

use crate::manifest::Manifest;
use crate::model::{Level, TreePath, count, escape};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: NAME,
    default: Level::Warn,
    docs: Docs {
        finds: "The merge deletes at least 50 files, or at least 10 that are 20 % of the files of the branch merged into. \
                Moved files don't count. `[rules] mass-delete = { files = 50, percent = 20 }` sets both numbers.",
        why: "A branch made from the wrong base, a broken import or a script that cleaned too much deletes folders that \
              nobody looks at while reviewing what the branch is about.",
        what_to_do: "Look at the list: `git diff --diff-filter=D --name-only <first parent> <result>`. If it is meant, go \
                     on; where the level is `block`: `guard allow mass-delete --reason '...'`.",
        when_wrong: "Repositories differ: where generated or vendored files come and go, raise the numbers.",
    },
    judge,
};

const NAME: &str = "mass-delete";

/// Fewer deletions are no mass, whatever part of a small repository they are.
const LEAST: usize = 10;

/// So many folders are named.
const FOLDERS: usize = 5;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let gone =
        |facts: &&crate::model::PathFacts| facts.first.is_some() && facts.result.is_none() && facts.moved.is_none();
    let deleted: Vec<&TreePath> = case.paths().filter(gone).map(|facts| &facts.path).collect();
    let (files, percent) = limits(case.manifest);
    let of = case.facts.first_files;
    let is_part = deleted.len() >= LEAST && deleted.len().saturating_mul(100) >= of.saturating_mul(percent);
    if deleted.is_empty() || (deleted.len() < files && !is_part) {
        return Vec::new();
    }
    let are = if deleted.len() == 1 { "is" } else { "are" };
    let draft = Draft::new(format!("{} {are} deleted", count(deleted.len(), "file")))
        .evidence("deleted", deleted.len().to_string())
        .evidence("folders", folders(&deleted));
    // Beyond the bound the number only says "at least", and is of no use to people.
    vec![if of < files_to_count(case.manifest) { draft.evidence("files", of.to_string()) } else { draft }]
}

fn limits(manifest: &Manifest) -> (usize, usize) {
    let number = |key, default: u64| manifest.number(NAME, key).unwrap_or(default);
    let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
    (size(number("files", 50)), size(number("percent", 20)))
}

/// Returns how far the first parent's files have to be counted: a tree with so many is too large for the percentage to
/// be reached by fewer deletions than are reported anyway.
pub fn files_to_count(manifest: &Manifest) -> usize {
    let (files, percent) = limits(manifest);
    files.saturating_sub(1).saturating_mul(100).checked_div(percent).unwrap_or(0).saturating_add(1)
}

/// Names the top folders with the most deletions.
fn folders(deleted: &[&TreePath]) -> String {
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    for path in deleted {
        let folder = path.iter().position(|byte| *byte == b'/').map_or(&b"."[..], |end| &path[..=end]);
        *counts.entry(folder).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let names = counts.iter().take(FOLDERS).map(|(folder, count)| format!("{} ({count})", escape(folder)));
    let more = counts.len().saturating_sub(FOLDERS);
    let more = (more > 0).then(|| format!("{more} more"));
    names.chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{Sample, file};

    fn deleting(count: usize, of: usize) -> Sample {
        let mut sample = Sample::merge();
        sample.facts.first_files = of;
        (0..count).fold(sample, |sample, index| sample.path(&format!("src/{index:03}"), file("x"), &[None], None))
    }

    #[test]
    fn many_files_or_a_large_part_warn_once() {
        assert_eq!(deleting(50, 1000).said(), ["warn mass-delete"]);
        assert_eq!(deleting(10, 50).said(), ["warn mass-delete"]);
        let findings = deleting(51, 200).path("README", file("x"), &[None], None).judge();
        assert_eq!(findings[0].evidence["folders"], "src/ (51), . (1)");
        assert_eq!(findings[0].evidence["deleted"], "52");
        assert_eq!(findings[0].path, None);
    }

    #[test]
    fn fewer_files_and_moved_ones_are_quiet() {
        assert!(deleting(49, 246).said().is_empty());
        assert!(deleting(9, 9).said().is_empty());
        assert!(deleting(10, 51).said().is_empty());
        let moved = deleting(50, 1000).moved("src/000", "a/000").path("a/000", None, &[file("x")], file("x"));
        assert!(moved.said().is_empty());
    }

    #[test]
    fn the_manifest_sets_the_numbers() {
        assert!(deleting(60, 1000).set(NAME, None, &[("files", 100)]).said().is_empty());
        assert_eq!(deleting(10, 100).set(NAME, Some(Level::Block), &[("percent", 10)]).said(), ["block mass-delete"]);
        assert!(deleting(0, 0).set(NAME, None, &[("files", 0)]).said().is_empty());
    }

    #[test]
    fn counting_to_the_bound_changes_no_verdict() {
        let bound = files_to_count(&Manifest::default());
        assert_eq!(bound, 246);
        assert_eq!(deleting(49, bound - 1).said(), ["warn mass-delete"]);
        assert!(deleting(49, bound).said().is_empty());
    }
}

//! Whose work it is that a merge lost: said of what warns.

use std::collections::BTreeMap;

use crate::facts::SideCommits;
use crate::git::{Graph, Node, Reader, Repo};
use crate::model::{Finding, Level, Losses, Oid};
use crate::rules;

/// The rules whose findings list lines that somebody brought.
const ABOUT_LINES: [&str; 2] = ["lost-change", "lost-common-line"];

fn is_loud(finding: &Finding) -> bool {
    finding.level >= Level::Warn && ABOUT_LINES.contains(&finding.rule.as_str())
}

/// Adds the commit that brought what is missing, and its author. Not knowing is no failure.
pub(super) fn name_authors(
    reader: &Reader,
    graph: &Graph,
    parents: &[Node],
    losses: &Losses,
    findings: &mut [Finding],
) {
    let mut sides: BTreeMap<usize, SideCommits<'_>> = BTreeMap::new();
    for finding in findings.iter_mut().filter(|finding| is_loud(finding)) {
        let at = |loss: &&crate::model::Loss| Some(&loss.deviation.path) == finding.path.as_ref();
        let Some(loss) = losses.at.iter().find(at) else { continue };
        let (side, lines) = rules::listed(loss);
        let commits = sides.entry(side).or_insert_with(|| SideCommits::new(reader, graph, parents, side));
        if let Ok(Some(work)) = commits.brought(&loss.deviation.path, loss.deviation.from.as_ref(), &lines) {
            finding.evidence.insert("lost_commit".into(), work.commit.to_string());
            finding.evidence.insert("lost_author".into(), work.author.to_string());
        }
    }
}

/// The same for a merge of two commits that need not be made yet.
pub(super) fn name_authors_between(repo: &Repo, sides: [Oid; 2], losses: &Losses, findings: &mut [Finding]) {
    if !findings.iter().any(is_loud) {
        return;
    }
    let reader = Reader::open(repo);
    let Ok(graph) = Graph::load(repo, &reader, &sides, usize::MAX) else { return };
    let parents: Vec<Node> = sides.iter().filter_map(|side| graph.node(*side)).collect();
    name_authors(&reader, &graph, &parents, losses, findings);
}

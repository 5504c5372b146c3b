//! Whose work it is that a merge lost: said of what warns.

use std::collections::BTreeMap;

use crate::facts::{SideCommits, Sought};
use crate::git::{Graph, Node, Reader, Repo};
use crate::model::{Finding, Level, Losses, Oid};
use crate::rules;

/// Whose work the lines are that a rule's findings list; `None` for rules about something else.
fn sought(rule: &str) -> Option<Sought> {
    match rule {
        "lost-change" => Some(Sought::Brought),
        "lost-common-line" | "doubled-block" => Some(Sought::Written),
        "resurrected" => Some(Sought::Removed),
        _ => None,
    }
}

fn is_loud(finding: &Finding) -> bool {
    finding.level >= Level::Warn && sought(&finding.rule).is_some()
}

/// Adds the commit that brought what is missing (or stands there too often, or removed what is back), and its author. Not
/// knowing is no failure.
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
        let Some((loss, sought)) = losses.at.iter().find(at).zip(sought(&finding.rule)) else { continue };
        let (side, lines) = rules::listed(loss);
        let commits = sides.entry(side).or_insert_with(|| SideCommits::new(reader, graph, parents, side));
        if let Ok(Some(work)) = commits.find(sought, &loss.deviation.path, loss.deviation.from.as_ref(), &lines) {
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

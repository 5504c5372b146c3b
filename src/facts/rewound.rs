//! Submodules that a merge takes back: to a commit that the first parent's own history has had before.

use bstr::ByteSlice;

use crate::deviation;
use crate::git::{GitError, Graph, Node, Reader, Repo};
use crate::model::{Entry, Mode, Oid, PathFacts, Rewound, TreePath};

/// So many commits back is looked.
const BACK: usize = 300;
/// A longer list of submodules is not read.
const LARGEST: u64 = 1 << 20;

/// Finds them among the paths of a merge.
pub(super) fn find(repo: &Repo, tip: Option<Oid>, paths: &[PathFacts]) -> Result<Vec<Rewound>, GitError> {
    let objects = repo.objects();
    let mut found = Vec::new();
    let Some(tip) = tip else { return Ok(found) };
    for facts in paths.iter().filter(|facts| !facts.conflicted) {
        let Some(pointer) = moved(facts.first, facts.result) else { continue };
        let left_by = left_by(tip, pointer, |commit| {
            repo.deadline().check()?;
            let commit = objects.commit(commit)?;
            Ok((objects.leaf(Some(commit.tree), &facts.path)?, commit.parents.first().copied()))
        });
        found.extend(left_by?.map(|left_by| Rewound { path: facts.path.clone(), left_by }));
    }
    Ok(found)
}

/// Finds them in a merge that exists, by its list of submodules; with what is known of the path.
pub(super) fn in_history(
    reader: &Reader,
    graph: &Graph,
    merge: Node,
    bases: &[Node],
) -> Result<Vec<(Rewound, PathFacts)>, GitError> {
    let mut found = Vec::new();
    let [tip, others @ ..] = graph.parents(merge) else { return Ok(found) };
    for path in listed(reader, graph.tree(merge))? {
        let at = |commit: Node| deviation::up(reader, graph.tree(commit), &path);
        let (first, result) = (at(*tip)?, at(merge)?);
        let Some(pointer) = moved(first, result) else { continue };
        let step = |commit| Ok((at(commit)?, graph.parents(commit).first().copied()));
        let Some(left_by) = left_by(*tip, pointer, step)? else { continue };
        let all = |commits: &[Node]| commits.iter().map(|commit| at(*commit)).collect::<Result<Vec<_>, _>>();
        let facts = PathFacts {
            path: path.clone(),
            first,
            result,
            others: all(others)?,
            bases: all(bases)?,
            conflicted: false,
            moved: None,
            case_twin: None,
            marker_size: 7,
        };
        found.push((Rewound { path: path.clone(), left_by: graph.oid(left_by) }, facts));
    }
    Ok(found)
}

/// Reads the paths of a tree's submodules.
fn listed(reader: &Reader, tree: Oid) -> Result<Vec<TreePath>, GitError> {
    let list = deviation::up(reader, tree, &".gitmodules".into())?.filter(|entry| entry.mode.is_regular());
    let Some(list) = list else { return Ok(Vec::new()) };
    let Some(text) = reader.text(list.oid, LARGEST)? else { return Ok(Vec::new()) };
    let path = |line: &[u8]| {
        let (name, value) = line.split_once_str("=")?;
        (name.trim() == b"path").then(|| value.trim().trim_with(|character| character == '"').into())
    };
    Ok(text.lines().filter_map(path).collect())
}

/// Returns where a submodule stands that stood elsewhere.
fn moved(before: Option<Entry>, after: Option<Entry>) -> Option<Entry> {
    let is_submodule = |entry: &Entry| entry.mode == Mode::Submodule;
    after.filter(is_submodule).filter(|after| before.filter(is_submodule).is_some_and(|before| before != *after))
}

/// Walks from first parent to first parent until the submodule stands at `pointer`; returns the commit that moved on from there.
/// `step` says where it stands in a commit, and names that one's first parent.
fn left_by<C: Copy>(
    tip: C,
    pointer: Entry,
    step: impl Fn(C) -> Result<(Option<Entry>, Option<C>), GitError>,
) -> Result<Option<C>, GitError> {
    let (mut newer, mut commit) = (None, tip);
    for _ in 0..BACK {
        let (there, parent) = step(commit)?;
        if there == Some(pointer) {
            return Ok(newer);
        }
        newer = Some(commit);
        let Some(parent) = parent else { break };
        commit = parent;
    }
    Ok(None)
}

//! The facts of merges that exist, thousands at a time: no process, no index, no working tree.
//!
//! Only the paths that matter are listed: where the result is not what merging gives, and where git put a content together; beside
//! them the data files that the merge changes. Rules
//! about everything that a merge changes (`mass-delete`, protected paths) need [`gather`](super::gather()).

use std::collections::BTreeMap;
use std::sync::Arc;

use bstr::BString;

use super::contents::{has_compared_data, has_disputed_keys};
use super::files::InHistory;
use super::{CONTENT_LIMIT, Databases, data, rewound};
use crate::deviation::{self, Compared, Comparer, Merge};
use crate::git::{GitError, Graph, Node, Reader};
use crate::manifest::Manifest;
use crate::model::{
    Content, Deviation, Entry, Facts, Incoming, Loss, Losses, Moved, Oid, PathFacts, ResultKind, Shape, Signals, Target,
};

/// Gathers the facts of a merge commit; of data those that `manifest` asks for.
pub fn existing(
    comparer: &mut Comparer<'_>,
    databases: &Databases<'_>,
    manifest: &Manifest,
    commit: Node,
) -> Result<Facts, GitError> {
    let (merge, Compared { deviations, merged, moved, side_taken }) = compare(comparer, commit)?;
    let (reader, graph) = (comparer.reader(), comparer.graph());
    let mut paths: Vec<PathFacts> = deviations.iter().map(path_facts).chain(merged).collect();
    let mut rewound = Vec::new();
    for (submodule, facts) in rewound::in_history(reader, graph, commit, merge.bases())? {
        if !paths.iter().any(|known| known.path == facts.path) {
            paths.push(facts);
        }
        rewound.push(submodule);
    }
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    for (from, to, similarity) in moved {
        if let Ok(place) = paths.binary_search_by(|path| path.path.cmp(&from)) {
            paths[place].moved = Some(Moved { to, similarity });
        }
    }
    let changed = changed_data(reader, graph, manifest, commit, merge.bases())?;
    let contents = contents(reader, manifest, paths.iter().chain(&changed))?;
    let first_tree = graph.parents(commit).first().map(|first| graph.tree(*first));
    let trees = (&InHistory(reader, first_tree), Some(&InHistory(reader, Some(graph.tree(commit)))));
    let data = data::examine(manifest, paths.iter().chain(&changed), (&contents, databases), trees, || Ok(()))?;
    let losses = Losses { at: losses(reader, deviations)?, usual: None, side_taken };
    let parents = graph.parents(commit);
    let heads = parents.iter().skip(1).map(|parent| graph.oid(*parent));
    Ok(Facts {
        into: Target { branch: None, tip: parents.first().map(|parent| graph.oid(*parent)) },
        incoming: heads.map(|oid| Incoming { oid, names: vec![oid.to_string().into()] }).collect(),
        merge_bases: merge.bases().iter().map(|base| graph.oid(*base)).collect(),
        commit: Some(graph.oid(commit)),
        shape: if parents.len() > 2 { Shape::Octopus } else { Shape::Merge },
        result: ResultKind::Actual,
        result_tree: Some(graph.tree(commit)),
        paths,
        first_files: usize::MAX,
        contents,
        data,
        local: Vec::new(),
        in_use: Vec::new(),
        losses,
        rewound,
        taken_back: Vec::new(),
        reverted: Vec::new(),
    })
}

/// Gathers only what a merge commit lost.
pub fn lost(comparer: &mut Comparer<'_>, commit: Node) -> Result<Losses, GitError> {
    let (_, Compared { deviations, side_taken, .. }) = compare(comparer, commit)?;
    Ok(Losses { at: losses(comparer.reader(), deviations)?, usual: None, side_taken })
}

/// Gathers what was lost when two sides became `result`: their trees, and the tree that both come from.
pub fn lost_between(reader: &Reader, base: Option<Oid>, sides: [Oid; 2], result: Oid) -> Result<Losses, GitError> {
    let (deviations, side_taken) = deviation::compare_trees(reader, base, sides, result)?;
    Ok(Losses { at: losses(reader, deviations)?, usual: None, side_taken })
}

fn compare(comparer: &mut Comparer<'_>, commit: Node) -> Result<(Merge, Compared), GitError> {
    let merge = Merge::of_commit(comparer, commit);
    if merge.is_cut {
        return Err(GitError::Shallow);
    }
    let found = deviation::compare(comparer, &merge)?;
    Ok((merge, found))
}

fn losses(reader: &Reader, deviations: Vec<Deviation>) -> Result<Vec<Loss>, GitError> {
    let loss = |deviation| Ok(Loss { signals: signals(reader, &deviation)?, deviation });
    deviations.into_iter().map(loss).collect()
}

fn path_facts(deviation: &Deviation) -> PathFacts {
    let mut parents = deviation.parents.iter().copied();
    PathFacts {
        path: deviation.path.clone(),
        first: parents.next().flatten(),
        result: deviation.result,
        others: parents.collect(),
        bases: vec![deviation.base],
        conflicted: false,
        moved: None,
        case_twin: None,
        marker_size: 7,
    }
}

/// Lists the data files that a merge changes and that it has still.
fn changed_data(
    reader: &Reader,
    graph: &Graph,
    manifest: &Manifest,
    merge: Node,
    bases: &[Node],
) -> Result<Vec<PathFacts>, GitError> {
    let [first, others @ ..] = graph.parents(merge) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    if manifest.data.is_empty() {
        return Ok(found);
    }
    for change in deviation::changes(reader, Some(graph.tree(*first)), graph.tree(merge))? {
        if change.after.is_none() || manifest.data_rule(change.path.as_bstr()).is_none() {
            continue;
        }
        let at = |commit: &Node| deviation::up(reader, graph.tree(*commit), &change.path);
        found.push(PathFacts {
            first: change.before,
            result: change.after,
            others: others.iter().map(at).collect::<Result<_, _>>()?,
            bases: bases.iter().map(at).collect::<Result<_, _>>()?,
            conflicted: false,
            moved: None,
            case_twin: None,
            marker_size: 7,
            path: change.path,
        });
    }
    Ok(found)
}

/// Reads all versions of what was put together, of data, and of files whose keys are compared.
fn contents<'p>(
    reader: &Reader,
    manifest: &Manifest,
    paths: impl Iterator<Item = &'p PathFacts>,
) -> Result<BTreeMap<Oid, Content>, GitError> {
    let mut contents = BTreeMap::new();
    let built_in = Manifest::default();
    for path in paths {
        let compared = has_disputed_keys(&built_in, path) || has_compared_data(manifest, path);
        if !compared && !path.is_merged_content() {
            continue;
        }
        let bases = path.bases.iter().copied().filter(|_| compared);
        for entry in [path.result, path.first].into_iter().chain(path.others.iter().copied()).chain(bases).flatten() {
            if !entry.mode.is_regular() || contents.contains_key(&entry.oid) {
                continue;
            }
            let content = match reader.text(entry.oid, CONTENT_LIMIT)? {
                Some(bytes) => Content::Bytes(bytes),
                None => Content::TooLarge(reader.size(entry.oid)?),
            };
            contents.insert(entry.oid, content);
        }
    }
    Ok(contents)
}

/// Larger contents are not compared line by line.
pub(super) const LARGEST: u64 = 4 << 20;

/// Compares a deviation's contents line by line; what is no text, or of several sides, says nothing.
fn signals(reader: &Reader, deviation: &Deviation) -> Result<Signals, GitError> {
    let [first, second] = deviation.parents[..] else { return Ok(Signals::default()) };
    let read = |entry: Option<Entry>| -> Result<Option<Arc<BString>>, GitError> {
        match entry {
            Some(entry) if entry.mode.is_regular() => {
                Ok(reader.text(entry.oid, LARGEST)?.filter(|bytes| !deviation::is_binary(bytes)))
            }
            _ => Ok(Some(Arc::default())),
        }
    };
    let texts = (read(deviation.base)?, read(first)?, read(second)?, read(deviation.result)?);
    let (Some(base), Some(first), Some(second), Some(result)) = texts else { return Ok(Signals::default()) };
    Ok(deviation::signals(&base, &first, &second, &result))
}

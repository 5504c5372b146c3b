//! From a question about a merge to its facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::files::InTree;
use super::{Databases, contents, data, names, reverted, rewound};
use crate::git::{GitError, Repo, Strategy};
use crate::manifest::{Deny, Manifest};
use crate::model::{
    Change, Entry, Facts, Incoming, Level, LocalFile, Losses, Mode, Moved, Oid, PathFacts, ResultKind, Shape, Target,
    TreePath,
};

/// Which result is asked about.
#[derive(Debug, Clone)]
pub enum Asked {
    /// The one that git would come to.
    Predicted(Strategy),
    /// This tree: of an index about to be committed, or of a commit.
    Tree(Oid),
}

/// A question about a merge.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is merged into.
    pub into: Target,
    /// What comes in.
    pub incoming: Vec<Incoming>,
    /// Whether the commit will have one parent only.
    pub squash: bool,
    /// Which result.
    pub asked: Asked,
}

/// The result of a merge, and how it differs from the first parent.
struct Answer {
    tree: Option<Oid>,
    changes: Vec<Change>,
    conflicted: BTreeSet<TreePath>,
    kind: ResultKind,
}

/// Gathers the facts of a merge.
pub fn gather(repo: &Repo, manifest: &Manifest, question: &Question) -> Result<Facts, GitError> {
    let objects = repo.objects();
    let incoming: Vec<Oid> = question.incoming.iter().map(|head| head.oid).collect();
    let bases = merge_bases(repo, question.into.tip, &incoming)?;
    let first_tree = question.into.tip.map(|tip| objects.tree_of(tip)).transpose()?;
    let answer = answer(repo, question, &incoming, &bases, first_tree)?;
    let other_trees = incoming.iter().map(|oid| objects.tree_of(*oid)).collect::<Result<Vec<_>, _>>()?;
    let base_trees = bases.iter().map(|oid| objects.tree_of(*oid)).collect::<Result<Vec<_>, _>>()?;
    let side = |tree: &Oid| Side::read(repo, first_tree, *tree, &answer);
    let others = other_trees.iter().map(side).collect::<Result<Vec<Side>, _>>()?;
    let bases_at = base_trees.iter().map(side).collect::<Result<Vec<Side>, _>>()?;
    let mut paths = path_facts(manifest, &answer, first_tree, repo, &others, &bases_at)?;
    follow_moves(repo, manifest, first_tree, answer.tree, &mut paths)?;
    names::find_case_twins(repo, first_tree, answer.tree, &mut paths)?;
    let deleted = paths.iter().filter(|path| path.first.is_some() && path.result.is_none()).count();
    let first_files = count_first_files(repo, manifest, first_tree, deleted)?;
    let contents = contents::read(repo, manifest, &mut paths)?;
    let read = (&contents, &Databases::new(repo));
    let result = answer.tree.map(|tree| InTree(objects, Some(tree)));
    let trees = (&InTree(objects, first_tree), result.as_ref());
    let data = data::examine(manifest, &paths, read, trees, || repo.deadline().check())?;
    let rewound = rewound::find(repo, question.into.tip, &paths)?;
    let off = manifest.setting("stale-content").is_some_and(|setting| setting.level == Some(Level::Off));
    let taken_back = match question.into.tip {
        // Elsewhere there are three sides to compare.
        Some(tip) if bases == [tip] && !off => {
            let range: Vec<String> = incoming.iter().map(Oid::to_string).chain([format!("^{tip}")]).collect();
            super::taken_back(repo, tip, &answer.changes, &range)?
        }
        _ => Vec::new(),
    };
    let outcome = reverted::Outcome { first: first_tree, paths: &paths };
    let reverted = reverted::find(repo, manifest, question, &bases, &outcome)?;
    Ok(Facts {
        shape: shape(question, &incoming, &bases),
        into: question.into.clone(),
        incoming: question.incoming.clone(),
        merge_bases: bases,
        commit: None,
        result: answer.kind,
        result_tree: answer.tree,
        paths,
        first_files,
        contents,
        data,
        local: Vec::<LocalFile>::new(),
        in_use: Vec::new(),
        losses: Losses::default(),
        rewound,
        taken_back,
        reverted,
    })
}

fn shape(question: &Question, incoming: &[Oid], bases: &[Oid]) -> Shape {
    match incoming {
        _ if question.squash => Shape::Squash,
        [_] if question.into.tip.is_some_and(|tip| bases == [tip]) => Shape::FastForward,
        [_] | [] => Shape::Merge,
        _ => Shape::Octopus,
    }
}

fn merge_bases(repo: &Repo, tip: Option<Oid>, incoming: &[Oid]) -> Result<Vec<Oid>, GitError> {
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let mut bases = Vec::new();
    for other in incoming {
        for base in repo.merge_bases(tip, *other)? {
            if !bases.contains(&base) {
                bases.push(base);
            }
        }
    }
    // What looks unrelated here may be related where history is whole, and an old base may not be the newest one.
    if !incoming.is_empty() && repo.is_cut(&[&[tip], incoming].concat(), &bases)? {
        return Err(GitError::Shallow);
    }
    Ok(bases)
}

fn answer(
    repo: &Repo,
    question: &Question,
    incoming: &[Oid],
    bases: &[Oid],
    first_tree: Option<Oid>,
) -> Result<Answer, GitError> {
    let objects = repo.objects();
    let known = |tree: Oid, kind: ResultKind| {
        let changes = objects.diff(first_tree, Some(tree), repo.deadline())?;
        Ok(Answer { tree: Some(tree), changes, conflicted: BTreeSet::new(), kind })
    };
    let strategy = match &question.asked {
        Asked::Tree(tree) => return known(*tree, ResultKind::Actual),
        Asked::Predicted(strategy) => strategy,
    };
    let certain = ResultKind::Predicted { certain: true };
    match (question.into.tip, incoming) {
        (None, [first, ..]) => known(objects.tree_of(*first)?, certain),
        (None, []) => Err(GitError::Unsupported("there is nothing to merge".into())),
        (Some(tip), [other]) if bases == [tip] && !strategy.is_ours() => known(objects.tree_of(*other)?, certain),
        (Some(tip), others) => {
            let predicted = repo.predict(tip, others, bases, strategy)?;
            let is_certain = ResultKind::Predicted { certain: predicted.certain };
            let kind = if strategy.is_ours() { ResultKind::Ours } else { is_certain };
            Ok(Answer { tree: predicted.tree, changes: predicted.changes, conflicted: predicted.conflicted, kind })
        }
    }
}

/// Where a parent or base differs from the first parent: what that has, and what this has.
struct Side {
    differs: HashMap<TreePath, (Option<Entry>, Option<Entry>)>,
}

impl Side {
    fn read(repo: &Repo, first: Option<Oid>, tree: Oid, answer: &Answer) -> Result<Self, GitError> {
        // In a fast-forward the other side is the result, and its changes are known.
        let changes = if answer.tree == Some(tree) {
            answer.changes.clone()
        } else {
            repo.objects().diff(first, Some(tree), repo.deadline())?
        };
        Ok(Self { differs: changes.into_iter().map(|change| (change.path, (change.before, change.after))).collect() })
    }

    fn at(&self, path: &TreePath, first: Option<Entry>) -> Option<Entry> {
        self.differs.get(path).map_or(first, |(_, here)| *here)
    }
}

fn path_facts(
    manifest: &Manifest,
    answer: &Answer,
    first_tree: Option<Oid>,
    repo: &Repo,
    others: &[Side],
    bases: &[Side],
) -> Result<Vec<PathFacts>, GitError> {
    let mut entries: BTreeMap<&TreePath, (Option<Entry>, Option<Entry>)> =
        answer.changes.iter().map(|change| (&change.path, (change.before, change.after))).collect();
    for path in &answer.conflicted {
        if !entries.contains_key(path) {
            let first = repo.objects().leaf(first_tree, path)?;
            entries.insert(path, (first, first));
        }
    }
    for (path, (first, other)) in others.iter().flat_map(|side| &side.differs) {
        let is_submodule = other.is_some_and(|other| other.mode == Mode::Submodule);
        let is_keyed = || manifest.keyed(path.as_bstr()).is_some();
        // A prediction that keeps the first parent's version follows a strategy that was asked for. Whose records that
        // costs is said all the same.
        let matters = manifest.data_rule(path.as_bstr()).is_some()
            || answer.kind == ResultKind::Actual && (is_submodule || is_keyed());
        if matters && !bases.iter().any(|base| base.at(path, *first) == *other) {
            entries.entry(path).or_insert((*first, *first));
        }
    }
    let facts = entries.into_iter().map(|(path, (first, result))| PathFacts {
        path: path.clone(),
        first,
        result,
        others: others.iter().map(|side| side.at(path, first)).collect(),
        bases: bases.iter().map(|side| side.at(path, first)).collect(),
        conflicted: answer.conflicted.contains(path),
        moved: None,
        case_twin: None,
        marker_size: 7,
    });
    Ok(facts.collect())
}

/// From so many deleted files on, it matters how many of them only moved.
const MANY: usize = 10;

/// Finds out where paths that go away live on: by equal content at once, by likeness (git's own) only where a rule
/// would otherwise speak.
fn follow_moves(
    repo: &Repo,
    manifest: &Manifest,
    first_tree: Option<Oid>,
    result_tree: Option<Oid>,
    paths: &mut [PathFacts],
) -> Result<(), GitError> {
    let added: HashMap<Oid, TreePath> = paths
        .iter()
        .filter(|path| path.first.is_none())
        .filter_map(|path| Some((path.result?.oid, path.path.clone())))
        .collect();
    if added.is_empty() {
        return Ok(());
    }
    let gone = |path: &PathFacts| path.first.is_some() && path.result.is_none() && path.moved.is_none();
    for path in paths.iter_mut().filter(|path| gone(path)) {
        let to = path.first.and_then(|first| added.get(&first.oid));
        path.moved = to.map(|to| Moved { to: to.clone(), similarity: 100 });
    }
    let matters = |path: &&PathFacts| {
        let denied = || manifest.protecting(path.path.as_bstr()).any(|entry| entry.deny.contains(&Deny::Delete));
        let counted = || manifest.data_rule(path.path.as_bstr()).is_some_and(|(rule, _)| rule.max_loss.is_some());
        gone(path) && (path.others.iter().all(Option::is_some) || denied() || counted())
    };
    let many = paths.iter().filter(|path| gone(path)).count() >= MANY;
    let (Some(before), Some(after)) = (first_tree, result_tree) else { return Ok(()) };
    if !many && !paths.iter().any(|path| matters(&path)) {
        return Ok(());
    }
    let renames: HashMap<TreePath, (TreePath, u8)> =
        repo.renames(before, after)?.into_iter().map(|(from, to, score)| (from, (to, score))).collect();
    for path in paths.iter_mut().filter(|path| gone(path)) {
        path.moved = renames.get(&path.path).map(|(to, score)| Moved { to: to.clone(), similarity: *score });
    }
    Ok(())
}

fn count_first_files(
    repo: &Repo,
    manifest: &Manifest,
    first_tree: Option<Oid>,
    deleted: usize,
) -> Result<usize, GitError> {
    if deleted < MANY {
        return Ok(usize::MAX);
    }
    let percent = manifest.setting("mass-delete").and_then(|setting| setting.numbers.get("percent").copied());
    let percent = usize::try_from(percent.unwrap_or(20)).unwrap_or(100).max(1);
    repo.objects().count_files(first_tree, deleted.saturating_mul(100) / percent + 1)
}

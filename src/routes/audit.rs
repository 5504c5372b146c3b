//! `guard audit`: what did the merges of a history lose?
//!
//! ```text
//! compare   each merge, in several threads            -> what deviates, what the rules of contents find
//! usual     the 300 merges before it                  -> how unusual that is here
//! rank      deviations by points                      -> findings
//! ```
//!
//! Each is judged by the manifest that its first parent has. Nothing is changed and nothing recorded. What can't be read (a shallow clone, a missing object) is an answer of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{judge, whose};
use crate::facts::{self, Comparer};
use crate::git::{GitError, Graph, Node, Opening, Reader, Repo};
use crate::manifest::Manifest;
use crate::model::{Facts, Finding, Losses, Oid, Raw, TreePath, Usual, Verdict};
use crate::rules::{self, Case};

/// One merge, audited.
#[derive(Debug, Clone)]
pub struct Audited {
    /// The commit.
    pub commit: Oid,
    /// When it was committed: seconds since 1970.
    pub time: u64,
    /// The author's name.
    pub author: Raw,
    /// The message's first line.
    pub subject: Raw,
    /// Whether the result is anything but what merging its parents gives.
    pub deviates: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Why it could not be judged, if so.
    pub failure: Option<String>,
}

/// How an audit goes on; called from several threads.
pub type Progress<'p> = &'p (dyn Fn(usize, usize) + Sync);

/// So many merges before one say what is usual.
const BEFORE: usize = 300;
/// For so many merges the whole history is not read if it can be helped.
const FEW: usize = 16;
/// So many of the newest commits are read then; the first time, and if it was not enough.
const NEWEST: [usize; 2] = [4_096, 32_768];
/// So many merges a thread takes at a time.
const RUN: usize = 32;
/// Fewer that deviate say nothing about what is usual.
const TELLING: usize = 8;

/// Audits commits, in the order given; one that is no merge is judged fine.
pub fn audit(repo: &Repo, commits: &[Oid], threads: usize, progress: Progress<'_>) -> Result<Vec<Audited>, GitError> {
    let reader = Reader::open(repo);
    let mut wanted: Vec<Result<Oid, String>> = Vec::new();
    for commit in commits {
        wanted.push(reader.commit(*commit).map(|_| *commit).map_err(|error| error.to_string()));
    }
    let tips: Vec<Oid> = wanted.iter().filter_map(|found| found.as_ref().ok()).copied().collect();
    let mut seen = match few(repo, &reader, &tips)? {
        Some(seen) => seen,
        None => all(repo, &reader, &tips, threads, progress)?,
    };
    let mut found = Vec::new();
    for (commit, known) in commits.iter().zip(&wanted) {
        found.push(match known {
            Err(why) => unknown(*commit, why.clone()),
            Ok(oid) => {
                let about = reader.commit(*oid)?;
                let mut audited = seen.remove(oid).unwrap_or_else(|| unjudged(*oid));
                audited.commit = *oid;
                audited.time = about.time;
                audited.subject = about.subject();
                audited.author = about.author.as_slice().into();
                audited
            }
        });
    }
    Ok(found)
}

fn unjudged(commit: Oid) -> Audited {
    let (author, subject) = (Raw::default(), Raw::default());
    let (findings, verdict) = (Vec::new(), Verdict::Pass);
    Audited { commit, time: 0, author, subject, deviates: false, verdict, findings, failure: None }
}

fn unknown(commit: Oid, why: String) -> Audited {
    Audited { verdict: Verdict::CouldNotJudge, failure: Some(why), ..unjudged(commit) }
}

/// What was found in the merges asked for.
type Seen = HashMap<Oid, Audited>;

/// Looks at a few merges without reading the whole history. `None` when that is not enough: something deviates, so that what is
/// usual matters, or the merge bases are older.
fn few(repo: &Repo, reader: &Reader, tips: &[Oid]) -> Result<Option<Seen>, GitError> {
    if tips.len() > FEW {
        return Ok(None);
    }
    for most in NEWEST {
        let graph = Graph::load(repo, reader, tips, most)?;
        let (mut comparer, mut manifests) = (Comparer::new(reader, &graph), Manifests::default());
        let mut seen = Seen::new();
        for tip in tips {
            let node = graph.node(*tip).filter(|node| !graph.is_unread(*node));
            let Some(node) = node else { break };
            if graph.parents(node).len() > 1 {
                let looked = look_at(&mut comparer, &mut manifests, node, Wanted::All);
                if comparer.bases.is_sure() && !looked.losses.at.is_empty() {
                    return Ok(None);
                }
                seen.insert(*tip, rank(&looked, Usual::default()));
            } else {
                seen.insert(*tip, unjudged(*tip));
            }
        }
        if comparer.bases.is_sure() && tips.iter().all(|tip| seen.contains_key(tip)) {
            return Ok(Some(seen));
        }
    }
    Ok(None)
}

/// Looks at merges, and at those before what deviates.
fn all(repo: &Repo, reader: &Reader, tips: &[Oid], threads: usize, progress: Progress<'_>) -> Result<Seen, GitError> {
    let graph = Graph::load(repo, reader, tips, usize::MAX)?;
    let nodes: Vec<Node> = tips.iter().filter_map(|tip| graph.node(*tip)).collect();
    // Newest first.
    let mut merges = graph.range(&nodes, &[]);
    merges.retain(|node| graph.parents(*node).len() > 1);
    let place: HashMap<Node, usize> = merges.iter().enumerate().map(|(place, node)| (*node, place)).collect();
    let mut work = Work { repo, graph: &graph, merges: &merges, threads, progress, looked: Vec::new() };
    work.looked.resize_with(merges.len(), || None);
    let mut asked: Vec<usize> = nodes.iter().filter_map(|node| place.get(node).copied()).collect();
    asked.sort_unstable();
    asked.dedup();
    work.look(&asked, Wanted::All);
    let mut before = vec![false; merges.len()];
    for place in asked.iter().filter(|place| deviates(&work.looked, **place)) {
        before[place + 1..(place + 1 + BEFORE).min(merges.len())].fill(true);
    }
    let before: Vec<usize> =
        (0..merges.len()).filter(|place| before[*place] && work.looked[*place].is_none()).collect();
    work.look(&before, Wanted::Losses);
    if before.iter().any(|place| work.looked[*place].is_none()) {
        for place in &asked {
            if deviates(&work.looked, *place) {
                work.looked[*place] = None;
            }
        }
    }
    let usual: Vec<Usual> = asked.iter().map(|place| usual(&work.looked, *place)).collect();
    let seen = |(place, usual): (&usize, Usual)| {
        let missed = || Looked { failure: Some(LATE.to_owned()), ..Looked::default() };
        let (node, looked) = (merges[*place], work.looked[*place].take().unwrap_or_else(missed));
        let mut audited = rank(&looked, usual);
        whose::name_authors(reader, &graph, graph.parents(node), &looked.losses, &mut audited.findings);
        (graph.oid(node), audited)
    };
    Ok(asked.iter().zip(usual).map(seen).collect())
}

/// Why a merge was not judged, if the time was over.
const LATE: &str = "no time was left to look at it";

fn deviates(looked: &[Option<Looked>], place: usize) -> bool {
    looked[place].as_ref().is_some_and(|looked| !looked.losses.at.is_empty())
}

/// Says what is usual among the newest merges of a commit's history; `None` when the time is over before that is known.
pub(super) fn usual_at(repo: &Repo, tip: Oid) -> Result<Option<Usual>, GitError> {
    let reader = Reader::open(repo);
    let graph = Graph::load(repo, &reader, &[tip], usize::MAX)?;
    let nodes: Vec<Node> = graph.node(tip).into_iter().collect();
    let mut merges = graph.range(&nodes, &[]);
    merges.retain(|node| graph.parents(*node).len() > 1);
    merges.truncate(BEFORE);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut work = Work { repo, graph: &graph, merges: &merges, threads, progress: &|_, _| (), looked: Vec::new() };
    work.looked.resize_with(merges.len(), || None);
    work.look(&(0..merges.len()).collect::<Vec<_>>(), Wanted::Losses);
    let whole = work.looked.iter().all(Option::is_some);
    Ok(whole.then(|| usual_among(&work.looked)))
}

/// Says what is usual among the merges before one.
fn usual(looked: &[Option<Looked>], place: usize) -> Usual {
    if !deviates(looked, place) {
        return Usual::default();
    }
    usual_among(&looked[place + 1..(place + 1 + BEFORE).min(looked.len())])
}

fn usual_among(before: &[Option<Looked>]) -> Usual {
    let deviating = || before.iter().flatten().filter(|merge| merge.deviates);
    let mut sizes: Vec<usize> = deviating().map(|merge| merge.size).collect();
    if sizes.len() < TELLING {
        return Usual::default();
    }
    sizes.sort_unstable();
    let large = sizes[sizes.len() * 3 / 4];
    let mut times: HashMap<&TreePath, usize> = HashMap::new();
    deviating().flat_map(|merge| &merge.paths).for_each(|path| *times.entry(path).or_default() += 1);
    let is_often = |times: usize| times * 5 >= sizes.len();
    let often = times.into_iter().filter(|(_, times)| is_often(*times)).map(|(path, _)| path.clone()).collect();
    Usual { merges: before.len(), deviating: sizes.len(), large, often }
}

/// What was seen of a merge.
#[derive(Debug, Clone, Default)]
struct Looked {
    findings: Vec<Finding>,
    losses: Losses,
    facts: Option<Box<Facts>>,
    manifest: Arc<Manifest>,
    deviates: bool,
    size: usize,
    paths: Vec<TreePath>,
    failure: Option<String>,
}

/// What is to be known of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What it lost, and what the rules of contents find.
    All,
    /// What it lost.
    Losses,
}

/// Merges that are looked at in several threads.
struct Work<'w> {
    repo: &'w Repo,
    graph: &'w Graph,
    merges: &'w [Node],
    threads: usize,
    progress: Progress<'w>,
    looked: Vec<Option<Looked>>,
}

impl Work<'_> {
    /// Looks at the merges of some places. A thread takes some that follow each other: they share most of their trees.
    fn look(&mut self, places: &[usize], wanted: Wanted) {
        let (graph, merges, progress) = (self.graph, self.merges, self.progress);
        let done = AtomicUsize::new(self.looked.iter().flatten().count());
        let of = done.load(Ordering::Relaxed) + places.len();
        let next = Mutex::new(places.chunks(RUN));
        let found = Mutex::new(&mut self.looked);
        let work = |opening: Opening| {
            let repo = opening.open();
            let reader = Reader::open(&repo);
            let (mut comparer, mut manifests) = (Comparer::new(&reader, graph), Manifests::default());
            loop {
                let Some(run) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                // What is left is told by its absence.
                if repo.deadline().is_half_over() {
                    return;
                }
                comparer.bases.prepare(&run.iter().map(|place| merges[*place]).collect::<Vec<_>>());
                for place in run {
                    let looked = look_at(&mut comparer, &mut manifests, merges[*place], wanted);
                    if let Ok(mut found) = found.lock() {
                        found[*place] = Some(looked);
                    }
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, of);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, 64).min(places.len().div_ceil(RUN)) {
                let opening = self.repo.opening();
                scope.spawn(|| work(opening));
            }
        });
    }
}

fn look_at(comparer: &mut Comparer<'_>, manifests: &mut Manifests, merge: Node, wanted: Wanted) -> Looked {
    let failed = |error: GitError| Looked { failure: Some(error.to_string()), ..Looked::default() };
    let sum = |losses: &Losses| {
        let deviates = losses.at.iter().any(|loss| !loss.deviation.is_as_git_left_it());
        let paths = losses.at.iter().map(|loss| loss.deviation.path.clone()).collect();
        Looked { deviates, size: losses.size(), paths, ..Looked::default() }
    };
    if wanted == Wanted::Losses {
        return facts::lost(comparer, merge).map_or_else(failed, |losses| sum(&losses));
    }
    let mut facts = match facts::existing(comparer, merge) {
        Ok(facts) => facts,
        Err(error) => return failed(error),
    };
    let manifest = match manifests.of(comparer.reader(), facts.into.tip) {
        Ok(manifest) => manifest,
        Err(error) => return failed(error),
    };
    let losses = std::mem::take(&mut facts.losses);
    let findings = rules::judge(&Case { facts: &facts, manifest: &manifest });
    // Of what was judged only the deviations are of use later.
    facts.contents.clear();
    facts.paths.retain(|path| losses.at.iter().any(|loss| loss.deviation.path == path.path));
    let keep = !losses.at.is_empty();
    let looked = sum(&losses);
    Looked { findings, losses, manifest, facts: keep.then(|| Box::new(facts)), ..looked }
}

/// Manifests that were read, by their blob: most merges of a history have the same.
#[derive(Default)]
struct Manifests {
    none: Arc<Manifest>,
    known: HashMap<Oid, Arc<Manifest>>,
}

impl Manifests {
    /// Returns the manifest of a merge's first parent; the built-in one where it has none that can be read.
    fn of(&mut self, reader: &Reader, first: Option<Oid>) -> Result<Arc<Manifest>, GitError> {
        let Some(first) = first else { return Ok(Arc::clone(&self.none)) };
        let Some(blob) = facts::manifest_blob(reader, first)? else { return Ok(Arc::clone(&self.none)) };
        if let Some(known) = self.known.get(&blob) {
            return Ok(Arc::clone(known));
        }
        let manifest = Arc::new(facts::manifest_in(reader, blob)?.unwrap_or_default());
        self.known.insert(blob, Arc::clone(&manifest));
        Ok(manifest)
    }
}

/// Adds what the deviations say, now that it is known what is usual.
fn rank(looked: &Looked, usual: Usual) -> Audited {
    let mut audited = unjudged(Oid::null(crate::model::HashKind::Sha1));
    if let Some(why) = &looked.failure {
        audited.verdict = Verdict::CouldNotJudge;
        audited.failure = Some(why.clone());
        return audited;
    }
    audited.deviates = looked.deviates;
    audited.findings.clone_from(&looked.findings);
    if let Some(facts) = &looked.facts {
        let losses = Losses { usual: Some(usual), ..looked.losses.clone() };
        let facts = Facts { losses, ..(**facts).clone() };
        // The rules that need no losses have spoken before.
        let mut found = rules::judge(&Case { facts: &facts, manifest: &looked.manifest });
        found.retain(|new| !looked.findings.iter().any(|old| (&old.rule, &old.path) == (&new.rule, &new.path)));
        audited.findings.append(&mut found);
    }
    judge::worst_first(&mut audited.findings);
    audited.verdict = Verdict::of(&audited.findings);
    audited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_merges_that_deviate_say_nothing_about_what_is_usual() {
        let looked = |size: usize| {
            let often = if size.is_multiple_of(4) { "often" } else { "seldom" };
            let paths = vec![often.into(), format!("path{size}").as_str().into()];
            Some(Looked { deviates: size > 0, size, paths, ..Looked::default() })
        };
        let of = |deviating: usize| usual_among(&(0..=deviating).map(looked).collect::<Vec<_>>());
        assert_eq!(of(7), Usual::default());
        let mut usual = of(9);
        usual.often.sort();
        let often = vec!["often".into(), "seldom".into()];
        assert_eq!(usual, Usual { merges: 10, deviating: 9, large: 7, often });
        // Two of eleven are less than a fifth.
        assert_eq!(of(11).often, vec!["seldom".into()]);
    }
}

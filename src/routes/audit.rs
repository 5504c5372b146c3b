//! `guard audit`: what did the merges of a history lose?
//!
//! ```text
//! compare   each merge, in several threads            -> what deviates, what the rules of contents find
//! usual     the 300 merges before it                  -> how unusual that is here
//! rank      deviations by points                      -> findings
//! ```
//!
//! Each is judged by the manifest that its first parent has, in a push by the one that the branch has before. Nothing is changed and
//! nothing recorded. What can't be read (a shallow clone, a missing object) is an answer of its own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::runs::in_threads;
use super::{judge, whose};
use crate::facts::{self, Comparer, Databases};
use crate::git::{GitError, Graph, Node, Packs, Reader, Repo};
use crate::manifest::Manifest;
use crate::model::{Facts, Finding, Level, Losses, Oid, Raw, TreePath, Usual, Verdict};
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
/// So many of the newest commits are read then; the first time, and as long as it was not enough.
const NEWEST: [usize; 4] = [384, 2_048, 8_192, 32_768];
/// Fewer that deviate say nothing about what is usual.
const TELLING: usize = 8;

/// How merges are looked at.
#[derive(Clone, Copy)]
struct How<'h> {
    threads: usize,
    progress: Progress<'h>,
    /// The manifest that counts for all of them; `None`: each first parent's.
    by: Option<&'h Arc<Manifest>>,
}

impl How<'_> {
    /// In as many threads as there are processors, by each first parent's manifest, and telling nobody.
    fn quick() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads, progress: &|_, _| (), by: None }
    }
}

/// Audits commits, in the order given; one that is no merge is judged fine.
pub fn audit(repo: &Repo, commits: &[Oid], threads: usize, progress: Progress<'_>) -> Result<Vec<Audited>, GitError> {
    audited(repo, commits, How { threads, progress, by: None })
}

/// Looks for work that merges lost, and that is worth a warning at least; by one manifest where it is given. What becomes of data is
/// asked elsewhere.
pub(super) fn lost_work(repo: &Repo, merges: &[Oid], by: Option<&Manifest>) -> Result<Vec<Audited>, GitError> {
    let by = by.map(|manifest| Arc::new(Manifest { data: Vec::new(), ..manifest.clone() }));
    let mut all = audited(repo, merges, How { by: by.as_ref(), ..How::quick() })?;
    let counts = |found: &Finding| found.level >= Level::Warn && rules::OF_LOST_WORK.contains(&found.rule.as_str());
    for audited in &mut all {
        audited.findings.retain(counts);
    }
    Ok(all)
}

fn audited(repo: &Repo, commits: &[Oid], how: How<'_>) -> Result<Vec<Audited>, GitError> {
    let reader = Reader::open(repo);
    let mut found = all_described(repo, &reader, commits, how.threads);
    let tips: Vec<Oid> = found.iter().filter(|known| known.failure.is_none()).map(|known| known.commit).collect();
    let seen = match few(repo, &reader, &tips, how)? {
        Some(seen) => seen,
        None => all(repo, &reader, &tips, how)?,
    };
    for known in found.iter_mut().filter(|known| known.failure.is_none()) {
        if let Some(judged) = seen.get(&known.commit).cloned() {
            let (commit, author, subject) = (known.commit, known.author.clone(), known.subject.clone());
            *known = Audited { commit, time: known.time, author, subject, ..judged };
        }
    }
    Ok(found)
}

/// Says what each of some commits is.
fn all_described(repo: &Repo, reader: &Reader, commits: &[Oid], threads: usize) -> Vec<Audited> {
    if commits.len() <= FEW {
        return commits.iter().map(|commit| described(reader, *commit)).collect();
    }
    let found: Mutex<Vec<Audited>> = Mutex::new(commits.iter().copied().map(unjudged).collect());
    let places: Vec<usize> = (0..commits.len()).collect();
    in_threads(repo, &reader.packs(), threads, &places, |_, reader, runs| {
        while let Some(run) = runs.next() {
            let some: Vec<Audited> = run.iter().map(|place| described(reader, commits[*place])).collect();
            if let Ok(mut found) = found.lock() {
                run.iter().zip(some).for_each(|(place, described)| found[*place] = described);
            }
        }
    });
    found.into_inner().unwrap_or_default()
}

/// Says what a commit is; one that can't be read is not judged.
fn described(reader: &Reader, commit: Oid) -> Audited {
    match reader.commit(commit) {
        Ok(about) => Audited {
            time: about.time,
            subject: about.subject(),
            author: about.author.as_slice().into(),
            ..unjudged(commit)
        },
        Err(error) => Audited { verdict: Verdict::CouldNotJudge, failure: Some(error.to_string()), ..unjudged(commit) },
    }
}

fn unjudged(commit: Oid) -> Audited {
    let (author, subject) = (Raw::default(), Raw::default());
    let (findings, verdict) = (Vec::new(), Verdict::Pass);
    Audited { commit, time: 0, author, subject, deviates: false, verdict, findings, failure: None }
}

/// What was found in the merges asked for.
type Seen = HashMap<Oid, Audited>;

/// Looks at a few merges without reading the whole history. `None` when that is not enough: something deviates, so that what is
/// usual matters, or the merge bases are older.
fn few(repo: &Repo, reader: &Reader, tips: &[Oid], how: How<'_>) -> Result<Option<Seen>, GitError> {
    if tips.len() > FEW {
        return Ok(None);
    }
    for most in NEWEST {
        let graph = Graph::load(repo, reader, tips, most)?;
        let read = |tip: &Oid| graph.node(*tip).filter(|node| !graph.is_unread(*node));
        let Some(nodes) = tips.iter().map(read).collect::<Option<Vec<Node>>>() else { continue };
        let mut comparer = Comparer::new(reader, &graph);
        let mut basis = Basis::new(repo, how);
        // Without its merge base all that a merge has would seem to be new, and would be looked at.
        comparer.bases.prepare(&nodes);
        let mut seen = Seen::new();
        for (tip, node) in tips.iter().zip(nodes) {
            if !comparer.bases.is_sure() {
                break;
            }
            let audited = if graph.parents(node).len() > 1 {
                let looked = look_at(&mut comparer, &mut basis, node, Wanted::All);
                if comparer.bases.is_sure() && !looked.losses.at.is_empty() {
                    return Ok(None);
                }
                rank(&looked, Usual::default())
            } else {
                unjudged(*tip)
            };
            seen.insert(*tip, audited);
        }
        if comparer.bases.is_sure() {
            return Ok(Some(seen));
        }
    }
    Ok(None)
}

/// Looks at merges, and at those before what deviates.
fn all(repo: &Repo, reader: &Reader, tips: &[Oid], how: How<'_>) -> Result<Seen, GitError> {
    let graph = Graph::load(repo, reader, tips, usize::MAX)?;
    let nodes: Vec<Node> = tips.iter().filter_map(|tip| graph.node(*tip)).collect();
    // Newest first.
    let mut merges = graph.range(&nodes, &[]);
    merges.retain(|node| graph.parents(*node).len() > 1);
    let place: HashMap<Node, usize> = merges.iter().enumerate().map(|(place, node)| (*node, place)).collect();
    let packs = reader.packs();
    let mut work = Work { repo, graph: &graph, merges: &merges, packs, how, looked: Vec::new() };
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
    Ok(work.judge(&asked))
}

/// Why a merge was not judged, if the time was over.
pub(super) const LATE: &str = "no time was left";

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
    let (packs, how) = (reader.packs(), How::quick());
    let mut work = Work { repo, graph: &graph, merges: &merges, packs, how, looked: Vec::new() };
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
    /// A data file that could not be judged, and why.
    unjudged: Option<String>,
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
    packs: Arc<Packs>,
    how: How<'w>,
    looked: Vec<Option<Looked>>,
}

impl Work<'_> {
    /// Looks at the merges of some places. A thread takes some that follow each other: they share most of their trees.
    fn look(&mut self, places: &[usize], wanted: Wanted) {
        let (graph, merges, how) = (self.graph, self.merges, self.how);
        let done = AtomicUsize::new(self.looked.iter().flatten().count());
        let of = done.load(Ordering::Relaxed) + places.len();
        let found = Mutex::new(&mut self.looked);
        in_threads(self.repo, &self.packs, how.threads, places, |repo, reader, runs| {
            let (mut comparer, mut basis) = (Comparer::new(reader, graph), Basis::new(repo, how));
            // What is left when the time is over is told by its absence.
            while let Some(run) = runs.next().filter(|_| !repo.deadline().is_half_over()) {
                comparer.bases.prepare(&run.iter().map(|place| merges[*place]).collect::<Vec<_>>());
                for place in run {
                    let looked = look_at(&mut comparer, &mut basis, merges[*place], wanted);
                    if let Ok(mut found) = found.lock() {
                        found[*place] = Some(looked);
                    }
                    (how.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, of);
                }
            }
        });
    }

    /// Judges what was looked at, against what is usual before it.
    fn judge(&self, places: &[usize]) -> Seen {
        let (graph, looked) = (self.graph, &self.looked);
        let seen = Mutex::new(Seen::with_capacity(places.len()));
        in_threads(self.repo, &self.packs, self.how.threads, places, |_, reader, runs| {
            while let Some(run) = runs.next() {
                for place in run {
                    let node = self.merges[*place];
                    let missed = || Looked { failure: Some(LATE.to_owned()), ..Looked::default() };
                    let here = looked[*place].as_ref().map_or_else(|| Cow::Owned(missed()), Cow::Borrowed);
                    let mut audited = rank(&here, usual(looked, *place));
                    whose::name_authors(reader, graph, graph.parents(node), &here.losses, &mut audited.findings);
                    if let Ok(mut seen) = seen.lock() {
                        seen.insert(graph.oid(node), audited);
                    }
                }
            }
        });
        seen.into_inner().unwrap_or_default()
    }
}

fn look_at(comparer: &mut Comparer<'_>, basis: &mut Basis<'_>, merge: Node, wanted: Wanted) -> Looked {
    let failed = |error: GitError| Looked { failure: Some(error.to_string()), ..Looked::default() };
    let sum = |losses: &Losses| {
        let deviates = losses.at.iter().any(|loss| !loss.deviation.is_as_git_left_it());
        let paths = losses.at.iter().map(|loss| loss.deviation.path.clone()).collect();
        Looked { deviates, size: losses.size(), paths, ..Looked::default() }
    };
    if wanted == Wanted::Losses {
        return facts::lost(comparer, merge).map_or_else(failed, |losses| sum(&losses));
    }
    let first = comparer.graph().parents(merge).first().map(|first| comparer.graph().tree(*first));
    let manifest = match basis.manifests.of(comparer.reader(), first) {
        Ok(manifest) => manifest,
        Err(error) => return failed(error),
    };
    let mut facts = match facts::existing(comparer, &basis.databases, &manifest, merge) {
        Ok(facts) => facts,
        Err(error) => return failed(error),
    };
    let losses = std::mem::take(&mut facts.losses);
    let case = Case { facts: &facts, manifest: &manifest };
    let (findings, unjudged) = (rules::judge(&case), rules::unjudged(&case));
    let unjudged = unjudged.into_iter().next().map(|(path, why)| format!("'{path}': {why}"));
    // Of what was judged only the deviations are of use later.
    facts.contents.clear();
    facts.data.clear();
    facts.paths.retain(|path| losses.at.iter().any(|loss| loss.deviation.path == path.path));
    let keep = !losses.at.is_empty();
    let looked = sum(&losses);
    Looked { findings, losses, manifest, facts: keep.then(|| Box::new(facts)), unjudged, ..looked }
}

/// What merges are judged by and what was read of them, for one thread.
struct Basis<'r> {
    manifests: Manifests,
    databases: Databases<'r>,
}

impl<'r> Basis<'r> {
    fn new(repo: &'r Repo, how: How<'_>) -> Self {
        let manifests = Manifests { all: how.by.cloned(), ..Manifests::default() };
        Self { manifests, databases: Databases::new(repo) }
    }
}

/// Manifests that were read, by their blob: most merges of a history have the same.
#[derive(Default)]
struct Manifests {
    /// The one that counts for all.
    all: Option<Arc<Manifest>>,
    none: Arc<Manifest>,
    known: HashMap<Oid, Arc<Manifest>>,
}

impl Manifests {
    /// Returns the manifest in the tree of a merge's first parent; the built-in one where it has none that can be read.
    fn of(&mut self, reader: &Reader, first: Option<Oid>) -> Result<Arc<Manifest>, GitError> {
        if let Some(all) = &self.all {
            return Ok(Arc::clone(all));
        }
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
    if looked.unjudged.is_some() && audited.verdict != Verdict::Block {
        audited.verdict = Verdict::CouldNotJudge;
        audited.failure.clone_from(&looked.unjudged);
    }
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

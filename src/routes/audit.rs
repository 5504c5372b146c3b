//! `guard audit`: what did the merges of a history lose?
//!
//! ```text
//! compare   each merge, in several threads            -> what deviates, what the rules of contents find
//! usual     the 300 merges before it                  -> how unusual that is here
//! rank      deviations by points                      -> findings
//! ```
//!
//! Nothing is changed and nothing recorded. What can't be read (a shallow clone, a missing object) is an answer of its own.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{judge, whose};
use crate::facts;
use crate::git::{Bases, GitError, Graph, Node, Opening, Reader, Repo};
use crate::manifest::Manifest;
use crate::model::{Facts, Finding, Losses, Oid, Raw, Usual, Verdict};
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
/// Fewer that deviate say nothing about their size.
const TELLING: usize = 8;

/// Audits commits, in the order given; one that is no merge is judged fine.
pub fn audit(repo: &Repo, commits: &[Oid], threads: usize, progress: Progress<'_>) -> Result<Vec<Audited>, GitError> {
    let reader = Reader::open(repo);
    let mut wanted: Vec<Result<Oid, String>> = Vec::new();
    for commit in commits {
        wanted.push(reader.commit(*commit).map(|_| *commit).map_err(|error| error.to_string()));
    }
    let tips: Vec<Oid> = wanted.iter().filter_map(|found| found.as_ref().ok()).copied().collect();
    let graph = Graph::load(repo, &reader, &tips)?;
    let nodes: Vec<Node> = tips.iter().filter_map(|tip| graph.node(*tip)).collect();
    let plan = Plan::new(&graph, &nodes);
    let looked = look(repo, &graph, &plan, threads, progress);
    let usual = plan.usual(&looked);
    let mut found = Vec::new();
    for (commit, known) in commits.iter().zip(&wanted) {
        found.push(match known {
            Err(why) => unknown(*commit, why.clone()),
            Ok(oid) => {
                let about = reader.commit(*oid)?;
                let node = graph.node(*oid);
                let place = node.and_then(|node| plan.place.get(&node)).copied();
                let mut audited = match place {
                    Some(place) => rank(&looked[place], usual[place]),
                    None => unjudged(*oid),
                };
                if let (Some(place), Some(node)) = (place, node) {
                    whose::name_authors(&reader, &graph, node, &looked[place].losses, &mut audited.findings);
                }
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

/// Which merges are looked at: those asked for, and those before them.
struct Plan {
    /// Newest first.
    merges: Vec<Node>,
    /// Where a merge stands in the list.
    place: BTreeMap<Node, usize>,
    asked: Vec<bool>,
    looked_at: Vec<bool>,
}

impl Plan {
    fn new(graph: &Graph, asked: &[Node]) -> Self {
        let mut merges = graph.range(asked, &[]);
        merges.retain(|node| graph.parents(*node).len() > 1);
        let place: BTreeMap<Node, usize> = merges.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut plan = Self { asked: vec![false; merges.len()], looked_at: vec![false; merges.len()], merges, place };
        for node in asked {
            if let Some(at) = plan.place.get(node).copied() {
                plan.asked[at] = true;
                let end = (at + 1 + BEFORE).min(plan.merges.len());
                plan.looked_at[at..end].fill(true);
            }
        }
        plan
    }

    /// Says for each merge what is usual among those before it.
    fn usual(&self, looked: &[Looked]) -> Vec<Usual> {
        let usual = |place: usize| {
            if !self.asked[place] || looked[place].losses.at.is_empty() {
                return Usual::default();
            }
            let before = &looked[(place + 1).min(looked.len())..(place + 1 + BEFORE).min(looked.len())];
            let mut sizes: Vec<usize> = before.iter().filter(|merge| merge.deviates).map(|merge| merge.size).collect();
            sizes.sort_unstable();
            let large = if sizes.len() < TELLING { 0 } else { sizes[sizes.len() * 3 / 4] };
            Usual { merges: before.len(), deviating: sizes.len(), large }
        };
        (0..self.merges.len()).map(usual).collect()
    }
}

/// What was seen of a merge.
#[derive(Debug, Clone, Default)]
struct Looked {
    findings: Vec<Finding>,
    losses: Losses,
    facts: Option<Box<Facts>>,
    deviates: bool,
    size: usize,
    failure: Option<String>,
}

/// Looks at all merges of a plan, in several threads.
fn look(repo: &Repo, graph: &Graph, plan: &Plan, threads: usize, progress: Progress<'_>) -> Vec<Looked> {
    let places: Vec<usize> = (0..plan.merges.len()).filter(|place| plan.looked_at[*place]).collect();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Looked>> = Mutex::new(vec![Looked::default(); plan.merges.len()]);
    let work = |opening: Opening| {
        let repo = opening.open();
        let reader = Reader::open(&repo);
        let mut bases = Bases::new(graph);
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(turn) else { return };
            let looked = look_at(&reader, graph, &mut bases, plan.merges[*place], plan.asked[*place]);
            if let Ok(mut found) = found.lock() {
                found[*place] = looked;
            }
            progress(turn + 1, places.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, 64).min(places.len().max(1)) {
            let opening = repo.opening();
            scope.spawn(|| work(opening));
        }
    });
    found.into_inner().unwrap_or_default()
}

fn look_at(reader: &Reader, graph: &Graph, bases: &mut Bases<'_>, merge: Node, asked: bool) -> Looked {
    let mut facts = match facts::existing(reader, graph, bases, merge) {
        Ok(facts) => facts,
        Err(error) => return Looked { failure: Some(error.to_string()), ..Looked::default() },
    };
    let losses = std::mem::take(&mut facts.losses);
    let deviates = losses.at.iter().any(|loss| !loss.deviation.is_as_git_left_it());
    let size = losses.size();
    if !asked {
        return Looked { deviates, size, ..Looked::default() };
    }
    let findings = rules::judge(&Case { facts: &facts, manifest: &Manifest::default() });
    facts.contents.clear();
    let keep = !losses.at.is_empty();
    Looked { findings, losses, facts: keep.then(|| Box::new(facts)), deviates, size, failure: None }
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
        let facts = Facts { losses, paths: Vec::new(), ..(**facts).clone() };
        audited.findings.extend(rules::judge(&Case { facts: &facts, manifest: &Manifest::default() }));
    }
    judge::worst_first(&mut audited.findings);
    audited.verdict = Verdict::of(&audited.findings);
    audited
}

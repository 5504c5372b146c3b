//! What auditing a history costs, and whether it says what git says:
//! `cargo bench --bench audit -- <repository> [<how many of the newest merges>]`.
//!
//! Two things in one run, on the same repository: `git log --merges --remerge-diff`, and `guard audit`. Printed are wall time and
//! CPU of both, and on which merges they do not agree that the result is what merging gives. Git does not remerge merges of
//! three and more parents: those are audited, not compared. Nothing is asserted.

#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::disallowed_methods, reason = "it runs git and guard")]

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(repository) = words.first() else {
        println!("not run: name a repository: cargo bench --bench audit -- <repository> [<how many merges>]");
        return;
    };
    let limit = words.get(1).map(|count| format!("--max-count={count}"));
    let log = ["log", "--merges", "--remerge-diff", "--topo-order", "--raw", "--format=commit %H %P"];
    let (git, git_cost) = run(Command::new("git").arg("-C").arg(repository).args(log).args(&limit));
    let guard = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guard"));
        command.arg("-C").arg(repository).args(["audit", "--stdin", "--json"]);
        command
    };
    let Told { all, octopus, deviating: theirs } = told(&git.stdout);
    let input: String = all.iter().map(|commit| format!("{commit}\n")).collect();
    let (answer, guard_cost) = fed(guard(), &input);
    let (_, one_thread) = fed(
        {
            let mut one = guard();
            one.args(["--threads", "1"]);
            one
        },
        &input,
    );
    let document: serde_json::Value = serde_json::from_slice(&answer).expect("a document");
    let merges = document["merges"].as_array().expect("merges");
    let named = |merge: &serde_json::Value| merge["commit"].as_str().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = merges.iter().filter(|merge| merge["deviates"] == true).map(named).collect();
    let ours = &ours - &octopus;
    let failed = merges.iter().filter(|merge| merge["verdict"] == "could-not-judge").count();
    println!(
        "{repository}: {} merges, {} deviate by git, {failed} could not be judged; {} of many parents",
        all.len(),
        theirs.len(),
        octopus.len()
    );
    println!("  git    {git_cost:.2?}");
    println!(
        "  guard  {guard_cost:.2?}; with one thread {one_thread:.2?}; git : guard {:.2}",
        ratio(git_cost, guard_cost)
    );
    println!("  missed {}, too many {}", theirs.difference(&ours).count(), ours.difference(&theirs).count());
    for commit in theirs.difference(&ours).take(10) {
        println!("    missed   {commit}");
    }
    for commit in ours.difference(&theirs).take(10) {
        println!("    too many {commit}");
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn run(command: &mut Command) -> (Output, Duration) {
    let start = Instant::now();
    let output = command.output().expect("it runs");
    (output, start.elapsed())
}

fn fed(mut command: Command, input: &str) -> (Vec<u8>, Duration) {
    use std::io::{Read, Write};
    let start = Instant::now();
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).spawn().expect("guard runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("guard reads");
    let mut out = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut out).expect("guard writes");
    child.wait().expect("guard ends");
    (out, start.elapsed())
}

/// What git said of merges.
#[derive(Default)]
struct Told {
    all: Vec<String>,
    /// Those with more than two parents.
    octopus: BTreeSet<String>,
    /// Those with a difference.
    deviating: BTreeSet<String>,
}

fn told(log: &[u8]) -> Told {
    let mut told = Told::default();
    for line in String::from_utf8_lossy(log).lines() {
        if let Some(commits) = line.strip_prefix("commit ") {
            let mut commits = commits.split(' ').map(str::to_owned);
            told.all.extend(commits.next());
            if commits.count() > 2 {
                told.octopus.extend(told.all.last().cloned());
            }
        } else if line.starts_with(':') {
            told.deviating.extend(told.all.last().cloned());
        }
    }
    told
}

//! What the installed hooks cost, as paired ratios in one run: `cargo bench --bench hooks`.
//!
//! Three ways take turns, so that a drifting machine hits all alike: no hooks, the same hooks as empty shell scripts,
//! the guard's. Medians of each, and the median of the pairwise ratios. Nothing is asserted.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a benchmark runs git and writes its scratch repository")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HOOKS: [&str; 10] = [
    "reference-transaction",
    "pre-merge-commit",
    "pre-commit",
    "prepare-commit-msg",
    "post-merge",
    "post-commit",
    "post-checkout",
    "post-rewrite",
    "pre-rebase",
    "pre-push",
];

fn main() {
    let runs = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(15);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for files in [2_000, 20_000] {
        merge(scratch.path(), files, runs);
    }
    fetch(scratch.path(), runs.min(9));
}

/// A repository, and the three hooks folders that take turns in it.
struct Bench {
    repo: PathBuf,
    home: PathBuf,
    empty: PathBuf,
    guard: PathBuf,
}

impl Bench {
    fn new(scratch: &Path, name: &str) -> Self {
        let repo = scratch.join(name);
        fs::create_dir_all(&repo).expect("the repository's folder");
        let bench = Self {
            home: scratch.to_owned(),
            empty: scratch.join(format!("{name}-empty")),
            guard: repo.join(".git/hooks"),
            repo,
        };
        bench.git(&["init", "-q", "-b", "main"]);
        bench.git(&["config", "user.name", "Bench"]);
        bench.git(&["config", "user.email", "bench@example.com"]);
        fs::create_dir_all(&bench.empty).expect("a folder for empty hooks");
        for hook in HOOKS {
            let path = bench.empty.join(hook);
            fs::write(&path, "#!/bin/sh\n").expect("an empty hook");
            run(Command::new("chmod").arg("+x").arg(path));
        }
        bench
    }

    fn install(&self) {
        let mut guard = self.command(env!("CARGO_BIN_EXE_guard"));
        run(guard.arg("install"));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.repo).env("HOME", &self.home).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn git(&self, arguments: &[&str]) {
        run(self.command("git").args(arguments));
    }

    /// Times git with one of the hooks folders.
    fn timed(&self, hooks: &Path, arguments: &[&str]) -> Duration {
        let mut git = self.command("git");
        git.arg("-c").arg(format!("core.hooksPath={}", hooks.display())).args(arguments);
        let start = Instant::now();
        run(&mut git);
        start.elapsed()
    }
}

fn run(command: &mut Command) {
    let status = command.status().expect("a program that starts");
    assert!(status.success(), "{command:?} failed");
}

/// A clean `git merge --no-ff` of ten changed files.
fn merge(scratch: &Path, files: usize, runs: usize) {
    let bench = Bench::new(scratch, &format!("merge-{files}"));
    for file in 0..files {
        let folder = bench.repo.join(format!("d{:03}", file / 100));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("f{file}.txt")), format!("line {file}\n")).expect("a file");
    }
    fs::write(bench.repo.join(".recoveryguard.toml"), "version = 1\n[[protect]]\npaths = [\"d000/*\"]\n")
        .expect("a manifest");
    bench.git(&["add", "-A"]);
    bench.git(&["commit", "-q", "-m", "base"]);
    bench.git(&["checkout", "-q", "-b", "feat"]);
    for file in (0..files).step_by(files / 10) {
        fs::write(bench.repo.join(format!("d{:03}/f{file}.txt", file / 100)), "changed\n").expect("a change");
    }
    bench.git(&["commit", "-q", "-a", "-m", "feat"]);
    bench.git(&["checkout", "-q", "main"]);
    fs::write(bench.repo.join("d001/other.txt"), "other\n").expect("a change");
    bench.git(&["add", "-A"]);
    bench.git(&["commit", "-q", "-m", "main"]);
    bench.install();
    let none = scratch.join("none");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (hooks, list) in [&none, &bench.empty, &bench.guard].into_iter().zip(&mut times) {
            list.push(bench.timed(hooks, &["merge", "-q", "--no-ff", "-m", "m", "feat"]));
            bench.git(&["-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard", "HEAD~1"]);
        }
    }
    let [none, empty, guard] = times;
    println!("git merge --no-ff, {files} files, {runs} runs");
    report(&none, &empty, &guard);
    println!(
        "  over no hooks: empty +{:.1} ms, guard +{:.1} ms, {:.2} times the empty ones\n",
        extra(&empty, &none),
        extra(&guard, &none),
        extra(&guard, &none) / extra(&empty, &none)
    );
}

/// A fetch of 300 new refs.
fn fetch(scratch: &Path, runs: usize) {
    let source = Bench::new(scratch, "source");
    fs::write(source.repo.join("f"), "x\n").expect("a file");
    source.git(&["add", "-A"]);
    source.git(&["commit", "-q", "-m", "base"]);
    for tag in 0..300 {
        source.git(&["tag", &format!("t{tag}")]);
    }
    let bench = Bench::new(scratch, "fetch");
    bench.git(&["commit", "-q", "--allow-empty", "-m", "base"]);
    bench.install();
    let none = scratch.join("none");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (hooks, list) in [&none, &bench.empty, &bench.guard].into_iter().zip(&mut times) {
            list.push(bench.timed(hooks, &["fetch", "-q", "../source", "refs/tags/*:refs/tags/*"]));
            for file in fs::read_dir(bench.repo.join(".git/refs/tags")).expect("loose tags").flatten() {
                fs::remove_file(file.path()).expect("a loose tag");
            }
        }
    }
    let [none, empty, guard] = times;
    println!("git fetch of 300 new refs, {runs} runs");
    report(&none, &empty, &guard);
}

fn report(none: &[Duration], empty: &[Duration], guard: &[Duration]) {
    println!("  medians: no hooks {:.1} ms, empty hooks {:.1} ms, guard {:.1} ms", ms(none), ms(empty), ms(guard));
    println!("  ratios:  guard / empty {:.3}, guard / none {:.3}", ratio(guard, empty), ratio(guard, none));
}

fn ms(times: &[Duration]) -> f64 {
    median(times.iter().map(|time| time.as_secs_f64() * 1000.0).collect())
}

fn ratio(times: &[Duration], others: &[Duration]) -> f64 {
    median(times.iter().zip(others).map(|(time, other)| time.as_secs_f64() / other.as_secs_f64()).collect())
}

/// The median of the pairwise differences, in milliseconds.
fn extra(times: &[Duration], others: &[Duration]) -> f64 {
    median(times.iter().zip(others).map(|(time, other)| (time.as_secs_f64() - other.as_secs_f64()) * 1000.0).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

//! Replays real merges with and without the hooks: `cargo bench --bench replay -- <repository> [<how many>]`.
//!
//! For each merge of the repository's history: check out the first parent, merge the others, once with hooks switched
//! off and once with the guard's. Compared are the exit status, the result's tree, the working tree's state and what git
//! says. It works in a clone of its own; the repository is only read.

#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::disallowed_methods, reason = "it runs git in a scratch clone")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(source) = words.first() else {
        println!("not run: name a repository: cargo bench --bench replay -- <repository> [<how many merges>]");
        return;
    };
    let count = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(200);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let replay = Replay { clone: scratch.path().join("clone"), home: scratch.path().to_owned() };
    let status =
        Command::new("git").args(["clone", "-q", "--shared", "--no-checkout", source]).arg(&replay.clone).status();
    assert!(status.is_ok_and(|status| status.success()), "{source} can't be cloned");
    replay.run(source, count);
}

struct Replay {
    clone: PathBuf,
    home: PathBuf,
}

/// What one merge came to.
struct Came {
    status: Option<i32>,
    tree: String,
    state: String,
    said: String,
    took: Duration,
}

impl Replay {
    fn command(&self, program: &str, hooks: bool) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.clone).env("HOME", &self.home).env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C").stdin(Stdio::null());
        command.env("GIT_AUTHOR_DATE", "1700000000 +0000").env("GIT_COMMITTER_DATE", "1700000000 +0000");
        for who in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            command.env(who, "replay");
        }
        if !hooks {
            command.args(["-c", "core.hooksPath=/dev/null"]);
        }
        command
    }

    fn git(&self, hooks: bool, arguments: &[&str]) -> Output {
        self.command("git", hooks).args(arguments).output().expect("git starts")
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.git(false, arguments).stdout).trim().to_owned()
    }

    fn run(&self, source: &str, count: usize) {
        let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"));
        let installed = guard.arg("install").current_dir(&self.clone).env("HOME", &self.home).output();
        assert!(installed.is_ok_and(|output| output.status.success()), "the hooks go in");
        let list = self.text(&["rev-list", "--merges", "--parents", &format!("--max-count={count}"), "HEAD"]);
        let (mut same, mut flagged) = (0, BTreeMap::new());
        let mut times = (Vec::new(), Vec::new());
        for line in list.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let without = self.merge(false, words[1], &words[2..]);
            let with = self.merge(true, words[1], &words[2..]);
            let refused = with.said.contains("guard: refused");
            for rule in with.said.split('[').skip(1).filter_map(|rest| rest.split_once(']')) {
                let rule = rule.0.to_owned();
                if rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && with.said.contains("guard:") {
                    *flagged.entry(rule).or_insert(0) += 1;
                }
            }
            let equal = without.status == with.status
                && without.tree == with.tree
                && without.state == with.state
                && without.said == without_ours(&with.said);
            if equal {
                same += 1;
            } else {
                println!(
                    "{} differs{}: status {:?} and {:?}\n--- git\n{}--- with hooks\n{}",
                    words[0],
                    if refused { " (refused)" } else { "" },
                    without.status,
                    with.status,
                    without.said,
                    with.said
                );
            }
            times.0.push(without.took);
            times.1.push(with.took);
        }
        println!("{source}: {} merges replayed, {same} the same; findings said: {flagged:?}", times.0.len());
        println!("  median per merge: {:.1} ms without hooks, {:.1} ms with", median(&times.0), median(&times.1));
    }

    fn merge(&self, hooks: bool, first: &str, others: &[&str]) -> Came {
        self.git(false, &["checkout", "-q", "-f", "--detach", first]);
        self.git(false, &["clean", "-qfdx"]);
        let start = Instant::now();
        let mut arguments = vec!["merge", "--no-edit", "-m", "replayed"];
        arguments.extend(others);
        let output = self.git(hooks, &arguments);
        let took = start.elapsed();
        let came = Came {
            status: output.status.code(),
            tree: self.text(&["rev-parse", "HEAD^{tree}"]),
            state: self.text(&["status", "--porcelain=v2", "--untracked-files=all"]),
            said: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
            took,
        };
        self.git(false, &["merge", "--abort"]);
        came
    }
}

/// Leaves out what the guard says: its headline, the indented lines below it, and its last line.
fn without_ours(said: &str) -> String {
    let mut ours = false;
    let mut kept = String::new();
    for line in said.lines() {
        if line.starts_with("guard:") {
            ours = true;
        } else if ours && (line.starts_with("  ") || line.starts_with("to take the merge back")) {
            ours = !line.starts_with("to take");
        } else {
            ours = false;
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

//! Pushes real history to a bare repository, without a hook and with guard's: `cargo bench --bench push -- <repository> [<runs>]`.
//!
//! First the newest 1,000 commits or more, with 100 merges or more; then everything into an empty repository. The two ways take
//! turns. The repository is only read; what is pushed to is a scratch copy each time.

#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::disallowed_methods, reason = "it runs git in scratch repositories")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let Some(source) = words.first() else {
        println!("not run: name a repository: cargo bench --bench push -- <repository> [<runs>]");
        return;
    };
    let runs = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(5);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let bench = Bench { source: PathBuf::from(source), scratch: scratch.path().to_owned() };
    let (base, commits, merges) = bench.base();
    println!("{source}: {commits} commits with {merges} merges onto what is there");
    bench.measure(Some(&base), runs);
    let all = bench.text(&["rev-list", "--count", "HEAD"]);
    let all_merges = bench.text(&["rev-list", "--count", "--merges", "HEAD"]);
    println!("{source}: all {all} commits with {all_merges} merges into an empty repository");
    bench.measure(None, 1);
}

struct Bench {
    source: PathBuf,
    scratch: PathBuf,
}

impl Bench {
    fn git(&self, folder: &Path, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("git");
        command.current_dir(folder).args(arguments).stdin(Stdio::null());
        command.env("HOME", &self.scratch).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command.output().expect("git starts")
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8_lossy(&self.git(&self.source, arguments).stdout).trim().to_owned()
    }

    /// Finds the newest commit on HEAD's own way after which there is enough.
    fn base(&self) -> (String, usize, usize) {
        let mut back = 1;
        loop {
            let base = self.text(&["rev-parse", &format!("HEAD~{back}")]);
            let count = |more: &[&str]| {
                let range = format!("{base}..HEAD");
                self.text(&[&["rev-list", "--count", &range], more].concat()).parse().unwrap_or(0)
            };
            let (commits, merges) = (count(&[]), count(&["--merges"]));
            if commits >= 1000 && merges >= 100 {
                return (base, commits, merges);
            }
            back += back / 8 + 1;
        }
    }

    fn measure(&self, base: Option<&str>, runs: usize) {
        let template = self.scratch.join("template.git");
        let _ = std::fs::remove_dir_all(&template);
        self.git(&self.scratch, &["init", "-q", "--bare", "-b", "main", "template.git"]);
        if let Some(base) = base {
            let target = template.to_string_lossy();
            self.git(&self.source, &["push", "-q", &target, &format!("{base}:refs/heads/main")]);
            // As a server's maintenance does.
            self.git(&template, &["commit-graph", "write", "--reachable"]);
        }
        let mut times = [Vec::new(), Vec::new()];
        let mut said = String::new();
        for _ in 0..runs {
            for (way, times) in times.iter_mut().enumerate() {
                let (took, text) = self.push(&template, way == 1);
                times.push(took);
                said = if way == 1 { text } else { said };
            }
        }
        let [without, with] = times.map(|times| median(&times));
        println!(
            "  {without:.2} s without a hook, {with:.2} s with guard: {:.2} s more, ratio {:.2} (medians of {runs})",
            with - without,
            with / without
        );
        println!("  guard said: {}", if said.is_empty() { "nothing, all was judged" } else { &said });
    }

    fn push(&self, template: &Path, guarded: bool) -> (Duration, String) {
        let server = self.scratch.join("server.git");
        let _ = std::fs::remove_dir_all(&server);
        let copied = Command::new("cp").arg("-r").args([template, &server]).status();
        assert!(copied.is_ok_and(|status| status.success()), "the template is copied");
        let _ = std::fs::remove_file(server.join("hooks/pre-receive"));
        if guarded {
            let mut guard = Command::new(env!("CARGO_BIN_EXE_guard"));
            let installed = guard.args(["install", "--server"]).current_dir(&server).output();
            assert!(installed.is_ok_and(|output| output.status.success()), "the hook goes in");
        }
        let began = Instant::now();
        let pushed = self.git(&self.source, &["push", "-q", &server.to_string_lossy(), "HEAD:refs/heads/main"]);
        let took = began.elapsed();
        let lines = String::from_utf8_lossy(&pushed.stderr).into_owned();
        let ours = lines.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim);
        let said = ours.take(4).collect::<Vec<_>>().join(" ");
        (took, if pushed.status.success() { said } else { format!("REFUSED {said}") })
    }
}

fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

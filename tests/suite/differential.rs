//! With hooks installed and nothing to object to, git does exactly what it does without (H13).
//!
//! Two repositories get the same random commands, one with hooks. After each command exit status, both streams, refs,
//! index and working tree are compared.

use crate::support::{Ran, Random, Sandbox};

/// One thing to do in both repositories.
enum Step {
    Git(Vec<String>),
    Write(String, String),
}

fn git(words: &[&str]) -> Step {
    Step::Git(words.iter().map(|word| (*word).to_owned()).collect())
}

const BRANCHES: &[&str] = &["main", "one", "two", "three"];

/// The commands, without any that would name the sandbox's own folder.
fn step(random: &mut Random, number: usize) -> Vec<Step> {
    let branch = random.pick(BRANCHES);
    let other = random.pick(BRANCHES);
    let message = format!("step {number}");
    let file = random.pick(&["a", "b", "dir/c", "dir/d", "e f"]);
    let line = random.below(9);
    let text: String = (0..9).map(|n| if n == line { format!("{number}\n") } else { format!("line {n}\n") }).collect();
    match random.below(22) {
        0..=5 => vec![Step::Write(file.into(), text), git(&["add", "-A"]), git(&["commit", "-q", "-m", &message])],
        6 => vec![git(&["checkout", "-q", branch])],
        7 => vec![git(&["switch", "-q", branch])],
        8..=9 => vec![git(&["merge", "--no-edit", branch]), git(&["merge", "--abort"])],
        10 => vec![git(&["merge", "--no-ff", "-m", &message, branch]), git(&["merge", "--abort"])],
        11 => vec![
            git(&["merge", "-q", branch]),
            git(&["checkout", "--theirs", "."]),
            git(&["add", "-A"]),
            git(&["commit", "-q", "-m", &message]),
        ],
        12 => vec![
            git(&["merge", "--squash", branch]),
            git(&["commit", "-q", "-m", &message]),
            git(&["reset", "-q", "--hard"]),
        ],
        13 => vec![git(&["rebase", "-q", branch]), git(&["rebase", "--abort"])],
        14 => vec![git(&["cherry-pick", branch]), git(&["cherry-pick", "--abort"])],
        15 => vec![
            Step::Write(file.into(), text),
            git(&["stash", "-q"]),
            git(&["stash", "pop", "-q"]),
            git(&["reset", "-q", "--hard"]),
        ],
        16 => vec![git(&["reset", "-q", "--hard", "HEAD~1"])],
        17 => vec![git(&["branch", "-f", other, branch])],
        18 => vec![git(&["gc", "-q"]), git(&["pack-refs", "--all"])],
        19 => vec![
            git(&["worktree", "add", "-q", "-f", "../wt", branch]),
            git(&["worktree", "remove", "--force", "../wt"]),
        ],
        20 => vec![git(&["commit", "-q", "--amend", "-m", &message]), git(&["tag", "-f", "t", branch])],
        _ => vec![
            git(&["merge", "-q", "-m", &message, branch, other]),
            git(&["merge", "--abort"]),
            git(&["revert", "--no-edit", "HEAD"]),
            git(&["revert", "--abort"]),
        ],
    }
}

fn start() -> Sandbox {
    let sandbox = Sandbox::new();
    for file in ["a", "b", "dir/c", "dir/d", "e f"] {
        sandbox.write(file, (0..9).map(|n| format!("line {n}\n")).collect::<String>());
    }
    // Conflicts are settled at random here: that work is lost by it is meant so.
    let off =
        ["lost-change", "lost-common-line", "doubled-block", "resurrected"].map(|rule| format!("{rule} = 'off'\n"));
    sandbox.write(".recoveryguard.toml", format!("version = 1\n[rules]\n{}", off.concat()));
    sandbox.commit("files");
    for branch in &BRANCHES[1..] {
        let _ = sandbox.git(["branch", branch]).ok();
    }
    // git's own housekeeping in the background would end at another moment in each.
    let _ = sandbox.git(["config", "gc.auto", "0"]).ok();
    let _ = sandbox.git(["config", "maintenance.auto", "false"]).ok();
    let _ = sandbox.git(["config", "advice.detachedHead", "false"]).ok();
    sandbox
}

/// What a command said, without the name of the sandbox.
fn said(sandbox: &Sandbox, ran: &Ran) -> (i32, String, String) {
    let root = sandbox.root().to_string_lossy().into_owned();
    (ran.status, ran.stdout.replace(&root, ""), ran.stderr.replace(&root, ""))
}

fn play(seed: u64, steps: usize) {
    let (plain, hooked) = (start(), start());
    hooked.install();
    let mut random = Random(seed);
    let mut history = Vec::new();
    for number in 0..steps {
        for step in step(&mut random, number) {
            match &step {
                Step::Write(path, text) => {
                    plain.write(path, text);
                    hooked.write(path, text);
                }
                Step::Git(words) => {
                    history.push(words.join(" "));
                    let (a, b) = (plain.git(words), hooked.git(words));
                    let context = || format!("seed {seed}:\n{}\n", history.join("\n"));
                    assert_eq!(said(&plain, &a), said(&hooked, &b), "{}", context());
                    let differences = plain.state().differences(&hooked.state());
                    let differences: Vec<_> =
                        differences.into_iter().filter(|line| !line.contains("refs/recoveryguard/")).collect();
                    assert!(differences.is_empty(), "{}{}", context(), differences.join("\n"));
                }
            }
        }
    }
}

#[test]
fn hooks_change_nothing_when_there_is_nothing_to_object_to() {
    for seed in 1..=4 {
        play(seed, 40);
    }
}

#[test]
fn hooks_change_nothing_in_four_more_histories() {
    for seed in 101..=104 {
        play(seed, 40);
    }
}

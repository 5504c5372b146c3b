//! `guard undo-merge` and `guard redo` of a merge of 1,000 files against `git reset --keep` on an identical copy.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::cost::Costs;
use crate::world::World;

/// git trusts the times of files that are older than its index by a second.
const SETTLED: Duration = Duration::from_millis(1100);

pub fn run(scratch: &Path, runs: usize) {
    let git = World::new(scratch, "git", 5_000, 1_000);
    let guard = git.copy("guard");
    guard.install();
    let merge = ["merge", "-q", "--no-ff", "-m", "m", "feat"];
    let hooks = guard.repo.join(".git/hooks");
    let mut costs: [Costs; 4] = Default::default();
    for _ in 0..runs {
        git.git(&merge);
        crate::world::run(&mut guard.git_with(&hooks, &merge));
        sleep(SETTLED);
        let [reset, undo, forth, redo] = &mut costs;
        reset.time(&mut git.git_with(Path::new("/dev/null"), &["reset", "-q", "--keep", "ORIG_HEAD"]));
        undo.time(guard.guard().arg("undo-merge"));
        sleep(SETTLED);
        forth.time(&mut git.git_with(Path::new("/dev/null"), &["reset", "-q", "--keep", "ORIG_HEAD"]));
        redo.time(guard.guard().arg("redo"));
        sleep(SETTLED);
        git.git(&["reset", "-q", "--hard", "HEAD~1"]);
        crate::world::run(guard.guard().arg("undo-merge"));
    }
    println!("\na merge that changed 1,000 of 5,000 files, taken back and brought back, {runs} runs");
    println!("                                 wall       cpu");
    let [reset, undo, forth, redo] = &costs;
    for (name, git, ours) in [("guard undo-merge", reset, undo), ("guard redo", forth, redo)] {
        println!("  git reset --keep          {:7.1} ms {:7.1} ms", git.wall(), git.cpu());
        println!("  {name:24}  {:7.1} ms {:7.1} ms", ours.wall(), ours.cpu());
        println!("  ratio                     {:10.2} {:10.2}", ours.wall_ratio(git), ours.cpu_ratio(git));
    }
}

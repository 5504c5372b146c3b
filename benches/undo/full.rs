//! A full snapshot (`[snapshot] scope = "all"`) at the gate, in a tree of 100,000 files of which 10 are modified and 10
//! untracked, against `git status`: the gate with `all` less the gate with `touched`.

use std::path::Path;

use crate::cost::Costs;
use crate::world::{World, path};

pub fn run(scratch: &Path, runs: usize) {
    let world = World::new(scratch, "full", 100_000, 10);
    world.write(".recoveryguard.toml", "version = 1\n[snapshot]\nscope = \"all\"\n");
    world.git(&["commit", "-q", "-a", "-m", "all"]);
    world.git(&["branch", "-q", "all"]);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.install();
    let gate = world.gate_alone();
    std::fs::write(world.repo.join(".git/info/exclude"), "").expect("a list");
    let merge = ["merge", "-q", "--no-ff", "-m", "m", "feat"];
    let mut costs: [Costs; 3] = Default::default();
    for _ in 0..runs {
        for (branch, costs) in ["main", "all"].iter().zip(&mut costs) {
            world.git(&["checkout", "-q", branch]);
            dirty(&world);
            costs.time(&mut world.git_with(&gate, &merge));
            world.git(&["reset", "-q", "--hard", "HEAD~1"]);
        }
        dirty(&world);
        costs[2].time(&mut world.git_with(Path::new("/dev/null"), &["status", "--porcelain"]));
        world.git(&["reset", "-q", "--hard"]);
    }
    let [touched, all, status] = &costs;
    let (more, status_cpu) = (all.cpu() - touched.cpu(), status.cpu());
    println!("\na merge in a dirty tree of 100,000 files, the gate alone, {runs} runs");
    println!("  scope = \"touched\"   {:7.1} ms, cpu {:7.1} ms", touched.wall(), touched.cpu());
    println!("  scope = \"all\"       {:7.1} ms, cpu {:7.1} ms", all.wall(), all.cpu());
    println!("  git status          {:7.1} ms, cpu {status_cpu:7.1} ms", status.wall());
    println!("  the snapshot: cpu +{more:.1} ms, {:.2} times git status", more / status_cpu);
}

/// Modifies ten files that the merge does not touch, and adds ten; each time with other bytes, so that nothing is saved
/// already.
fn dirty(world: &World) {
    let mark = std::time::SystemTime::now();
    for file in 0..10 {
        world.write(&path(file * 9_000 + 7), &format!("modified {mark:?}\n"));
        world.write(&format!("untracked{file}.txt"), &format!("untracked {mark:?}\n"));
    }
}

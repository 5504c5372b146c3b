//! The gate alone, in real merges: over the size of the tree, and over the number of touched paths.

use std::path::Path;

use crate::cost::Costs;
use crate::world::World;

pub fn run(scratch: &Path, runs: usize) {
    println!("\nthe gate (guard's reference-transaction hook alone) in 'git merge --no-ff', {runs} runs");
    println!("   files  touched   no hooks       gate     wall more    cpu more");
    for (files, touched) in [(1_000, 10), (10_000, 10), (100_000, 10), (10_000, 100), (10_000, 1_000)] {
        let world = World::new(scratch, &format!("gate-{files}-{touched}"), files, touched);
        world.install();
        let hooks = [Path::new("/dev/null").to_owned(), world.gate_alone()];
        let mut costs = [Costs::default(), Costs::default()];
        for _ in 0..runs {
            for (hooks, costs) in hooks.iter().zip(&mut costs) {
                costs.time(&mut world.git_with(hooks, &["merge", "-q", "--no-ff", "-m", "m", "feat"]));
                world.git(&["reset", "-q", "--hard", "HEAD~1"]);
            }
        }
        let [none, gate] = &costs;
        println!(
            "{files:8} {touched:8} {:7.1} ms {:7.1} ms   +{:6.1} ms   +{:6.1} ms",
            none.wall(),
            gate.wall(),
            gate.wall_more(none),
            gate.cpu() - none.cpu()
        );
        std::fs::remove_dir_all(&world.repo).expect("an old repository");
    }
}

//! A local file of 500 MB: in the way of the merge (ignored, and over the budget), elsewhere (untracked), or not there.

use std::fs::File;
use std::path::Path;

use crate::cost::Costs;
use crate::world::World;

const SIZE: u64 = 500_000_000;

pub fn run(scratch: &Path, runs: usize) {
    let world = World::new(scratch, "large", 2_000, 10);
    // The merge brings a file that is ignored here.
    world.git(&["checkout", "-q", "feat"]);
    world.write("local.bin", "from the branch\n");
    world.git(&["add", "local.bin"]);
    world.git(&["commit", "-q", "-m", "local.bin"]);
    world.git(&["checkout", "-q", "main"]);
    std::fs::write(world.repo.join(".git/info/exclude"), "local.bin\n").expect("a list");
    world.install();
    let hooks = world.repo.join(".git/hooks");
    let places = ["nowhere", "local.bin", "elsewhere.bin"];
    let mut costs: [[Costs; 2]; 3] = Default::default();
    for _ in 0..runs {
        for (place, costs) in places.iter().zip(&mut costs) {
            for (hooks, costs) in [Path::new("/dev/null"), &hooks].into_iter().zip(costs) {
                let file = world.repo.join(place);
                if *place != "nowhere" {
                    // Sparse: it takes no room, and reading it takes as long as reading another one that is cached.
                    File::create(&file).and_then(|file| file.set_len(SIZE)).expect("a large file");
                }
                costs.time(&mut world.git_with(hooks, &["merge", "-q", "--no-ff", "-m", "m", "feat"]));
                world.git(&["reset", "-q", "--hard", "HEAD~1"]);
                // Not there when it was in the way.
                let _ = std::fs::remove_file(file);
            }
        }
    }
    println!("\na merge with a local file of 500 MB ({runs} runs)");
    println!("  the file is      no hooks       guard     wall more    cpu more");
    for (place, [none, guard]) in places.iter().zip(&costs) {
        println!(
            "  {place:14} {:7.1} ms  {:7.1} ms   +{:6.1} ms   +{:6.1} ms",
            none.wall(),
            guard.wall(),
            guard.wall_more(none),
            guard.cpu() - none.cpu()
        );
    }
}

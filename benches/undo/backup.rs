//! `guard backup create`: how much room ten versions of a JSON file of 60 MB take, against `git gc` of the same; and what a backup of
//! 100 files costs that have not changed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::cost::Costs;
use crate::world::{World, run as must};

const RECORDS: usize = 285_000;
const VERSIONS: usize = 10;
/// One record in so many is another one in the next version: 0.5 %.
const ONE_IN: usize = 200;

const FILES: usize = 100;

pub fn run(scratch: &Path, runs: usize) {
    room(scratch);
    unchanged(scratch, runs);
}

fn world(scratch: &Path, name: &str) -> World {
    let world = World::new(scratch, name, 1, 1);
    world.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['/data/']\nbackup = true\n");
    std::fs::create_dir(world.repo.join("data")).expect("a folder");
    world
}

fn room(scratch: &Path) {
    let world = world(scratch, "room");
    let mut edits = vec![0; RECORDS];
    for version in 0..VERSIONS {
        for edit in edits.iter_mut().skip(version * 7).step_by(ONE_IN) {
            *edit = version;
        }
        world.write("data/mail.json", &document(&edits));
        must(world.guard().args(["backup", "create"]));
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", "version"]);
    }
    world.git(&["gc", "--quiet"]);
    let [store, git] =
        [".git/recoveryguard/store.git/objects", ".git/objects"].map(|path| size(&world.repo.join(path)));
    let bytes = size(&world.repo.join("data"));
    println!("\n{VERSIONS} versions of a JSON file of {} MB, 0.5 % of the records edited each time", bytes / 1_000_000);
    println!("  in the store  {:8} KiB", store >> 10);
    println!("  after git gc  {:8} KiB", git >> 10);
    println!("  ratio         {:8}.{:02}", store / git, store * 100 / git % 100);
}

fn unchanged(scratch: &Path, runs: usize) {
    let world = world(scratch, "unchanged");
    for file in 0..FILES {
        world.write(&format!("data/{file}.json"), &document(&vec![file; RECORDS / 50]));
    }
    // What was written just now is read again: it could be written once more in the same tick of the clock.
    let settle = || std::thread::sleep(std::time::Duration::from_secs(1));
    settle();
    let mut costs: [Costs; 2] = Default::default();
    let [first, again] = &mut costs;
    first.time(world.guard().args(["backup", "create"]));
    settle();
    for _ in 0..runs {
        again.time(world.guard().args(["backup", "create"]));
    }
    let said = world.guard().args(["backup", "create", "--json"]).stdout(Stdio::piped()).output().expect("guard");
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).expect("a document");
    let bytes = size(&world.repo.join("data"));
    println!("\na backup of {FILES} files, together {} MB ({runs} runs)", bytes / 1_000_000);
    println!("  the first     {:8.1} ms", first.wall());
    println!("  unchanged     {:8.1} ms, {} of them read", again.wall(), said["read"]);
}

/// Records, each with the version that changed it last.
fn document(edits: &[usize]) -> String {
    let mut text = String::from("{\"mail\": [");
    for (id, edit) in edits.iter().enumerate() {
        let comma = if id == 0 { "" } else { "," };
        // Nothing that compresses much better than people's own data.
        let mut noise = (id * 1_000 + edit + 1) as u64;
        let _ = write!(text, "{comma}\n  {{\"id\": {id}, \"to\": \"user{id}@example.org\", \"subject\": \"");
        for _ in 0..8 {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            let _ = write!(text, "{:016x} ", noise & 0xffff_ffff);
        }
        text.push_str("\", \"tags\": [\"a\"]}");
    }
    text.push_str("\n]}\n");
    text
}

/// Returns the bytes of the files in a folder.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let found = entry.metadata().expect("its metadata");
        bytes += if found.is_dir() { size(&entry.path()) } else { found.len() };
    }
    bytes
}

//! `guard restore <file>` over 1,000 versions of a JSON file of 1 MB, of which only the oldest is good, against `git log -p` of it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use crate::cost::Costs;
use crate::world::World;

const VERSIONS: usize = 1_000;
const RECORDS: usize = 10_000;
const FILE: &str = "data.json";

pub fn run(scratch: &Path, runs: usize) {
    let world = World::new(scratch, "walk", 1, 1);
    let mut import = world.command("git").args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git");
    let mut input = import.stdin.take().expect("its input");
    let mut edits = vec![0; RECORDS];
    for version in 0..VERSIONS {
        // Fifty records change with each.
        for edit in 0..50 {
            edits[(version * 7919 + edit * 193) % RECORDS] = version;
        }
        let text = document(&edits, version == 0);
        let from = if version == 0 { "from refs/heads/main^0\n" } else { "" };
        let time = 1_700_000_000 + version;
        let head =
            format!("commit refs/heads/main\ncommitter Bench <bench@example.com> {time} +0000\ndata 1\nx\n{from}");
        let file = format!("M 100644 inline {FILE}\ndata {}\n{text}\n", text.len());
        input.write_all(head.as_bytes()).and_then(|()| input.write_all(file.as_bytes())).expect("a stream");
    }
    drop(input);
    assert!(import.wait().is_ok_and(|status| status.success()), "the stream is taken");
    world.git(&["repack", "-adq"]);
    world.git(&["reset", "-q", "--hard", "main"]);
    let mut costs: [Costs; 2] = Default::default();
    for _ in 0..runs {
        let [log, walk] = &mut costs;
        log.time(world.command("git").args(["log", "-p", "--", FILE]));
        walk.time(world.guard().args(["restore", FILE, "--dry-run"]));
    }
    let [log, walk] = &costs;
    println!("\n{VERSIONS} versions of a JSON file of 1 MB, only the oldest good, {runs} runs");
    println!("                                 wall       cpu");
    println!("  git log -p                {:7.1} ms {:7.1} ms", log.wall(), log.cpu());
    println!("  guard restore --dry-run   {:7.1} ms {:7.1} ms", walk.wall(), walk.cpu());
    println!("  ratio                     {:10.2} {:10.2}", walk.wall_ratio(log), walk.cpu_ratio(log));
}

/// A file of records, each with the version that changed it last; one that is not whole is cut at its very end.
fn document(edits: &[usize], whole: bool) -> String {
    let mut text = String::from("{\"emails\": [");
    for (id, edit) in edits.iter().enumerate() {
        let comma = if id == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}\n  {{\"id\": {id}, \"to\": \"user{id}@example.org\", \"subject\": \"number {edit}\", \"tags\": [\"a\", \"b\"]}}"
        );
    }
    text.push_str(if whole { "\n]}\n" } else { "\n]" });
    text
}

//! How fast JSON is examined, against serde_json's parser that only skips: `cargo bench --bench validate -- [MiB] [runs]`.
//!
//! Both read the same document from memory, in turns. Prints medians and the ratio.
#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::cast_precision_loss, reason = "megabytes a second need no more digits")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use recoveryguard::manifest::Format;
use recoveryguard::validate::{Demands, examine};
use serde::de::IgnoredAny;

fn document(bytes: usize) -> String {
    let mut text = String::from("{\"emails\": [");
    let mut id = 0_u64;
    while text.len() < bytes {
        let comma = if id == 0 { "" } else { "," };
        text.push_str(&format!(
            "{comma}\n  {{\"id\": {id}, \"to\": \"user{id}@example.org\", \"subject\": \"Überweisung {id}\", \"read\": {}, \
             \"size\": {}.5e2, \"tags\": [\"a\", \"b\\n\", null]}}",
            id.is_multiple_of(3),
            id * 7
        ));
        id += 1;
    }
    text.push_str("\n]}\n");
    text
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let (size, runs) = (numbers.first().copied().unwrap_or(60), numbers.get(1).copied().unwrap_or(9));
    let text = document(size << 20);
    let demands = [
        ("its grammar, doubled keys", Demands::default()),
        ("records and their names too", Demands { records: Some("/emails"), key: Some("id"), ..Demands::default() }),
    ];
    for (what, demands) in demands {
        let (mut ours, mut skipped) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            ours.push(timed(|| {
                let examined = examine(Format::Json, &mut text.as_bytes(), &demands).expect("memory can be read");
                assert!(examined.faults.is_empty());
            }));
            skipped.push(timed(|| {
                black_box(serde_json::from_str::<IgnoredAny>(&text).expect("it is JSON"));
            }));
        }
        let (ours, skipped) = (median(ours), median(skipped));
        let speed = |time: Duration| text.len() as f64 / time.as_secs_f64() / 1e6;
        println!(
            "{what}: {:.0} MB/s, serde_json skipping {:.0} MB/s, ratio {:.2} (medians of {runs}, {size} MiB)",
            speed(ours),
            speed(skipped),
            speed(ours) / speed(skipped)
        );
    }
}

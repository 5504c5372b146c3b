//! Data files of every format, broken at random: whatever stands in one, a verdict comes, soon, and it is the same however the bytes
//! come in.
//!
//! `GUARD_TEST_ROUNDS` says how many files of each format.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use recoveryguard::manifest::Format;
use recoveryguard::validate::sqlite::{Limits, Reading, examine_database};
use recoveryguard::validate::{Demands, Examined, Standing, examine};

use crate::support::Random;

/// Far more than any of these small files takes on a busy machine: what takes longer hangs.
const SOON: Duration = Duration::from_secs(30);

const SAMPLES: [(Format, &str); 10] = [
    (
        Format::Json,
        "{\"items\": [{\"id\": 1, \"a\": \"\\u00e9\\ud83d\\ude00\"}, {\"id\": \"x\", \"b\": [1e5, -0, null]}]}\n",
    ),
    (Format::Jsonc, "// head\n{\"items\": [/* one */ {\"id\": 1,}, {\"id\": 2}],}\n"),
    (Format::Jsonl, "{\"id\": 1}\n{\"id\": 2, \"a\": [true, false]}\n{\"id\": 3}\n"),
    (Format::Yaml, "items:\n  - &a {id: 1, text: 'it''s'}\n  - id: 2\n    text: |\n      more\n      lines\n  - *a\n"),
    (Format::Yaml, "base: &b\n  a: 1\nitems:\n- <<: *b\n  id: \"x\"\n- ? [1, 2]\n  : {}\n"),
    (Format::Toml, "a = 1\n[[items]]\nid = 1\nat = 1979-05-27T07:32:00Z\n[[items]]\nid = 2\ntext = '''\nmore\n'''\n"),
    (Format::Csv, "id,name\r\n1,\"a \"\"b\"\"\nc\"\r\n2,x\r\n3,\"\"\r\n"),
    (Format::Tsv, "id\tname\n1\ta\n2\t\"b\tc\"\n"),
    (Format::Text, "some text\nwith lines\n\u{e9}\n"),
    (Format::Binary, "\0\u{1}\u{2}"),
];

/// What has broken readers before.
const PIECES: [&[u8]; 24] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\u",
    b"\\ud800",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\r",
    b"\n",
    b"\t",
    b",",
    b":",
    b"&a ",
    b"*a",
    b"<<: ",
    b"--- ",
    b"'''",
    b"9999999999999999999999999999e9999",
    "\u{feff}".as_bytes(),
    b"<<<<<<< HEAD\n",
    b"#",
];

fn rounds() -> u64 {
    std::env::var("GUARD_TEST_ROUNDS").map_or(150, |text| text.parse().unwrap())
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound.max(1) as u64)).unwrap()
}

/// Breaks a file in one to four places.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = below(random, bytes.len() + 1);
        let end = at + below(random, bytes.len() - at + 1);
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let twice = bytes[at..end].to_vec();
                bytes.splice(end..end, twice);
            }
            3 => bytes.truncate(at),
            4 => {
                let deep = [&b"["[..], b"{\"a\":", b"- ", b"(", b"&a [*a,"][below(random, 5)];
                let many = deep.repeat(below(random, 400));
                bytes.splice(at..at, many);
            }
            5 => {
                let many = PIECES[below(random, PIECES.len())].repeat(below(random, 2000));
                bytes.splice(at..at, many);
            }
            _ => {
                bytes.splice(at..at, PIECES[below(random, PIECES.len())].iter().copied());
            }
        }
    }
}

/// Gives bytes in pieces of at most so many.
struct Pieces<'b>(&'b [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.1.min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

fn look(format: Format, bytes: &[u8], piece: usize) -> [Examined; 2] {
    let asks = Demands { records: Some("/items"), key: Some("id"), ..Demands::default() };
    let columns = Demands { key: Some("id"), ..Demands::default() };
    let asks = if matches!(format, Format::Csv | Format::Tsv | Format::Jsonl) { columns } else { asks };
    [Demands::default(), asks].map(|demands| examine(format, &mut Pieces(bytes, piece), &demands).unwrap())
}

#[test]
fn whatever_stands_in_a_file_a_verdict_comes_and_it_is_the_same_in_pieces() {
    for (number, (format, sample)) in SAMPLES.into_iter().enumerate() {
        let whole = look(format, sample.as_bytes(), usize::MAX);
        assert!(whole.iter().all(|examined| examined.faults.count == 0), "{format:?}: {whole:?}");
        let mut standings = std::collections::BTreeSet::new();
        for round in 0..rounds() {
            let mut random = Random(number as u64 * 1_000_000 + round);
            let mut bytes = sample.as_bytes().to_vec();
            mutate(&mut bytes, &mut random);
            let began = Instant::now();
            let whole = look(format, &bytes, usize::MAX);
            assert!(began.elapsed() < SOON, "{format:?}, round {round}");
            let pieces = look(format, &bytes, 1 + below(&mut random, 9));
            assert_eq!(whole, pieces, "{format:?}, round {round}: {:?}", String::from_utf8_lossy(&bytes));
            standings.insert(whole[0].standing());
        }
        let is_read = !matches!(format, Format::Binary);
        assert!(!is_read || standings.contains(&Standing::Bad), "{format:?}: nothing was broken, {standings:?}");
    }
}

#[test]
fn whatever_stands_in_a_database_a_verdict_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE mail (id INTEGER PRIMARY KEY, text TEXT UNIQUE); CREATE INDEX i ON mail (text);
             CREATE VIEW v AS SELECT * FROM mail; INSERT INTO mail VALUES (1, 'a'), (2, 'b'), (3, 'c');",
        )
        .unwrap();
    drop(database);
    let whole = std::fs::read(&path).unwrap();
    let limits = Limits { time: Duration::from_secs(5), ..Limits::default() };
    assert_eq!(examine_database(&path, Reading::Still, &limits).standing(), Standing::Good);
    let mut bad = 0;
    for round in 0..rounds() / 3 {
        let mut random = Random(round);
        let mut bytes = whole.clone();
        for _ in 0..=random.below(12) {
            // The header and the schema's page more often than the rest.
            let among = if random.below(2) == 0 { 512 } else { bytes.len() };
            let at = below(&mut random, among);
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        if random.below(4) == 0 {
            bytes.truncate(below(&mut random, whole.len()));
        }
        std::fs::write(&path, &bytes).unwrap();
        let began = Instant::now();
        let examined = examine_database(&path, Reading::Still, &limits);
        assert!(began.elapsed() < SOON, "round {round}");
        bad += u64::from(examined.standing() == Standing::Bad);
    }
    assert!(bad > 0, "nothing was broken");
}

//! Files that were cut, flipped and mixed up: never a crash, never a hang, never good where bytes are missing.

use super::*;

// D4
#[test]
fn a_file_of_no_bytes_is_bad_though_sqlite_finds_nothing() {
    let empty = Made::of(b"");
    let sqlite: String =
        Connection::open(&empty.path).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sqlite, "ok");
    assert!(bad(&empty.examine()).contains("0 bytes"));
    assert!(bad(&Made::of(b"<!doctype html><p>502").examine()).contains("an HTML page"));
    // A log beside it is not removed, which SQLite itself would do.
    std::fs::write(beside::companion(&empty.path, "-wal"), b"log").unwrap();
    bad(&empty.examine_as(Reading::Live));
}

// D4
#[test]
fn a_hundred_bytes_cut_off_are_bad_though_sqlite_finds_nothing() {
    // The last page is one that is not full, so nothing is missing but zeros.
    let made = Made::by("CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(3000)), (zeroblob(3000)), (zeroblob(3000))");
    let whole = made.bytes();
    let cut = Made::of(&whole[..whole.len() - 100]);
    let sqlite: String =
        Connection::open(&cut.path).unwrap().query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sqlite, "ok");
    let (found, length) = (cut.examine(), whole.len());
    assert_eq!(bad(&found), format!("cut off: {} of {length} bytes are there, 100 are missing", length - 100));
    bad(&cut.examine_as(Reading::Live));

    let longer = Made::of(&[&whole[..], b"x"].concat()).examine();
    good(&longer);
    assert_eq!(longer.notes.first[0].what, "1 byte follows its last page; SQLite does not read them");
}

// D4
#[test]
fn cut_anywhere_it_is_bad() {
    let whole = Made::by(SHOP).bytes();
    let odd = [0, 1, 15, 16, 17, 99, 100, 101, 511, 512, 513, 4095, 4097, whole.len() - 1];
    for length in (0..whole.len()).step_by(512).chain(odd) {
        for reading in [Reading::Still, Reading::Live] {
            bad(&Made::of(&whole[..length]).examine_as(reading));
        }
    }
}

// D4
#[test]
fn a_flipped_bit_never_crashes_and_lost_rows_are_never_good() {
    let whole = Made::by(&small_shop()).bytes();
    // Every bit of the header; of the pages one of every ninth byte.
    let bits = (0..100 * 8).chain((100..whole.len()).step_by(9).map(|byte| byte * 8 + byte % 8));
    for bit in bits {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        check(&bytes, 61, &format!("bit {bit}"));
    }
}

/// Two thousand files, damaged in ways drawn from a fixed seed.
#[test]
fn damaged_at_random_it_never_crashes() {
    let shop = Made::by(&small_shop()).bytes();
    let text = Made::by(
        "PRAGMA page_size = 512; CREATE VIRTUAL TABLE notes USING fts5(text); CREATE TABLE t(x, y AS (x || 'a'));
         INSERT INTO notes VALUES ('one two'), ('three'); INSERT INTO t VALUES (1), (randomblob(2000));
         CREATE INDEX i ON t(y); CREATE VIRTUAL TABLE boxes USING rtree(id, a, b); INSERT INTO boxes VALUES (1, 2, 3);",
    )
    .bytes();
    let mut random = Random(0x5eed);
    for case in 0..2000 {
        let mut bytes = if case % 2 == 0 { shop.clone() } else { text.clone() };
        for _ in 0..=random.below(8) {
            let at = random.below(bytes.len() - 16);
            let length = 1 + random.below(16);
            match random.below(5) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at..at + length].fill(0xff),
                2 => bytes[at..at + length].fill(0),
                3 => {
                    let from = random.below(bytes.len() - length);
                    bytes.copy_within(from..from + length, at);
                }
                _ => {
                    // A whole page of elsewhere.
                    let (from, to) = (random.below(bytes.len() / 512) * 512, random.below(bytes.len() / 512) * 512);
                    bytes.copy_within(from..from + 512, to);
                }
            }
        }
        check(&bytes, 0, &format!("case {case}"));
    }
}

/// Fewer rows on more pages.
fn small_shop() -> String {
    format!("PRAGMA page_size = 512; {}", SHOP.replace("i < 500", "i < 30"))
}

/// Examines damaged bytes: any verdict but a good one that lost rows, within the time.
fn check(bytes: &[u8], least_rows: u64, what: &str) {
    let found = Made::of(bytes).examine();
    let hung = |why: &String| why.contains("without an answer") || why.contains("within");
    assert!(!found.unknown.iter().any(hung), "{what}: {found:?}");
    let rows: u64 = found.contents.tables.values().map(|table| table.rows).sum();
    assert!(found.standing() != Standing::Good || rows >= least_rows, "{what}: {found:?}");
}

/// A generator whose numbers are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

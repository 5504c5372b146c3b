//! Corrected commit dates as git's commit-graph file has them: a commit's own, or one more than its latest parent's.
//!
//! Format: `gitformat-commit-graph(5)`; the chunk `GDA2` holds for each commit by how many seconds its corrected date is later
//! than its own. A file without that chunk (git < 2.31), or with a distance of more than 68 years, tells nothing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Larger tables are none of ours.
const MAX: u64 = 1 << 32;

/// Returns the distances of all commits in the order of the files, oldest file first; `None` where they are not told.
pub(super) fn distances(info: &Path) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for path in files(info)? {
        of_file(&path, &mut all)?;
    }
    Some(all)
}

/// Git keeps one file, or a chain of them.
fn files(info: &Path) -> Option<Vec<PathBuf>> {
    let one = info.join("commit-graph");
    if one.is_file() {
        return Some(vec![one]);
    }
    let folder = info.join("commit-graphs");
    let names = std::fs::read_to_string(folder.join("commit-graph-chain")).ok()?;
    Some(names.lines().map(|name| folder.join(format!("graph-{name}.graph"))).collect())
}

fn of_file(path: &Path, all: &mut Vec<u32>) -> Option<()> {
    let mut file = File::open(path).ok()?;
    let mut header = [0; 8];
    file.read_exact(&mut header).ok()?;
    if &header[..5] != b"CGPH\x01" {
        return None;
    }
    let mut table = vec![0; (usize::from(header[6]) + 1) * 12];
    file.read_exact(&mut table).ok()?;
    let offset = |entry: &[u8]| entry[4..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let mut entries = table.chunks(12).skip_while(|entry| !entry.starts_with(b"GDA2"));
    let (start, end) = (offset(entries.next()?)?, offset(entries.next()?)?);
    let length = end.checked_sub(start).filter(|length| *length < MAX)?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    let before = all.len();
    all.extend(bytes.as_chunks().0.iter().map(|four| u32::from_be_bytes(*four)));
    // The highest bit: the distance stands in another table.
    all[before..].iter().all(|distance| *distance >> 31 == 0).then_some(())
}

//! Databases that are written while they are copied, by threads and by other processes.

#![expect(clippy::disallowed_methods, reason = "tests make the files, and the processes that write them")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use crate::model::Use;
use crate::validate::Standing;
use crate::validate::sqlite::in_use;

const LIMITS: Limits = Limits { bytes: 512 << 20, time: Duration::from_secs(20) };

/// A database whose parts agree in each of its states: as many entries as the counter says.
const COUNTED: &str = "
    CREATE TABLE counter(n INT); INSERT INTO counter VALUES (0);
    CREATE TABLE entries(id INTEGER PRIMARY KEY AUTOINCREMENT, text);
    CREATE TABLE padding(x);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO padding SELECT randomblob(10000) FROM n;";
const ENTRY: &str = "BEGIN IMMEDIATE; UPDATE counter SET n = n + 1; INSERT INTO entries(text) VALUES ('one'); COMMIT;";

/// A source and where its copies go.
struct Folder {
    folder: tempfile::TempDir,
    source: PathBuf,
}

impl Folder {
    fn new(mode: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("source")).unwrap();
        let source = folder.path().join("source/data.db");
        let sql = format!("PRAGMA journal_mode = {mode}; {COUNTED}");
        Connection::open(&source).unwrap().execute_batch(&sql).unwrap();
        Self { folder, source }
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("source/data.db{ending}"))
    }

    /// Copies it beside its folder.
    fn copy(&self, limits: &Limits) -> Result<Examined, CopyError> {
        std::fs::write(self.copied(), b"").unwrap();
        copy_database(&self.source, &self.copied(), limits).map(|copied| copied.examined)
    }

    fn copied(&self) -> PathBuf {
        self.folder.path().join("copy.db")
    }

    /// Copies it and checks that the copy is one of its states; returns its entries.
    fn entries(&self) -> u64 {
        let found = self.copy(&LIMITS).unwrap();
        assert_eq!(found.standing(), Standing::Good, "{found:?}");
        let copy = Connection::open(self.copied()).unwrap();
        let counter: i64 = copy.query_row("SELECT n FROM counter", [], |row| row.get(0)).unwrap();
        let counter = u64::try_from(counter).unwrap();
        assert_eq!(found.contents.tables["entries"].rows, counter, "the copy mixes two states");
        counter
    }

    /// All files of the source's folder with their bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder.path().join("source")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
    }

    /// Starts another process that does something with the database, in the end over and over, and waits until it has
    /// done the first.
    fn other(&self, does: &str, again: &str) -> Other {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::database::tests::another_process", "--nocapture"])
            .env("GUARD_TEST_DATABASE", &self.source)
            .env("GUARD_TEST_SQL", does)
            .env("GUARD_TEST_AGAIN", again)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.contains("ready")), "it ended too early");
        Other(process)
    }
}

/// Another process; killed at the end, as by a crash.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The other process of other tests. Run by itself, it shows that what that one does over and over keeps the parts of the
/// database in agreement: a copy that mixes two states is then the copy's fault.
#[test]
#[expect(clippy::print_stdout, reason = "that is how it is heard")]
fn another_process() {
    let Some(path) = std::env::var_os("GUARD_TEST_DATABASE") else {
        let folder = Folder::new("wal");
        for entries in 1..=3 {
            Connection::open(&folder.source).unwrap().execute_batch(ENTRY).unwrap();
            assert_eq!(folder.entries(), entries);
        }
        return;
    };
    let sql = std::env::var("GUARD_TEST_SQL").unwrap();
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    connection.execute_batch(&sql).unwrap();
    println!("ready");
    let again = std::env::var("GUARD_TEST_AGAIN").unwrap();
    while !again.is_empty() {
        connection.execute_batch(&again).unwrap();
    }
    // Until it is killed.
    std::io::stdin().lines().count();
}

// D4
#[test]
fn what_is_read_and_copied_while_it_is_written_is_one_state() {
    for mode in ["wal", "delete", "persist"] {
        let folder = Folder::new(mode);
        let other = folder.other("PRAGMA synchronous = OFF", ENTRY);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(folder.entries());
            let found = examine_database(&folder.source, Reading::Live, &LIMITS);
            assert_eq!(found.standing(), Standing::Good, "{mode}: {found:?}");
            seen.push(found.contents.tables["entries"].rows);
        }
        assert!(seen.is_sorted() && seen[0] < seen[15], "{mode}: {seen:?}");
        drop(other);
    }
}

// D4
#[test]
fn rows_in_the_log_are_copied_and_the_source_stays_as_it_is() {
    let folder = Folder::new("wal");
    // Nobody has it open: there is no log, and none is made.
    let before = folder.files();
    assert_eq!((before.len(), folder.entries()), (1, 0));
    assert!(before == folder.files());
    // Another process has it open.
    let other = folder.other(&ENTRY.repeat(3), "");
    let before = folder.files();
    assert_eq!((before.len(), folder.entries()), (3, 3));
    assert!(before[..2] == folder.files()[..2]);
    // It died, and left its log.
    drop(other);
    let before = folder.files();
    assert_eq!((before.len(), folder.entries()), (3, 3));
    assert!(before == folder.files());
    // The `-shm` is gone too: it is made again, the database and its log are not touched.
    std::fs::remove_file(folder.beside("-shm")).unwrap();
    assert_eq!(folder.entries(), 3);
    assert_eq!(folder.files()[..1], before[..1]);
    assert_eq!(folder.files().last().unwrap(), before.last().unwrap());
    // Where it can't be, that is an error.
    std::fs::remove_file(folder.beside("-shm")).unwrap();
    std::os::unix::fs::symlink("nowhere/shm", folder.beside("-shm")).unwrap();
    assert!(matches!(folder.copy(&LIMITS), Err(CopyError::Unknown { .. })));
}

#[test]
fn what_did_not_change_is_copied_to_the_same_bytes() {
    for mode in ["wal", "delete"] {
        let folder = Folder::new(mode);
        let copy = || folder.copy(&LIMITS).map(|_| std::fs::read(folder.copied()).unwrap()).unwrap();
        let (first, second) = (copy(), copy());
        assert!(first == second, "{mode}");
        assert_eq!(first.len(), folder.files()[0].1.len(), "{mode}");
    }
}

// D4
#[test]
fn waiting_for_a_writer_has_an_end() {
    let folder = Folder::new("delete");
    let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
    let other = folder.other("BEGIN EXCLUSIVE; UPDATE counter SET n = 7", "");
    let before = folder.files();
    assert!(matches!(folder.copy(&limits), Err(CopyError::Busy { .. })), "{:?}", folder.copy(&limits));
    assert!(before == folder.files());
    drop(other);
    // It died before it wrote anything.
    assert_eq!(folder.entries(), 0);
}

#[test]
fn what_is_no_database_is_not_copied() {
    let folder = Folder::new("delete");
    std::fs::write(&folder.source, b"").unwrap();
    std::fs::write(folder.beside("-wal"), b"a log").unwrap();
    let error = folder.copy(&LIMITS).unwrap_err();
    assert!(matches!(error, CopyError::Bad { .. }), "{error}");
    assert_eq!(folder.files().len(), 2, "SQLite itself removes a log beside an empty file");
    // Damage within a page is copied with it and found in the copy.
    let folder = Folder::new("delete");
    let mut bytes = std::fs::read(&folder.source).unwrap();
    bytes[4096..4104].fill(0xff);
    std::fs::write(&folder.source, bytes).unwrap();
    assert_eq!(folder.copy(&LIMITS).unwrap().standing(), Standing::Bad);
}

#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::new("delete");
    crate::disk::fail_after(Some((0, crate::disk::Fault::Once)));
    assert!(matches!(folder.copy(&LIMITS), Err(CopyError::Disk(error)) if error.is_full()));
}

// D4
#[test]
fn use_by_another_process_is_seen_and_nothing_is_changed_by_looking() {
    let asked = |folder: &Folder| {
        let before = folder.files();
        let used = in_use(&folder.source).unwrap();
        assert!(before == folder.files());
        used
    };
    let is_locked = |folder: &Folder, by: &Other| {
        let pid = i32::try_from(by.0.id()).unwrap();
        assert_eq!(asked(folder), Some(Use::Locked { pid: Some(pid) }));
    };
    let folder = Folder::new("delete");
    assert_eq!(asked(&folder), None);
    for sql in ["BEGIN; SELECT * FROM counter", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        is_locked(&folder, &folder.other(sql, ""));
        assert_eq!(asked(&folder), None, "{sql}");
    }
    // Killed while pages of an unfinished transaction were in the file.
    drop(folder.other("PRAGMA cache_size = 1; BEGIN; UPDATE padding SET x = zeroblob(10000)", ""));
    assert_eq!(asked(&folder), Some(Use::Journal));
    let error = folder.copy(&LIMITS).unwrap_err();
    assert!(error.to_string().contains("has to be rolled back"), "{error}");
    let wal = Folder::new("wal");
    assert_eq!(asked(&wal), None);
    let other = wal.other(ENTRY, "");
    is_locked(&wal, &other);
    drop(other);
    assert_eq!(asked(&wal), Some(Use::Wal { frames: 3 }));
}

//! A dump, and what is in it, of one moment.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::PostgresError;
use super::belongings::belongings;
use super::child::{Reach, Running};
use super::session::Session;
use crate::disk;
use crate::model::DatabaseFacts;

/// The head of an archive ends with the time at which it was made, at the latest here (formats 1.12 to 1.16). Two dumps of
/// an unchanged database differ in nothing else.
const HEAD: usize = 51;

/// A dump that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// Its bytes.
    pub size: u64,
    /// SHA-256, in hex, of all of it but the head: the same when the database is.
    pub content: String,
    /// What is in it.
    pub facts: DatabaseFacts,
}

/// Everything about the database in one line: which columns `pg_database` has differs by version.
const ABOUT: &str = "\
SELECT json_build_object('version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
  'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'database', to_json(d))
FROM pg_database d WHERE d.datname = current_database();";

/// One question a table: its name as SQL has it, and its rows. Partitions hold the rows of a partitioned table; what belongs
/// to an extension is made by the extension. The question locks the table against being dropped, until the end of the transaction.
const COUNT: &str = "\
SELECT format('SELECT json_build_array(%L::text, count(*)) FROM ONLY %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY 1 \\gexec";

/// Writes a database's dump into a new file, of at most so many bytes. Tables and rows are counted in the snapshot that is
/// dumped.
///
/// Not compressed: of two dumps that hardly differ the store then keeps the difference (24 MB with 0.8 % of the rows changed: 10.1 MB
/// for both; compressed by `pg_dump` 10 MB each, 19.9 MB for both).
pub fn dump(reach: &Reach, database: &str, file: &Path, most: u64) -> Result<Dumped, PostgresError> {
    let mut session = Session::open(reach, database)?;
    let (major, mut facts) = about(&mut session)?;
    facts.dumped_by = writes(reach, major, &facts)?;
    let snapshot =
        session.one("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT to_json(pg_export_snapshot());")?;
    let snapshot = snapshot.as_str().ok_or(PostgresError::Answer("psql"))?;
    facts.tables = tables(&mut session)?;
    facts.belongings = Some(belongings(&mut session, database)?);
    let arguments = [
        "--format=custom",
        "--compress=0",
        "--no-password",
        "--lock-wait-timeout=30s",
        &format!("--snapshot={snapshot}"),
        &format!("--dbname={database}"),
    ];
    let mut running = Running::start(reach, "pg_dump", arguments)?;
    let mut measured = Measured { pipe: running.output()?, hash: Sha256::new(), read: 0, most };
    let written = disk::create_from(file, &mut measured, 0o600);
    if measured.read > most {
        return Err(PostgresError::TooLarge(most));
    }
    let Measured { pipe, hash, read, .. } = measured;
    drop(pipe);
    // What the program says comes first: a pipe that breaks off is its doing.
    running.end()?;
    let size = written?;
    session.close()?;
    if read == 0 {
        return Err(PostgresError::Answer("pg_dump"));
    }
    let content = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Dumped { size, content, facts })
}

/// Makes sure that a dump's table of contents can be read. `by`: the version of the program that wrote it.
pub fn check(reach: &Reach, file: &Path, by: &str) -> Result<(), PostgresError> {
    reads(reach, by)?;
    let mut running = Running::start(reach, "pg_restore", [Path::new("--list"), file])?;
    let mut output = running.output()?;
    let read = io::copy(&mut output, &mut io::sink());
    running.end()?;
    match read {
        Ok(1..) => Ok(()),
        _ => Err(PostgresError::Answer("pg_restore")),
    }
}

/// Makes sure that a database can be dumped from here: it answers, and `pg_dump` is not older than its server.
pub fn can_dump(reach: &Reach, database: &str) -> Result<(), PostgresError> {
    let mut session = Session::open(reach, database)?;
    let (major, facts) = about(&mut session)?;
    session.close()?;
    writes(reach, major, &facts).map(drop)
}

/// Makes sure that the `pg_dump` here is not older than the server; returns its version.
fn writes(reach: &Reach, major: u64, facts: &DatabaseFacts) -> Result<String, PostgresError> {
    let (program, version) = reach.version("pg_dump")?;
    if program >= major {
        return Ok(version);
    }
    let (what, needed) = ("the server", facts.server.clone());
    Err(PostgresError::Older { program: "pg_dump", version, what, needed })
}

/// Makes sure that the `pg_restore` here is not older than the program that wrote a dump.
pub(super) fn reads(reach: &Reach, by: &str) -> Result<(), PostgresError> {
    let (major, version) = reach.version("pg_restore")?;
    let needed = by.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(u64::MAX);
    if major >= needed {
        return Ok(());
    }
    Err(PostgresError::Older { program: "pg_restore", version, what: "the dump", needed: by.to_owned() })
}

/// Asks a database about itself; returns the server's major version, too.
fn about(session: &mut Session) -> Result<(u64, DatabaseFacts), PostgresError> {
    let about = session.one(ABOUT)?;
    let odd = || PostgresError::Answer("psql");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let database = &about["database"];
    let version = text(&about["version"]).ok_or_else(odd)?;
    let facts = DatabaseFacts {
        server: version.split_whitespace().next().unwrap_or_default().to_owned(),
        owner: text(&about["owner"]).ok_or_else(odd)?,
        encoding: text(&about["encoding"]).ok_or_else(odd)?,
        collate: text(&database["datcollate"]).ok_or_else(odd)?,
        ctype: text(&database["datctype"]).ok_or_else(odd)?,
        provider: text(&database["datlocprovider"]),
        locale: text(&database["daticulocale"]).or_else(|| text(&database["datlocale"])),
        ..DatabaseFacts::default()
    };
    Ok((about["number"].as_u64().ok_or_else(odd)? / 10_000, facts))
}

/// Counts the rows of all tables.
pub(super) fn tables(session: &mut Session) -> Result<BTreeMap<String, u64>, PostgresError> {
    let one = |row: Value| Some((row[0].as_str()?.to_owned(), row[1].as_u64()?));
    let tables = session.ask(COUNT)?.into_iter().map(one).collect::<Option<_>>();
    tables.ok_or(PostgresError::Answer("psql"))
}

/// What comes from `pg_dump`: hashed on the way, and not more than so much.
struct Measured<R> {
    pipe: R,
    hash: Sha256,
    read: u64,
    most: u64,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        let head = usize::try_from(self.read).unwrap_or(HEAD).min(HEAD);
        self.hash.update(&buffer[(HEAD - head).min(read)..read]);
        self.read += read as u64;
        if self.read > self.most { Err(io::Error::other("too large")) } else { Ok(read) }
    }
}

//! A new database out of a dump, and one database in the place of another.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::PostgresError;
use super::belongings::{belongings, give};
use super::child::{Reach, Running};
use super::dump::{reads, tables};
use super::session::{Session, identifier, literal};
use crate::model::{DatabaseFacts, Timestamp, escape, fingerprint};

/// The database from which others are made and renamed.
const MAINTENANCE: &str = "postgres";

const SCRATCH: &str = "guard_scratch_";

/// What marks a database as one of those: nobody else's is ever dropped.
const MARK: &str = "made by guard; can be dropped";

/// A database of our own, which is dropped with this value unless it was moved into another's place.
pub struct Scratch<'r> {
    reach: &'r Reach,
    name: String,
    kept: bool,
    // It holds the database's lock on the server, which frees it when we are gone: so others know that somebody is at work here.
    locked: Session,
}

impl<'r> Scratch<'r> {
    /// Makes an empty one like the one that was dumped. Those that were left over go first.
    pub fn make(reach: &'r Reach, facts: &DatabaseFacts, owned: bool) -> Result<Self, PostgresError> {
        use std::hash::{BuildHasher, Hasher};
        let random = std::hash::RandomState::new().build_hasher().finish();
        let name = format!("{SCRATCH}{}", &fingerprint(&[&random.to_le_bytes()])[..16]);
        let mut session = Session::open(reach, MAINTENANCE)?;
        drop_left_over(&mut session)?;
        if !lock(&mut session, &name)? {
            return Err(PostgresError::Answer("psql"));
        }
        let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", identifier(&name));
        if owned {
            sql.push_str(&format!(" OWNER {}", identifier(&facts.owner)));
        }
        for (word, value) in [("ENCODING", &facts.encoding), ("LC_COLLATE", &facts.collate), ("LC_CTYPE", &facts.ctype)]
        {
            sql.push_str(&format!(" {word} {}", literal(value)));
        }
        match (facts.provider.as_deref(), &facts.locale) {
            (Some("i"), Some(locale)) => sql.push_str(&format!(" LOCALE_PROVIDER icu ICU_LOCALE {}", literal(locale))),
            (Some("b"), Some(locale)) => {
                sql.push_str(&format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", literal(locale)));
            }
            _ => {}
        }
        session.ask(&format!("{sql};"))?;
        let mut scratch = Self { reach, name, kept: false, locked: session };
        let mark = format!("COMMENT ON DATABASE {} IS {};", identifier(&scratch.name), literal(MARK));
        scratch.locked.ask(&mark)?;
        Ok(scratch)
    }

    /// Restores a dump into it, whole or not at all, and returns its tables and rows. `owned`: with the owners and privileges
    /// that its objects had; their roles have to be there then.
    pub fn fill(
        &self,
        file: &Path,
        facts: &DatabaseFacts,
        owned: bool,
    ) -> Result<BTreeMap<String, u64>, PostgresError> {
        reads(self.reach, &facts.dumped_by)?;
        let mut arguments =
            vec!["--exit-on-error".to_owned(), "--no-password".to_owned(), format!("--dbname={}", self.name)];
        if !owned {
            arguments.extend(["--no-owner".to_owned(), "--no-privileges".to_owned()]);
        }
        let mut running = Running::start(self.reach, "pg_restore", arguments)?;
        let failed = |source| PostgresError::File { path: file.to_owned(), source };
        let mut dump = File::open(file).map_err(failed)?;
        let mut input = running.input()?;
        let fed = io::copy(&mut dump, &mut input);
        drop(input);
        // What the program says comes first: a pipe that breaks off is its doing.
        running.end()?;
        fed.map_err(failed)?;
        let mut session = Session::open(self.reach, &self.name)?;
        let tables = tables(&mut session)?;
        if owned {
            // It is to be used, and without statistics its first queries would take long.
            session.ask("ANALYZE;")?;
        }
        session.close()?;
        Ok(tables)
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // What can't be dropped now goes with the next one.
        if let Ok(mut session) = Session::open(self.reach, MAINTENANCE) {
            let _ = session.ask(&format!("DROP DATABASE {};", identifier(&self.name)));
        }
    }
}

/// Drops what killed processes left.
fn drop_left_over(session: &mut Session) -> Result<(), PostgresError> {
    for name in abandoned(session)? {
        session.ask(&format!("DROP DATABASE IF EXISTS {};", identifier(&name)))?;
    }
    Ok(())
}

/// Returns the scratch databases that killed processes left on a server, and that this user may drop.
pub fn left_over(reach: &Reach) -> Result<Vec<String>, PostgresError> {
    let mut session = Session::open(reach, MAINTENANCE)?;
    let found = abandoned(&mut session)?;
    session.close()?;
    Ok(found)
}

/// Returns the same, locked until the session ends: of two that look at once only one drops it.
fn abandoned(session: &mut Session) -> Result<Vec<String>, PostgresError> {
    let marked = session.ask(&format!(
        "SELECT to_json(datname) FROM pg_database d WHERE starts_with(datname, {}) AND shobj_description(oid, 'pg_database') = {} \
         AND pg_has_role(datdba, 'USAGE') AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid);",
        literal(SCRATCH),
        literal(MARK)
    ))?;
    let mut found = Vec::new();
    for name in marked {
        let name = name.as_str().ok_or(PostgresError::Answer("psql"))?;
        if lock(session, name)? {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

/// Takes the lock of a scratch database, whose number is the name's end; the server frees it with the session. `false`: somebody has it.
fn lock(session: &mut Session, scratch: &str) -> Result<bool, PostgresError> {
    let number = scratch.strip_prefix(SCRATCH).and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let Some(number) = number else { return Ok(false) };
    let locked = session.one(&format!("SELECT to_json(pg_try_advisory_lock({}));", number.cast_signed()))?;
    Ok(locked == Value::Bool(true))
}

/// Returns whether there is a database of that name.
pub fn is_there(reach: &Reach, database: &str) -> Result<bool, PostgresError> {
    let mut session = Session::open(reach, MAINTENANCE)?;
    let found = knows(&mut session, database)?;
    session.close()?;
    Ok(found)
}

/// Counts a database's rows as they are.
pub fn count_now(reach: &Reach, database: &str) -> Result<BTreeMap<String, u64>, PostgresError> {
    let mut session = Session::open(reach, database)?;
    session.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")?;
    let tables = tables(&mut session)?;
    session.close()?;
    Ok(tables)
}

/// Returns who is connected to a database, escaped: a database in use can't be renamed.
pub fn connections(reach: &Reach, database: &str) -> Result<Vec<String>, PostgresError> {
    let mut session = Session::open(reach, MAINTENANCE)?;
    let found = session.ask(&format!(
        "SELECT json_build_object('pid', pid, 'user', usename, 'program', application_name, 'from', host(client_addr)) \
         FROM pg_stat_activity WHERE datname = {} AND backend_type = 'client backend' ORDER BY pid;",
        literal(database)
    ))?;
    session.close()?;
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(|text| escape(text.as_bytes()));
    let one = |who: Value| {
        let mut line = format!("process {}", who["pid"]);
        for (word, what) in [("user", &who["user"]), ("program", &who["program"]), ("from", &who["from"])] {
            line.push_str(&text(what).map_or_else(String::new, |what| format!(", {word} {what}")));
        }
        line
    };
    Ok(found.into_iter().map(one).collect())
}

/// Puts a scratch database into the place of another, which stays beside it under the name that is returned; `None` when
/// there was none. Both or neither is renamed; nobody may be connected to either. What belongs to the one that stood there belongs to
/// the new one then; where none did, what belonged to the one that was dumped, by its `facts`.
pub fn move_in(
    mut scratch: Scratch<'_>,
    database: &str,
    facts: &DatabaseFacts,
    now: Timestamp,
) -> Result<Option<String>, PostgresError> {
    let mut session = Session::open(scratch.reach, MAINTENANCE)?;
    let old = beside(&mut session, database, now)?;
    let new = &scratch.name;
    let (belongings, aside) = match &old {
        Some(old) => (belongings(&mut session, database)?, rename(database, old)),
        None => (facts.belongings.clone().unwrap_or_default(), String::new()),
    };
    let given = give(new, &facts.owner, &belongings);
    session.ask(&format!("BEGIN;\n{given}{aside}{}COMMIT;", rename(new, database)))?;
    scratch.kept = true;
    session.close()?;
    Ok(old)
}

/// Returns the newest database that a restore put aside.
pub fn former(reach: &Reach, database: &str) -> Result<Option<String>, PostgresError> {
    let mut session = Session::open(reach, MAINTENANCE)?;
    let found = put_aside(&mut session, database)?.pop();
    session.close()?;
    Ok(found)
}

/// Puts a database that a restore put aside into its place again; what stands there stays beside it under the name that is
/// returned, so that the same takes this back.
pub fn move_back(reach: &Reach, database: &str, former: &str, now: Timestamp) -> Result<Option<String>, PostgresError> {
    let mut session = Session::open(reach, MAINTENANCE)?;
    let aside = beside(&mut session, database, now)?;
    let first = aside.as_ref().map_or_else(String::new, |aside| rename(database, aside));
    session.ask(&format!("BEGIN;\n{first}{}COMMIT;", rename(former, database)))?;
    session.close()?;
    Ok(aside)
}

fn rename(from: &str, to: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};\n", identifier(from), identifier(to))
}

/// Returns a free name for what stands in a database's place; `None` when nothing does.
fn beside(session: &mut Session, database: &str, now: Timestamp) -> Result<Option<String>, PostgresError> {
    if !knows(session, database)? {
        return Ok(None);
    }
    let taken = put_aside(session, database)?;
    let mut names = (0..).map(|second| name_beside(database, Timestamp(now.0 + second * 1000)));
    Ok(names.find(|name| !taken.contains(name)))
}

fn name_beside(database: &str, at: Timestamp) -> String {
    format!("{database}_before_{}", at.compact().replace('-', "_"))
}

/// Returns what restores put aside, the newest last.
fn put_aside(session: &mut Session, database: &str) -> Result<Vec<String>, PostgresError> {
    let pattern = format!("^{}_before_[0-9]{{8}}_[0-9]{{6}}$", database.replace('.', "\\."));
    let sql =
        format!("SELECT to_json(datname) FROM pg_database WHERE datname ~ {} ORDER BY datname;", literal(&pattern));
    let names = session.ask(&sql)?.into_iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>();
    names.ok_or(PostgresError::Answer("psql"))
}

fn knows(session: &mut Session, database: &str) -> Result<bool, PostgresError> {
    Ok(!session.ask(&format!("SELECT 1 FROM pg_database WHERE datname = {};", literal(database)))?.is_empty())
}

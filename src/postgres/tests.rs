//! How programs are found, started and ended; a real server is asked in `tests/suite/databases`.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, Instant};

use super::child::{Reach, Running};
use super::*;
use crate::git::{Environment, run_isolated};
use crate::model::{Belongings, Privilege};

struct Programs(tempfile::TempDir);

impl Programs {
    fn new(programs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let path = folder.path().join(name);
            // Another process writes it: what a test beside this one starts would inherit a file that is open here, and
            // the kernel runs no file that anybody can write to.
            let line = "printf '#!/bin/sh\\n%s\\n' \"$2\" >\"$1\" && chmod 755 \"$1\"";
            let arguments = ["-c", line, "sh", path.to_str().unwrap(), script].map(OsStr::new);
            let output =
                run_isolated(Path::new("/bin/sh"), &arguments, folder.path(), &[("PATH", OsStr::new("/usr/bin:/bin"))]);
            output.unwrap().success().unwrap();
        }
        Self(folder)
    }

    fn reach(&self) -> Reach {
        with_path(self.0.path().as_os_str().to_owned())
    }
}

fn with_path(path: OsString) -> Reach {
    Reach::new(&Environment { variables: vec![("PATH".into(), path)] }, None)
}

/// A repository may hold anything under the name of a program.
#[test]
fn programs_of_the_current_folder_are_not_started() {
    let programs = Programs::new(&[("pg_dump", "echo 'pg_dump (PostgreSQL) 17beta1'")]);
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let relative = format!("{up}{}", programs.0.path().display());
    assert!(std::path::Path::new(&relative).join("pg_dump").is_file());
    for path in ["", ".", "::", &relative] {
        let found = with_path(path.into()).version("pg_dump");
        assert!(matches!(found, Err(PostgresError::Missing("pg_dump"))), "{path}: {found:?}");
    }
    assert_eq!(programs.reach().version("pg_dump").unwrap(), (17, "17beta1".to_owned()));
}

#[test]
fn a_program_that_takes_too_long_is_ended() {
    let programs = Programs::new(&[("psql", "exec sleep 100"), ("pg_dump", "exec sleep 100")]);
    let mut reach = programs.reach();
    reach.limit = Duration::from_millis(100);
    let began = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let found = dump(&reach, "orders", &folder.path().join("dump"), 1 << 20);
    assert!(matches!(found, Err(PostgresError::TimedOut { program: "psql", .. })), "{found:?}");
    assert!(began.elapsed() < Duration::from_secs(50));
}

/// Who writes to a pipe that nobody reads any more ends, whatever became of us.
#[test]
fn what_nobody_waits_for_ends() {
    let programs = Programs::new(&[("pg_dump", "echo $$ >&1; exec sleep 100")]);
    let mut running = Running::start(&programs.reach(), "pg_dump", ["x"]).unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(running.output().unwrap()), &mut line).unwrap();
    let pid = line.trim().parse().unwrap();
    assert!(crate::git::is_running(pid));
    drop(running);
    assert!(!crate::git::is_running(pid));
}

#[test]
fn what_a_program_says_is_kept_to_what_counts_and_escaped() {
    let talk = "echo 'pg_dump: detail: x' >&2; printf 'pg_dump: error: a\\033[31m\\n' >&2; exit 1";
    let programs =
        Programs::new(&[("pg_dump", talk), ("psql", "echo one >&2; echo two >&2; exit 2"), ("pg_restore", "exit 7")]);
    let said = |program| Running::start(&programs.reach(), program, ["x"]).unwrap().end().unwrap_err().to_string();
    assert_eq!(said("pg_dump"), "pg_dump failed: pg_dump: error: a\\u{1b}[31m");
    assert_eq!(said("psql"), "psql failed: one; two");
    assert_eq!(said("pg_restore"), "pg_restore failed: exit status: 7");
}

#[test]
fn names_and_texts_are_quoted() {
    assert_eq!(session::literal("o'x\\"), "'o''x\\'");
    assert_eq!(session::identifier("a\"b"), "\"a\"\"b\"");
}

/// A backup may come from somebody else: only words that we know stand in our statements as they are.
#[test]
fn nothing_but_what_may_be_done_with_a_database_is_granted() {
    let privilege = |what: &str| Privilege { what: what.to_owned(), to: None, grantable: false };
    let privileges = ["CONNECT", "ALL ON DATABASE other TO PUBLIC; --", "connect"].map(privilege).to_vec();
    let sql = belongings::give("new", "app", &Belongings { privileges: Some(privileges), ..Belongings::default() });
    let granted: Vec<&str> = sql.lines().filter(|line| line.starts_with("GRANT")).collect();
    assert_eq!(granted, ["GRANT CONNECT ON DATABASE \"new\" TO PUBLIC;"], "{sql}");
}

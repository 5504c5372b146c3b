//! A PostgreSQL server of its own for a test: in a folder of its own, reached by a socket only, gone with the test.
//!
//! Where PostgreSQL is missing such a test says `not run: no postgres`; `GUARD_TEST_NEEDS=all` makes that a failure, so that
//! who wants all tests to run knows that they did.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::needs::{is_demanded, not_run};
use super::{Ran, Sandbox};

const PASSWORD: &str = "correct horse";

/// What guard starts, and what its pages name.
const CLIENTS: [&str; 5] = ["pg_dump", "pg_restore", "psql", "createdb", "dropdb"];

/// A running server.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    server: Child,
}

impl Postgres {
    /// Starts one; `None` where PostgreSQL is missing.
    #[track_caller]
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(!is_demanded("postgres"), "GUARD_TEST_NEEDS demands PostgreSQL, and there is none here");
            not_run("no postgres");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("guard-pg-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        fs::create_dir(&data).unwrap();
        fs::write(&password, PASSWORD).unwrap();
        let as_who = server_user();
        for path in [&data, &password] {
            if let Some((user, group)) = as_who {
                chown(path, Some(user), Some(group)).unwrap();
            }
        }
        let command = |program: &Path| {
            let mut command = Command::new(program);
            // A server refuses to be root.
            if let Some((user, group)) = as_who {
                command.uid(user).gid(group);
            }
            command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C");
            command
        };
        let mut init = command(&programs.join("initdb"));
        init.args(["-A", "scram-sha-256", "-N", "-U", "postgres", "-E", "UTF8", "--locale=C"]);
        let pwfile = format!("--pwfile={}", password.display());
        let _ = Ran::of(init.arg(pwfile).arg("-D").arg(&data), b"").ok();
        // It ends with us however we end: the shell waits for the end of its input, which is ours.
        let mut start = command(Path::new("/bin/sh"));
        let script = "\"$0\" \"$@\" >/dev/null 2>&1 & server=$!; read end; kill -QUIT $server; wait $server";
        start.args(["-c", script]).arg(programs.join("postgres")).arg("-D").arg(&data).arg("-k").arg(&data);
        start.args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=UTC"]);
        let server = start.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let postgres = Self { folder, programs, server };
        for _ in 0..1000 {
            if postgres.ask("postgres", "SELECT 1").status == 0 {
                return Some(postgres);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server did not start: {}", postgres.ask("postgres", "SELECT 1"));
    }

    /// Tells the programs that run in a sandbox where the server is, and puts PostgreSQL's on their `PATH`.
    pub fn reached_from(&self, sandbox: &Sandbox) {
        for (name, value) in self.variables() {
            sandbox.env(name, value);
        }
        for client in CLIENTS {
            symlink(self.programs.join(client), sandbox.root().join("bin").join(client)).unwrap();
        }
    }

    /// Returns the folder of the server's socket.
    pub fn host(&self) -> String {
        self.folder.path().join("data").to_str().unwrap().to_owned()
    }

    /// Runs SQL in a database, each statement by itself.
    pub fn ask(&self, database: &str, sql: &str) -> Ran {
        let mut psql = self.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-d", database]);
        Ran::of(&mut psql, sql.as_bytes())
    }

    /// Runs SQL and returns what it answers.
    #[track_caller]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.ask(database, sql).ok().line().to_owned()
    }

    /// Prepares one of PostgreSQL's programs.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().env("LC_ALL", "C").envs(self.variables());
        command
    }

    /// Returns the databases there are.
    #[track_caller]
    pub fn databases(&self) -> Vec<String> {
        let names = self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1");
        names.lines().map(str::to_owned).collect()
    }

    fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        [("PGHOST", self.host()), ("PGUSER", "postgres".into()), ("PGPASSWORD", PASSWORD.into())].into_iter()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// Returns the folder of PostgreSQL's programs: one on `PATH`, else the newest of where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    found.sort_by_key(|folder| folder.parent().and_then(|folder| folder.file_name()?.to_str()?.parse::<u32>().ok()));
    let has_all =
        |folder: &PathBuf| ["initdb", "postgres"].iter().chain(&CLIENTS).all(|name| folder.join(name).is_file());
    std::env::split_paths(&path).chain(found.into_iter().rev()).find(has_all)
}

/// Returns who runs the server where we are root: PostgreSQL's own user, or nobody.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map_while(|field| field.parse().ok());
        Some((fields.next()?, fields.next()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

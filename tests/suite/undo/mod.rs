//! `guard undo-merge` and `guard redo` on real repositories.

mod autostash;
mod checkouts;
mod converted;
mod external;
mod journal;
mod killed;
mod kinds;
mod large;
mod leaks;
mod nested;
mod operations;
mod paths;
mod plans;
mod random;
mod refusals;
mod restore;
mod retained;
mod saved;
mod snapshots;
mod swept;
mod together;
mod ways;
mod world;

use std::ffi::OsStr;

use world::World;

/// What the program said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl World {
    /// Runs the program in a folder.
    fn guard_in(&self, folder: &std::path::Path, arguments: &[&str]) -> Said {
        let output = self.command(OsStr::new(env!("CARGO_BIN_EXE_guard")), folder).args(arguments).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn guard(&self, arguments: &[&str]) -> Said {
        self.guard_in(&self.top, arguments)
    }

    /// Runs the program, which must succeed.
    fn guard_ok(&self, arguments: &[&str]) -> String {
        let said = self.guard(arguments);
        assert_eq!(said.code, 0, "{} guard {arguments:?}: {}{}", self.case.get(), said.out, said.err);
        said.out
    }

    /// Runs the program, which must succeed, and reads the document that it prints.
    fn guard_json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.guard_ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs the program, which must refuse and change nothing. Returns what it said.
    fn guard_refuses(&self, arguments: &[&str]) -> String {
        let before = self.look();
        let said = self.guard(arguments);
        assert_eq!(said.code, 4, "guard {arguments:?}: {}{}", said.out, said.err);
        assert_eq!(self.look(), before, "a refusal changed something");
        said.err
    }

    /// Undoes, compares with `before`; redoes, compares with what it was; undoes again.
    fn round_trip(&self, before: &world::Look) {
        let after = self.look();
        self.guard_ok(&["undo-merge"]);
        assert_eq!(&self.look(), before, "{} after undo", self.case.get());
        self.git(&["fsck", "--strict", "--no-dangling"]);
        self.guard_ok(&["redo"]);
        assert_eq!(self.look(), after, "{} after redo", self.case.get());
        self.guard_ok(&["undo-merge"]);
        assert_eq!(&self.look(), before, "{} after the second undo", self.case.get());
    }
}

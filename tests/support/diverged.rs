//! Two branches that changed one text: in other places, of which a merge may lose one, and in one that conflicts.

use super::{Ran, Sandbox};

/// A line that only feat added, in no conflict with main.
pub const WORK: &str = "feat's careful work\n";
/// Line 20, in conflict.
pub const OF_MAIN: &str = "line number 20 as main wants it\n";
/// Line 20, in conflict.
pub const OF_FEAT: &str = "line number 20 as feat wants it\n";

/// A text of numbered lines.
pub fn lines(count: usize) -> String {
    (1..=count).map(|number| format!("line number {number}\n")).collect()
}

impl Sandbox {
    /// Makes main and feat, which both changed `path`; what else is there is committed before they part. `also` is what else
    /// feat changes.
    #[track_caller]
    pub fn diverge(&self, path: &str, also: &[(&str, &str)]) -> &Self {
        self.write(path, lines(30));
        self.commit("code");
        let _ = self.git(["checkout", "-q", "-b", "feat"]).ok();
        let text = lines(30).replace("line number 5\n", &format!("line number 5\n{WORK}"));
        self.write(path, text.replace("line number 20\n", OF_FEAT));
        for (path, text) in also {
            self.write(path, text);
        }
        self.commit("feat's work");
        let _ = self.git(["checkout", "-q", "main"]).ok();
        self.write(path, lines(30).replace("line number 20\n", OF_MAIN));
        self.commit("main's work");
        self
    }

    /// Settles a conflict at `path` with what HEAD has, and commits.
    #[track_caller]
    pub fn take_mine(&self, path: &str) -> Ran {
        let _ = self.git(["checkout", "--ours", "--", path]).ok();
        let _ = self.git(["add", "--", path]).ok();
        self.git(["commit", "-q", "--no-edit"]).ok()
    }

    /// Merges feat with "take mine" at each path in conflict: feat's work is lost.
    #[track_caller]
    pub fn lose_work(&self, path: &str) {
        assert_ne!(self.git(["merge", "-q", "feat"]).status, 0);
        let _ = self.take_mine(path);
    }

    /// Reads a text of the working tree.
    #[track_caller]
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).unwrap()
    }

    /// Replaces a part of a text of the working tree.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) -> &Self {
        let text = self.text(path);
        assert!(text.contains(from), "'{path}' holds {from:?}");
        self.write(path, text.replace(from, to))
    }
}

//! What colleagues do to a project when damage is done: edits, commits and merges, with the guard's hooks off.
//!
//! Texts are edited in three places that are far enough from each other for git to merge them; where two people change the same
//! place it is a conflict. Only files that git tracks are committed: what else lies in a working tree is nobody's to add.

use super::stage::Stage;
use crate::disk;

impl Stage {
    /// Begins a branch where HEAD stands, and switches to it.
    pub(super) fn branch_off(&self, name: &str) -> anyhow::Result<()> {
        self.quietly(&["git", "switch", "-q", "-c", name])?;
        Ok(())
    }

    /// Switches back to the branch on which the drill began.
    pub(super) fn switch_back(&self) -> anyhow::Result<()> {
        self.quietly(&["git", "switch", "-q", &self.value("branch")?.to_string()])?;
        Ok(())
    }

    /// Commits what changed in files that git tracks, or that were added to them.
    pub(super) fn commit_as(&self, author: &str, subject: &str) -> anyhow::Result<String> {
        let email = format!("{}@example.com", author.to_lowercase());
        let who = [
            ("GIT_AUTHOR_NAME", author),
            ("GIT_AUTHOR_EMAIL", email.as_str()),
            ("GIT_COMMITTER_NAME", author),
            ("GIT_COMMITTER_EMAIL", email.as_str()),
        ];
        self.quietly_with(&["git", "commit", "-q", "-a", "-m", subject], &who)?;
        self.quietly(&["git", "rev-parse", "HEAD"])
    }

    /// Writes a file that is not there yet, and adds it to those that git tracks.
    pub(super) fn add_new(&self, path: &str, text: &str) -> anyhow::Result<()> {
        anyhow::ensure!(!self.project().join(path).exists(), "'{path}' is there already");
        self.write_at(path, text.as_bytes())?;
        self.quietly(&["git", "add", "-f", "--", path])?;
        Ok(())
    }

    /// Removes the file that a word stands for.
    pub(super) fn remove(&self, word: &str) -> anyhow::Result<()> {
        disk::remove_file(&self.place(word)?)?;
        Ok(())
    }

    /// Merges a branch; `<merge>` stands for the commit from then on.
    pub(super) fn merge(&mut self, branch: &str, options: &[&str]) -> anyhow::Result<()> {
        let line = [&["git", "merge", "-q", "--no-edit", "--no-ff"], options, &[branch]].concat();
        self.quietly(&line)?;
        self.note_head("merge")
    }

    /// Merges a branch that is in conflict over the file of a word, which somebody settles by what it holds then.
    pub(super) fn merge_settled(&mut self, branch: &str, word: &str, bytes: &[u8]) -> anyhow::Result<()> {
        // Nothing of the branch is taken but what is written here: as with a conflict that is settled badly.
        self.quietly(&["git", "merge", "-q", "-s", "ours", "--no-commit", branch])?;
        self.write(word, bytes)?;
        self.commit_as("Ada", &format!("Merge branch '{branch}'"))?;
        self.note_head("merge")
    }

    /// Lets a word stand for the commit at HEAD.
    pub(super) fn note_head(&mut self, word: &str) -> anyhow::Result<()> {
        let head = self.quietly(&["git", "rev-parse", "HEAD"])?;
        self.set(word, head);
        Ok(())
    }

    /// Returns three places of a text of at least five lines, as the numbers of lines: in its beginning, its middle, its end.
    pub(super) fn places(&self, text: &[u8]) -> [usize; 3] {
        let fifth = (lines(text).len() / 5).max(1);
        let salted = |salt: u64, start: usize| start + self.choose(fifth, salt);
        [salted(21, 1), salted(22, 2 * fifth), salted(23, 4 * fifth)]
    }
}

/// Returns a text with something more before a line.
pub(super) fn with(text: &[u8], line: usize, more: &str) -> Vec<u8> {
    let mut lines = lines(text);
    lines.insert(line.min(lines.len()), more.as_bytes());
    lines.concat()
}

/// Returns a text without a line.
pub(super) fn without(text: &[u8], line: usize) -> Vec<u8> {
    let mut lines = lines(text);
    lines.remove(line.min(lines.len().saturating_sub(1)));
    lines.concat()
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_and_go_and_a_last_line_without_end_stays_the_last() {
        assert_eq!(with(b"a\nb\nc", 2, "new\n"), b"a\nb\nnew\nc");
        assert_eq!(without(b"a\nb\nc", 2), b"a\nb\n");
        assert_eq!(without(b"a\nb\nc", 0), b"b\nc");
    }
}

//! What a user does: each step is one thing, and says whether it was possible.

use super::{MARK, Play, branches, files};

/// The tracked files at the beginning, and how long they are.
pub const FILES: [&str; 5] = ["a.txt", "b.txt", "dir/c.txt", "dir/d.txt", "e f.txt"];
pub const LINES: usize = 24;

/// The branches beside main.
pub const BRANCHES: [&str; 2] = ["one", "two"];

/// A step and how often it is chosen.
type Step = (u64, fn(&mut Play) -> bool);

const STEPS: &[Step] = &[
    (10, files::edit),
    (4, files::stage),
    (3, files::stage_a_part),
    (1, files::unstage),
    (3, files::untracked),
    (2, files::ignored),
    (2, files::delete),
    (1, files::rename),
    (1, files::chmod),
    (1, files::swap),
    (1, files::intend),
    (8, files::commit_all),
    (8, files::edit_and_commit),
    (3, files::commit_staged),
    (2, files::amend),
    (2, files::stash),
    (2, files::pop),
    (5, files::clean_up),
    (6, branches::switch),
    (1, branches::detach),
    (20, branches::merge),
    (3, branches::octopus),
    (7, branches::pull),
    (6, branches::mate),
    (3, branches::fetch_into),
    (2, branches::push),
    (4, branches::rebase),
    (3, branches::cherry_pick),
    (2, branches::revert),
    (4, branches::reset),
    (2, branches::move_branch),
    (1, branches::delete_branch),
    (1, branches::worktree),
    (1, branches::collect),
    (1, branches::pack),
];

/// Lines that have gone apart, so that there is something to merge.
const BEGINNING: &[Step] = &[
    (6, files::edit_and_commit),
    (1, files::ignored),
    (1, files::commit_staged),
    (4, branches::mate),
    (3, branches::switch),
    (1, branches::fetch_into),
];

pub fn begin(play: &mut Play) -> bool {
    weighted(play, BEGINNING)
}

pub fn step(play: &mut Play) -> bool {
    // What is in progress is often ended, and sometimes left.
    if !play.idle() && play.one_in(2) {
        return branches::go_on(play);
    }
    weighted(play, STEPS)
}

fn weighted(play: &mut Play, steps: &[Step]) -> bool {
    let total = steps.iter().map(|(weight, _)| weight).sum();
    let mut place = play.random.below(total);
    for (weight, step) in steps {
        if place < *weight {
            return step(play);
        }
        place -= weight;
    }
    false
}

impl Play {
    pub fn has(&self, name: &str) -> bool {
        self.world.top.join(".git").join(name).exists()
    }

    pub fn merging(&self) -> bool {
        self.has("MERGE_HEAD")
    }

    /// Whether something other than a merge is going on.
    pub fn busy(&self) -> bool {
        ["rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD", "sequencer"]
            .iter()
            .any(|name| self.has(name))
    }

    pub fn idle(&self) -> bool {
        !self.merging() && !self.has("SQUASH_MSG") && !self.busy()
    }

    pub fn list(&self, arguments: &[&str]) -> Vec<String> {
        self.world.git_quietly(arguments).lines().map(str::to_owned).collect()
    }

    pub fn branch(&self) -> Option<String> {
        let head = std::fs::read_to_string(self.world.top.join(".git/HEAD")).unwrap();
        head.trim().strip_prefix("ref: refs/heads/").map(str::to_owned)
    }

    /// A branch that is not checked out here.
    pub fn other_branch(&mut self) -> Option<String> {
        let mut names = self.list(&["for-each-ref", "--format=%(refname:short)", "refs/heads/"]);
        let here = self.branch();
        names.retain(|name| Some(name) != here.as_ref());
        self.choose(&names)
    }

    /// What can be merged: another branch, or one of the origin's.
    pub fn other_line(&mut self) -> Option<String> {
        if self.one_in(3) {
            let names = self.list(&["for-each-ref", "--format=%(refname:short)", "refs/remotes/origin/"]);
            return self.choose(&names);
        }
        self.other_branch()
    }

    /// A tracked file that stands there, with its text.
    pub fn tracked_file(&mut self) -> Option<(String, String)> {
        let mut names = self.list(&["ls-files"]);
        names.sort_unstable();
        names.dedup();
        names.retain(|name| {
            let path = self.world.path(name);
            path.is_file() && !path.is_symlink() && std::fs::metadata(&path).unwrap().len() > 100
        });
        let name = self.choose(&names)?;
        let text = self.world.text(&name);
        Some((name, text))
    }

    pub fn new_text(&self, what: &str) -> String {
        self.edits.set(self.edits.get() + 1);
        format!("{what}{MARK}{};", self.edits.get())
    }

    pub fn write(&mut self, path: &str, text: &str) {
        self.world.write(path, text);
        self.done.push(format!("mkdir -p $(dirname '{path}'); printf '%s' '{text}' >'{path}'"));
    }

    /// Gives one line of a text another content, as `sed` would.
    pub fn edited(&mut self, path: &str, text: &str, to: &str) -> (String, String) {
        let mut lines: Vec<&str> = text.lines().collect();
        // The first lines are edited so often that branches conflict there.
        let among = if self.one_in(2) { 3.min(lines.len() as u64) } else { lines.len() as u64 };
        let place = usize::try_from(self.random.below(among)).unwrap();
        lines[place] = to;
        (lines.join("\n") + "\n", format!("sed -i '{}s/.*/{to}/' '{path}'", place + 1))
    }
}

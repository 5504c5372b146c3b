//! Which git command runs us: its command line tells what hooks are not told (`-s`, `-X`, `--squash`, `--amend`).

use crate::git::Strategy;
use crate::model::Kind;

/// The command line of the git process that called the hook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The subcommand (`merge`, `commit` …); empty when unknown.
    pub subcommand: String,
    /// The words after it.
    pub words: Vec<String>,
}

impl Caller {
    /// Reads a command line; options of git itself before the subcommand are skipped.
    pub fn read(line: &[String]) -> Self {
        let mut words = line.iter();
        let program = words.next().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        if let Some(subcommand) = program.strip_prefix("git-") {
            return Self { subcommand: subcommand.to_owned(), words: words.cloned().collect() };
        }
        while let Some(word) = words.next() {
            match word.as_str() {
                "-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" | "--config-env" => {
                    words.next();
                }
                option if option.starts_with('-') => {}
                subcommand => {
                    return Self { subcommand: subcommand.to_owned(), words: words.cloned().collect() };
                }
            }
        }
        Self::default()
    }

    /// Returns whether the caller is known and is not what merges: git's own children (`read-tree`, `stash`) inherit
    /// the merge's environment and must never be taken for it.
    pub fn is_no_merge(&self) -> bool {
        !self.subcommand.is_empty() && !matches!(self.subcommand.as_str(), "merge" | "pull")
    }

    /// Returns whether the caller only moves refs from one place of storage to another: its transactions look as if it made
    /// them all, and deleted them.
    pub fn is_packing(&self) -> bool {
        self.subcommand == "pack-refs"
    }

    /// Returns the merge strategy that the command line names.
    pub fn strategy(&self) -> Strategy {
        let mut strategy = Strategy::default();
        strategy.read_options(self.words.iter().cloned());
        strategy
    }

    /// Returns whether an option is given and not taken back.
    pub fn has(&self, option: &str) -> bool {
        self.choice(option) == Some(true)
    }

    /// Returns whether an option is given (true) or its opposite is (false); the last one counts.
    pub fn choice(&self, option: &str) -> Option<bool> {
        let no = format!("--no-{}", option.trim_start_matches("--"));
        let words = self.words.iter().take_while(|word| *word != "--");
        words.filter(|word| *word == option || **word == no).last().map(|word| word == option)
    }

    /// Returns the value of an option, `--onto x` or `--onto=x`; the last one counts.
    pub fn value(&self, option: &str) -> Option<&str> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
        let joined = |word: &'_ str| word.strip_prefix(option).and_then(|rest| rest.strip_prefix('=')).map(str::len);
        let place = words.iter().rposition(|word| *word == option || joined(word).is_some())?;
        let word = self.words.get(place)?;
        match joined(word) {
            Some(length) => Some(&word[word.len() - length..]),
            None => self.words.get(place + 1).map(String::as_str),
        }
    }

    /// Returns what kind of operation the command is; `action` is `GIT_REFLOG_ACTION`, which a rebase sets for its steps.
    pub fn kind(&self, action: &str) -> Kind {
        let first = action.split([' ', ':']).next().unwrap_or_default();
        let word =
            if first.is_empty() || first == "pull" && self.subcommand == "rebase" { &self.subcommand } else { first };
        match word {
            "merge" => Kind::Merge,
            "pull" => Kind::Pull,
            "commit" if self.has("--amend") => Kind::Amend,
            "commit" => Kind::Commit,
            "rebase" => Kind::Rebase,
            "reset" => Kind::Reset,
            "checkout" | "switch" => Kind::Checkout,
            "cherry-pick" => Kind::CherryPick,
            "revert" => Kind::Revert,
            "am" => Kind::Am,
            "branch" | "worktree" => Kind::Branch,
            _ => Kind::Other,
        }
    }

    /// Returns the command as a person would have typed it.
    pub fn shown(&self) -> String {
        let words = std::iter::once(self.subcommand.as_str()).chain(self.words.iter().map(String::as_str));
        let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        line.chars().take(200).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Caller {
        Caller::read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_subcommand_is_found_behind_options() {
        assert_eq!(read("git -c a.b=c -C /x merge --no-ff feat").subcommand, "merge");
        assert_eq!(read("/usr/lib/git-core/git merge -s ours feat").strategy().names, ["ours"]);
        assert_eq!(read("git-merge feat").subcommand, "merge");
        assert_eq!(read("git --no-pager").subcommand, "");
    }

    #[test]
    fn children_that_restore_are_no_merges() {
        assert!(read("git stash apply 1234").is_no_merge());
        assert!(read("git read-tree --reset -u HEAD").is_no_merge());
        assert!(!read("git merge feat").is_no_merge());
        assert!(!Caller::default().is_no_merge());
    }

    #[test]
    fn the_value_of_an_option_is_found_in_both_forms() {
        assert_eq!(read("git rebase --onto a --onto=b x").value("--onto"), Some("b"));
        assert_eq!(read("git rebase --onto a x").value("--onto"), Some("a"));
        assert_eq!(read("git rebase --ontology x -- --onto a").value("--onto"), None);
        assert_eq!(read("git rebase --onto").value("--onto"), None);
    }

    #[test]
    fn an_option_taken_back_is_not_given() {
        assert!(read("git merge --no-squash --squash x").has("--squash"));
        assert!(!read("git merge --squash --no-squash x").has("--squash"));
        assert!(!read("git commit -- --amend").has("--amend"));
    }
}

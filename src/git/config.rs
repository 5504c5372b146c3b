//! The configuration, as git reads it.

use bstr::ByteSlice;

use super::child::GitError;
use super::merge::Strategy;
use super::repository::Repo;
use crate::model::{Raw, RefName};

impl Repo {
    /// Returns all values of a configuration variable, last one winning where one is meant.
    pub fn config(&self, name: &str) -> Result<Option<Raw>, GitError> {
        let output = self.git("config").args(["-z", "--get", name]).run()?;
        match output.status {
            0 => Ok(output.stdout.split(|byte| *byte == 0).next().map(Raw::from)),
            // 1: not set; 2: several values and --get (older gits).
            1 => Ok(None),
            _ => Err(output.failure()),
        }
    }

    /// Returns every value of a configuration variable that may have several.
    pub fn config_all(&self, name: &str) -> Result<Vec<Raw>, GitError> {
        let output = self.git("config").args(["-z", "--get-all", name]).run()?;
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        Ok(text.split(|byte| *byte == 0).filter(|value| !value.is_empty()).map(Raw::from).collect())
    }

    /// Returns whether a variable is set and true.
    pub fn config_is_true(&self, name: &str) -> Result<bool, GitError> {
        Ok(self.git("config").args(["--type=bool", "--get", name]).run()?.stdout.trim_end() == b"true")
    }

    /// Returns where a configuration variable is set: its scope (`local`, `global` …) and value.
    pub fn config_scope(&self, name: &str) -> Result<Option<(String, Raw)>, GitError> {
        let output = self.git("config").args(["-z", "--show-scope", "--get", name]).run()?;
        match output.status {
            0 => {
                let mut parts = output.stdout.split(|byte| *byte == 0);
                let scope = parts.next().map(crate::model::escape).unwrap_or_default();
                Ok(parts.next().map(|value| (scope, Raw::from(value))))
            }
            1 => Ok(None),
            _ => Err(output.failure()),
        }
    }

    /// Returns the strategy that the configuration gives for merges into a branch: `branch.<name>.mergeOptions`, and
    /// `pull.twohead`, `pull.octopus`.
    pub fn configured_strategy(&self, branch: Option<&RefName>) -> Result<Strategy, GitError> {
        let pattern = r"^(branch\..*\.mergeoptions|pull\.(twohead|octopus))$";
        let output = self.git("config").args(["-z", "--get-regexp", pattern]).run()?;
        let mut strategy = Strategy::default();
        if output.status == 1 {
            return Ok(strategy);
        }
        let text = output.success()?;
        for item in text.split(|byte| *byte == 0) {
            let (key, value) = item.split_once_str("\n").unwrap_or((item, b""));
            if key.starts_with(b"pull.") {
                strategy.names.extend(value.fields().map(|word| word.to_str_lossy().into_owned()));
            } else if let (Some(branch), Some(name)) =
                (branch, key.strip_prefix(b"branch.").and_then(|rest| rest.strip_suffix(b".mergeoptions")))
                && name == branch.as_bstr()
            {
                strategy.read_options(value.fields().map(|word| word.to_str_lossy().into_owned()));
            }
        }
        Ok(strategy)
    }
}

impl Strategy {
    /// Reads `-s` and `-X` in all their forms from the words of a command line.
    pub fn read_options(&mut self, words: impl IntoIterator<Item = String>) {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let (list, value) = match word.as_str() {
                "--" => return,
                "-s" | "--strategy" => (&mut self.names, words.next()),
                "-X" | "--strategy-option" => (&mut self.options, words.next()),
                _ => {
                    if let Some(value) = word.strip_prefix("--strategy=") {
                        (&mut self.names, Some(value.to_owned()))
                    } else if let Some(value) = word.strip_prefix("--strategy-option=") {
                        (&mut self.options, Some(value.to_owned()))
                    } else if let Some(value) = word.strip_prefix("-X") {
                        (&mut self.options, Some(value.to_owned()))
                    } else if let Some(value) = word.strip_prefix("-s") {
                        (&mut self.names, Some(value.to_owned()))
                    } else {
                        continue;
                    }
                }
            };
            list.extend(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_strategy_options_is_read() {
        let mut strategy = Strategy::default();
        let line = "-s ours -Xtheirs --strategy=ort --strategy-option ignore-space-change -X patience feat -- -s x";
        strategy.read_options(line.split(' ').map(str::to_owned));
        assert_eq!(strategy.names, ["ours", "ort"]);
        assert_eq!(strategy.options, ["theirs", "ignore-space-change", "patience"]);
    }
}

//! The configuration, as git reads it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::child::{GitError, path_of};
use super::merge::Strategy;
use super::repository::Repo;
use crate::model::{Raw, RefName};

/// One place where a configuration variable is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPlace {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub scope: String,
    /// The file; `None` when it is no file (`-c`, the environment).
    pub file: Option<PathBuf>,
    /// The value as it is written.
    pub value: Raw,
}

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

    /// Returns every place where a configuration variable is set, as git reads them: the last one counts.
    pub fn config_places(&self, name: &str) -> Result<Vec<ConfigPlace>, GitError> {
        let output = self.git("config").args(["-z", "--show-scope", "--show-origin", "--get-all", name]).run()?;
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        let parts: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
        let place = |part: &[&[u8]]| {
            let file = part[1]
                .strip_prefix(b"file:")
                .map(|file| self.work_tree().unwrap_or(self.git_dir()).join(path_of(file)));
            ConfigPlace { scope: crate::model::escape(part[0]), file, value: Raw::from(part[2]) }
        };
        Ok(parts.chunks_exact(3).map(place).collect())
    }

    /// Returns a path of the configuration with `~` and the like replaced, as git does it; relative ones stay so.
    pub fn config_path(&self, value: &Raw) -> Result<PathBuf, GitError> {
        if !value.starts_with(b"~") && !value.starts_with(b"%(") {
            return Ok(path_of(value));
        }
        let setting = [b"recoveryguard.path=", value.as_bytes()].concat();
        let ask = self.git_with(OsStr::from_bytes(&setting), "config").args([
            "-z",
            "--type=path",
            "--get",
            "recoveryguard.path",
        ]);
        let text = ask.run()?.success()?;
        Ok(path_of(text.strip_suffix(b"\0").unwrap_or(&text)))
    }

    /// Returns the names of the hooks that stand in the configuration (git 2.54 and later) and are not switched off.
    pub fn config_hooks(&self) -> Result<Vec<String>, GitError> {
        let output = self.git("config").args(["-z", "--get-regexp", r"^hook\..*\.(event|enabled)$"]).run()?;
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        let mut names: Vec<(&[u8], bool)> = Vec::new();
        for item in text.split(|byte| *byte == 0) {
            let (key, value) = item.split_once_str("\n").unwrap_or((item, b"true"));
            let Some(rest) = key.strip_prefix(b"hook.") else { continue };
            let (name, is_event) = match (rest.strip_suffix(b".event"), rest.strip_suffix(b".enabled")) {
                (Some(name), _) => (name, true),
                (_, Some(name)) => (name, false),
                _ => continue,
            };
            let is_off = !is_event && matches!(value, b"false" | b"no" | b"off" | b"0" | b"");
            match names.iter_mut().find(|(known, _)| *known == name) {
                Some(known) if !is_event => known.1 = !is_off,
                Some(_) => {}
                None => names.push((name, !is_off)),
            }
        }
        Ok(names.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| crate::model::escape(name)).collect())
    }

    /// Returns the variables about hooks (`hook.*`) that this repository, its worktree or this command sets, with their values
    /// and in their order: not those of the user and the system, which hold everywhere.
    pub fn own_config_hooks(&self) -> Result<Vec<(Raw, Raw)>, GitError> {
        let output = self.git("config").args(["-z", "--show-scope", "--get-regexp", r"^hook\."]).run()?;
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        let parts: Vec<&[u8]> = text.split(|byte| *byte == 0).collect();
        let own = parts.chunks_exact(2).filter(|part| !matches!(part[0], b"global" | b"system"));
        Ok(own
            .map(|part| part[1].split_once_str("\n").unwrap_or((part[1], b"true")))
            .map(|(name, value)| (Raw::from(name), Raw::from(value)))
            .collect())
    }

    /// Returns the values that a file of the configuration itself gives a variable, without what it includes.
    pub fn config_in(&self, file: &Path, name: &str) -> Result<Vec<Raw>, GitError> {
        let output = self.git("config").arg("--file").arg(file).args(["-z", "--get-all", name]).run()?;
        let text = if output.status == 1 { Vec::new() } else { output.success()? };
        Ok(text.split(|byte| *byte == 0).filter(|value| !value.is_empty()).map(Raw::from).collect())
    }

    /// Takes a value of a variable out of a file of the configuration; a section that is empty then goes too.
    pub fn config_remove(&self, file: &Path, name: &str, value: &str) -> Result<(), GitError> {
        let pattern = format!("^{}$", value.replace('.', "\\."));
        let output = self.git("config").arg("--file").arg(file).args(["--unset-all", name, &pattern]).run()?;
        // 5: it is not there.
        if output.status == 5 { Ok(()) } else { output.success().map(drop) }
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

//! `git push -o 'guard-allow=<rule>: <why>'`: what a pusher wants to let pass, and what of it can't count.
//!
//! An option that is mistyped allows nothing, and git says nothing about it: so we do, with the line that was meant.

use crate::manifest::{RULE_NAMES, nearest, nearest_rule};
use crate::model::{Raw, escape};

/// The word before the `=`.
const KEY: &str = "guard-allow";

/// The options of a push that are ours, or were meant to be.
pub(super) struct Options(Vec<Parsed>);

/// One option, printable.
struct Parsed {
    shown: String,
    rule: String,
    reason: String,
    /// Whether it begins with `guard-allow=`.
    has_key: bool,
}

impl Options {
    /// Reads them; those of other hooks are left out.
    pub(super) fn read(options: &[Raw]) -> Self {
        Self(options.iter().filter_map(|option| parse(escape(option))).collect())
    }

    /// Returns the rules, with reasons, among those that a manifest lets be allowed.
    pub(super) fn that_may<'a>(&'a self, allow: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let counts = |option: &&Parsed| option.slip().is_none() && allow.contains(&option.rule);
        self.0.iter().filter(counts).map(|option| (&option.rule[..], &option.reason[..]))
    }

    /// Says of each option that can't count why, and what was meant; `allow` are the rules that any of the branches lets pass.
    pub(super) fn misread(&self, allow: &[String]) -> Vec<String> {
        self.0.iter().filter_map(|option| option.why_not(allow)).collect()
    }
}

fn parse(shown: String) -> Option<Parsed> {
    let end = shown.find(['=', ':', ' ']).unwrap_or(shown.len());
    let (key, rest) = shown.split_at(end);
    nearest(key, [KEY])?;
    let has_key = key == KEY && rest.starts_with('=');
    let (rule, reason) = rest.trim_start_matches(['=', ':', ' ']).split_once(':').unwrap_or((rest, ""));
    let rule = rule.trim_matches(['=', ':', ' ']).to_owned();
    let reason = reason.trim().to_owned();
    Some(Parsed { shown, rule, reason, has_key })
}

impl Parsed {
    /// Returns what is wrong with its form.
    fn slip(&self) -> Option<&'static str> {
        match () {
            () if !self.has_key => Some("does not begin with 'guard-allow='"),
            () if self.rule.is_empty() => Some("names no rule"),
            () if !RULE_NAMES.contains(&&self.rule[..]) => Some("names a rule that is none"),
            () if self.reason.is_empty() => Some("gives no reason"),
            () => None,
        }
    }

    fn why_not(&self, allow: &[String]) -> Option<String> {
        let shown = &self.shown;
        if let Some(slip) = self.slip() {
            let known = RULE_NAMES.iter().find(|name| **name == self.rule).copied();
            let rule = known.or_else(|| nearest_rule(&self.rule)).unwrap_or("<rule>");
            let reason = if self.reason.is_empty() { "<why>" } else { &self.reason };
            let meant = format!("{KEY}={rule}: {reason}").replace('\'', r"'\''");
            return Some(format!("the push option '{shown}' {slip}; did you mean\ngit push -o '{meant}'"));
        }
        if allow.contains(&self.rule) {
            return None;
        }
        let may = if allow.is_empty() { "no rule".to_owned() } else { format!("only {}", allow.join(", ")) };
        Some(format!("the push option '{shown}' does not count: '[policy] allow' names {may}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(option: &str) -> Vec<String> {
        Options::read(&[option.into()]).misread(&["mass-delete".to_owned()])
    }

    #[test]
    fn slips_are_told_with_the_line_that_was_meant() {
        let cases = [
            ("guard-allow=mass-delete", "gives no reason", "git push -o 'guard-allow=mass-delete: <why>'"),
            ("guard-allow=mass-delete: ", "gives no reason", "git push -o 'guard-allow=mass-delete: <why>'"),
            ("guard-allow", "does not begin", "git push -o 'guard-allow=<rule>: <why>'"),
            ("guard-allow=", "names no rule", "git push -o 'guard-allow=<rule>: <why>'"),
            ("guard-allow: mass-delete: moved", "does not begin", "git push -o 'guard-allow=mass-delete: moved'"),
            ("guard_allow=mass-delete: moved", "does not begin", "git push -o 'guard-allow=mass-delete: moved'"),
            ("gaurd-allow=mass-delete: moved", "does not begin", "git push -o 'guard-allow=mass-delete: moved'"),
            ("guard-allow=mass_delete: it's", "a rule that is none", r"git push -o 'guard-allow=mass-delete: it'\''s'"),
            ("guard-allow=xyzzy: moved", "a rule that is none", "git push -o 'guard-allow=<rule>: moved'"),
            ("guard-allow=lost-keys: moved", "names only mass-delete", ""),
            ("guard-allow=mass-delet\x1b[2J", "mass-delet\\u{1b}[2J", "guard-allow=mass-delete: <why>"),
        ];
        for (option, why, meant) in cases {
            let said = said(option).concat();
            assert!(said.contains(why) && said.contains(meant), "{option}: {said}");
        }
    }

    #[test]
    fn what_counts_and_what_is_for_others_is_not_mentioned() {
        for option in
            ["guard-allow=mass-delete: moved: see #4", "ci.skip", "merge_request.create", "", "reviewer=guard"]
        {
            assert_eq!(said(option), Vec::<String>::new(), "{option}");
        }
        let options =
            Options::read(&["guard-allow=mass-delete: moved: see #4".into(), "guard-allow=lost-keys: x".into()]);
        let allow = ["mass-delete".to_owned()];
        assert_eq!(options.that_may(&allow).collect::<Vec<_>>(), [("mass-delete", "moved: see #4")]);
    }
}

//! What is wrong with a page: links that lead nowhere, commands that are none, contacts that are missing.

use std::collections::BTreeSet;

use super::markdown::anchor;
use crate::manifest::Manifest;

/// Returns what is wrong with a page of this repository, a sentence each.
pub fn faults(manifest: &Manifest, page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let known: BTreeSet<String> = headings.map(|line| anchor(line.trim_start_matches('#'))).collect();
    let mut found = Vec::new();
    for (at, _) in page.match_indices("](#") {
        let target = page[at + 3..].split(')').next().unwrap_or_default();
        if !known.contains(target) {
            found.push(format!("a link leads to '#{target}', and there is no such heading"));
        }
    }
    if manifest.runbook.contacts.is_empty() {
        found.push("nobody is named: add [[runbook.contact]] to the manifest".to_owned());
    }
    found
}

/// Returns the commands of guard that a page names, in blocks and in sentences; what a block shows as output is none.
pub fn commands(page: &str) -> Vec<String> {
    let (mut found, mut fence) = (Vec::new(), None);
    for line in page.lines() {
        let line = line.trim();
        // A block may be a numbered step.
        let unnumbered = line.trim_start_matches(|character: char| character.is_ascii_digit()).strip_prefix(". ");
        let line = unnumbered.filter(|rest| rest.starts_with("```")).unwrap_or(line);
        match (line.strip_prefix("```"), fence) {
            (Some(opened), None) => fence = Some(opened),
            (Some(_), Some(_)) => fence = None,
            (None, Some("console")) => found.extend(line.strip_prefix("$ ").map(str::to_owned)),
            (None, Some("sh")) => found.push(line.to_owned()),
            (None, Some(_)) => {}
            (None, None) => found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    // 'guard <command>' stands for any.
    let is_command = |line: &String| {
        line.starts_with("exec guard ") || line.strip_prefix("guard ").is_some_and(|rest| !rest.starts_with('<'))
    };
    found.into_iter().filter(is_command).map(|line| line.trim_start_matches("exec ").to_owned()).collect()
}

/// Splits a line as a shell would, as far as its first comment, pipe or redirection; words in angle brackets are words.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, '|' | ';' | '&') => break,
            (None, '#' | '>') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_to_lead_somewhere() {
        let found = faults(&Manifest::default(), "# Top\n\n[a](#top) [b](#nowhere)\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("'#nowhere'") && found[1].starts_with("nobody is named"));
    }

    #[test]
    fn commands_are_found_in_blocks_and_sentences() {
        let page = "Run `guard log -n 3`, not `git log` or `guard <command>`.\n1. ```sh\n   guard redo\n   ```\n```sh\nguard verify  # all\nls\n```\n`x`\n```console\n$ guard undo\nguard said this\n```\n";
        assert_eq!(commands(page), ["guard log -n 3", "guard redo", "guard verify  # all", "guard undo"]);
    }

    #[test]
    fn lines_are_split_as_a_shell_does() {
        assert_eq!(
            words("guard restore 'a b' \"c\"\\ d <start>..HEAD # why"),
            ["guard", "restore", "a b", "c d", "<start>..HEAD"]
        );
        assert_eq!(words("guard log | head"), ["guard", "log"]);
        assert_eq!(words("guard allow x --reason '...' > out"), ["guard", "allow", "x", "--reason", "..."]);
    }
}

//! `ignored-overwritten`: the merge writes over a local file that git does not track.

use crate::model::{Level, LocalFile, LocalKind};

use super::{Case, Docs, Draft, Rule, Weight};

/// The rule.
pub const RULE: Rule = Rule {
    name: "ignored-overwritten",
    default: Level::Warn,
    docs: Docs {
        finds: "The merge brings a path at which an untracked or ignored file lies in the working tree. Its bytes are \
                saved before the merge; where they could not be saved, because the file is larger than `max_file` allows or \
                can't be read, the merge is refused.",
        why: "git overwrites ignored files without a word (`.env`, local configuration, data), and has no copy of them.",
        what_to_do: "Nothing when the file was saved: `guard undo-merge` brings it back. Otherwise move the file away, or \
                     raise `max_file` in `[snapshot]`, and merge again.",
        when_wrong: "The local file is generated and may go: `guard allow ignored-overwritten <path> --reason '...'`.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let untracked = case.facts.local.iter().filter(|local| local.kind == LocalKind::Untracked);
    untracked.map(|local| draft(case, local)).collect()
}

fn draft(case: &Case<'_>, local: &LocalFile) -> Draft {
    let path = &local.path;
    if local.saved {
        let message = format!("the merge writes over '{path}', which git does not track");
        return Draft::at(path, message).evidence("saved", "yes").remedy("guard undo-merge");
    }
    let message = format!("the merge would destroy '{path}': git does not track it, and it could not be saved");
    let draft = Draft::at(path, message).evidence("saved", "no").weighing(Weight::Own(Level::Block));
    match case.protected(path) {
        // Only the command that allows it helps here: the default.
        Some(protection) => draft.protected_by(&protection),
        None => draft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Deny;
    use crate::rules::testing::{Sample, file};

    fn sample(kind: LocalKind, saved: bool) -> Sample {
        Sample::merge().path(".env", None, &[file("a")], file("a")).local(".env", kind, saved)
    }

    #[test]
    fn an_untracked_file_in_the_way_warns_and_blocks_when_it_was_not_saved() {
        assert_eq!(sample(LocalKind::Untracked, true).said(), ["warn ignored-overwritten .env"]);
        let findings = sample(LocalKind::Untracked, false).judge();
        assert_eq!((findings[0].level, findings[0].evidence["saved"].as_str()), (Level::Block, "no"));
    }

    #[test]
    fn a_protected_one_that_was_saved_warns() {
        let protected = |saved| sample(LocalKind::Untracked, saved).protect(&[".env"], &[Deny::Delete]).said();
        assert_eq!(protected(false), ["block ignored-overwritten .env"]);
        assert_eq!(protected(true), ["warn ignored-overwritten .env"]);
    }

    #[test]
    fn changes_of_tracked_files_are_quiet() {
        assert!(sample(LocalKind::Dirty, false).said().is_empty());
    }
}

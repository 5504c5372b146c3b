//! `stale-content`: a file is what it was before somebody's work on the branch merged into.

use crate::model::{Entry, Level, PathFacts, TakenBack};

use super::lost_change::{restore, side_name};
use super::{Case, Docs, Draft, Rule, Weight, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "stale-content",
    default: Level::Warn,
    docs: Docs {
        finds: "A file's content is an older version of it on the branch merged into. In a merge: the branch has moved on since the \
                merge base, the other side never touched the file, and the result has the old version all the same. In a \
                fast-forward, a squash onto the tip, a rebase and a push there is no third side to compare: there it is a whole \
                commit, among the newest 100 of the branch, of which nothing stands any more, a file of it is byte for byte what it \
                was before, and no message says so. That warns when the commit is somebody else's and goes in passing, with other \
                changes; else it is information.",
        why: "Who squashes or copies a branch that was made days ago on top of today's takes back what others did meanwhile, and \
              git sees in it only an ordinary change.",
        what_to_do: "If it was not meant, the finding's command brings the newer version back.",
        when_wrong: "A workaround is removed by the change that makes it needless: say \"revert\", \"restore\" or \"back to\" in the \
                     message, and the rule keeps quiet. Nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let merged = case.paths().filter(|facts| is_stale(facts)).map(|facts| kept(case, facts));
    merged.chain(case.facts.taken_back.iter().filter_map(|taken| taken_back(case, taken))).collect()
}

/// Returns whether the result has what the other side still had, though only the first parent changed it.
fn is_stale(facts: &PathFacts) -> bool {
    let content = |entry: Option<Entry>| entry.filter(|entry| entry.mode.is_regular()).map(|entry| entry.oid);
    let Some((first, result)) = content(facts.first).zip(content(facts.result)) else { return false };
    let old = facts.bases.iter().chain(&facts.others);
    first != result && !facts.bases.is_empty() && old.clone().all(|entry| content(*entry) == Some(result))
}

fn kept(case: &Case<'_>, facts: &PathFacts) -> Draft {
    let (first, other) = (side_name(case, 0), side_name(case, 1));
    let path = &facts.path;
    let message = format!("'{path}' is what it was before {first} changed it; {other} did not touch it");
    let draft = Draft::at(path, message).evidence("side", first);
    match restore(case, path, 0) {
        Some(command) => draft.remedy(command),
        None => draft,
    }
}

fn taken_back(case: &Case<'_>, taken: &TakenBack) -> Option<Draft> {
    let path = taken.paths.first()?;
    let more = match taken.paths.len() {
        1 => String::new(),
        2 => " (and one more)".to_owned(),
        count => format!(" (and {} more)", count - 1),
    };
    let message = format!("'{path}'{more} is what it was before '{}', and no message says so", taken.subject);
    let weight = if taken.of_others && taken.beside { Weight::Rule } else { Weight::AtMost(Level::Info) };
    let draft = Draft::at(path, message).weighing(weight);
    let draft = draft.evidence("lost_commit", taken.commit.to_string()).evidence("lost_author", &*taken.author);
    let Some(tip) = case.facts.into.tip else { return Some(draft) };
    let paths: Vec<String> = taken.paths.iter().map(|path| shell_quote(path)).collect();
    Some(draft.remedy(format!("git restore --source={} -- {}", tip.short(), paths.join(" "))))
}

#[cfg(test)]
mod tests {
    use crate::model::TakenBack;
    use crate::rules::testing::{Sample, file, oid};

    #[test]
    fn an_old_version_that_neither_side_wanted_warns() {
        let sample = Sample::merge().path("a", file("new"), &[file("old")], file("old")).base("a", file("old"));
        assert_eq!(sample.said(), ["warn stale-content a"]);
        assert_eq!(sample.judge()[0].message, "'a' is what it was before main changed it; feat did not touch it");
    }

    #[test]
    fn what_the_other_side_wanted_is_not_stale() {
        // It changed the file, to something new or to what it had been before.
        let sample = Sample::merge().path("a", file("same"), &[file("new")], file("new")).base("a", file("same"));
        assert!(sample.said().is_empty());
        let sample = Sample::merge().path("a", file("mine"), &[file("yours")], file("yours")).base("a", file("old"));
        assert!(sample.said().is_empty());
        // Nobody changed it, or nothing is known.
        let sample = Sample::merge().path("a", file("old"), &[file("old")], file("old")).base("a", file("old"));
        assert!(sample.said().is_empty());
        assert!(Sample::merge().path("a", file("new"), &[file("old")], file("old")).said().is_empty());
    }

    fn taken(of_others: bool, beside: bool) -> Sample {
        let mut sample =
            Sample::merge().path("a", file("new"), &[file("old")], file("old")).path("b", None, &[None], None);
        sample.facts.taken_back.push(TakenBack {
            commit: oid("work"),
            author: "Somebody".into(),
            subject: "work".into(),
            paths: vec!["a".into(), "b".into()],
            all: vec!["a".into(), "b".into()],
            of_others,
            beside,
        });
        sample
    }

    #[test]
    fn a_commit_of_somebody_else_that_goes_in_passing_warns_and_others_are_listed() {
        assert_eq!(taken(true, true).said(), ["warn stale-content a"]);
        let message = &taken(true, true).judge()[0].message;
        assert_eq!(message, "'a' (and one more) is what it was before 'work', and no message says so");
        for (of_others, beside) in [(false, true), (true, false), (false, false)] {
            assert_eq!(taken(of_others, beside).said(), ["info stale-content a"]);
        }
    }
}

//! `lost-change`: work of one side is missing from the result.

use crate::model::{Automatic, Facts, Level, Loss, Lost, Mode, ResultKind, Shape, TreePath};

use super::ranking::{About, LISTED, WARN, about, points};
use super::{Case, Docs, Draft, Rule, Weight, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "lost-change",
    default: Level::Warn,
    docs: Docs {
        finds: "The result lacks what one side changed and git's own merge would have kept: lines that only that side had \
                added, a file that it had added or changed. Findings are ranked by a few points: lines that are gone, \
                how unusual such a merge and such a place is in this repository, what kind of file it is. Few points make \
                it information.",
        why: "A conflict resolved with \"take mine\" silently undoes a colleague's work, and nobody sees it in the merge's \
              own difference.",
        what_to_do: "Look at the lines. If they were not meant to go, the command of the finding puts that side's change \
                     back on top of today's state.",
        when_wrong: "Conflicts are often settled by writing something new that stands for both sides. A finding is a place \
                     to look at, and nothing is refused.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    drafts(case, About::Change, |loss| {
        let (side, lines) = lost_side(loss);
        let name = side_name(case, side);
        let count = lines.len();
        let path = &loss.deviation.path;
        match (count, loss.deviation.result) {
            (_, None) => format!("'{path}' of {name} is missing from the result"),
            (0, _) => format!("'{path}' is not what merging gives"),
            (1, _) => format!("a line of {name} is missing from '{path}'"),
            _ => format!("{count} lines of {name} are missing from '{path}'"),
        }
    })
}

/// Makes a draft of each deviation that a rule speaks of.
pub(super) fn drafts(case: &Case<'_>, which: About, message: impl Fn(&Loss) -> String) -> Vec<Draft> {
    let losses = &case.facts.losses;
    let mut found = Vec::new();
    for loss in losses.at.iter().filter(|loss| about(loss) == which && !loss.deviation.is_as_git_left_it()) {
        let points = points(loss, losses);
        if points < LISTED || all_have_it_but_the_result(loss) || is_submodule(loss) {
            continue;
        }
        let weight = if points >= WARN { Weight::Rule } else { Weight::AtMost(Level::Info) };
        let (side, lines) = listed(loss);
        let mut draft = Draft::at(&loss.deviation.path, message(loss)).weighing(weight);
        draft = draft.evidence("points", points.to_string()).evidence("side", side_name(case, side));
        let conflict = if loss.deviation.was_in_conflict() { "yes" } else { "no" };
        draft = draft.evidence("in_conflict", conflict);
        for (number, line) in lines.iter().enumerate() {
            draft = draft.evidence(&format!("line_{}", number + 1), line);
        }
        found.push(match restore(case, &loss.deviation.path, side) {
            Some(command) => draft.remedy(command),
            None => draft,
        });
    }
    found
}

/// So many of the lines are shown.
const SHOWN: usize = 3;

/// Returns the side that lost more, and the lines that a finding about a loss lists.
pub fn listed(loss: &Loss) -> (usize, Vec<&[u8]>) {
    let (side, lines) = lost_side(loss);
    let shown = match about(loss) {
        About::Doubled => &loss.signals.doubled,
        About::Resurrected => &loss.signals.back[side],
        _ if lines.is_empty() => &loss.signals.common,
        _ => lines,
    };
    // First what nothing stands for; a line that has a successor tells less.
    let gone = shown.iter().filter(|line| !line.replaced);
    let others = shown.iter().filter(|line| line.replaced);
    (side, gone.chain(others).take(SHOWN).map(|line| &line.text[..]).collect())
}

/// That every side has a file and the result has not is another rule's.
fn all_have_it_but_the_result(loss: &Loss) -> bool {
    loss.deviation.result.is_none() && loss.deviation.parents.iter().all(Option::is_some)
}

/// Returns the parent whose work a deviation lost.
pub fn side_of(loss: &Loss) -> usize {
    lost_side(loss).0
}

/// Returns whether what is lost is of both sides.
pub fn is_of_both(loss: &Loss) -> bool {
    matches!(about(loss), About::Common | About::Doubled)
}

/// Returns whether a deviation lost anything: it is neither what git leaves, nor what every side has and the result has not,
/// nor a settled conflict without a trace of loss.
pub fn is_loss(loss: &Loss) -> bool {
    let signals = &loss.signals;
    let lines = signals.lost.iter().flatten().any(|line| !line.replaced);
    let is_gone = loss.deviation.result.is_none() && loss.deviation.parents.iter().any(Option::is_some);
    let is_one_side = !loss.deviation.was_in_conflict() && loss.deviation.side_taken().is_some();
    !loss.deviation.is_as_git_left_it() && (lines || is_of_both(loss) || is_gone || is_one_side)
}

/// Returns whether the ranking may put a deviation high: it lost something, or each lost line has one like it, which is how a
/// wrong choice between two sides looks, too.
pub fn may_matter(loss: &Loss) -> bool {
    let lines = loss.signals.lost.iter().any(|lines| !lines.is_empty());
    is_loss(loss) || (lines && !loss.deviation.is_as_git_left_it())
}

/// Where a submodule stands is another rule's, too.
fn is_submodule(loss: &Loss) -> bool {
    loss.deviation.result.is_some_and(|entry| entry.mode == Mode::Submodule)
}

/// Returns the side that lost more, and which lines of it are missing.
pub(super) fn lost_side(loss: &Loss) -> (usize, &[Lost]) {
    let weight = |side: usize| {
        let lines = &loss.signals.lost[side];
        (lines.iter().filter(|line| !line.replaced).count(), lines.len())
    };
    let taken = loss.deviation.side_taken();
    // To remove something is work, too.
    let back = |side: usize| loss.signals.back[side].len();
    let is_back = about(loss) == About::Resurrected;
    let side = match loss.deviation.automatic {
        _ if is_back => usize::from(back(1) > back(0)),
        _ if weight(0) > weight(1) => 0,
        _ if weight(1) > weight(0) => 1,
        // Where the result is what one parent has, the other lost.
        Automatic::Entry(Some(entry)) => {
            loss.deviation.parents.iter().position(|parent| *parent == Some(entry)).unwrap_or(1)
        }
        _ => usize::from(taken == Some(0)),
    };
    (side, &loss.signals.lost[side.min(1)])
}

/// Returns how a side is called.
pub(super) fn side_name(case: &Case<'_>, side: usize) -> String {
    let facts = case.facts;
    if side == 0 {
        let name = facts.into.branch.as_ref().map(|name| crate::model::escape(name));
        return name.unwrap_or_else(|| "the first parent".to_owned());
    }
    let head = facts.incoming.get(side - 1);
    match head.map(|head| (head, head.name())) {
        Some((head, Some(name))) if facts.into.has_namesake(head) => {
            format!("the remote's {}", crate::model::escape(name))
        }
        Some((_, Some(name))) => crate::model::escape(name),
        Some((head, None)) if side == 1 => format!("the second parent ({})", head.oid.short()),
        _ => format!("parent {}", side + 1),
    }
}

/// Returns the command that puts what was lost at a path back on top of what is there now.
pub(super) fn restore(case: &Case<'_>, path: &TreePath, side: usize) -> Option<String> {
    let facts = case.facts;
    let deviates = facts.losses.at.iter().any(|loss| loss.deviation.path == *path);
    if !deviates {
        return by_hand(facts, path, side);
    }
    let is_merge = facts.result == ResultKind::Actual && matches!(facts.shape, Shape::Merge | Shape::Octopus);
    let change = match (&facts.merge_bases[..], &facts.incoming[..]) {
        _ if is_merge => String::new(),
        // A squash, a pick: its parents don't tell what came in.
        ([base], [theirs]) => format!(" --change {}..{}", base.short(), theirs.oid.short()),
        _ => return by_hand(facts, path, side),
    };
    let restore = |commit: &str| format!("guard restore --lost {commit}{change} -- {}", shell_quote(path));
    Some(match facts.commit {
        Some(commit) => restore(&commit.short()),
        None => format!("once it is committed: {}", restore("HEAD")),
    })
}

/// Returns git's command that puts a side's change back, and leaves what overlaps in conflict.
fn by_hand(facts: &Facts, path: &TreePath, side: usize) -> Option<String> {
    let from = if side == 0 { facts.into.tip? } else { facts.incoming.get(side - 1)?.oid };
    let base = facts.merge_bases.first()?;
    let path = shell_quote(path);
    Some(format!("git diff --binary {} {} -- {path} | git apply --3way", base.short(), from.short()))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, oid};

    #[test]
    fn a_line_of_one_side_that_is_gone_warns() {
        let sample = Sample::merge().loss("a", |signals| signals.lost[1] = Sample::lines(&["their work"], false));
        assert_eq!(sample.said(), ["warn lost-change a"]);
        let finding = &sample.judge()[0];
        assert_eq!(finding.message, "a line of feat is missing from 'a'");
        assert_eq!(finding.evidence["line_1"], "their work");
        assert_eq!(finding.remedy, "once it is committed: guard restore --lost HEAD -- 'a'");
    }

    #[test]
    fn a_remotes_branch_of_the_same_name_is_told_from_ones_own() {
        let mut sample = Sample::merge().loss("a", |signals| signals.lost[1] = Sample::lines(&["their work"], false));
        sample.facts.incoming[0].names = vec!["main".into()];
        assert_eq!(sample.judge()[0].message, "a line of the remote's main is missing from 'a'");
    }

    /// Of a squash the command says what came in: its parents don't tell.
    #[test]
    fn the_command_names_what_came_in_where_the_commit_does_not() {
        let mut sample = Sample::merge().loss("a", |signals| signals.lost[1] = Sample::lines(&["their work"], false));
        sample.facts.shape = crate::model::Shape::Squash;
        sample.facts.merge_bases = vec![oid("base")];
        let change = format!("{}..{}", oid("base").short(), sample.facts.incoming[0].oid.short());
        let command = format!("guard restore --lost HEAD --change {change} -- 'a'");
        assert_eq!(sample.judge()[0].remedy, format!("once it is committed: {command}"));
        sample.facts.commit = Some(oid("squash"));
        assert_eq!(sample.judge()[0].remedy, command.replace("HEAD", &oid("squash").short()));
    }

    #[test]
    fn in_a_repository_where_that_is_routine_it_is_listed_and_a_small_one_is_not() {
        let sample = || {
            let lost = |signals: &mut crate::model::Signals| signals.lost[1] = Sample::lines(&["their work"], false);
            Sample::merge().loss("a", lost).loss("b", |signals| signals.common = Sample::lines(&["old"], false))
        };
        assert_eq!(sample().usually(300, 10, 0).said()[0], "warn lost-change a");
        assert_eq!(sample().usually(300, 100, 0).said(), ["info lost-change a"]);
        assert!(sample().usually(300, 100, usize::MAX).said().is_empty());
    }

    #[test]
    fn lock_files_are_listed_only() {
        let lost = |signals: &mut crate::model::Signals| signals.lost[0] = Sample::lines(&["version 2"], false);
        let sample = Sample::merge().loss("lib/yarn.lock", lost).loss("b", |_| ());
        assert_eq!(sample.said(), ["info lost-change b", "info lost-change lib/yarn.lock"]);
    }
}

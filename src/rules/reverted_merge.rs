//! `reverted-merge`: what an earlier merge brought is missing from the result, because that merge was reverted.

use crate::model::{Facts, Level, RevertedMerge, Shape, Side, escape};

use super::{Case, Docs, Draft, Rule, shell_quote};

/// The rule.
pub const RULE: Rule = Rule {
    name: "reverted-merge",
    default: Level::Warn,
    docs: Docs {
        finds: "An earlier merge was reverted on one side, and the other side still builds on what it brought: the branch \
                is merged again after a fix, or the line with the revert is merged into the branch. Reverts are known by \
                their message, or by doing the opposite of the merge; `guard undo-merge` makes such reverts of what is \
                published.",
        why: "To git what was merged once is in both histories, and the revert is the newer word on it. The fix comes and \
              the work that it fixes does not; or the work goes from the very branch it was made on. There is no \
              conflict, so nobody is told.",
        what_to_do: "Take the revert back by a new commit: `guard undo-merge --reapply <revert>` on the branch that has the \
                     revert, before the merge or after it. It names the last revert where there are several; the next \
                     check names the others.",
        when_wrong: "The work is meant to stay out: `guard allow reverted-merge --reason '...'`. It keeps quiet once the \
                     revert was reverted, when the branch was rebased (its commits are new), when the result has the work \
                     in another way, for branches that were made after the merge (what those contain is reverted for \
                     them, too), and after the first merge that left the work out.",
    },
    judge,
};

/// So many paths are listed.
const PATHS: usize = 5;

fn judge(case: &Case<'_>) -> Vec<Draft> {
    case.facts.reverted.iter().map(|found| draft(case.facts, found)).collect()
}

fn draft(facts: &Facts, found: &RevertedMerge) -> Draft {
    let revert = found.revert.to_string();
    let mut draft = Draft::new(message(facts, found))
        .evidence("revert", &revert)
        .evidence("commit", found.revert.short())
        .evidence("author", &*found.author)
        .evidence("subject", &*found.subject)
        .evidence("commits", found.commits.to_string())
        .evidence("paths", listed(found))
        .evidence("reason", format!("to git the revert is newer than what it took back: {}", work(found)))
        .remedy(remedy(facts, found));
    if let Some(merge) = found.merge {
        draft = draft.evidence("merge", merge.to_string());
    }
    // All were made before the merge that is judged: they are the same for a prediction and for the commit.
    let named = [Some(found.revert), found.merge, facts.incoming.get(found.head).map(|head| head.oid)];
    draft.detail = named.into_iter().flatten().map(|oid| oid.to_string()).collect::<Vec<_>>().join(" ");
    draft
}

fn message(facts: &Facts, found: &RevertedMerge) -> String {
    let into = facts.into.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |branch| format!("'{}'", escape(branch)));
    let incoming = incoming(facts, found);
    let revert = found.revert.short();
    let merge = found.merge.map_or_else(|| "fast-forward".to_owned(), |merge| format!("merge {}", merge.short()));
    let part = if found.paths.len() < found.of {
        format!(", in {} of its {} files", found.paths.len(), found.of)
    } else {
        String::new()
    };
    let one = found.commits == 1;
    let commits = if one { "1 commit".to_owned() } else { format!("{} commits", found.commits) };
    match found.side {
        Side::Into => {
            let stay = if one { "stays" } else { "stay" };
            format!("{commits} that {incoming} builds on {stay} out of {into}: {revert} reverted their {merge}{part}")
        }
        Side::Incoming => {
            let go = if one { "goes" } else { "go" };
            format!("{commits} of {into} {go} from it: {revert} in {incoming} reverted their {merge}{part}")
        }
    }
}

/// Returns the incoming head as people know it.
fn incoming(facts: &Facts, found: &RevertedMerge) -> String {
    let Some(head) = facts.incoming.get(found.head) else { return "what comes in".to_owned() };
    match head.name() {
        Some(name) if facts.into.has_namesake(head) => format!("the remote's '{}'", escape(name)),
        Some(name) => format!("'{}'", escape(name)),
        None => head.oid.short(),
    }
}

fn work(found: &RevertedMerge) -> String {
    let mut subjects: Vec<String> = found.subjects.iter().map(|subject| escape(subject)).collect();
    let more = found.commits.saturating_sub(subjects.len());
    if more > 0 {
        subjects.push(format!("and {more} more"));
    }
    subjects.join("; ")
}

fn listed(found: &RevertedMerge) -> String {
    let mut paths: Vec<String> = found.paths.iter().take(PATHS).map(|path| escape(path)).collect();
    let more = found.paths.len().saturating_sub(PATHS);
    if more > 0 {
        paths.push(format!("and {more} more"));
    }
    paths.join(", ")
}

/// Returns the command that brings the work back, where it works now, and when it will where it does not yet.
fn remedy(facts: &Facts, found: &RevertedMerge) -> String {
    let revert = found.revert.short();
    let reapply = format!("guard undo-merge --reapply {revert}");
    let there = facts.into.branch.as_ref().filter(|_| !found.into_is_head);
    match (found.side, there) {
        // A commit that exists is looked at: the branch that has it is not known, and may be the one checked out.
        _ if facts.into.branch.is_none() && found.revert_is_in_head => reapply,
        (Side::Into, None) => reapply,
        (Side::Into, Some(branch)) => format!("git switch {} && {reapply}", shell_quote(branch)),
        (Side::Incoming, None) if found.revert_is_in_head => reapply,
        // The revert does not come with a squash, and needs not to for git to take it back.
        (Side::Incoming, _) if facts.shape == Shape::Squash => {
            format!("once it is committed: git revert --no-edit {revert}")
        }
        (Side::Incoming, None) => format!("once it is merged: {reapply}"),
        (Side::Incoming, Some(branch)) => format!("once it is merged, on '{}': {reapply}", escape(branch)),
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Level, RevertedMerge, Shape, Side};
    use crate::rules::testing::{Sample, oid};

    fn found(side: Side) -> RevertedMerge {
        RevertedMerge {
            side,
            head: 0,
            merge: Some(oid("merge")),
            revert: oid("revert"),
            author: "Ada".into(),
            subject: "Revert \"Merge branch 'feat'\"".into(),
            commits: 5,
            subjects: vec!["third".into(), "second".into(), "first".into()],
            paths: vec!["a".into(), "b".into()],
            of: 2,
            into_is_head: true,
            revert_is_in_head: side == Side::Into,
        }
    }

    fn with(found: RevertedMerge) -> Sample {
        let mut sample = Sample::merge();
        sample.facts.reverted.push(found);
        sample
    }

    #[test]
    fn a_reverted_merge_warns_and_names_the_revert_to_take_back() {
        let sample = with(found(Side::Into));
        assert_eq!(sample.said(), ["warn reverted-merge"]);
        let finding = &sample.judge()[0];
        let (merge, revert) = (oid("merge"), oid("revert"));
        let message = format!(
            "5 commits that 'feat' builds on stay out of 'main': {} reverted their merge {}",
            revert.short(),
            merge.short()
        );
        assert_eq!(finding.message, message);
        assert_eq!(finding.remedy, format!("guard undo-merge --reapply {}", revert.short()));
        let evidence = |key: &str| finding.evidence[key].as_str();
        assert_eq!((evidence("merge"), evidence("revert")), (&*merge.to_string(), &*revert.to_string()));
        assert_eq!((evidence("author"), evidence("commits"), evidence("paths")), ("Ada", "5", "a, b"));
        assert_eq!(evidence("subject"), "Revert \"Merge branch 'feat'\"");
        let reason = "to git the revert is newer than what it took back: third; second; first; and 2 more";
        assert_eq!(evidence("reason"), reason);
    }

    #[test]
    fn the_other_direction_is_told_as_what_goes() {
        let mut sample = with(RevertedMerge { commits: 1, ..found(Side::Incoming) });
        let said = sample.judge();
        let end = format!("{} in 'feat' reverted their merge {}", oid("revert").short(), oid("merge").short());
        assert_eq!(said[0].message, format!("1 commit of 'main' goes from it: {end}"));
        assert_eq!(said[0].remedy, format!("once it is merged: guard undo-merge --reapply {}", oid("revert").short()));
        // The same merge afterwards is the same finding, and the command works at once.
        sample.facts.reverted[0].revert_is_in_head = true;
        assert_eq!(sample.judge()[0].fingerprint, said[0].fingerprint);
        assert_eq!(sample.judge()[0].remedy, format!("guard undo-merge --reapply {}", oid("revert").short()));
        sample.facts.reverted[0].revert_is_in_head = false;
        sample.facts.shape = Shape::Squash;
        assert_eq!(
            sample.judge()[0].remedy,
            format!("once it is committed: git revert --no-edit {}", oid("revert").short())
        );
    }

    #[test]
    fn the_command_says_where_to_run_it() {
        let elsewhere = |side| RevertedMerge { into_is_head: false, ..found(side) };
        let reapply = format!("guard undo-merge --reapply {}", oid("revert").short());
        let into = with(elsewhere(Side::Into)).judge().remove(0).remedy;
        assert_eq!(into, format!("git switch 'main' && {reapply}"));
        let incoming = with(elsewhere(Side::Incoming)).judge().remove(0).remedy;
        assert_eq!(incoming, format!("once it is merged, on 'main': {reapply}"));
        // A merge that exists is looked at, in the branch that is checked out.
        let mut past = with(RevertedMerge { revert_is_in_head: true, ..elsewhere(Side::Incoming) });
        past.facts.into.branch = None;
        assert_eq!(past.judge()[0].remedy, reapply);
    }

    #[test]
    fn a_part_of_a_merge_and_a_fast_forward_are_told_as_such() {
        let part = with(RevertedMerge { of: 7, ..found(Side::Into) });
        assert!(part.judge()[0].message.ends_with(", in 2 of its 7 files"));
        let forward = with(RevertedMerge { merge: None, ..found(Side::Into) });
        assert!(forward.judge()[0].message.ends_with(" reverted their fast-forward"));
        assert!(!forward.judge()[0].evidence.contains_key("merge"));
    }

    #[test]
    fn each_revert_is_a_finding_of_its_own() {
        let mut sample = with(found(Side::Into));
        sample.facts.reverted.push(RevertedMerge { revert: oid("another"), ..found(Side::Into) });
        let said = sample.judge();
        assert_eq!(said.len(), 2);
        assert_ne!(said[0].fingerprint, said[1].fingerprint);
    }

    #[test]
    fn without_one_it_is_quiet() {
        assert!(Sample::merge().said().is_empty());
        assert!(with(found(Side::Into)).set("reverted-merge", Some(Level::Off), &[]).said().is_empty());
    }
}

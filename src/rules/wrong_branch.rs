//! `wrong-branch`: a branch comes into one that it must never be merged into.

use bstr::{BStr, ByteSlice};

use crate::manifest::BranchRule;
use crate::model::{Level, RefName, escape};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "wrong-branch",
    default: Level::Block,
    docs: Docs {
        finds: "A `[[branch]]` entry whose `into` names the branch merged into says `never` of a branch that comes in. \
                Local and remote-tracking names count alike (`sandbox`, `origin/sandbox`).",
        why: "Merging the sandbox into main, or main into a release branch, is one word mistyped, and taking it back \
              after a push is a day of work for everybody.",
        what_to_do: "Check which branch you are on (`git branch --show-current`) and which one you meant.",
        when_wrong: "This one merge is meant: `guard allow wrong-branch --reason '...'`. A branch that is merged by its \
                     commit's name is not recognised.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let Some(into) = &case.facts.into.branch else { return Vec::new() };
    let rules: Vec<_> = case.manifest.branch.iter().filter(|rule| rule.into.matches(into.as_bstr())).collect();
    let mut drafts = Vec::new();
    for incoming in &case.facts.incoming {
        let forbids = |name: &RefName| {
            let rule = rules.iter().find(|rule| is_never(rule, name.as_bstr()))?;
            Some(draft(into, name, rule))
        };
        // One commit with several names is one finding.
        drafts.extend(incoming.names.iter().find_map(forbids));
    }
    drafts
}

fn draft(into: &RefName, name: &RefName, rule: &BranchRule) -> Draft {
    let mut draft = Draft::new(format!("'{name}' must never be merged into '{into}'"))
        .evidence("into", &**into)
        .evidence("never", rule.never.lines().join(", "));
    draft.detail = escape(name);
    draft
}

fn is_never(rule: &BranchRule, name: &BStr) -> bool {
    branches(name).into_iter().flatten().any(|branch| rule.never.matches(branch))
}

/// Returns the branches that a name may mean: as it stands, and without the remote before it.
fn branches(name: &BStr) -> [Option<&BStr>; 2] {
    // What follows these signs leads from the branch to one of its commits; no branch's name holds them.
    let end = name.find_byteset(b"~^:").or_else(|| name.find(b"@{")).unwrap_or(name.len());
    let name = &name[..end];
    if let Some(branch) = name.strip_prefix(b"refs/heads/").or_else(|| name.strip_prefix(b"heads/")) {
        return [Some(branch.as_bstr()), None];
    }
    let remote = name.strip_prefix(b"refs/remotes/").or_else(|| name.strip_prefix(b"remotes/"));
    let (name, is_remote) = remote.map_or((name, false), |name| (name.as_bstr(), true));
    let short = name.split_once_str(b"/").map(|(_, branch)| branch.as_bstr());
    [(!is_remote).then_some(name), short]
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::Sample;

    fn merging(name: &str) -> Sample {
        let mut sample = Sample::merge().never(&["/main", "/release/*"], &["/sandbox", "/wip/*"]);
        sample.facts.incoming[0].names = vec![name.into()];
        sample
    }

    #[test]
    fn a_forbidden_branch_blocks_by_any_of_its_names() {
        let names = ["sandbox", "origin/sandbox", "refs/heads/sandbox", "heads/wip/x", "remotes/up/wip/x", "wip/x"];
        for name in names.into_iter().chain(["refs/remotes/origin/sandbox", "sandbox~2", "origin/wip/x@{1}"]) {
            assert_eq!(merging(name).said(), ["block wrong-branch"], "{name}");
        }
        assert_eq!(merging("origin/sandbox").judge()[0].message, "'origin/sandbox' must never be merged into 'main'");
    }

    #[test]
    fn other_branches_other_targets_and_object_names_are_quiet() {
        for name in ["feat", "origin/feat", "refs/heads/x/sandbox", &"a".repeat(40)] {
            assert!(merging(name).said().is_empty(), "{name}");
        }
        let mut elsewhere = merging("sandbox");
        elsewhere.facts.into.branch = Some("feat".into());
        assert!(elsewhere.said().is_empty());
        elsewhere.facts.into.branch = None;
        assert!(elsewhere.said().is_empty());
    }
}

//! `unrelated-histories`: the two sides have no common commit.

use crate::model::{Level, RefName, escape};

use super::{Case, Docs, Draft, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    name: "unrelated-histories",
    default: Level::Warn,
    docs: Docs {
        finds: "The branch merged into and what comes in have no common ancestor (`--allow-unrelated-histories`).",
        why: "Without a base every file is new on both sides: nothing shows what was changed, and the wrong repository \
              or a rewritten history looks the same as an import that was meant.",
        what_to_do: "Look where the incoming commits come from. When it is an import, go on.",
        when_wrong: "Imports of other projects are mostly deliberate: the rule only warns. `[rules] unrelated-histories \
                     = \"off\"` where they are routine.",
    },
    judge,
};

fn judge(case: &Case<'_>) -> Vec<Draft> {
    let facts = case.facts;
    let Some(tip) = facts.into.tip else { return Vec::new() };
    // Without incoming commits this is no merge; when one of them is the tip itself nothing comes in.
    let is_related = !facts.merge_bases.is_empty() || facts.incoming.iter().any(|incoming| incoming.oid == tip);
    if is_related || facts.incoming.is_empty() {
        return Vec::new();
    }
    let name = |name: &RefName| escape(name);
    let names: Vec<String> = facts.incoming.iter().filter_map(|incoming| incoming.names.first().map(name)).collect();
    let draft = Draft::new(format!("'{}' has no commit in common with the branch merged into", names.join("', '")));
    vec![draft.remedy("go on if the import is meant; otherwise merge the branch that was meant")]
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{Sample, oid};

    fn without_base() -> Sample {
        let mut sample = Sample::merge();
        sample.facts.merge_bases.clear();
        sample
    }

    #[test]
    fn no_merge_base_warns() {
        assert_eq!(without_base().said(), ["warn unrelated-histories"]);
        let message = "'feat' has no commit in common with the branch merged into";
        assert_eq!(without_base().judge()[0].message, message);
    }

    #[test]
    fn merges_with_a_base_into_unborn_branches_and_of_nothing_are_quiet() {
        assert!(Sample::merge().said().is_empty());
        let mut unborn = without_base();
        unborn.facts.into.tip = None;
        assert!(unborn.said().is_empty());
        let mut plain = without_base();
        plain.facts.incoming.clear();
        assert!(plain.said().is_empty());
        let mut same = without_base();
        same.facts.incoming[0].oid = oid("tip");
        assert!(same.said().is_empty());
    }
}

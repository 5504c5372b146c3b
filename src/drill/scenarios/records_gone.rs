//! Half the records of a data file are gone, though it is valid.

use serde_json::Value;

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;
use crate::manifest::MaxLoss;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "records-gone",
    title: "Half the records of a data file are gone, though it is valid",
    severity: Severity::Critical,
    uses: &[Kind::Records],
    symptom: "a list or report is suddenly much shorter; nothing says that anything is broken",
    description: "The file is whole and follows its schema, but many records that it had yesterday are missing, and that is committed.",
    causes: "An import that read only the first page of a reply, a filter that was left in a script, a conflict that was settled by \
             taking one side.",
    impact: "Everything downstream works, with wrong numbers. The longer it goes unseen, the more is built upon it.",
    prevention: "With 'max_loss' in the manifest a merge that brings this in is refused (rules 'lost-records' and 'data-shrunk'). A \
                 commit made directly on the branch is found by 'guard check' before the push or in CI.",
    desired: "The records are back, committed, and everything else is as it was.",
    prerequisites: &[Prerequisite {
        what: "the newest version that counts as good is the one that stands there",
        check: Step::new(
            "guard restore <records> --dry-run",
            "good as it stands",
            "The file is good as it stands: there is nothing to restore.",
        ),
        otherwise: "guard restore <records> --dry-run says what is wrong with it; mend that first",
    }],
    detect: Detector {
        run: "guard check <start>..HEAD",
        fires: 1,
        says: "<records>",
        noticed: "'guard check' names the file and how many records went. <start> is a commit of the time when all was well: 'git \
                  log --oneline -- <records>' lists the commits that changed the file.",
    },
    steps: &[
        Step::new(
            "guard verify --all-versions <records>",
            "records",
            "One line a version, newest first, with its number of records: where the number drops, they went.",
        ),
        Step::new(
            "guard restore <records> --dry-run",
            "would come back",
            "It passes over the version that lost more than 'max_loss' allows, and names the one before.",
        ),
        Step::new(
            "guard restore <records>",
            "came back",
            "The version before the loss stands there. What stood there was saved first.",
        ),
        Step::new("git commit -m 'bring the lost records back' -- <records>", "", "It is committed."),
    ],
    verify: &[
        Step::new("guard verify <records>", "good", "The file is good, with as many records as before."),
        Step::new("guard check <start>..HEAD", "", "Nothing blocks any more."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The short version is back, as a commit of its own.")],
    fallback: &[
        Fallback {
            when: "guard restore says that the file is good as it stands",
            then: "less went than 'max_loss' allows: take the version by its commit, guard restore <records> --from <start>",
        },
        Fallback {
            when: "new records were added after the loss",
            then: "write the older version beside, guard restore <records> --from <start> --to /tmp/before, and bring the missing \
                   records over with the program that keeps the file",
        },
    ],
    may_lose: &[Kind::Records],
    inject,
};

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let (path, manifest) = (stage.value("records")?.clone(), stage.manifest()?);
    let rule = manifest.data_rule(path[..].into()).map(|(rule, _)| rule);
    let (pointer, most) = (rule.and_then(|rule| rule.records.as_deref()), rule.and_then(|rule| rule.max_loss));
    let mut document: Value = serde_json::from_slice(&stage.read("records")?)?;
    let records = document.pointer_mut(pointer.unwrap_or_default());
    let is_first_half = stage.choose(2, 1) == 0;
    match records {
        Some(Value::Array(list)) => {
            let keep = so_few(list.len(), most);
            let from = if is_first_half { 0 } else { list.len() - keep };
            *list = list.split_off(from);
            list.truncate(keep);
        }
        Some(Value::Object(object)) => {
            let keep = so_few(object.len(), most);
            let gone: Vec<String> = object.keys().skip(keep).cloned().collect();
            for name in &gone {
                object.remove(name);
            }
        }
        _ => anyhow::bail!("there are no records where the manifest says"),
    }
    stage.write("records", format!("{document:#}\n").as_bytes())?;
    stage.commit("Ben", "nightly import")?;
    Ok(())
}

/// Returns how many records stay: half of them, or fewer where more may go.
fn so_few(records: usize, most: Option<MaxLoss>) -> usize {
    let may_go = |keep: usize| most.is_some_and(|most| most.allows((records - keep) as u64, records as u64));
    (0..=records / 2).rev().find(|keep| !may_go(*keep)).unwrap_or(0)
}

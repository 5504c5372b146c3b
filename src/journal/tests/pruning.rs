//! What the journal forgets, and what it never does.

use super::*;

/// Two hours after everything that a sandbox writes.
const LATER: Timestamp = Timestamp(1_795_387_531_000 + 7_200_000);

impl Sandbox {
    fn excess(&self, keep: usize) -> Excess {
        let worktrees = [WorktreeId(".".into())].into();
        excess(&self.history(), &self.journal.names().unwrap(), keep, &worktrees, LATER)
    }

    pub(super) fn prune(&self, keep: usize) -> Result<Vec<OperationId>, JournalError> {
        let excess = self.excess(keep);
        self.journal.remove(&excess.records).map(|()| excess.operations)
    }
}

#[test]
fn pruning_keeps_what_is_open_or_referred_to() {
    let mut sandbox = Sandbox::new();
    sandbox.write(None, allowance("old", 'a', &['b']));
    for merge in ["20260101-000000-a", "20260101-000000-b", "20260101-000000-c"] {
        sandbox.run(merge, Kind::Merge, None);
    }
    sandbox.write(Some("open"), intent(Kind::Merge, None));
    sandbox.run("undo", Kind::Undo, Some("20260101-000000-b"));
    sandbox.run("last", Kind::Commit, None);
    let before = sandbox.files().len();
    assert_eq!(sandbox.excess(4).operations, []);

    let excess = sandbox.excess(1);
    assert_eq!(excess.operations, [id("20260101-000000-a"), id("20260101-000000-c")]);
    assert!(excess.takes(&id("20260101-000000-a")) && !excess.takes(&id("20260101-000000-b")));
    assert!(excess.takes(&id("20260101-000000-stray")), "it has no intent and is older than all that stays");
    assert!(!excess.takes(&id("20991231-000000-soon")), "one without an intent may be in the making");
    assert!(!excess.takes(&id("stray")), "a name that tells no time");
    assert_eq!(sandbox.files().len(), before);

    sandbox.prune(1).unwrap();
    assert_eq!(sandbox.ids(), ["20260101-000000-b", "open", "undo", "last"]);
    assert_eq!(sandbox.history().allowances, [], "older than the newest operations");
    assert_eq!(sandbox.prune(1).unwrap(), []);
}

/// U17: what costs nothing to keep never takes away what can't be had again.
#[test]
fn u17_commits_take_no_saved_bytes_away() {
    let mut sandbox = Sandbox::new();
    let saved = |kind, saved: Saved| {
        let Body::Intent(intent) = intent(kind, None) else { unreachable!() };
        Body::Intent(Intent { saved, ..intent })
    };
    let heavy = [
        saved(Kind::Rebase, Saved { snapshot: Some("refs/tags/snapshot/x".into()), ..Saved::default() }),
        saved(Kind::Reset, Saved { index: true, ..Saved::default() }),
        saved(Kind::Pull, Saved::default()),
    ];
    for (number, intent) in heavy.into_iter().enumerate() {
        sandbox.write(Some(&format!("heavy-{number}")), intent);
        sandbox.write(Some(&format!("heavy-{number}")), done());
    }
    let stray = sandbox.write(Some("nobody"), done());
    for number in 0..20 {
        sandbox.run(&format!("plain-{number}"), Kind::Commit, None);
    }
    let plain = |first: usize| (first..20).map(|number| format!("plain-{number}")).collect::<Vec<_>>();
    let heavy = ["heavy-0", "heavy-1", "heavy-2"].map(str::to_owned);
    assert!(sandbox.excess(3).records.contains(&stray), "older than the plain ones that stay");
    sandbox.prune(3).unwrap();
    assert_eq!(sandbox.ids(), [&heavy[..], &plain(20 - 3 * PLAIN)].concat());
    // And the other way round.
    sandbox.prune(2).unwrap();
    assert_eq!(sandbox.ids(), [&heavy[1..], &plain(20 - 2 * PLAIN)].concat());
}

#[test]
fn what_can_end_no_more_is_closed_or_goes() {
    let mut sandbox = Sandbox::new();
    let write = |sandbox: &mut Sandbox, name: &str, kind: Kind, worktree: &str| {
        let Body::Intent(mut intent) = intent(kind, None) else { unreachable!() };
        intent.worktree = WorktreeId(worktree.into());
        sandbox.write(Some(name), Body::Intent(intent));
    };
    for (name, kind, worktree) in [
        ("gone", Kind::Merge, "worktrees/gone"),
        ("gone-undo", Kind::Undo, "worktrees/gone"),
        ("killed", Kind::Commit, "."),
        ("deletion", Kind::Branch, "."),
        ("first-merge", Kind::Merge, "."),
        ("rebase", Kind::Rebase, "."),
        ("undo", Kind::Undo, "."),
        ("pull", Kind::Pull, "."),
    ] {
        write(&mut sandbox, name, kind, worktree);
    }
    for name in ["1", "2", "last"] {
        sandbox.run(name, Kind::Commit, None);
    }
    let ended = ["gone", "gone-undo", "killed", "deletion", "first-merge"].map(id);
    assert_eq!(sandbox.excess(20).ended, ended);
    assert_eq!(sandbox.excess(20).operations, []);
    let excess = sandbox.excess(1);
    assert_eq!(excess.operations, ended, "nothing has to be written about what goes");
    assert_eq!(excess.ended, []);
    let soon = super::excess(
        &sandbox.history(),
        &sandbox.journal.names().unwrap(),
        1,
        &[].into(),
        Timestamp(sandbox.clock + 1000),
    );
    assert_eq!(soon.operations, [], "it may just be running");
}

#[test]
fn what_counts_for_nothing_goes_too() {
    let mut sandbox = Sandbox::new();
    let step = RefMove { name: "refs/heads/main".into(), old: Some(oid('a')), new: Some(oid('b')) };
    let moved = Body::Outcome(Outcome { status: Status::Done, moved: vec![step] });
    sandbox.write(Some("noticed"), intent(Kind::External, None));
    sandbox.write(Some("noticed"), moved.clone());
    sandbox.write(Some("seen"), intent(Kind::Commit, None));
    sandbox.write(Some("seen"), moved);
    let damaged = sandbox.write(Some("damaged"), intent(Kind::Merge, None));
    put(&sandbox.journal.record_path(&damaged), b"recoveryguard-journal 1 x\n{}\n");
    sandbox.write(Some("nobody"), done());
    for number in 1..4 {
        sandbox.run(&number.to_string(), Kind::Commit, None);
    }
    assert_eq!(sandbox.ids(), ["seen", "1", "2", "3"]);
    assert_eq!(sandbox.excess(2).operations, [id("noticed")], "the others are younger than an operation that stays");
    assert_eq!(sandbox.excess(1).operations, ["noticed", "seen", "damaged"].map(id));
    sandbox.prune(1).unwrap();
    assert_eq!(sandbox.files().len(), 6);
}

#[test]
fn allowances_that_nobody_reads_any_more_go() {
    let mut sandbox = Sandbox::new();
    sandbox.run("first", Kind::Merge, None);
    for _ in 0..260 {
        sandbox.write(None, allowance("rule", 'a', &['b']));
    }
    let main = "refs/heads/main".into();
    assert_eq!(sandbox.journal.allowances_for(Some(&main), Some(oid('a')), &[oid('b')]).unwrap().len(), 256);
    sandbox.prune(1).unwrap();
    assert_eq!(sandbox.history().allowances.len(), 256);
    assert_eq!(sandbox.ids(), ["first"]);
}

#[test]
fn an_interrupted_prune_brings_no_operation_back_as_open() {
    for steps in 0.. {
        let mut sandbox = Sandbox::new();
        for number in ["1", "2"] {
            sandbox.run(number, Kind::Merge, None);
            sandbox.write(Some(number), intent(Kind::Pull, None));
        }
        sandbox.run("3", Kind::Merge, None);
        fail_after(Some((steps, Fault::FromThenOn)));
        let result = sandbox.prune(1);
        fail_after(None);
        let history = sandbox.history();
        assert!(history.operations.iter().all(|operation| operation.outcome.is_some()), "step {steps}: {history:?}");
        if result.is_ok() {
            break;
        }
        sandbox.prune(1).unwrap();
        assert_eq!(sandbox.ids(), ["3"]);
        assert_eq!(sandbox.files().len(), 2, "step {steps}: what was left went too");
    }
}

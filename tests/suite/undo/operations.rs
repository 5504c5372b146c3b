//! `guard undo` of every kind of operation that the journal knows.

use super::journal::{guarded, log};
use super::world::{Look, World, lines};

/// A branch with two commits of its own beside main.
fn branched() -> World {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["checkout", "-q", "-b", "work"]);
    world.write("one.txt", "one\n");
    world.commit("one");
    world.replace("a.txt", "line 18\n", "line 18 of work\n");
    world.commit("two");
    world
}

/// What stands there. git leaves `AUTO_MERGE` behind, and it says nothing without a merge.
fn look(world: &World) -> Look {
    let mut look = world.look();
    look.state.remove("AUTO_MERGE");
    look
}

/// U27: an operation on the current branch, and whether its files go back too.
type Case = (&'static str, &'static str, fn(&World));

const FILES_FOLLOW: &[Case] = &[
    ("rebase", "rebase", |world| drop(world.git(&["rebase", "-q", "feat"]))),
    ("pull --rebase", "rebase", |world| drop(world.git(&["pull", "-q", "--rebase", ".", "feat"]))),
    ("cherry-pick", "cherry-pick", |world| drop(world.git(&["cherry-pick", "feat"]))),
    ("revert", "revert", |world| drop(world.git(&["revert", "--no-edit", "HEAD"]))),
    ("reset --hard", "reset", |world| drop(world.git(&["reset", "-q", "--hard", "HEAD~2"]))),
    ("reset --keep", "reset", |world| drop(world.git(&["reset", "-q", "--keep", "feat"]))),
    ("reset --mixed", "reset", |world| drop(world.git(&["reset", "-q", "HEAD~2"]))),
    ("reset --soft", "reset", |world| drop(world.git(&["reset", "-q", "--soft", "HEAD~2"]))),
    ("update-ref", "other", |world| drop(world.git(&["update-ref", "refs/heads/work", "HEAD^"]))),
    ("merge", "merge", |world| drop(world.git(&["merge", "-q", "feat"]))),
    ("am", "am", |world| {
        let patch = world.home().join("patches");
        world.git(&["format-patch", "-q", "-o", patch.to_str().unwrap(), "main..feat"]);
        let file = std::fs::read_dir(&patch).unwrap().next().unwrap().unwrap().path();
        world.git(&["am", "-q", file.to_str().unwrap()]);
    }),
];

#[test]
fn u27_operations_go_back_with_their_files() {
    for (name, kind, act) in FILES_FOLLOW {
        let world = branched();
        world.case.set(name);
        let before = look(&world);
        act(&world);
        let after = look(&world);
        assert_ne!(before, after, "{name}");
        let plan = world.guard_json(&["undo", "--dry-run"]);
        let operation = log(&world).into_iter().find(|found| found["id"] == plan["operation"]).unwrap();
        assert_eq!(operation["kind"], *kind, "{name}");
        // What is done since stays.
        world.write("untracked", "mine\n");
        world.write("other.txt", "dirty\n");
        world.guard_ok(&["undo"]);
        assert_eq!((world.text("untracked"), world.text("other.txt")), ("mine\n".into(), "dirty\n".into()), "{name}");
        world.remove("untracked");
        world.git(&["checkout", "-q", "--", "other.txt"]);
        assert_eq!(look(&world), before, "{name}");
        world.git(&["fsck", "--strict", "--no-dangling"]);
        world.guard_ok(&["redo"]);
        assert_eq!(look(&world), after, "{name}: redo");
        world.guard_ok(&["undo"]);
        assert_eq!(look(&world), before, "{name}: second undo");
    }
}

/// A commit or amend is taken back with its changes staged; nobody's files change.
#[test]
fn u27_commits_are_taken_back_and_stay_staged() {
    let world = branched();
    let before = look(&world);
    world.write("three.txt", "three\n");
    world.git(&["add", "three.txt"]);
    let staged = look(&world);
    world.git(&["commit", "-q", "-m", "three"]);
    let committed = look(&world);
    let text = world.guard_ok(&["undo"]);
    assert!(text.contains("note: index and files stay: what was committed is staged again"), "{text}");
    assert_eq!(look(&world), staged);
    world.guard_ok(&["redo"]);
    assert_eq!(look(&world), committed);
    world.git(&["commit", "-q", "--amend", "-m", "better"]);
    world.guard_ok(&["undo"]);
    assert_eq!(look(&world), committed);
    // Once more: the one before it.
    world.guard_ok(&["undo"]);
    assert_eq!(look(&world), staged);
    world.git(&["rm", "-q", "-f", "three.txt"]);
    assert_eq!(look(&world), before);
}

/// What was done last is what a redo brought back, though it lies beneath other commits.
#[test]
fn an_undo_after_a_redo_takes_the_redo_back() {
    let world = guarded(|| World::diverged(&[]));
    world.git(&["merge", "-q", "feat"]);
    world.write("top.txt", "top\n");
    world.commit("top");
    let merged = look(&world);
    world.guard_ok(&["undo-merge"]);
    let without = look(&world);
    for _ in 0..2 {
        let text = world.guard_ok(&["redo"]);
        assert!(text.contains("to take this back: guard undo\n"), "{text}");
        assert_eq!(look(&world), merged);
        world.guard_ok(&["undo"]);
        assert_eq!(look(&world), without);
    }
    world.guard_ok(&["redo"]);
    world.guard_ok(&["undo-merge"]);
    assert_eq!(look(&world).files, without.files);
}

/// U22: what moves no branch and no detached HEAD is no operation: undoing it would take HEAD itself away.
#[test]
fn u22_a_detached_head_is_not_undone_by_what_a_stash_did() {
    let world = guarded(|| World::diverged(&[]));
    world.replace("other.txt", "line 1\n", "mine\n");
    world.git(&["stash", "-q"]);
    world.git(&["reset", "-q", "--hard"]);
    world.git(&["checkout", "-q", "--detach"]);
    assert!(log(&world).iter().all(|operation| operation["kind"] == "checkout"), "{:#?}", log(&world));
    assert!(world.guard_refuses(&["undo"]).contains("there is nothing to undo"));
    // Commits on a detached HEAD go back as on a branch.
    let before = look(&world);
    world.git(&["cherry-pick", "feat"]);
    let after = look(&world);
    world.guard_ok(&["undo"]);
    assert_eq!(look(&world), before);
    world.guard_ok(&["redo"]);
    assert_eq!(look(&world), after);
    // A new worktree's HEAD comes from nowhere.
    let linked = world.home().join("linked");
    world.git(&["worktree", "add", "-q", "--detach", linked.to_str().unwrap(), "feat"]);
    let said = world.guard_in(&linked, &["undo"]);
    assert!(said.code == 4 && said.err.contains("there is nothing to undo"), "{}{}", said.out, said.err);
}

/// A merge that was undone, redone and undone again by its name: its redo went with it, and what came before is next.
#[test]
fn u26_an_undo_of_what_was_redone_takes_the_redo_with_it() {
    let world = guarded(|| World::diverged(&[]));
    world.write("more.txt", "more\n");
    world.commit("more");
    world.git(&["merge", "-q", "feat"]);
    for command in ["undo-merge", "redo", "undo-merge"] {
        world.guard_ok(&[command]);
    }
    let undone = look(&world);
    let redo = log(&world)[1].clone();
    assert_eq!((&redo["kind"], &redo["undone_by"]), (&"redo".into(), &log(&world)[0]["id"]));
    world.guard_ok(&["undo"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "A  more.txt");
    world.guard_ok(&["redo"]);
    assert_eq!(look(&world), undone);
    world.guard_ok(&["redo"]);
    assert!(world.exists("new.txt") && world.exists("more.txt"));
}

/// The first commit of a repository goes back to none.
#[test]
fn a_first_commit_is_taken_back() {
    let world = guarded(|| World::new(&[]));
    world.write("first.txt", "first\n");
    world.git(&["add", "first.txt"]);
    world.git(&["commit", "-q", "-m", "first"]);
    let after = look(&world);
    world.guard_ok(&["undo"]);
    assert_eq!(world.git(&["status", "--porcelain"]), "A  first.txt");
    world.guard_ok(&["redo"]);
    assert_eq!(look(&world), after);
}

/// U27: branches that were moved, made or deleted while another is checked out.
#[test]
fn u27_branches_go_back() {
    type Branches = (&'static str, fn(&World));
    let cases: &[Branches] = &[
        ("branch -f", |world| drop(world.git(&["branch", "-q", "-f", "feat", "main"]))),
        ("branch -D", |world| drop(world.git(&["branch", "-q", "-D", "feat"]))),
        ("branch", |world| drop(world.git(&["branch", "-q", "made", "main"]))),
        ("fetch into it", |world| drop(world.git(&["fetch", "-q", ".", "+main:feat"]))),
    ];
    for (name, act) in cases {
        let world = branched();
        world.case.set(name);
        world.write("other.txt", "dirty\n");
        let before = look(&world);
        act(&world);
        let after = look(&world);
        assert_ne!(before, after, "{name}");
        // Nothing but the journal holds the old tip.
        world.git(&["reflog", "expire", "--expire=now", "--all"]);
        world.git(&["gc", "-q", "--prune=now"]);
        world.guard_ok(&["undo"]);
        assert_eq!(look(&world), before, "{name}");
        world.guard_ok(&["redo"]);
        assert_eq!(look(&world), after, "{name}: redo");
    }
}

/// Packing refs moves none.
#[test]
fn gc_is_no_operation() {
    let world = branched();
    let before = log(&world).len();
    world.git(&["gc", "-q"]);
    world.git(&["branch", "fresh"]);
    world.git(&["pack-refs", "--all"]);
    world.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(log(&world).len(), before + 1);
}

/// What came later must be undone first, and the order is the user's.
#[test]
fn an_operation_beneath_others_is_not_undone_silently() {
    let world = branched();
    world.git(&["reset", "-q", "--hard", "HEAD^"]);
    let reset = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.write("later.txt", "later\n");
    world.commit("later");
    let said = world.guard_refuses(&["undo", &reset]);
    assert!(said.contains("'work' has moved since operation"), "{said}");
    world.guard_ok(&["undo"]);
    world.guard_ok(&["undo", &reset]);
    assert_eq!(world.git(&["log", "-1", "--format=%s"]), "two");
    assert_eq!(world.text("later.txt"), "later\n");
}

/// Overlapping later edits are refused, as with merges.
#[test]
fn later_edits_in_the_same_lines_are_never_lost() {
    let world = branched();
    world.git(&["reset", "-q", "--hard", "HEAD^"]);
    world.replace("a.txt", "line 18\n", "line 18, mine\n");
    let said = world.guard_refuses(&["undo"]);
    assert!(said.contains("a.txt: it was changed since"), "{said}");
    world.replace("a.txt", "line 18, mine\n", "line 18\n");
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    world.guard_ok(&["undo"]);
    let expected = lines(20).replace("line 18\n", "line 18 of work\n").replace("line 2\n", "line 2, mine\n");
    assert_eq!(world.text("a.txt"), expected);
}

/// What others have is not taken from them without being asked.
#[test]
fn a_published_commit_is_not_taken_back_silently() {
    let world = branched();
    let origin = world.home().join("origin");
    world.git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    world.git(&["push", "-q", "origin", "work"]);
    let said = world.guard_refuses(&["undo"]);
    assert!(said.contains("it is published: 'origin/work' contains"), "{said}");
    assert!(said.contains("hint: git revert --no-edit "), "{said}");
    let text = world.guard_ok(&["undo", "--way", "move-back"]);
    assert!(text.contains("--force-with-lease"), "{text}");
}

#[test]
fn what_cannot_be_undone_is_said() {
    let world = guarded(|| World::diverged(&[]));
    assert!(world.guard_refuses(&["undo"]).contains("there is nothing to undo"));
    world.git(&["checkout", "-q", "-b", "work"]);
    let checkout = log(&world)[0]["id"].as_str().unwrap().to_owned();
    let said = world.guard_refuses(&["undo", &checkout]);
    assert!(said.contains("is a checkout") && said.contains("git switch -"), "{said}");
    assert!(world.guard_refuses(&["undo", "nonsense"]).contains("neither an operation nor a commit"));
    let commit = world.oid("feat");
    assert!(world.guard_refuses(&["undo", &commit]).contains("no operation in the journal made"));
}

/// A conflicted rebase autostash is back once, as with merges.
#[test]
fn a_rebase_whose_autostash_conflicted_goes_back() {
    let world = branched();
    world.replace("a.txt", "line 2\n", "line 2, mine\n");
    let before = look(&world);
    world.run(&["rebase", "-q", "--autostash", "feat"]);
    assert!(world.text("a.txt").contains("<<<<<<<"), "{}", world.text("a.txt"));
    // It was recorded beforehand, and its files were saved.
    let text = world.guard_ok(&["undo"]);
    assert!(!text.contains("was not saved"), "{text}");
    assert_eq!(look(&world), before);
    assert_eq!(world.git(&["stash", "list"]), "");
}

/// What the log offers when no operation is named.
fn offered(world: &World) -> bool {
    world.guard_ok(&["log"]).contains("done (guard undo)")
}

/// What was done last was done to a branch that is not checked out any more: nobody who looks at another one means that.
#[test]
fn a_branch_that_was_left_is_not_moved_unasked() {
    type Act = fn(&World);
    let acts: &[(&str, Act)] = &[
        ("merge", |world| drop(world.git(&["merge", "-q", "feat"]))),
        ("commit", |world| drop(world.git(&["commit", "-q", "--allow-empty", "-m", "three"]))),
        ("unseen", |world| drop(world.git(&["-c", "core.hooksPath=/dev/null", "merge", "-q", "feat"]))),
    ];
    for (name, act) in acts {
        let world = branched();
        world.case.set(name);
        let before = world.oid("work");
        act(&world);
        let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
        assert!(world.guard_ok(&["log"]).contains("done (guard undo"), "{name}");
        world.git(&["switch", "-q", "-c", "mine"]);
        assert!(!offered(&world), "{name}");
        let said = world.guard_refuses(&["undo"]);
        assert!(said.contains("that was on 'work', and this is 'mine'"), "{name}: {said}");
        assert!(said.ends_with(&format!("hint: guard undo {id}\n")), "{name}: {said}");
        world.guard_ok(&["undo", &id]);
        assert_eq!(world.oid("work"), before, "{name}");
    }
}

/// A merge that was refused changed nothing: "undo" means what was done before it, and says so.
#[test]
fn after_a_refusal_the_operation_before_it_is_meant() {
    let world = branched();
    world.write(".recoveryguard.toml", "version = 1\n[[protect]]\nname = \"all\"\npaths = [\"other.txt\"]\n");
    world.commit("manifest");
    let before = world.oid("HEAD");
    world.git(&["checkout", "-q", "-b", "bad"]);
    world.git(&["rm", "-q", "other.txt"]);
    world.git(&["commit", "-q", "-m", "bad"]);
    world.git(&["checkout", "-q", "work"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "last"]);
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    assert!(!world.run(&["merge", "-q", "bad"]).status.success());
    assert_eq!(log(&world)[0]["state"], "refused");
    assert!(offered(&world));
    let refused = log(&world)[0]["id"].as_str().unwrap().to_owned();
    let text = world.guard_ok(&["undo"]);
    assert!(text.contains(&format!("undid operation {id}")), "{text}");
    assert!(text.contains(&format!("operation {refused} was refused and changed nothing")), "{text}");
    assert_eq!(world.oid("HEAD"), before);
    let text = world.guard_ok(&["redo"]);
    assert!(!text.contains("was refused"), "{text}");
}

/// What can't be taken back from here is not offered, and the refusal names what can.
#[test]
fn what_the_log_offers_can_be_undone() {
    let world = branched();
    let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
    world.git(&["checkout", "-q", "--detach"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "loose"]);
    assert!(offered(&world));
    world.git(&["checkout", "-q", "work"]);
    assert!(!offered(&world));
    let said = world.guard_refuses(&["undo"]);
    assert!(said.contains("that was on a detached HEAD, and this is 'work'"), "{said}");
    assert!(said.ends_with(&format!("hint: guard undo {id}\n")), "{said}");
    world.guard_ok(&["undo", &id]);
    // A branch that another worktree was made for goes with that one.
    let linked = world.home().join("linked");
    let there = linked.to_str().unwrap();
    world.git(&["worktree", "add", "-q", "-b", "linked", there]);
    assert!(!offered(&world));
    let said = world.guard_refuses(&["undo"]);
    assert!(said.ends_with(&format!("hint: git worktree remove {there}\n")), "{said}");
    world.git(&["worktree", "remove", there]);
    assert!(offered(&world));
    world.guard_ok(&["undo"]);
    assert_eq!(world.git(&["branch", "--format=%(refname:short)"]), "feat\nmain\nwork");
}

/// What was undone, brought back and pushed since is published like anything else.
#[test]
fn u12_what_was_redone_and_pushed_is_not_taken_back_silently() {
    let world = guarded(|| World::diverged(&[]));
    let origin = world.home().join("origin");
    world.git(&["init", "-q", "--bare", origin.to_str().unwrap()]);
    world.git(&["remote", "add", "origin", origin.to_str().unwrap()]);
    world.git(&["push", "-q", "origin", "main"]);
    let commit: fn(&World) = |world| drop(world.git(&["commit", "-q", "--allow-empty", "-m", "three"]));
    let merge: fn(&World) = |world| drop(world.git(&["merge", "-q", "feat"]));
    for (act, hint) in [(commit, "git revert --no-edit"), (merge, "guard undo-merge")] {
        let before = world.oid("HEAD");
        act(&world);
        let done = world.oid("HEAD");
        world.guard_ok(&["undo"]);
        world.guard_ok(&["redo"]);
        world.guard_ok(&["undo", "--dry-run"]);
        world.git(&["push", "-q", "origin", "main"]);
        let said = world.guard_refuses(&["undo"]);
        assert!(said.contains("what was brought back is published: 'origin/main' contains"), "{said}");
        assert!(said.contains(&format!("hint: {hint} {}", &done[..7])) || said.contains(&before[..10]), "{said}");
        assert!(!offered(&world));
        let document = world.guard_json(&["undo", "--way", "move-back"]);
        assert_eq!(document["pushed"], true);
        assert!(document["notes"].to_string().contains("--force-with-lease"), "{document}");
        assert_eq!(world.oid("HEAD"), before);
        // There and back by redo alone asks nobody: it leaves nothing that others have.
        world.guard_ok(&["redo"]);
        assert_eq!(world.oid("HEAD"), done);
    }
    // What a fetch brought is nobody's loss: as before it was redone.
    world.git(&["checkout", "-q", "-b", "beside", "main^"]);
    world.git(&["branch", "-q", "-f", "main", "main^"]);
    world.git(&["fetch", "-q", "origin", "main:main"]);
    for command in ["undo", "redo", "undo"] {
        world.guard_ok(&[command]);
    }
}

/// A branch that `switch -C` or `checkout -B` set anew goes back to what it was; where nothing moved but HEAD, nothing does.
#[test]
fn u27_a_branch_that_a_checkout_moved_goes_back() {
    for command in [&["switch", "-q", "-C", "feat", "main"][..], &["checkout", "-q", "-B", "feat", "main"]] {
        let world = branched();
        world.git(&["checkout", "-q", "feat"]);
        let (feat, tip) = (look(&world), world.oid("feat"));
        world.git(&["checkout", "-q", "main"]);
        world.git(command);
        let after = look(&world);
        let id = log(&world)[0]["id"].as_str().unwrap().to_owned();
        world.git(&["reflog", "expire", "--expire=now", "--all"]);
        world.git(&["gc", "-q", "--prune=now"]);
        assert!(offered(&world));
        for what in [&["undo"][..], &["undo", &id]] {
            world.guard_ok(what);
            assert_eq!(look(&world), feat);
            world.guard_ok(&["redo"]);
            assert_eq!(look(&world), after);
        }
        // From another branch only the branch goes back.
        world.git(&["checkout", "-q", "work"]);
        world.guard_ok(&["undo", &id]);
        assert_eq!(world.oid("feat"), tip);
        assert_eq!(world.git(&["status", "--porcelain", "-b"]), "## work");
    }
}

//! What a user does with branches: merges of every kind, rebases, resets; and how it goes on when one stops halfway.

use super::{Play, lines, shell};

pub fn switch(play: &mut Play) -> bool {
    if play.busy() {
        return false;
    }
    if play.one_in(6) {
        let name = format!("made-{}", play.random.below(3));
        return play.git(&["switch", "-q", "-c", &name]);
    }
    let Some(name) = play.other_branch() else { return false };
    play.git(&["switch", "-q", &name])
}

pub fn detach(play: &mut Play) -> bool {
    play.idle() && play.git(&["checkout", "-q", "--detach"])
}

pub fn merge(play: &mut Play) -> bool {
    if !play.idle() {
        return false;
    }
    let Some(other) = play.other_line() else { return false };
    let (name, options): (&str, &[&str]) = match play.random.below(12) {
        0 | 1 => ("merge --no-ff", &["--no-ff"]),
        2 => ("merge --squash", &["--squash"]),
        3 => ("merge --no-commit", &["--no-commit"]),
        4 => ("merge -s ours", &["-s", "ours"]),
        5 => ("merge -X theirs", &["-X", "theirs"]),
        6 | 7 => ("merge --autostash", &["--autostash"]),
        8 => ("merge --ff-only", &["--ff-only"]),
        _ => ("merge", &[]),
    };
    let unseen: &[&str] = if play.one_in(10) { &["-c", "core.hooksPath=/dev/null"] } else { &[] };
    let before = play.seen();
    play.git(&[unseen, &["merge", "-q", "--no-edit"], options, &[&other]].concat());
    if play.seen() != before {
        play.count(name);
        if !unseen.is_empty() {
            play.count("merge unseen");
        }
    }
    if play.merging() {
        play.count("merge in progress");
    }
    play.regretted();
    true
}

pub fn octopus(play: &mut Play) -> bool {
    let (Some(first), Some(second)) = (play.other_branch(), play.other_branch()) else { return false };
    if !play.idle() || first == second {
        return false;
    }
    let before = play.seen();
    play.git(&["merge", "-q", "--no-edit", &first, &second]);
    if play.seen().refs != before.refs {
        play.count("octopus");
    }
    play.regretted();
    true
}

pub fn pull(play: &mut Play) -> bool {
    let Some(branch) = play.branch().filter(|_| play.idle()) else { return false };
    let names = play.list(&["for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin/"]);
    let Some(other) = play.choose(&names) else { return false };
    let from = if names.contains(&branch) && play.one_in(2) { branch } else { other };
    let options: &[&str] = match play.random.below(4) {
        0 => &["--rebase"],
        1 => &["--rebase", "--autostash"],
        2 => &["--no-rebase", "--autostash"],
        _ => &["--no-rebase"],
    };
    let before = play.seen();
    play.git(&[&["pull", "-q", "--no-edit"], options, &["origin", &from]].concat());
    if play.seen().head != before.head || play.seen().refs != before.refs {
        play.count(if options[0] == "--rebase" { "pull --rebase" } else { "pull" });
    }
    play.regretted();
    true
}

/// Somebody else pushes a commit.
pub fn mate(play: &mut Play) -> bool {
    let names = play.list(&["ls-remote", "--heads", "origin"]);
    let Some(name) = play.choose(&names) else { return false };
    let branch = name.rsplit_once("refs/heads/").unwrap().1.to_owned();
    let there = play.mate();
    let git = |play: &mut Play, arguments: &[&str]| {
        let arguments = [&["-C", there.to_str().unwrap()], arguments].concat();
        play.done.push(format!("git {}", shell(&arguments)));
        play.world.git(&arguments)
    };
    git(play, &["fetch", "-q", "origin"]);
    git(play, &["checkout", "-q", "--detach", &format!("origin/{branch}")]);
    let is_text =
        |name: &&str| there.join(name).symlink_metadata().is_ok_and(|found| found.is_file() && found.len() > 100);
    let files: Vec<String> = git(play, &["ls-files"]).lines().filter(is_text).map(str::to_owned).collect();
    let new = play.new_text("mate");
    let path = play.choose(&files).filter(|_| play.random.below(4) > 0);
    let (path, text) = if let Some(path) = path {
        let text = std::fs::read_to_string(there.join(&path)).unwrap();
        let (text, command) = play.edited(&path, &text, &new);
        play.done.push(format!("(cd {} && {command})", there.display()));
        (path, text)
    } else {
        let path = format!("new-{}.txt", play.random.below(4));
        let text = format!("{new}\n{}", lines(12));
        play.done.push(format!("printf '%s' '{text}' >{}/{path}", there.display()));
        (path, text)
    };
    std::fs::write(there.join(path), text).unwrap();
    git(play, &["add", "-A"]);
    git(play, &["commit", "-q", "-m", &new]);
    git(play, &["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
    play.git(&["fetch", "-q", "origin"]);
    true
}

/// A branch that is not checked out takes over what the origin has.
pub fn fetch_into(play: &mut Play) -> bool {
    let Some(branch) = play.other_branch() else { return false };
    let names = play.list(&["for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin/"]);
    let Some(from) = play.choose(&names) else { return false };
    play.git(&["fetch", "-q", "origin", &format!("+{from}:{branch}")])
}

pub fn push(play: &mut Play) -> bool {
    let Some(branch) = play.branch().filter(|_| play.one_in(2)) else { return false };
    play.git(&["push", "-q", "--force", "origin", &branch])
}

pub fn rebase(play: &mut Play) -> bool {
    let Some(onto) = play.other_line().filter(|_| play.idle()) else { return false };
    let options: &[&str] = if play.one_in(2) { &["--autostash"] } else { &[] };
    let before = play.seen();
    play.git(&[&["rebase", "-q"], options, &[&onto]].concat());
    if play.seen().refs != before.refs && !play.busy() {
        play.count("rebase");
    }
    true
}

pub fn cherry_pick(play: &mut Play) -> bool {
    let Some(other) = play.other_line().filter(|_| play.idle()) else { return false };
    let merge = play.list(&["rev-list", "--parents", "-n1", &other])[0].split(' ').count() > 2;
    let options: &[&str] = if merge { &["-m", "1"] } else { &[] };
    let done = play.git(&[&["cherry-pick"], options, &[&other]].concat());
    if done {
        play.count("cherry-pick");
    }
    true
}

pub fn revert(play: &mut Play) -> bool {
    if !play.idle() {
        return false;
    }
    let merge = play.list(&["rev-list", "--parents", "-n1", "HEAD"])[0].split(' ').count() > 2;
    let options: &[&str] = if merge { &["-m", "1"] } else { &[] };
    if play.git(&[&["revert", "--no-edit"], options, &["HEAD"]].concat()) {
        play.count("revert");
    }
    true
}

pub fn reset(play: &mut Play) -> bool {
    if play.busy() {
        return false;
    }
    let to = match play.random.below(4) {
        0 => play.other_branch(),
        _ => Some("HEAD~1".to_owned()),
    };
    let Some(to) = to else { return false };
    let how = play.random.pick(&["--soft", "--mixed", "--hard", "--keep", "--merge"]);
    let done = play.git(&["reset", "-q", how, &to]);
    if done {
        play.count(&format!("reset {how}"));
    }
    done
}

pub fn move_branch(play: &mut Play) -> bool {
    let (Some(branch), Some(to)) = (play.other_branch(), play.other_line()) else { return false };
    let done = play.git(&["branch", "-q", "-f", &branch, &to]);
    if done {
        play.count("branch -f");
    }
    done
}

pub fn delete_branch(play: &mut Play) -> bool {
    if play.list(&["for-each-ref", "refs/heads/"]).len() < 4 {
        return false;
    }
    let Some(branch) = play.other_branch() else { return false };
    let done = play.git(&["branch", "-q", "-D", &branch]);
    if done {
        play.count("branch -D");
    }
    done
}

/// A linked worktree comes, has something merged there, or goes.
pub fn worktree(play: &mut Play) -> bool {
    let linked = play.world.home().join("linked");
    let there = linked.to_str().unwrap().to_owned();
    if !linked.exists() {
        let Some(branch) = play.other_branch() else { return false };
        return play.git(&["worktree", "add", "-q", &there, &branch]);
    }
    if play.one_in(2) {
        return play.git(&["worktree", "remove", "--force", &there]);
    }
    let Some(other) = play.other_line() else { return false };
    if !play.git(&["-C", &there, "merge", "-q", "--no-edit", &other]) {
        play.git(&["-C", &there, "merge", "--abort"]);
    }
    true
}

/// Takes everything away that only reflogs and time protect.
pub fn collect(play: &mut Play) -> bool {
    play.note_tips();
    play.git(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"]);
    play.git(&["gc", "-q", "--prune=now"]);
    play.count("gc");
    true
}

pub fn pack(play: &mut Play) -> bool {
    play.git(&["pack-refs", "--all"])
}

/// Ends what is in progress, or goes a step on with it.
pub fn go_on(play: &mut Play) -> bool {
    if play.has("rebase-merge") || play.has("rebase-apply") {
        return match play.random.below(3) {
            0 => play.git(&["rebase", "--abort"]),
            1 => play.git(&["rebase", "--skip"]),
            _ => resolve(play) && play.git(&["-c", "core.editor=true", "rebase", "--continue"]),
        };
    }
    for (file, command) in [("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")] {
        if play.has(file) {
            return match play.random.below(2) {
                0 => play.git(&[command, "--abort"]),
                _ => resolve(play) && play.git(&["-c", "core.editor=true", command, "--continue"]),
            };
        }
    }
    if !play.merging() && !play.has("SQUASH_MSG") {
        return false;
    }
    match play.random.below(4) {
        0 if play.merging() => play.git(&["merge", "--abort"]),
        1 => resolve_one(play),
        _ => {
            resolve(play);
            let done = play.git(&["commit", "-q", "--no-edit"]);
            if done {
                play.count("conclusion");
            }
            done
        }
    }
}

/// Settles every conflict, one way or another.
pub fn resolve(play: &mut Play) -> bool {
    if play.list(&["ls-files", "--unmerged"]).is_empty() {
        return true;
    }
    while resolve_one(play) {}
    play.list(&["ls-files", "--unmerged"]).is_empty()
}

pub fn resolve_one(play: &mut Play) -> bool {
    let mut paths = play.list(&["diff", "--name-only", "--diff-filter=U"]);
    paths.sort_unstable();
    let Some(path) = paths.first().cloned() else { return false };
    if play.world.path(&path).is_dir() {
        return play.git(&["rm", "-q", "--cached", "--", &path]);
    }
    if play.world.exists(&path) && play.one_in(2) {
        let new = play.new_text("resolved");
        play.write(&path, &format!("{new}\n{}", lines(12)));
    }
    play.git(&["add", "-A", "--", &path])
}

//! What a user does with files, with the index and with single commits.

use super::{Play, lines};

pub fn edit(play: &mut Play) -> bool {
    let Some((path, text)) = play.tracked_file() else { return false };
    let new = play.new_text(&path.replace('/', " "));
    let (text, command) = play.edited(&path, &text, &new);
    play.world.write(&path, text);
    play.done.push(command);
    true
}

pub fn changed(play: &Play) -> Vec<String> {
    let status = play.list(&["status", "--porcelain", "--untracked-files=all"]);
    let unquoted = |line: &String| line[3..].trim_matches('"').to_owned();
    status.iter().filter(|line| !line[1..].starts_with(' ') && !line.contains(" -> ")).map(unquoted).collect()
}

pub fn stage(play: &mut Play) -> bool {
    let names = changed(play);
    let Some(name) = play.choose(&names) else { return false };
    play.git(&["add", "--", &name])
}

/// One line is staged and another is not.
pub fn stage_a_part(play: &mut Play) -> bool {
    let Some((path, _)) = play.tracked_file() else { return false };
    if play.merging() || play.busy() {
        return false;
    }
    for staged in [true, false] {
        let text = play.world.text(&path);
        let new = play.new_text(&path.replace('/', " "));
        let (text, command) = play.edited(&path, &text, &new);
        play.world.write(&path, text);
        play.done.push(command);
        if staged {
            play.git(&["add", "--", &path]);
        }
    }
    true
}

pub fn untracked(play: &mut Play) -> bool {
    let number = play.random.below(5);
    let path = if number == 4 { "dir/deep/new.txt".to_owned() } else { format!("new-{number}.txt") };
    let is_file = |folder: &&str| play.world.exists(folder) && !play.world.path(folder).is_dir();
    if play.world.exists(&path) || ["dir", "dir/deep"].iter().any(is_file) {
        return false;
    }
    let text = play.new_text("untracked");
    play.write(&path, &format!("{text}\n{}", lines(12)));
    true
}

pub fn ignored(play: &mut Play) -> bool {
    let path = format!("local-{}.ign", play.random.below(3));
    if play.world.path(&path).is_dir() {
        return false;
    }
    let text = play.new_text("ignored");
    play.write(&path, &format!("{text}\n{}", lines(12)));
    // In somebody's branch it is tracked.
    if play.idle() && play.one_in(2) {
        play.git(&["add", "-f", "--", &path]);
    }
    true
}

pub fn delete(play: &mut Play) -> bool {
    let Some((path, _)) = play.tracked_file() else { return false };
    if play.one_in(2) {
        return play.git(&["rm", "-q", "--", &path]);
    }
    play.world.remove(&path);
    play.done.push(format!("rm '{path}'"));
    true
}

/// What was staged is not any more; its file stays.
pub fn unstage(play: &mut Play) -> bool {
    let names = play.list(&["diff", "--cached", "--name-only", "--diff-filter=AMD"]);
    let Some(name) = play.choose(&names).filter(|_| play.idle()) else { return false };
    play.git(&["reset", "-q", "--", &name])
}

pub fn rename(play: &mut Play) -> bool {
    let Some((path, _)) = play.tracked_file() else { return false };
    let to = format!("renamed-{}.txt", play.random.below(3));
    !play.world.exists(&to) && play.git(&["mv", "--", &path, &to])
}

pub fn chmod(play: &mut Play) -> bool {
    let Some((path, _)) = play.tracked_file() else { return false };
    let mode = if play.one_in(2) { 0o755 } else { 0o644 };
    play.world.chmod(&path, mode);
    play.done.push(format!("chmod {mode:o} '{path}'"));
    true
}

/// A file becomes a link, or a folder with a file in it.
pub fn swap(play: &mut Play) -> bool {
    let Some((path, _)) = play.tracked_file() else { return false };
    play.world.remove(&path);
    play.done.push(format!("rm '{path}'"));
    let text = play.new_text("swapped");
    if play.one_in(2) {
        play.world.link(&path, &text);
        play.done.push(format!("ln -s '{text}' '{path}'"));
    } else {
        play.write(&format!("{path}/inside.txt"), &format!("{text}\n{}", lines(12)));
    }
    true
}

pub fn intend(play: &mut Play) -> bool {
    let names = play.list(&["ls-files", "--others", "--exclude-standard"]);
    let Some(name) = play.choose(&names) else { return false };
    play.git(&["add", "-N", "--", &name])
}

/// Everything but some untracked files, in one commit.
pub fn commit_all(play: &mut Play) -> bool {
    if !play.idle() || play.list(&["status", "--porcelain"]).is_empty() {
        return false;
    }
    if play.one_in(2) {
        play.git(&["add", "-A"]);
    }
    commit(play, &["-a"])
}

/// Nothing but one file, whatever else is going on in the others.
pub fn edit_and_commit(play: &mut Play) -> bool {
    if !play.idle() {
        return false;
    }
    let Some((path, text)) = play.tracked_file() else { return false };
    let new = play.new_text(&path.replace('/', " "));
    let (text, command) = play.edited(&path, &text, &new);
    play.world.write(&path, text);
    play.done.push(command);
    commit(play, &["--only", "--", &path])
}

pub fn commit_staged(play: &mut Play) -> bool {
    play.idle() && commit(play, &[])
}

pub fn commit(play: &mut Play, options: &[&str]) -> bool {
    let message = play.new_text("commit");
    let done = play.git(&[&["commit", "-q", "-m", &message], options].concat());
    if done {
        play.count("commit");
    }
    done
}

pub fn amend(play: &mut Play) -> bool {
    let message = play.new_text("amended");
    play.idle() && play.git(&["commit", "-q", "--amend", "-m", &message])
}

pub fn stash(play: &mut Play) -> bool {
    let options: &[&str] = if play.one_in(2) { &["-u"] } else { &[] };
    if play.list(&["status", "--porcelain"]).is_empty() {
        return false;
    }
    play.git(&[&["stash", "push", "-q"], options].concat())
}

pub fn pop(play: &mut Play) -> bool {
    play.has("refs/stash") && play.git(&["stash", "pop", "-q"])
}

/// So that a history does not end in a heap of edits that nothing can be merged into.
pub fn clean_up(play: &mut Play) -> bool {
    if !play.idle() {
        return false;
    }
    play.git(&["reset", "-q", "--hard"]);
    true
}

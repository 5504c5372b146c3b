//! What is read without asking git is what git would have answered.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use recoveryguard::git::{Deadline, Environment, IndexEntry, Reader, Repo, Stage};
use recoveryguard::model::{Oid, RefName};

use crate::support::{Options, REFTABLE, Ran, SPARSE_INDEX, Sandbox};

fn repo(sandbox: &Sandbox) -> Repo {
    repo_at(sandbox, sandbox.work())
}

fn repo_at(sandbox: &Sandbox, folder: &Path) -> Repo {
    repo_with(&sandbox.command("git", sandbox.work()), folder)
}

fn repo_with(command: &Command, folder: &Path) -> Repo {
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let environment = Environment { variables: variables.collect() };
    Repo::discover(folder, environment, Deadline::never()).unwrap()
}

/// An entry in the form of `git ls-files -s -v`.
fn line(entry: &IndexEntry) -> String {
    let stage = match entry.stage {
        Stage::Normal => 0,
        Stage::Base => 1,
        Stage::Ours => 2,
        Stage::Theirs => 3,
    };
    let tag = match (stage, entry.skip_worktree) {
        (1.., _) => "M",
        (_, true) => "S",
        (_, false) => "H",
    };
    let tag = if entry.assume_unchanged { tag.to_lowercase() } else { tag.to_owned() };
    format!("{tag} {} {} {stage}\t{}", entry.entry.mode.octal(), entry.entry.oid, entry.path)
}

/// Compares what is read with what git lists. Returns how many entries that were.
fn same_index(sandbox: &Sandbox, name: &str) -> usize {
    let repo = repo(sandbox);
    let mut command = sandbox.command("git", sandbox.work());
    let output = command.args(["ls-files", "-z", "-s", "-v"]).output().unwrap();
    let items = output.stdout.split(|byte| *byte == 0).filter(|item| !item.is_empty());
    let listed: Vec<String> = items
        .map(|item| {
            let tab = item.iter().position(|byte| *byte == b'\t').unwrap();
            let path = recoveryguard::model::escape(&item[tab + 1..]);
            format!("{}\t{path}", String::from_utf8_lossy(&item[..tab]))
        })
        .collect();
    let read: Vec<String> = repo.index_entries(&repo.own_index_file()).unwrap().iter().map(line).collect();
    assert_eq!(read, listed, "{name}");
    listed.len()
}

/// Files, names of all sorts, flags, a conflict, an entry without content.
fn fill(sandbox: &Sandbox) {
    sandbox.write("dir/a", "a\n").write("dir/b", "b\n").write("dir.txt", "c\n").write("flagged", "d\n");
    sandbox
        .write(OsStr::from_bytes(b"n\xff\n\"ame"), "e\n")
        .write("assumed", "f\n")
        .write("long/".repeat(60) + "x", "g\n");
    sandbox.branch("feat", &[("dir/a", Some("theirs\n")), ("new", Some("new\n"))]);
    sandbox.write("dir/a", "ours\n").commit("ours");
    let _ = sandbox.git(["merge", "-q", "feat"]).fails();
    let _ = sandbox.git(["update-index", "--skip-worktree", "flagged"]).ok();
    let _ = sandbox.git(["update-index", "--assume-unchanged", "assumed"]).ok();
    sandbox.write("intended", "h\n");
    let _ = sandbox.git(["add", "-N", "intended"]).ok();
    let commit = sandbox.rev("HEAD");
    let _ = sandbox.git(["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]).ok();
    std::os::unix::fs::symlink("nowhere", sandbox.at("link")).unwrap();
    let _ = sandbox.git(["add", "link"]).ok();
}

#[test]
fn the_index_in_all_its_forms() {
    let kinds: [(&str, Options, &[&str]); 5] = [
        ("plain", Sandbox::options(), &[]),
        ("sha256", Sandbox::options().sha256(), &[]),
        ("linked worktree", Sandbox::options().linked_worktree(), &[]),
        ("version 4", Sandbox::options(), &["update-index", "--index-version", "4"]),
        ("split", Sandbox::options(), &["update-index", "--split-index"]),
    ];
    for (name, options, more) in kinds {
        let sandbox = options.create();
        fill(&sandbox);
        // The entry of a submodule that is not there.
        sandbox.damaged();
        if !more.is_empty() {
            let _ = sandbox.git(more).ok();
        }
        assert!(same_index(&sandbox, name) > 10, "{name}");
    }
    let empty = Sandbox::new();
    fs::remove_file(empty.common_dir().join("index")).unwrap();
    assert_eq!(same_index(&empty, "no index"), 0);
}

#[test]
fn a_sparse_index_lists_its_files() {
    if !SPARSE_INDEX.is_needed_here() {
        return;
    }
    let sandbox = Sandbox::new();
    for folder in ["in", "out"] {
        for file in ["a", "b", "c"] {
            sandbox.write(format!("{folder}/{file}"), "x\n");
        }
    }
    sandbox.commit("folders");
    let _ = sandbox.git(["sparse-checkout", "set", "--cone", "--sparse-index", "in"]).ok();
    assert!(same_index(&sandbox, "sparse") >= 7);
}

/// A kept index is read after the index in use has changed its form.
#[test]
fn a_kept_split_index_is_read_beside_another() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    sandbox.damaged();
    let _ = sandbox.git(["update-index", "--split-index"]).ok();
    let repo = repo(&sandbox);
    let before = repo.index_entries(&repo.own_index_file()).unwrap();
    let kept = sandbox.common_dir().join("kept-index");
    fs::hard_link(repo.own_index_file(), &kept).unwrap();
    sandbox.write("more", "more\n");
    let _ = sandbox.git(["add", "more"]).ok();
    assert_eq!(repo.index_entries(&kept).unwrap(), before);
    assert_eq!(repo.index_entries(&repo.own_index_file()).unwrap().len(), before.len() + 1);
}

#[test]
fn refs_in_all_their_forms() {
    let reftable = REFTABLE.is_here().then(|| Sandbox::options().reftable());
    for options in
        [Some(Sandbox::options()), Some(Sandbox::options().linked_worktree()), reftable].into_iter().flatten()
    {
        let sandbox = options.create();
        let _ = sandbox.git(["branch", "packed"]).ok();
        let _ = sandbox.git(["branch", "packed-and-loose"]).ok();
        let _ = sandbox.git(["branch", "deleted"]).ok();
        let _ = sandbox.git(["tag", "-m", "t", "annotated"]).ok();
        let _ = sandbox.git(["branch", "deep/er/branch"]).ok();
        let _ = sandbox.git(["pack-refs", "--all"]).ok();
        let _ = sandbox.git(["branch", "-q", "-D", "deleted"]).ok();
        sandbox.commit("next");
        let _ = sandbox.git(["branch", "-q", "-f", "packed-and-loose"]).ok();
        let _ = sandbox.git(["branch", "loose"]).ok();
        let _ = sandbox.git(["branch", "packed-and-more"]).ok();
        let _ = sandbox.git(["symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/loose"]).ok();
        let _ = sandbox.git(["symbolic-ref", "refs/heads/dangling", "refs/heads/nowhere"]).ok();
        let _ = sandbox.git(["update-ref", "refs/worktree/own", "HEAD"]).ok();
        let _ = sandbox.git(["update-ref", "refs/bisect/bad", "HEAD"]).ok();
        // For git a branch that leads nowhere is damage.
        sandbox.damaged();
        let repo = repo(&sandbox);
        for name in [
            "refs/heads/main",
            "refs/heads/packed",
            "refs/heads/packed-and-loose",
            "refs/heads/packed-and-more",
            "refs/heads/packed-and",
            "refs/heads/deleted",
            "refs/heads/deep/er/branch",
            "refs/heads/deep/er",
            "refs/heads/loose",
            "refs/heads/loose/below",
            "refs/heads/dangling",
            "refs/tags/annotated",
            "refs/remotes/origin/HEAD",
            "refs/worktree/own",
            "refs/bisect/bad",
            "refs/nothing",
            "HEAD",
            "ORIG_HEAD",
        ] {
            let asked: Ran = sandbox.git(["rev-parse", "--verify", "-q", name]);
            let expected: Option<Oid> = asked.line().parse().ok();
            assert_eq!(repo.ref_value(&RefName::from(name)).unwrap(), expected, "{name}");
        }
        let head: Oid = sandbox.rev("HEAD").parse().unwrap();
        assert_eq!(repo.containing(head, &["refs/remotes/"], 9).unwrap().len(), 1);
        assert_eq!(repo.containing(head, &["refs/changes/"], 9).unwrap().len(), 0);
        assert_eq!(repo.reflog(&"refs/heads/packed".into(), 9).unwrap().len(), 1);
        assert_eq!(repo.reflog(&"refs/stash".into(), 9).unwrap().len(), 0);
    }
}

#[test]
fn who_can_be_reached_from_whom() {
    let sandbox = Sandbox::new();
    let base = sandbox.rev("HEAD");
    let side = sandbox.branch("side", &[("side", Some("x\n"))]);
    let next = sandbox.commit("next");
    let last = sandbox.commit("last");
    let repo = repo(&sandbox);
    let oid = |text: &str| text.parse::<Oid>().unwrap();
    for one in [&base, &side, &next, &last] {
        for other in [&base, &side, &next, &last] {
            let expected = sandbox.git(["merge-base", "--is-ancestor", one, other]).status == 0;
            assert_eq!(repo.is_ancestor(oid(one), oid(other)).unwrap(), expected, "{one} {other}");
        }
    }
}

/// Whole or as a difference to another, named by its place or by its name; in packs of a repository's own, and in one that it
/// borrows from. What was packed when the reader was opened stays readable: git may repack meanwhile.
#[test]
fn packed_objects_are_read_as_git_reads_them() {
    for by_place in ["true", "false"] {
        let sandbox = Sandbox::new();
        for number in 0..25 {
            let line = |line: usize| if line == 9 * number { format!("{number}\n") } else { format!("line {line}\n") };
            sandbox.write("long", (0..300).map(line).collect::<String>()).write(format!("dir/{number}"), "x\n");
            sandbox.commit(&format!("number {number}"));
        }
        let place = format!("repack.useDeltaBaseOffset={by_place}");
        let _ = sandbox.git(["-c", &place, "repack", "-adfq", "--depth=20"]).ok();
        let borrower = sandbox.root().join("borrower");
        let _ = sandbox.git(["clone", "-q", "--bare", "--shared", ".", borrower.to_str().unwrap()]).ok();
        let all = "--batch-check=%(objectname) %(objecttype) %(deltabase)";
        let listed = sandbox.git(["cat-file", "--batch-all-objects", all]).ok().stdout;
        let objects: Vec<Vec<&str>> = listed.lines().map(|line| line.split(' ').collect()).collect();
        assert!(objects.iter().filter(|object| object[2].bytes().any(|digit| digit != b'0')).count() > 20);
        let content = |object: &Vec<&str>| {
            sandbox.command("git", sandbox.work()).args(["cat-file", object[1], object[0]]).output().unwrap().stdout
        };
        let contents: Vec<Vec<u8>> = objects.iter().map(content).collect();
        let readers = [sandbox.work(), &borrower].map(|folder| Reader::open(&repo_at(&sandbox, folder)));
        fs::remove_dir_all(sandbox.damaged().common_dir().join("objects")).unwrap();
        for reader in &readers {
            for (object, content) in objects.iter().zip(&contents) {
                let oid = object[0].parse::<Oid>().unwrap();
                match object[1] {
                    "blob" => assert_eq!(reader.text(oid, 1 << 20).unwrap().unwrap().as_slice(), content),
                    "tree" => assert_eq!(reader.tree(oid).unwrap().as_slice(), content),
                    _ => assert!(content.ends_with(&reader.commit(oid).unwrap().message)),
                }
                assert!(object[1] == "tree" || reader.tree(oid).is_err());
            }
        }
    }
}

/// Where git finds the repository, guard does: within the working tree, within git's folder, in a bare one.
#[test]
fn repositories_are_found_as_git_finds_them() {
    let sandbox = Sandbox::new();
    sandbox.write("deep/er/file", "x\n");
    let find = |folder: &str| {
        let command = sandbox.command("git", sandbox.work());
        let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        Repo::discover(&sandbox.root().join(folder), Environment { variables: variables.collect() }, Deadline::never())
    };
    let top = sandbox.work().to_owned();
    for (folder, work_tree) in [("repo", true), ("repo/deep/er", true), ("repo/.git", false), ("repo/.git/refs", false)]
    {
        let repo = find(folder).unwrap();
        assert_eq!(repo.work_tree(), work_tree.then_some(top.as_path()), "{folder}");
        assert_eq!((repo.git_dir(), repo.common_dir()), (&*top.join(".git"), &*top.join(".git")), "{folder}");
    }
    assert!(find("home").err().unwrap().to_string().contains("not a git repository"));
    let _ = sandbox.git_in(sandbox.root(), ["init", "-q", "--bare", "bare"]).ok();
    let bare = find("bare").unwrap();
    assert_eq!((bare.work_tree(), bare.git_dir()), (None, &*sandbox.root().join("bare")));
}

/// What a repository is opened with is what git is asked with: no variable of this process, and all that a view adds.
#[test]
fn git_is_asked_with_the_variables_that_were_given() {
    let sandbox = Sandbox::new();
    let first = sandbox.rev("HEAD");
    sandbox.commit("second");
    let last = sandbox.commit("third");
    let _ = sandbox.git(["replace", "--graft", &last]).ok();
    let repo = repo(&sandbox);
    let [first, last] = [first, last].map(|oid| oid.parse::<Oid>().unwrap());
    assert!(!repo.is_ancestor(first, last).unwrap(), "replaced, it has no parent");
    assert!(repo.as_stored().is_ancestor(first, last).unwrap());
}

/// A history that is read once answers what it would have been asked later, merge by merge.
#[test]
fn a_history_that_was_foreseen() {
    let sandbox = Sandbox::new();
    let made = |parents: &[&str]| {
        let parents: Vec<&str> = parents.iter().flat_map(|parent| ["-p", parent]).collect();
        sandbox.git([&["commit-tree", "-m", "x", "HEAD^{tree}"], &parents[..]].concat()).ok().line().to_owned()
    };
    // A criss-cross and what merges both, and a line of its own that comes in.
    let first = sandbox.rev("HEAD");
    let (left, right) = (made(&[&first]), made(&[&first]));
    let (cross, other) = (made(&[&left, &right]), made(&[&right, &left]));
    let (whole, unrelated) = (made(&[&cross, &other]), made(&[]));
    let all = [made(&[&other, &unrelated]), first, left, right, cross, other, whole, unrelated];
    let commits: Vec<Oid> = all.iter().map(|commit| commit.parse().unwrap()).collect();
    let (asked, foreseen) = (repo(&sandbox), repo(&sandbox));
    foreseen.foresee(&commits);
    for one in &commits {
        for other in &commits {
            let answers = |repo: &Repo| {
                let mut bases = repo.merge_bases(*one, *other).unwrap();
                bases.sort();
                (bases, repo.is_ancestor(*one, *other).unwrap())
            };
            assert_eq!(answers(&foreseen), answers(&asked), "{one} and {other}");
            // On a busy machine git may take longer for this than it is given.
            if let Some(between) = asked.parents_between(&[*one], &[*other]).unwrap() {
                let known = foreseen.parents_between(&[*one], &[*other]).unwrap();
                assert_eq!(known, Some(between), "{one} and not {other}");
            }
        }
    }
}

/// By these variables git takes objects or history for others than those that lie there: then it is asked itself.
#[test]
fn what_git_is_told_to_see_otherwise_is_asked_of_git() {
    let sandbox = Sandbox::new();
    let is_direct = |name: &str| {
        let mut command = sandbox.command("git", sandbox.work());
        command.env(name, "something");
        Reader::open(&repo_with(&command, sandbox.work())).is_direct()
    };
    assert!(is_direct("GIT_NOTHING_OF_THE_KIND"));
    for name in ["GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"] {
        assert!(!is_direct(name), "{name}");
    }
}

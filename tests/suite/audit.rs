//! `guard audit` on real repositories: what merges lost.

use serde_json::Value;

use crate::support::{MERGE_TREE, Ran, Sandbox, lines};

fn diverged() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.diverge("code.txt", &[]);
    sandbox
}

/// Runs the program with something on its stdin.
fn guard_with(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Ran {
    Ran::of(sandbox.command("guard", sandbox.work()).args(arguments), input.as_bytes())
}

fn audit(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let ran = sandbox.guard([&["audit", "--json"], arguments].concat()).ok();
    serde_json::from_str(&ran.stdout).unwrap()
}

fn findings(document: &Value) -> Vec<String> {
    let merges = document["merges"].as_array().unwrap();
    let findings = merges.iter().flat_map(|merge| merge["findings"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    findings
        .map(|found| format!("{} {} {}", text(&found["level"]), text(&found["rule"]), text(&found["path"])))
        .collect()
}

/// "Take mine" drops what the other side did in places that were in no conflict; the printed command brings it back.
#[test]
fn work_that_take_mine_dropped_is_named_and_comes_back() {
    let sandbox = diverged();
    sandbox.lose_work("code.txt");
    let document = audit(&sandbox, &[]);
    let found = &document["merges"][0]["findings"][0];
    assert_eq!(found["rule"], "lost-change", "{document:#}");
    assert_eq!(found["path"], "code.txt");
    assert_eq!(found["evidence"]["line_1"], "feat's careful work");
    assert_eq!(found["evidence"]["in_conflict"], "yes");
    let said = sandbox.guard(["audit", "--all"]).ok().stdout;
    assert!(said.contains("- feat's careful work") && said.contains("1 merge, 1 with findings"), "{said}");
    let command = found["remedy"].as_str().unwrap();
    let ran = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"");
    // The place that conflicted conflicts again; the work stands there.
    assert!(ran.stderr.contains("code.txt"), "{ran:?}");
    assert!(sandbox.text("code.txt").contains("feat's careful work"));
}

/// Commits what stands there as somebody else.
fn commit_as(sandbox: &Sandbox, author: &str, message: &str) -> String {
    let author = format!("--author={author} <a@example.com>");
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["commit", "-q", &author, "-m", message]).ok();
    sandbox.rev("HEAD")
}

/// Merges feat and keeps main's text at a path; returns whose work that dropped, by the audit.
fn whose_is_lost(sandbox: &Sandbox, path: &str) -> (String, String) {
    let mains =
        sandbox.git(["ls-files", "-s", "code.txt", "new.txt"]).ok().line().split(' ').nth(1).unwrap().to_owned();
    let mains = sandbox.git(["cat-file", "blob", &mains]).ok().stdout;
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]);
    sandbox.write(path, mains);
    let _ = sandbox.git(["add", "-A"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "merge feat"]).ok();
    let document = audit(sandbox, &["-n", "1"]);
    let found = &document["merges"][0]["findings"][0];
    assert_eq!((&found["rule"], &found["level"]), (&"lost-change".into(), &"warn".into()), "{document:#}");
    let text = |name: &str| found["evidence"][name].as_str().unwrap_or_default().to_owned();
    (text("lost_commit"), text("lost_author"))
}

/// Of several commits the one that brought most of the lines is named, whoever touched the file later; a merge of the side's
/// own, and a move on either side, don't hide it.
#[test]
fn the_commit_and_author_whose_work_is_lost_are_named() {
    for moved in ["", "feat", "main"] {
        let sandbox = Sandbox::new();
        sandbox.write("code.txt", lines(30)).write("rest", lines(3));
        sandbox.commit("code");
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        let add = |after: usize, line: &str| {
            let path = if sandbox.at("code.txt").exists() { "code.txt" } else { "new.txt" };
            let after = format!("number {after}\n");
            sandbox.write(path, sandbox.text(path).replace(&after, &format!("{after}{line}\n")));
        };
        add(5, "zebras graze quietly");
        commit_as(&sandbox, "Somebody", "first");
        let _ = sandbox.git(["checkout", "-q", "-b", "inner"]).ok();
        add(9, "violins sound\nbrass follows");
        let most = commit_as(&sandbox, "Most \u{1b}[31m", "second");
        let _ = sandbox.git(["checkout", "-q", "feat"]).ok();
        sandbox.write("rest", lines(4));
        commit_as(&sandbox, "Somebody", "beside");
        let _ = sandbox.git(["merge", "-q", "-m", "inner", "inner"]).ok();
        if moved == "feat" {
            let _ = sandbox.git(["mv", "code.txt", "new.txt"]).ok();
            commit_as(&sandbox, "Mover", "move");
        }
        add(29, "harbours freeze");
        commit_as(&sandbox, "Last", "last");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        sandbox.write("code.txt", lines(30).replace("number 20\n", "number 20 of main\n"));
        commit_as(&sandbox, "Main", "main");
        if moved == "main" {
            let _ = sandbox.git(["mv", "code.txt", "new.txt"]).ok();
            commit_as(&sandbox, "Main", "move");
        }
        let found = whose_is_lost(&sandbox, if moved.is_empty() { "code.txt" } else { "new.txt" });
        assert_eq!(found, (most.clone(), "Most \\u{1b}[31m".to_owned()), "moved by {moved}");
        let said = sandbox.guard(["audit", "-n", "1"]).ok().stdout;
        assert!(said.contains(&format!("work of Most \\u{{1b}}[31m ({})", &most[..10])), "{said}");
    }
}

/// Lines that were there before the sides parted are of whoever wrote them.
#[test]
fn of_lines_of_both_sides_the_commit_that_wrote_them_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("a", lines(12)).write("b", lines(12));
    sandbox.commit("files");
    sandbox.write("a", lines(30)).write("b", lines(30));
    let wrote = commit_as(&sandbox, "Writer", "more lines");
    let both = |line: &str| sandbox.write("a", lines(30) + line).write("b", lines(30) + line);
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    both("feat's ending\n");
    sandbox.commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    both("main's ending\n");
    sandbox.commit("main");
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]);
    let cut = lines(30).replace("line number 14\nline number 15\nline number 16\n", "");
    let cut = format!("{cut}main's ending\nfeat's ending\n");
    sandbox.write("a", &cut).write("b", &cut);
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge"]).ok();
    let document = audit(&sandbox, &[]);
    assert_eq!(findings(&document), ["warn lost-common-line a", "warn lost-common-line b"]);
    let evidence = &document["merges"][0]["findings"][0]["evidence"];
    assert_eq!((&evidence["lost_commit"], &evidence["lost_author"]), (&wrote.into(), &"Writer".into()), "{document:#}");
}

/// Who removed what is back, and who wrote what stands there twice, is named; the lines are listed.
#[test]
fn who_removed_what_is_back_and_who_wrote_what_is_doubled_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("back", lines(30)).write("twice", lines(8));
    commit_as(&sandbox, "Importer", "files");
    sandbox.write("twice", lines(30)).write("third", lines(30));
    let wrote = commit_as(&sandbox, "Writer", "more lines");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.edit("back", "line number 2\nline number 3\nline number 4\n", "");
    let removed = commit_as(&sandbox, "Remover", "out with it");
    for path in ["back", "twice", "third"] {
        sandbox.edit(path, "line number 28\n", "line number 28 of feat\n");
    }
    commit_as(&sandbox, "Feat", "later");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    for path in ["back", "twice", "third"] {
        sandbox.edit(path, "line number 25\n", "line number 25 of main\n");
    }
    commit_as(&sandbox, "Main", "main");
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
    sandbox.edit("back", "line number 1\n", "line number 1\nline number 2\nline number 3\nline number 4\n");
    // With lines of nobody's in it, and a third file, it is odd enough to warn.
    sandbox.edit("back", "line number 20\n", "line number 20\none\nof the\nmerge's own\n");
    sandbox.edit("third", "line number 20\n", "line number 20\nown\n");
    let block = "line number 14\nline number 15\nline number 16\n";
    sandbox.edit("twice", block, &format!("{block}{block}"));
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge"]).ok();
    let document = audit(&sandbox, &[]);
    assert_eq!(findings(&document)[..2], ["warn doubled-block twice", "warn resurrected back"], "{document:#}");
    let told = |at: usize| {
        let evidence = &document["merges"][0]["findings"][at]["evidence"];
        ["line_1", "lost_author", "lost_commit"].map(|key| evidence[key].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(told(0), ["line number 14", "Writer", &wrote]);
    assert_eq!(told(1), ["line number 2", "Remover", &removed]);
    let said = sandbox.guard(["audit", "-n", "1"]).ok().stdout;
    assert!(said.contains(&format!("of    work of Writer ({})", &wrote[..10])), "{said}");
    // The command takes it out again: the removal is what was lost.
    let _ = sandbox.guard(["restore", "--lost", "HEAD", "back"]).ok();
    assert!(!sandbox.text("back").contains("line number 3\n"));
}

/// Records of a file that the manifest names as data: taken whole from one side, broken by a branch, and of unknown health.
#[test]
fn data_that_the_manifest_names_is_judged_in_history() {
    let list = |ids: &[u32]| ids.iter().map(|id| format!("{{\"id\": {id}}}\n")).collect::<String>();
    let manifest = |more: &str| {
        format!(
            "version = 1\n[[data]]\npaths = [\"list.jsonl\"]\nrecords = \"\"\nkey = \"id\"\nmax_loss = \"50%\"\n{more}"
        )
    };
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", manifest("")).write("list.jsonl", list(&[1, 2]));
    sandbox.commit("data");
    let merged = |name: &str, theirs: &str, ours: &str, result: &str| {
        let _ = sandbox.git(["checkout", "-q", "-b", name]).ok();
        sandbox.write("list.jsonl", theirs).write(name, "x\n");
        sandbox.commit(name);
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        sandbox.write("list.jsonl", ours).write("rest", name);
        sandbox.commit("ours");
        let _ = sandbox.git(["merge", "-q", "--no-commit", name]);
        sandbox.write("list.jsonl", result);
        let _ = sandbox.git(["commit", "-q", "-a", "-m", "merged"]).ok();
        let ran = sandbox.guard(["audit", "--json", "-n", "1"]);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(ran.status, if name == "unknown" { 3 } else { 0 }, "{ran}");
        document
    };
    let document = merged("feat", &list(&[1, 2, 3]), &list(&[1, 2, 4]), &list(&[1, 2, 4]));
    assert!(findings(&document).contains(&"warn lost-records list.jsonl".to_owned()), "{document:#}");
    assert!(
        document["merges"][0]["findings"].as_array().unwrap().iter().any(|found| found["evidence"]["records"] == "3")
    );
    // What only the branch changed, and merging takes over.
    let before = list(&[1, 2, 4]);
    let document = merged("cut", &list(&[4]), &before, &list(&[4]));
    assert_eq!(findings(&document), ["block lost-records list.jsonl"], "{document:#}");
    let document = merged("nameless", "{}\n", &list(&[4]), "{}\n");
    assert!(findings(&document).contains(&"block data-schema list.jsonl".to_owned()), "{document:#}");
    sandbox.write(".recoveryguard.toml", manifest("schema = \"none.json\"\n")).write("list.jsonl", list(&[4]));
    sandbox.commit("schema");
    let document = merged("unknown", &list(&[4, 5]), &list(&[4]), &list(&[4, 5]));
    assert_eq!(document["merges"][0]["verdict"], "could-not-judge", "{document:#}");
    let why = "'list.jsonl': the schema 'none.json' can't be used: there is no such file";
    assert_eq!(document["merges"][0]["failure"], why, "{document:#}");
}

/// Keys of a data file that a side added, where its whole text was kept out and where it was merged; the command brings them
/// back.
#[test]
fn keys_that_a_merge_dropped_are_named() {
    let entry = |name: &str| format!("  \"{name}\": \"{name}\",\n");
    let file = |names: &[&str]| {
        let entries: String = names.iter().map(|name| entry(name)).collect();
        format!("{{\n{entries}  \"end\": 0\n}}\n")
    };
    let all = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];
    let with = |place: usize, name: &'static str| {
        let mut names = all.to_vec();
        names.insert(place, name);
        file(&names)
    };
    let sandbox = Sandbox::new();
    sandbox.write("data.json", file(&all)).write("rest", lines(4));
    sandbox.commit("data");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write("data.json", with(1, "theirs")).write("rest", lines(5));
    sandbox.commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write("data.json", with(7, "ours"));
    sandbox.commit("main");
    let keys = || {
        let document = audit(&sandbox, &[]);
        let found = document["merges"][0]["findings"].as_array().unwrap().clone();
        let of_rule = found.into_iter().find(|found| found["rule"] == "lost-keys");
        of_rule.map(|found| (found["evidence"]["keys"].clone(), found["remedy"].as_str().unwrap().to_owned()))
    };
    let _ = sandbox.git(["merge", "-q", "-m", "both", "feat"]).ok();
    assert_eq!(keys(), None);
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
    for kept in [with(7, "ours"), with(8, "ours"), with(7, "theirs")] {
        let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
        let lost = if kept.contains("ours") { "/theirs" } else { "/ours" };
        sandbox.write("data.json", kept);
        let _ = sandbox.git(["commit", "-q", "-a", "-m", "one"]).ok();
        let (named, command) = keys().unwrap();
        assert_eq!(named, lost);
        let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"");
        assert!(sandbox.text("data.json").contains(&lost[1..]));
        let _ = sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
    }
    let findings = {
        let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "feat"]).ok();
        findings(&audit(&sandbox, &[]))
    };
    assert!(findings.contains(&"warn lost-keys data.json".to_owned()), "{findings:?}");
}

/// A submodule that one side moved: back where it was, at an older commit that the other side brought, and as it should be.
#[test]
fn submodules_that_go_back_are_found() {
    let point = |sandbox: &Sandbox, digit: &str| {
        let pointer = digit.repeat(sandbox.rev("HEAD").len());
        std::fs::create_dir_all(sandbox.at("deep/sub")).unwrap();
        let _ = sandbox.git(["update-index", "--add", "--cacheinfo", &format!("160000,{pointer},deep/sub")]).ok();
        pointer
    };
    // Where the base has it, where main and feat move it, what the merge makes of it, what is found.
    let cases: [([&str; 4], &[&str]); 6] = [
        (["a", "a", "b", "b"], &[]),
        (["a", "a", "b", "a"], &["warn submodule-rewound deep/sub"]),
        (["a", "b", "a", "a"], &["warn submodule-rewound deep/sub"]),
        (["a", "a", "b", "c"], &["info submodule-rewound deep/sub"]),
        (["a", "b", "c", "b"], &[]),
        // Where main's history had it before the sides parted.
        (["a", "a", "1", "1"], &["info submodule-rewound deep/sub"]),
    ];
    for ([base, main, feat, result], expected) in cases {
        let sandbox = Sandbox::new();
        sandbox.write(".gitmodules", "[submodule \"sub\"]\n\tpath = deep/sub\n\turl = ./x\n");
        point(&sandbox, "1");
        sandbox.commit("older");
        point(&sandbox, base);
        sandbox.commit("base");
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        point(&sandbox, feat);
        sandbox.write("feat", "x\n");
        sandbox.commit("feat");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        point(&sandbox, main);
        sandbox.write("main", "x\n");
        sandbox.commit("main");
        let _ = sandbox.git(["merge", "-q", "--no-commit", "--no-ff", "feat"]);
        let pointer = point(&sandbox, result);
        let _ = sandbox.git(["commit", "-q", "-m", "merge"]).ok();
        let document = audit(&sandbox, &[]);
        assert_eq!(findings(&document), expected, "{base} {main} {feat} {result}: {document:#}");
        let Some(command) = document["merges"][0]["findings"][0]["remedy"].as_str() else { continue };
        let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
        let now = sandbox.git(["ls-files", "-s", "deep/sub"]).ok().stdout;
        assert!(now.starts_with("160000 ") && !now.contains(&pointer), "{now}");
    }
}

/// A merge that git makes, and one that a person settled by writing both, lose nothing.
#[test]
fn merges_that_keep_both_sides_are_quiet() {
    let sandbox = diverged();
    let _ = sandbox.git(["checkout", "-q", "-b", "side", "HEAD~1"]).ok();
    sandbox.write("other.txt", "other\n");
    sandbox.commit("other");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "-m", "merge side", "side"]).ok();
    assert_eq!(findings(&audit(&sandbox, &[])), [""; 0]);
    assert_eq!(sandbox.guard(["audit"]).ok().stdout, "1 merge, 0 with findings\n");
}

/// `-s ours` takes nothing of the other side, and markers that were committed block.
#[test]
fn discarded_sides_and_committed_markers_are_found() {
    let sandbox = diverged();
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "feat"]).ok();
    let found = findings(&audit(&sandbox, &[]));
    assert!(found.contains(&"info side-discarded -".to_owned()), "{found:?}");
    let _ = sandbox.git(["reset", "-q", "--hard", "HEAD^"]).ok();
    assert_ne!(sandbox.git(["merge", "-q", "feat"]).status, 0);
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "with markers"]).ok();
    let found = findings(&audit(&sandbox, &[]));
    assert_eq!(found[0], "block conflict-markers code.txt");
    assert_eq!(sandbox.guard(["audit", "--fail-on", "block"]).status, 1);
    assert_eq!(sandbox.guard(["audit", "-q"]).status, 0);
}

/// What a person may do to a text while merging, and the rule that names it.
#[test]
fn each_kind_of_loss_has_its_rule() {
    type Settle = fn(String) -> String;
    let cases: [(&str, Settle); 4] = [
        ("warn lost-common-line code.txt", |text| text.replace("line number 11\nline number 12\nline number 13\n", "")),
        ("warn doubled-block code.txt", |text| {
            text.replace("line number 14\n", "line number 14\nline number 8\nline number 9\nline number 10\n")
        }),
        ("info resurrected code.txt", |text| text.replace("line number 1\n", "line number 1\nline number 2\n")),
        ("warn lost-change code.txt", |text| text.replace("feat's careful work\n", "")),
    ];
    for (expected, settle) in cases {
        let sandbox = Sandbox::new();
        sandbox.write("code.txt", lines(30));
        sandbox.commit("code");
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        let text = lines(30).replace("line number 2\n", "").replace("number 5\n", "number 5\nfeat's careful work\n");
        sandbox.write("code.txt", text);
        sandbox.commit("feat's work");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        sandbox.write("code.txt", lines(30).replace("number 25\n", "number 25 of main\n"));
        sandbox.commit("main's work");
        let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
        let merged = String::from_utf8(sandbox.read("code.txt")).unwrap();
        sandbox.write("code.txt", settle(merged));
        let _ = sandbox.git(["commit", "-q", "-a", "-m", "merge"]).ok();
        assert_eq!(findings(&audit(&sandbox, &[])), [expected]);
    }
}

/// Paths are those of the folder that the command runs in.
#[test]
fn findings_are_chosen_by_path() {
    let sandbox = diverged();
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "feat"]).ok();
    sandbox.write("sub/x", "x\n");
    let count = |arguments: &[&str]| {
        let document: Value =
            serde_json::from_str(&sandbox.guard([&["audit", "--json"], arguments].concat()).ok().stdout).unwrap();
        findings(&document).len()
    };
    let (all, at) = (count(&["--path", "."]), count(&["--path", "./code.txt"]));
    assert!(at > 0 && all > 0);
    assert_eq!(count(&["--path", "sub"]), 0);
    assert_eq!(count(&["-C", "sub", "--path", "../code.txt"]), at);
    let _ = sandbox.guard(["audit", "--path", "../.."]).exits(2);
    let _ = sandbox.guard(["audit", "--path", "/etc"]).exits(2);
}

/// A file that one side moved and the other changed is where git puts it: nothing is lost.
#[test]
fn a_moved_file_takes_the_other_sides_change_with_it() {
    for keep in [true, false] {
        let sandbox = Sandbox::new();
        sandbox.write("old/name.txt", lines(40));
        sandbox.commit("file");
        let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
        sandbox.write("old/name.txt", lines(40).replace("number 9\n", "number 9\nadded by feat\n"));
        sandbox.commit("change");
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        let _ = sandbox.git(["mv", "old/name.txt", "new.txt"]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", "move"]).ok();
        let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]);
        if !keep {
            sandbox.write("new.txt", lines(40));
        }
        let _ = sandbox.git(["add", "-A"]).ok();
        let _ = sandbox.git(["commit", "-q", "-m", "merge"]).ok();
        let found = findings(&audit(&sandbox, &[]));
        let expected: &[&str] = if keep { &[] } else { &["warn lost-change new.txt", "info side-discarded -"] };
        assert_eq!(found, expected, "kept: {keep}");
    }
}

/// One object a commit and line, in order, for commits that are no merges and for ones that are not here.
#[test]
fn commits_from_stdin_are_answered_line_by_line() {
    let sandbox = diverged();
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "feat"]).ok();
    let merge = sandbox.git(["rev-parse", "HEAD"]).ok().line().to_owned();
    let plain = sandbox.git(["rev-parse", "HEAD^"]).ok().line().to_owned();
    let missing = "1234567890123456789012345678901234567890";
    let input = format!("{plain}\n{missing}\n\n{merge}\n");
    let ran = guard_with(&sandbox, &["audit", "--stdin", "--json-lines"], &input).exits(3);
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdicts: Vec<_> =
        lines.iter().map(|line| (line["commit"].as_str().unwrap(), line["verdict"].as_str().unwrap())).collect();
    assert_eq!(verdicts[..2], [(plain.as_str(), "pass"), (missing, "could-not-judge")]);
    assert_eq!(verdicts[2].0, merge);
    let _ = guard_with(&sandbox, &["audit", "--stdin"], "HEAD\n").exits(2);
}

/// A shallow clone that lacks the merge base can't be judged, and says so.
#[test]
fn a_shallow_clone_is_not_called_clean() {
    let sandbox = diverged();
    let _ = sandbox.git(["merge", "-q", "-s", "ours", "-m", "ours", "feat"]).ok();
    let _ = sandbox
        .git([
            "clone",
            "-q",
            "--depth=2",
            "--no-single-branch",
            &format!("file://{}", sandbox.work().display()),
            "../shallow",
        ])
        .ok();
    let ran = sandbox.guard(["-C", "../shallow", "audit"]).exits(3);
    assert!(ran.stdout.contains("could not judge"), "{}", ran.stdout);
}

/// A merge driver of the project decides otherwise than text merging would: nothing was lost by whoever merged. Of thousands that
/// is asked on demand, of a single merge always; git before 2.38 can't tell.
#[test]
fn what_gits_own_merge_does_is_no_loss() {
    let sandbox = Sandbox::new();
    sandbox.write("code.txt", lines(30));
    sandbox.write(".gitattributes", "code.txt merge=mine\n");
    sandbox.commit("code");
    let _ = sandbox.git(["config", "merge.mine.driver", "true"]).ok();
    for (branch, place) in [("feat", 5), ("third", 9)] {
        let _ = sandbox.git(["checkout", "-q", "-b", branch, "main"]).ok();
        let line = format!("number {place}\n");
        sandbox.write("code.txt", sandbox.text("code.txt").replace(&line, &format!("{line}{branch}'s work\n")));
        sandbox.commit(branch);
        let _ = sandbox.git(["checkout", "-q", "main"]).ok();
        let line = format!("number {}\n", place + 15);
        sandbox.write("code.txt", sandbox.text("code.txt").replace(&line, &format!("{line}main's work\n")));
        sandbox.commit("main's work");
        let _ = sandbox.git(["merge", "-q", "--no-edit", branch]).ok();
        assert!(!sandbox.text("code.txt").contains(branch), "the driver kept main's");
    }
    let lost = |arguments: &[&str]| {
        findings(&audit(&sandbox, arguments)).into_iter().filter(|found| found.contains("lost-change")).count()
    };
    let expected = if MERGE_TREE.is_here() { (2, 0, 0) } else { (2, 2, 1) };
    assert_eq!((lost(&[]), lost(&["--confirm"]), lost(&["-n", "1"])), expected);
}

//! `guard restore --lost` in files that stand on disk in another form than git would give them, and in the index.

use crate::support::{OF_FEAT, OF_MAIN, Ran, Sandbox, WORK, lines};

/// main and feat changed `code.txt`; "take mine" lost feat's work. Everything that is committed has plain line ends.
fn taken(attributes: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", attributes);
    sandbox.diverge("code.txt", &[]).lose_work("code.txt");
    sandbox
}

/// What stands in the file after a restore, with a later edit in it.
fn expected() -> String {
    let text = lines(30).replace("line number 5\n", &format!("line number 5\n{WORK}"));
    text.replace("line number 20\n", OF_MAIN).replace("line number 12\n", "line number 12, later\n")
}

fn later() -> String {
    expected().replace(WORK, "")
}

fn with_returns(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// Line ends that git would not write are kept, with and without later edits.
#[test]
fn line_ends_that_git_would_not_write_stay() {
    for (setting, form) in
        [("true", str::to_owned as fn(&str) -> String), ("input", with_returns), ("true", with_returns)]
    {
        let sandbox = taken("");
        let _ = sandbox.git(["config", "core.autocrlf", setting]).ok();
        let now = |text: &str| _ = sandbox.write("code.txt", form(text));
        now(&later());
        let ran = sandbox.guard(["restore", "--lost", "HEAD"]).ok();
        assert_eq!(sandbox.text("code.txt"), form(&expected()), "{setting}: {ran}");
        assert!(ran.stdout.contains("was left out in 'code.txt'"), "{ran}");
        let _ = sandbox.guard(["restore", "--undo"]).ok();
        assert_eq!(sandbox.text("code.txt"), form(&later()));
        let marked = sandbox.guard(["restore", "--lost", "HEAD", "--markers"]).ok();
        let both = format!("<<<<<<< now\n{OF_MAIN}=======\n{OF_FEAT}>>>>>>> lost\n");
        assert_eq!(sandbox.text("code.txt"), form(&expected().replace(OF_MAIN, &both)), "{setting}: {marked}");
    }
}

/// Only feat had changed it: its whole version comes back, in the form that the file has.
#[test]
fn a_file_of_one_side_comes_back_in_its_own_form() {
    let sandbox = Sandbox::new();
    sandbox.write("code.txt", lines(9));
    sandbox.commit("code");
    let feat = lines(9).replace("line number 5\n", &format!("line number 5\n{WORK}"));
    sandbox.branch("feat", &[("code.txt", Some(&feat))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "--no-commit", "feat"]).ok();
    let _ = sandbox.git(["checkout", "HEAD", "--", "code.txt"]).ok();
    sandbox.write("beside", "x\n");
    sandbox.commit("merge");
    let _ = sandbox.git(["config", "core.autocrlf", "true"]).ok();
    let _ = sandbox.guard(["restore", "--lost", "HEAD", "code.txt"]).ok();
    assert_eq!(sandbox.text("code.txt"), feat);
}

/// UTF-16 is no text to git's merge, and `$Id$` differs in every version: what git stores is compared.
#[test]
fn what_git_stores_is_compared() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let sandbox = taken("");
    sandbox.write(".git/info/attributes", "code.txt working-tree-encoding=UTF-16LE\n");
    sandbox.write("code.txt", wide(&later()));
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]).ok();
    assert_eq!(sandbox.read("code.txt"), wide(&expected()));
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "code.txt ident\n").write("code.txt", format!("$Id$\n{}", lines(9)));
    sandbox.commit("code");
    let feat = format!("$Id$\n{}{WORK}", lines(9));
    sandbox.branch("feat", &[("code.txt", Some(&feat))]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "--no-commit", "feat"]).ok();
    let _ = sandbox.git(["checkout", "HEAD", "--", "code.txt"]).ok();
    sandbox.write("beside", "x\n");
    sandbox.commit("merge");
    sandbox.write("code.txt", format!("$Id: of another day $\nnew\n{}", lines(9)));
    let _ = sandbox.guard(["restore", "--lost", "HEAD", "code.txt"]).ok();
    let text = sandbox.text("code.txt");
    let rest = text.split_once('\n').unwrap().1;
    assert_eq!(rest, format!("new\n{}{WORK}", lines(9)), "{text}");
}

/// What a filter program stores need be no text, nor has it to come back as it was: nothing is merged there.
#[test]
fn what_a_filter_makes_is_not_merged() {
    let sandbox = taken("code.txt filter=plain\n");
    let _ = sandbox.git(["config", "filter.plain.clean", "sed s/^=//"]).ok();
    sandbox.write("code.txt", format!("={}", later().trim_end().replace('\n', "\n=")));
    let before = sandbox.text("code.txt");
    let _ = sandbox.guard(["restore", "--lost", "HEAD"]).exits(4);
    assert_eq!(sandbox.text("code.txt"), before);
}

/// A merge that put a submodule back; `pointer` puts it somewhere.
fn rewound(pointer: &impl Fn(&Sandbox, &str)) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".gitmodules", "[submodule \"sub\"]\n\tpath = sub\n\turl = ./x\n");
    pointer(&sandbox, "a");
    let _ = sandbox.git(["commit", "-q", "-m", "base"]).ok();
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    pointer(&sandbox, "b");
    let _ = sandbox.git(["commit", "-q", "-m", "feat"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let _ = sandbox.git(["merge", "-q", "--no-commit", "--no-ff", "feat"]);
    pointer(&sandbox, "a");
    let _ = sandbox.git(["commit", "-q", "-m", "merge"]).ok();
    sandbox
}

/// The commit at which a submodule stood is staged, if nothing else is by now; its folder is not touched.
#[test]
fn a_submodules_commit_is_staged_again() {
    let pointer = |sandbox: &Sandbox, digit: &str| {
        let commit = digit.repeat(sandbox.rev("HEAD").len());
        std::fs::create_dir_all(sandbox.at("sub")).unwrap();
        let _ = sandbox.git(["add", ".gitmodules"]).ok();
        let _ = sandbox.git(["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]).ok();
    };
    let staged = |sandbox: &Sandbox| sandbox.git(["ls-files", "-s", "sub"]).ok().stdout;
    let sandbox = rewound(&pointer);
    sandbox.write("sub/inside", "mine\n");
    let before = staged(&sandbox);
    let ran = sandbox.guard(["restore", "--lost", "HEAD"]).ok();
    assert!(ran.stdout.contains("to have the submodule's files as well: git submodule update -- 'sub'"), "{ran}");
    assert!(staged(&sandbox).contains("bbbbbbb") && sandbox.text("sub/inside") == "mine\n", "{ran}");
    let _ = sandbox.guard(["restore", "--undo"]).ok();
    assert_eq!(staged(&sandbox), before);
    // Somebody moved it on.
    pointer(&sandbox, "c");
    let ran = sandbox.guard(["restore", "--lost", "HEAD"]).exits(4);
    let command = ran.stderr.split_once("all the same: ").unwrap().1;
    assert!(staged(&sandbox).contains("ccccccc"), "{ran}");
    let _ = Ran::of(sandbox.command("sh", sandbox.work()).arg("-c").arg(command), b"").ok();
    assert!(staged(&sandbox).contains("bbbbbbb"), "{ran}");
}

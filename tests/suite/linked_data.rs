//! What takes the place of a data file: a symbolic link counts as what it leads to, and only inside the repository (D2).

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::{Ran, Sandbox};

const MANIFEST: &str =
    "version = 1\n[[data]]\npaths = ['data/*.json', 'data/*.db']\nrecords = ''\nkey = 'id'\nmax_loss = '10%'\n";
const LIST: &str = "[{\"id\": 1}, {\"id\": 2}]\n";

/// `main` with a list in `data/list.json` and what links may lead to.
fn start() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", MANIFEST).write("data/list.json", LIST).write("kept/same.json", LIST);
    sandbox.write("kept/fewer.json", "[{\"id\": 1}]\n").write("kept/broken.json", "[{");
    symlink("kept", sandbox.at("folder")).unwrap();
    symlink("../folder/same.json", sandbox.at("data/by-link.json")).unwrap();
    sandbox.commit("data");
    sandbox
}

fn link(sandbox: &Sandbox, path: &str, target: &str) {
    let _ = fs::remove_file(sandbox.at(path));
    symlink(target, sandbox.at(path)).unwrap();
}

/// Puts a link in the list's place on the branch `feat`.
fn linked(sandbox: &Sandbox, target: &str) {
    let _ = sandbox.git(["checkout", "-q", "-B", "feat", "main"]).ok();
    link(sandbox, "data/list.json", target);
    sandbox.commit("a link");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
}

#[track_caller]
fn is_quiet(ran: &Ran) {
    assert!(!ran.stderr.contains("guard"), "{ran}");
}

const NOWHERE: [(&str, &str); 7] = [
    ("../../outside.json", "it is a symbolic link that leads out of the repository"),
    ("/etc/hostname", "it is a symbolic link that leads out of the repository"),
    ("../kept/none.json", "it is a symbolic link to 'kept/none.json', and no file is there"),
    ("list.json", "it is a symbolic link to 'data/list.json', and no file is there"),
    ("../kept", "it is a symbolic link to the folder 'kept'"),
    ("../kept/same.json/x", "it is a symbolic link to 'kept/same.json', and no file is there"),
    ("../folder/broken.json", "it is a symbolic link to 'kept/broken.json': line 1, column "),
];

#[test]
fn a_link_that_leads_to_no_good_file_is_refused_and_found_afterwards() {
    let sandbox = start();
    sandbox.install();
    let before = sandbox.state();
    for (target, said) in NOWHERE {
        linked(&sandbox, target);
        let head = sandbox.rev("main");
        let refused = sandbox.git(["merge", "-q", "feat"]).fails().says("[invalid-data]");
        let _ = refused.says(&format!("'data/list.json' is no data file any more: {said}"));
        assert_eq!(sandbox.rev("main"), head);
        let check = sandbox.guard(["check", "feat"]).exits(1);
        assert!(check.stdout.contains(said), "{check}");
    }
    let _ = sandbox.git(["branch", "-q", "-D", "feat"]).ok();
    sandbox.assert_unchanged(&before);
    // Past the hooks: what an audit, a check and verify say of it.
    linked(&sandbox, "../../outside.json");
    let _ = sandbox.git(["-c", "core.hooksPath=/dev/null", "merge", "-q", "--no-ff", "--no-edit", "feat"]).ok();
    for command in [&["audit"][..], &["check", "--merge", "HEAD"], &["check", "HEAD~1..HEAD"]] {
        let found = sandbox.guard(command);
        assert!(found.stdout.contains("leads out of the repository"), "{found}");
    }
}

#[test]
fn a_link_to_a_good_file_of_the_repository_is_judged_by_what_that_holds() {
    let sandbox = start();
    sandbox.install();
    for target in ["../kept/same.json", "../folder/same.json", "by-link.json", "./../data/../folder/../kept//same.json"]
    {
        linked(&sandbox, target);
        for how in ["--ff", "--no-ff"] {
            is_quiet(&sandbox.git(["merge", "-q", "--no-edit", how, "feat"]).ok());
            let verified = sandbox.guard(["verify"]).ok();
            assert!(verified.stdout.contains("good     data/list.json  2 records"), "{target}: {verified}");
            let audit = sandbox.guard(["audit"]).ok();
            assert!(!audit.stdout.contains("list.json"), "{audit}");
            let _ = sandbox.git(["reset", "-q", "--hard", "HEAD~1"]).ok();
        }
    }
    linked(&sandbox, "../folder/fewer.json");
    let refused = sandbox.git(["merge", "-q", "feat"]).fails().says("[lost-records]");
    let _ = refused.says("1 of 2 records goes from 'data/list.json': '2'");
    // One that is a link on all sides, and one that is new, is nobody's loss.
    let _ = sandbox.git(["checkout", "-q", "-B", "feat", "main"]).ok();
    link(&sandbox, "data/by-link.json", "../kept/none.json");
    link(&sandbox, "data/new.json", "/srv/new.json");
    sandbox.commit("links");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    is_quiet(&sandbox.git(["merge", "-q", "feat"]).ok());
}

#[test]
fn a_folder_or_submodule_in_its_place_is_refused_and_a_database_behind_a_link_is_read() {
    let sandbox = start();
    let database = |path: &str, sql: &str| {
        let connection = rusqlite::Connection::open(sandbox.at(path)).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    database("data/shop.db", "CREATE TABLE t (v); INSERT INTO t VALUES (1)");
    fs::copy(sandbox.at("data/shop.db"), sandbox.at("kept/same.db")).unwrap();
    database("kept/empty.db", "CREATE TABLE t (v)");
    sandbox.commit("databases");
    sandbox.install();
    let bring = |change: &dyn Fn()| {
        let _ = sandbox.git(["checkout", "-q", "-B", "feat", "main"]).ok();
        change();
        let _ = sandbox.git(["commit", "-q", "-m", "change"]).ok();
        let _ = sandbox.git(["checkout", "-q", "-f", "main"]).ok();
    };
    let before = sandbox.rev("main");
    bring(&|| {
        fs::remove_file(sandbox.at("data/list.json")).unwrap();
        sandbox.write("data/list.json/part", "x\n");
        let _ = sandbox.git(["add", "-A"]).ok();
    });
    let _ = sandbox.git(["merge", "-q", "feat"]).fails().says("is no data file any more: it is a folder");
    bring(&|| {
        let _ = sandbox.git(["update-index", "--cacheinfo", &format!("160000,{before},data/list.json")]).ok();
    });
    let _ = sandbox.git(["merge", "-q", "feat"]).fails().says("is no data file any more: it is a submodule");
    let to = |target: &str| {
        bring(&|| {
            link(&sandbox, "data/shop.db", target);
            let _ = sandbox.git(["add", "-A"]).ok();
        });
    };
    to("../kept/same.json");
    let refused = sandbox.git(["merge", "-q", "feat"]).fails().says("[invalid-data]");
    let said = "'data/shop.db' is no data file any more: it is a symbolic link to 'kept/same.json': no SQLite database";
    assert_eq!(refused.says(said).stderr.matches("[invalid-data]").count(), 1);
    to("../kept/empty.db");
    let _ = sandbox.git(["merge", "-q", "feat"]).fails().says("the table 't' is empty, it had 1 row");
    to("../kept/same.db");
    is_quiet(&sandbox.git(["merge", "-q", "feat"]).ok());
    assert!(sandbox.guard(["verify"]).ok().stdout.contains("good     data/shop.db  "));
}

#[test]
fn verify_names_links_and_follows_them_only_inside() {
    let sandbox = start();
    fs::write(sandbox.root().join("outside.json"), "[{").unwrap();
    // A link to a folder is no file, and what is in it has its own name.
    link(&sandbox, "data/folder.json", "../kept");
    sandbox.commit("a link to a folder");
    let good = sandbox.guard(["verify"]).ok().stdout;
    assert!(good.contains("good     data/by-link.json  2 records") && !good.contains("folder.json"), "{good}");
    assert_eq!(sandbox.guard(["verify", "--rev", "HEAD"]).ok().stdout, good);
    let out = "unknown  data/list.json";
    let cases = [
        ("../../outside.json", 3, out, "leads out of the working tree"),
        ("/etc/hostname", 3, out, "leads out of the working tree"),
        ("../.git/HEAD", 3, out, "into git's own folder"),
        ("../kept/none.json", 1, "bad      data/list.json", "no file is where it leads"),
        ("../kept", 1, "bad      data/list.json", "no file is where it leads"),
        ("../kept/broken.json", 1, "bad      data/list.json", "line 1"),
    ];
    for (target, status, verdict, why) in cases {
        link(&sandbox, "data/list.json", target);
        let said = sandbox.guard(["verify"]).exits(status);
        assert!(said.stdout.contains(verdict) && said.stdout.contains(why), "{target}: {said}");
    }
    fs::remove_file(sandbox.at("data/list.json")).unwrap();
    fs::create_dir(sandbox.at("data/list.json")).unwrap();
    let said = sandbox.guard(["verify"]).exits(1);
    assert!(said.stdout.contains("it is a folder"), "{said}");
    fs::remove_dir(sandbox.at("data/list.json")).unwrap();
    // The same of what was committed.
    for (target, status, why) in [
        ("../../outside.json", 3, "leads out of the repository: that is not looked at"),
        ("../kept/none.json", 1, "a symbolic link to 'kept/none.json', and no file is there"),
        ("../folder/broken.json", 1, "line 1"),
    ] {
        link(&sandbox, "data/list.json", target);
        sandbox.commit("a link");
        let said = sandbox.guard(["verify", "--rev", "HEAD"]).exits(status);
        assert!(said.stdout.contains(why), "{target}: {said}");
    }
}

/// What a person names by way of a link to a folder is what is in that folder, here and in a revision.
#[test]
fn a_link_to_a_folder_names_what_is_in_it() {
    let sandbox = start();
    link(&sandbox, "way", "data");
    link(&sandbox, "empty", "kept");
    sandbox.commit("links");
    for revision in [&[][..], &["--rev", "HEAD"]] {
        let verify = |path: &'static str| sandbox.guard([&["verify"][..], revision, &[path]].concat());
        let good = "good     data/by-link.json  2 records\ngood     data/list.json  2 records\n";
        assert_eq!(verify("way").ok().stdout, good, "{revision:?}");
        assert_eq!(verify("way/list.json").ok().stdout, "good     data/list.json  2 records\n", "{revision:?}");
        let _ = verify("empty").exits(2).says("no [[data]] entry names a file beneath 'kept'");
        let _ = verify("way/none.json").exits(2).says("there is no file '");
    }
}

/// The verdicts on links in the working tree and in a revision differ only where the revision can't know what is here.
#[test]
fn a_revision_says_of_links_what_it_knows() {
    let sandbox = start();
    sandbox.write(".gitignore", "/ignored.json\n").write("ignored.json", LIST).write(".git/in.json", LIST);
    let absolute = sandbox.at("kept/same.json");
    let links = [
        ("../kept/same.json", "good", "good"),
        ("../kept/broken.json", "bad", "bad"),
        ("../kept/none.json", "bad", "bad"),
        ("list.json", "bad", "bad"),
        ("../.git/in.json", "unknown", "unknown"),
        ("/etc/passwd", "unknown", "unknown"),
        ("/etc/none", "bad", "unknown"),
        (absolute.to_str().unwrap(), "good", "unknown"),
        ("../ignored.json", "good", "bad"),
    ];
    for (target, here, there) in links {
        link(&sandbox, "data/list.json", target);
        sandbox.commit(target);
        for (revision, verdict) in [(&[][..], here), (&["--rev", "HEAD"], there)] {
            let found = sandbox.guard([&["verify", "data/list.json"][..], revision].concat());
            assert!(found.stdout.starts_with(&format!("{verdict:8} data/list.json")), "{target} {revision:?}: {found}");
        }
    }
}

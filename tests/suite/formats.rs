//! The report formats of `guard audit` and `guard check`, in real repositories.

use serde_json::Value;

use crate::support::{Ran, Sandbox};

/// Every format but text.
const FORMATS: [&str; 5] = ["json", "sarif", "github", "gitlab", "html"];

/// A merge that lost a line of a file whose name wants out of every format, with such a subject.
fn lossy() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = |extra: &str| (1..=30).map(|number| format!("line number {number}\n{extra}")).collect::<String>();
    let path = "a\n::error::%25 <b>,x.txt";
    sandbox.write(path, lines(""));
    sandbox.commit("file");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write(path, lines("").replace("number 5\n", "number 5\n</code><script>feat()</script> {0} ::work\n"));
    sandbox.commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write(path, lines("").replace("number 20\n", "number 20 of main\n"));
    sandbox.commit("main");
    let subject = "::stop-commands::x <img src=x onerror=alert(1)> [a](b) %0A";
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
    sandbox.write(path, lines("").replace("number 20\n", "number 20 of main\n"));
    let _ = sandbox.git(["commit", "-q", "-a", "-m", subject]).ok();
    sandbox
}

/// A clone that lacks the merge base.
fn shallow() -> Sandbox {
    let sandbox = lossy();
    let url = format!("file://{}", sandbox.work().display());
    let _ = sandbox.git(["clone", "-q", "--depth=2", "--no-single-branch", &url, "../shallow"]).ok();
    sandbox
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn each_format_names_the_loss() {
    let sandbox = lossy();
    let sarif = json(&sandbox.guard(["audit", "--format", "sarif"]).ok());
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "lost-change");
    assert_eq!(
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "a%0A%3A%3Aerror%3A%3A%2525%20%3Cb%3E%2Cx.txt"
    );
    let gitlab = json(&sandbox.guard(["audit", "--format", "gitlab"]).ok());
    assert_eq!(gitlab[0]["check_name"], "lost-change");
    let github = sandbox.guard(["audit", "--format", "github"]).ok().stdout;
    let commands: Vec<&str> = github.lines().collect();
    let start = r"::warning file=a\n%3A%3Aerror%3A%3A%2525 <b>%2Cx.txt,title=lost-change in merge ";
    assert!(commands[0].starts_with(start) && commands[0].contains("%0A- </code><script>feat()"), "{github}");
    assert_eq!(commands[1..], ["guard audit: 1 merge, 1 finding"]);
    let _ = sandbox.guard(["audit", "--format", "nonsense"]).exits(2);
}

#[test]
fn json_is_a_format_too() {
    let sandbox = lossy();
    for command in [&["audit"][..], &["check", "--merge", "HEAD"]] {
        let long = sandbox.guard([command, &["--format", "json"]].concat()).ok().stdout;
        assert_eq!(long, sandbox.guard([command, &["--json"]].concat()).ok().stdout);
        assert_eq!(long, sandbox.guard([command, &["--json", "--format", "json"]].concat()).ok().stdout);
        let _ = sandbox.guard([command, &["--json", "--format", "sarif"]].concat()).exits(2).says("exclude");
    }
    let _ = sandbox.guard(["audit", "--json-lines", "--format", "sarif"]).exits(2);
}

/// What a pipeline asks is not what it wants to read.
#[test]
fn a_format_changes_no_exit_code() {
    let sandbox = lossy();
    for format in FORMATS.into_iter().chain(["text"]) {
        let _ = sandbox.guard(["audit", "--format", format]).exits(0);
        let _ = sandbox.guard(["audit", "--format", format, "--fail-on", "warn"]).exits(1);
        let _ = sandbox.guard(["check", "--merge", "HEAD", "--format", format]).exits(0);
        let _ = sandbox.guard(["check", "--merge", "HEAD", "--strict", "--format", format]).exits(1);
    }
}

/// A green report of a history that nobody could read would be the worst of all.
#[test]
fn what_could_not_be_judged_is_visible_in_each_format() {
    let sandbox = shallow();
    for command in [&["audit"][..], &["check", "HEAD^..HEAD"], &["check", "--merge", "HEAD"]] {
        for format in FORMATS.into_iter().chain(["text"]) {
            let ran = sandbox.guard([&["-C", "../shallow"], command, &["--format", format]].concat()).exits(3);
            let (out, said) = (&ran.stdout, ran.stdout.clone() + &ran.stderr);
            assert!(!out.contains(": could not judge: "), "said twice: {out}");
            match format {
                "sarif" => {
                    let run = &json(&ran)["runs"][0]["invocations"][0];
                    assert_eq!(run["executionSuccessful"], false, "{out}");
                    assert_eq!(run["toolExecutionNotifications"][0]["level"], "error");
                }
                "gitlab" => assert_eq!(json(&ran)[0]["check_name"], "could-not-judge"),
                "github" => assert!(out.starts_with("::error title=guard could not judge 1 merge::"), "{out}"),
                "html" => assert!(out.contains("<h1>1 merge could not be judged</h1>"), "{out}"),
                "json" => assert!(out.contains("\"could-not-judge\""), "{out}"),
                _ => assert!(said.contains("could not judge"), "{said}"),
            }
        }
    }
}

/// What a range brings as a whole and what a merge in it brought are the same finding.
#[test]
fn a_check_says_a_finding_once_and_with_the_same_name_before_and_after() {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[[protect]]\nname = \"scripts\"\npaths = [\"keep.sh\"]\n";
    sandbox.write(".recoveryguard.toml", manifest);
    sandbox.write("keep.sh", "keep\n");
    sandbox.commit("base");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    let _ = sandbox.git(["rm", "-q", "keep.sh"]).ok();
    let _ = sandbox.git(["commit", "-q", "-m", "remove"]).ok();
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    let print = |arguments: &[&str]| {
        let ran = sandbox.guard([&["check", "--format", "gitlab"], arguments].concat()).exits(1);
        let problems = json(&ran);
        let deleted = problems.as_array().unwrap().iter().filter(|problem| problem["check_name"] == "protected-delete");
        let prints: Vec<String> = deleted.map(|problem| problem["fingerprint"].as_str().unwrap().to_owned()).collect();
        assert_eq!(prints.len(), 1, "{problems:#}");
        prints[0].clone()
    };
    let before = print(&["feat"]);
    let _ = sandbox.git(["merge", "-q", "--no-ff", "-m", "merge", "feat"]).ok();
    assert_eq!(print(&["HEAD^..HEAD"]), before);
    assert_eq!(print(&["--merge", "HEAD"]), before);
}

/// The summary is other steps' file, too: what stands there stays.
#[test]
fn githubs_summary_is_added_to_its_file() {
    let sandbox = lossy();
    let file = sandbox.root().join("summary.md");
    std::fs::write(&file, "other steps\n").unwrap();
    sandbox.env("GITHUB_STEP_SUMMARY", &file);
    let _ = sandbox.guard(["audit", "--format", "sarif"]).ok();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "other steps\n");
    let _ = sandbox.guard(["audit", "--format", "github"]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("other steps\n\n## guard audit: 1 merge, 1 finding\n"), "{text}");
    assert!(!text.contains("<script") && !text.contains("<img") && text.contains("lost: <code>"), "{text}");
    sandbox.env("GITHUB_STEP_SUMMARY", sandbox.root().join("no/such/folder"));
    let _ = sandbox.guard(["audit", "--format", "github"]).ok().says("the step's summary was not written");
}

/// The page names the loss, shows what the repository holds as text, and stands whole in its file.
#[test]
fn a_page_shows_the_loss() {
    let sandbox = lossy();
    let _ = sandbox.guard(["audit", "--format", "html", "-o", "../page.html"]).ok();
    let page = std::fs::read_to_string(sandbox.root().join("page.html")).unwrap();
    for expected in [
        "<title>Merge audit of repo: The merge deserves a look</title>",
        "<span>&lt;/code&gt;&lt;script&gt;feat()&lt;/script&gt; {0} ::work\n</span>",
        "<bdi>::stop-commands::x &lt;img src=x onerror=alert(1)&gt; [a](b) %0A</bdi>",
        r"<code>a\n::error::%25 &lt;b&gt;,x.txt</code>",
        "<b>Bring it back</b><pre><code>guard restore --lost ",
    ] {
        assert!(page.contains(expected), "{expected} is missing from {page}");
    }
    assert!(page.ends_with("</html>\n") && !page.contains("<script") && !page.contains("<img"));
    let part = sandbox.guard(["audit", "-n", "5", "--path", ".", "--format", "html"]).ok().stdout;
    assert!(part.contains("<code>HEAD -n 5 --path .</code>"), "{part}");
    let check = sandbox.guard(["check", "HEAD^..HEAD", "--format", "html"]).ok().stdout;
    assert!(check.contains("Merge check") && !check.contains("id=\"timeline\""), "{check}");
}

/// A report replaces the one before, whole or not at all, and nothing that is no file.
#[test]
fn a_report_goes_into_a_file() {
    let sandbox = lossy();
    let expected = sandbox.guard(["audit", "--format", "gitlab"]).ok().stdout;
    let ran = sandbox.guard(["audit", "--format", "gitlab", "-o", "../report.json"]).ok();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "wrote '../report.json'\n"));
    assert_eq!(std::fs::read_to_string(sandbox.root().join("report.json")).unwrap(), expected);
    let ran = sandbox.guard(["audit", "--color", "always", "-o", "../report.json"]).ok();
    assert_eq!(ran.stdout, "");
    let text = std::fs::read_to_string(sandbox.root().join("report.json")).unwrap();
    assert!(text.contains("[lost-change]") && !text.contains('\x1b'), "{text}");
    let link = sandbox.root().join("link");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for odd in ["../link", ".", "../no/such/folder/x"] {
        let _ = sandbox.guard(["audit", "-o", odd]).exits(2);
    }
    assert!(link.is_symlink());
}

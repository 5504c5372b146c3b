//! Reports are held against what is published of their formats: SARIF's schema and Microsoft's validator with the rules of GitHub's
//! code scanning, what GitLab's documentation asks of a code quality report, and the grammar of GitHub's workflow commands.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Ran, Sandbox, with_tool};

/// A name that wants out of every format.
const PATH: &str = "a\n::error::%25 <b>,x {0} [l](u) é.txt";

/// A repository with a merge that lost lines, one that deletes what is protected, and data that is bad.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    let lines = |extra: &str| (1..=30).map(|number| format!("line number {number}\n{extra}")).collect::<String>();
    let manifest = "version = 1\n[[protect]]\npaths = [\"keep.sh\"]\n[[data]]\npaths = [\"data/\"]\n";
    sandbox.write(".recoveryguard.toml", manifest).write("keep.sh", "keep\n").write("data/a.json", "{}\n");
    sandbox.write(PATH, lines("")).commit("files");
    let _ = sandbox.git(["checkout", "-q", "-b", "feat"]).ok();
    sandbox.write(PATH, lines("").replace("number 5\n", "number 5\nof feat {1} ##[error]\n")).commit("feat");
    let _ = sandbox.git(["checkout", "-q", "main"]).ok();
    sandbox.write(PATH, lines("").replace("number 20\n", "number 20 of main\n")).commit("main");
    let _ = sandbox.git(["merge", "-q", "--no-commit", "feat"]).ok();
    sandbox.write(PATH, lines("").replace("number 20\n", "number 20 of main\n"));
    let _ = sandbox.git(["commit", "-q", "-a", "-m", "::stop-commands::x\n\n%0A"]).ok();
    sandbox.branch("bad", &[("keep.sh", None), ("data/a.json", Some("{"))]);
    let url = format!("file://{}", sandbox.work().display());
    let _ = sandbox.git(["clone", "-q", "--depth=2", "--no-single-branch", &url, "../shallow"]).ok();
    sandbox.write("data/a.json", "{\"a\": 1,\n}").write("data/b.json", "[");
    sandbox
}

/// Each command that writes reports, with something to say, with nothing, and where it can't judge.
const REPORTS: [(&[&str], i32); 8] = [
    (&["audit", "--all"], 0),
    (&["audit", "HEAD~2", "--all"], 0),
    (&["check", "bad"], 1),
    (&["check", "--merge", "HEAD"], 0),
    (&["check", "HEAD"], 0),
    (&["verify"], 1),
    (&["verify", "keep.sh"], 0),
    (&["-C", "../shallow", "audit"], 3),
];

fn reports(sandbox: &Sandbox, format: &str) -> Vec<Ran> {
    let report =
        |(line, status): &(&[&str], i32)| sandbox.guard([line, &["--format", format][..]].concat()).exits(*status);
    REPORTS.iter().map(report).collect()
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

/// Returns what is wrong with a document by a schema.
fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let validator = jsonschema::options().offline().should_validate_formats(true).build(schema).unwrap();
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Microsoft's validator, and the schema that it brings.
struct Multitool<'s> {
    sandbox: &'s Sandbox,
    schema: Value,
}

impl<'s> Multitool<'s> {
    fn new(sandbox: &'s Sandbox) -> Option<Self> {
        if !with_tool(sandbox, "sarif-multitool") {
            return None;
        }
        let program: PathBuf = sandbox.root().join("bin/sarif-multitool").canonicalize().unwrap();
        let schema = fs::read(program.with_file_name("sarif-2.1.0.json")).unwrap();
        Some(Self { sandbox, schema: serde_json::from_slice(&schema).unwrap() })
    }

    /// Returns which of its rules find an error, those of GitHub's code scanning included.
    fn errors(&self, log: &Value) -> Vec<String> {
        let (input, output) = (self.sandbox.root().join("in.sarif"), self.sandbox.root().join("out.sarif"));
        fs::write(&input, log.to_string()).unwrap();
        let mut command = self.sandbox.command("sarif-multitool", self.sandbox.root());
        command.env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1").arg("validate").arg(&input);
        command.args(["--rule-kind", "Sarif;Gh", "--log", "ForceOverwrite", "--output"]).arg(&output);
        let ran = Ran::of(&mut command, b"").ok();
        let read = fs::read(&output).unwrap_or_else(|error| panic!("{error}: {ran}"));
        let found: Value = serde_json::from_slice(&read).unwrap();
        let run = &found["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], true, "{ran}");
        let errors = run["results"].as_array().unwrap().iter().filter(|result| result["level"] == "error");
        errors.map(|result| format!("{} {}", result["ruleId"], result["message"])).collect()
    }
}

#[test]
fn needs_sarif_multitool_every_sarif_log_is_valid() {
    let sandbox = project();
    let Some(tool) = Multitool::new(&sandbox) else { return };
    let mut results = 0;
    for ran in reports(&sandbox, "sarif") {
        let log = parsed(&ran);
        results += log["runs"][0]["results"].as_array().unwrap().len();
        assert_eq!(faults(&tool.schema, &log), [""; 0], "{ran}");
        assert_eq!(tool.errors(&log), [""; 0], "{ran}");
    }
    assert!(results > 5, "{results}");
    // Both can say no.
    let mut log = parsed(&sandbox.guard(["audit", "--format", "sarif"]).ok());
    log["runs"][0]["results"][0]["ruleIndex"] = 999.into();
    assert!(tool.errors(&log)[0].contains("SARIF1009"));
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    assert_eq!(faults(&tool.schema, &log).len(), 1);
}

/// What GitLab documents of each problem. Its parser stops reading at the first that it does not take.
fn code_quality() -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": text,
                "check_name": text,
                "fingerprint": text,
                "severity": { "enum": ["info", "minor", "major", "critical", "blocker"] },
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    // Relative to the top, with nothing in front.
                    "properties": {
                        "path": { "type": "string", "pattern": "^(\\.$|[^./]|\\.[^./])" },
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": { "begin": { "type": "integer", "minimum": 1 } },
                        },
                    },
                },
            },
        },
    })
}

#[test]
fn every_code_quality_report_is_what_gitlab_documents() {
    let sandbox = project();
    let mut found = 0;
    for ran in reports(&sandbox, "gitlab") {
        let report = parsed(&ran);
        assert_eq!(faults(&code_quality(), &report), [""; 0], "{ran}");
        let prints: Vec<&str> =
            report.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
        assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), prints.len(), "two problems are one to GitLab: {ran}");
        found += prints.len();
    }
    assert!(found > 5, "{found}");
    let mut report = parsed(&sandbox.guard(["verify", "--format", "gitlab"]).exits(1));
    report[0]["location"]["lines"]["begin"] = 0.into();
    report[0]["severity"] = "fatal".into();
    assert_eq!(faults(&code_quality(), &report).len(), 2);
}

/// An old finding is told from a new one by its name, which no other run, clone or day changes.
#[test]
fn a_finding_keeps_its_fingerprint_in_every_run_and_clone() {
    let sandbox = project();
    let _ = sandbox.git(["clone", "-q", ".", "../clone"]).ok();
    let prints = |folder: &str| {
        let name = |line: &[&str], status: i32, format: &str, print: &dyn Fn(&Value) -> Vec<String>| {
            let ran = sandbox.guard([&["-C", folder], line, &["--format", format][..]].concat()).exits(status);
            print(&parsed(&ran))
        };
        let of_gitlab = |report: &Value| {
            report.as_array().unwrap().iter().map(|one| one["fingerprint"].to_string()).collect::<Vec<_>>()
        };
        let of_sarif = |log: &Value| {
            let results = log["runs"][0]["results"].as_array().unwrap();
            results.iter().map(|one| one["partialFingerprints"]["guardFinding/v1"].to_string()).collect::<Vec<_>>()
        };
        let of_json = |document: &Value| {
            document["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["fingerprint"].to_string())
                .collect::<Vec<_>>()
        };
        let audit = &["audit", "--all", "origin/main"];
        let check = &["check", "origin/bad", "--into", "origin/main"];
        let found = [
            name(audit, 0, "gitlab", &of_gitlab),
            name(audit, 0, "sarif", &of_sarif),
            name(check, 1, "gitlab", &of_gitlab),
            name(check, 1, "sarif", &of_sarif),
            name(check, 1, "json", &of_json),
        ];
        assert!(found.iter().all(|prints| !prints.is_empty()), "{found:?}");
        assert_eq!((&found[0], &found[2]), (&found[1], &found[3]), "one name in both formats");
        assert_eq!(found[3], found[4], "and in the document");
        found
    };
    let before = prints("../clone");
    assert_eq!(prints("../clone"), before);
    let _ = sandbox.git(["clone", "-q", ".", "../another clone"]).ok();
    assert_eq!(prints("../another clone"), before);
    // What happens elsewhere in the tree later changes nothing about them.
    let _ = sandbox.git(["stash", "-q", "-u"]).ok();
    sandbox.write("other.txt", "later\n").commit("later");
    let _ = sandbox.git_in(&sandbox.root().join("clone"), ["fetch", "-q"]).ok();
    assert_eq!(prints("../clone"), before);
}

/// A workflow command as GitHub's runner reads it: `::name key=value,key=value::message`, with encoded characters decoded.
#[derive(Debug)]
struct Told {
    name: String,
    properties: Vec<(String, String)>,
    message: String,
}

fn told(line: &str) -> Option<Told> {
    let (head, message) = line.strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let value = |text: &str| {
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    };
    let pair = |pair: &str| pair.split_once('=').map(|(key, text)| (key.to_owned(), value(text)));
    let properties = properties.split(',').filter_map(pair).collect();
    let message = message.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    Some(Told { name: name.to_owned(), properties, message })
}

#[test]
fn every_annotation_is_read_by_the_runner_as_it_was_meant() {
    let sandbox = project();
    let mut files = BTreeSet::new();
    for ran in reports(&sandbox, "github") {
        let last = ran.stdout.lines().last().unwrap();
        assert!(last.starts_with("guard ") && !ran.stdout.contains('\r'), "{ran}");
        for line in ran.stdout.lines() {
            // The runner takes these anywhere in a line for commands, too.
            let Some(told) = told(line) else {
                assert!(line == last && !line.contains("##["), "{line}");
                continue;
            };
            assert!(["error", "warning", "notice"].contains(&told.name.as_str()), "{line}");
            assert!(!told.message.is_empty(), "{line}");
            for (key, text) in told.properties {
                match key.as_str() {
                    "file" => _ = files.insert(text),
                    "line" => assert!(text.parse::<usize>().unwrap() > 0, "{line}"),
                    key => assert_eq!(key, "title", "{line}"),
                }
            }
        }
    }
    let shown = PATH.replace('\n', "\\n");
    for file in [shown.as_str(), "keep.sh", "data/a.json", "data/b.json"] {
        assert!(files.contains(file), "{file} is not in {files:?}");
    }
}

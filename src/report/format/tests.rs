//! What each format does with findings that have no file, with texts that want out, and with what could not be judged.
//!
//! The required parts of the published formats are written here by hand: SARIF 2.1.0 (§3.13 and on) and GitLab's code
//! quality report.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{Finding, Level, Oid, Raw, Timestamp, Verdict};
use crate::report::reported::{About, Report, lines};
use crate::report::{github, github_summary, gitlab, sarif};
use crate::routes::Audited;

/// A path that tries everything.
const PATH: &[u8] = b"a\n::error::x,%25[b](c)<i>{0}\xff";
/// A subject and a line that do.
const SUBJECT: &str = "::stop-commands::x\n##[error] <script>alert(1)</script> | [a](javascript:b) {0} `c` @all";

fn finding(level: Level, path: Option<&[u8]>, number: usize) -> Finding {
    let path = path.map(Raw::from);
    let shown = path.as_ref().map(ToString::to_string).unwrap_or_default();
    let rule = if path.is_some() { "lost-change" } else { "side-discarded" };
    let evidence = [("line_1", SUBJECT), ("lost_author", "Eve, <b>"), ("lost_commit", "0123456789")];
    Finding {
        rule: rule.into(),
        level,
        path,
        message: format!("'{shown}' is not what merging gives"),
        evidence: evidence.map(|(name, text)| (name.to_owned(), crate::model::escape(text.as_bytes()))).into(),
        remedy: "git diff a b | git apply --3way".into(),
        fingerprint: format!("{number:016x}"),
        excuse: None,
    }
}

fn merge(number: u8, findings: Vec<Finding>) -> Audited {
    Audited {
        commit: Oid::from_bytes(&[number; 20]).unwrap(),
        time: 1_700_000_000,
        author: "Eve | <b>".into(),
        subject: SUBJECT.into(),
        deviates: true,
        verdict: Verdict::of(&findings),
        findings,
        failure: None,
    }
}

fn unjudged(number: u8) -> Audited {
    let failure = Some("object '12' is missing\n::error::no".to_owned());
    Audited { verdict: Verdict::CouldNotJudge, failure, ..merge(number, Vec::new()) }
}

fn report(all: &[Audited]) -> Report<'_> {
    let about = About { repository: "demo".into(), range: "HEAD".into(), at: Timestamp(1_700_000_000_000) };
    Report::of_audit(about, all, true)
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Everything at once: a file, no file, a finding twice in one merge, the same one at another merge.
fn mixed() -> Vec<Audited> {
    let (file, whole) = (finding(Level::Block, Some(PATH), 1), finding(Level::Info, None, 2));
    vec![merge(1, vec![file.clone(), file.clone(), whole]), merge(2, vec![file])]
}

#[test]
fn sarif_has_what_the_schema_requires() {
    let log = parsed(&sarif(&report(&mixed())));
    assert_eq!(log["version"], "2.1.0");
    let run = &list(&log["runs"])[0];
    let rules: Vec<&str> = list(&run["tool"]["driver"]["rules"]).iter().map(|rule| string(&rule["id"])).collect();
    assert_eq!(rules.iter().collect::<BTreeSet<_>>().len(), rules.len());
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let results = list(&run["results"]);
    let places: Vec<_> = results
        .iter()
        .map(|result| {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index], string(&result["ruleId"]));
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            assert!(run["originalUriBaseIds"][string(&place["uriBaseId"])].is_object());
            (string(&result["level"]), string(&place["uri"]))
        })
        .collect();
    let uri = "a%0A%3A%3Aerror%3A%3Ax%2C%2525%5Bb%5D%28c%29%3Ci%3E%7B0%7D%FF";
    assert_eq!(places, [("error", uri), ("error", uri), ("note", "./")]);
    let prints: BTreeSet<_> =
        results.iter().map(|result| string(&result["partialFingerprints"]["guardFinding/v1"])).collect();
    assert_eq!(prints.len(), results.len());
}

/// Braces and links mean something in a message.
#[test]
fn sarif_messages_hold_no_arguments_and_no_links() {
    let log = parsed(&sarif(&report(&mixed())));
    let text = string(&log["runs"][0]["results"][0]["message"]["text"]);
    assert!(text.contains("{{0}}") && text.contains("[a] (javascript:b)"), "{text}");
    assert!(text.contains("\nwork of Eve, <b>, 0123456789\n"), "{text}");
    assert!(!text.replace("{{", "").replace("}}", "").contains(['{', '}']) && !text.contains("]("), "{text}");
}

#[test]
fn github_gets_one_line_a_command_with_the_worst_first() {
    let text = github(&report(&mixed()));
    let commands: Vec<&str> = text.lines().collect();
    let path = r"a\n%3A%3Aerror%3A%3Ax%2C%2525[b](c)<i>{0}\xff";
    let title = "title=lost-change in merge 0101010101";
    assert!(commands[0].starts_with(&format!("::error file={path},{title}::'a\\n::error")), "{text}");
    assert!(commands[0].contains(r"x,%2525[b]") && commands[0].contains("%0A- ::stop"), "{text}");
    assert!(commands[2].starts_with("::notice title=side-discarded in merge 0101010101::"), "{text}");
    assert_eq!(commands[3..], ["guard audit: 2 merges, 3 findings"]);
}

/// GitHub drops the eleventh annotation of a kind without a word.
#[test]
fn github_gets_ten_of_a_kind_and_the_summary_all() {
    let mut findings: Vec<Finding> = (0..25).map(|number| finding(Level::Warn, Some(b"w"), number)).collect();
    findings.extend((25..37).map(|number| finding(Level::Block, Some(b"b"), number)));
    findings[20].evidence.insert("points".into(), "7".into());
    findings[20].message = "the worst".into();
    let all = [merge(1, findings), unjudged(2), unjudged(3)];
    let text = github(&report(&all));
    let count = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!((count("::error"), count("::warning"), count("::notice")), (10, 10, 0));
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        r"::error title=guard could not judge 2 merges::merge 0202020202: object '12' is missing\n::error::no"
    );
    assert!(text.lines().find(|line| line.starts_with("::warning")).unwrap().contains("::the worst%0A"), "{text}");
    assert!(text.ends_with("guard audit: 3 merges, 37 findings; 18 of them only in the step's summary\n"), "{text}");
    let summary = github_summary(&report(&all));
    assert_eq!(summary.matches("\n- **").count(), 37);
    assert!(summary.contains("\n**Could not judge 2 merges:**\n"), "{summary}");
}

/// A summary is Markdown, in which HTML is HTML.
#[test]
fn the_summary_shows_texts_as_texts_and_ends_where_github_stops_reading() {
    let summary = github_summary(&report(&mixed()));
    for forbidden in ["<script", "[a]", "](", "`c`", "@all", "::", "<b>", "##["] {
        assert!(!summary.contains(forbidden), "{forbidden} stands in {summary}");
    }
    let long: Vec<Finding> = (0..2000).map(|number| finding(Level::Warn, Some(&[b'x'; 300]), number)).collect();
    let summary = github_summary(&report(&[merge(1, long)]));
    assert!(summary.len() < 600 << 10 && summary.contains("more, which have no room here"), "{}", summary.len());
}

#[test]
fn gitlab_gets_what_it_requires_of_each_problem() {
    let mut all = mixed();
    all.extend([unjudged(3), unjudged(4)]);
    let problems = parsed(&gitlab(&report(&all)));
    let told: Vec<_> = list(&problems)
        .iter()
        .map(|problem| {
            assert!(!string(&problem["description"]).is_empty());
            assert_eq!(problem["location"]["lines"]["begin"], 1);
            (string(&problem["check_name"]), string(&problem["severity"]), string(&problem["location"]["path"]))
        })
        .collect();
    let path = r"a\n::error::x,%25[b](c)<i>{0}\xff";
    let (lost, unknown) = (("lost-change", "blocker", path), ("could-not-judge", "critical", "."));
    assert_eq!(told, [unknown, unknown, lost, lost, ("side-discarded", "info", ".")]);
    let prints: BTreeSet<_> = list(&problems).iter().map(|problem| string(&problem["fingerprint"])).collect();
    assert_eq!(prints.len(), 5);
}

#[test]
fn what_could_not_be_judged_makes_a_sarif_run_unsuccessful() {
    let log = parsed(&sarif(&report(&[unjudged(1)])));
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "error");
    assert!(string(&notification["message"]["text"]).starts_with("could not judge merge 0101010101: object '12'"));
}

/// To a merge that is past nothing can be allowed any more; what brings work back always can.
#[test]
fn what_is_to_be_done_can_be_done() {
    let mut one = finding(Level::Block, Some(b"a"), 1);
    let says = |one: &Finding, text: &str| {
        let all = [merge(1, vec![one.clone()])];
        let report = report(&all);
        [github(&report), github_summary(&report).replace("&#45;", "-"), sarif(&report)].map(|said| said.contains(text))
    };
    assert_eq!(says(&one, "git diff"), [true; 3]);
    one.remedy = "guard allow lost-change 'a' --reason '...'".into();
    let said = says(&one, "guard allow");
    // A program may know it all the same.
    assert_eq!(said, [false, false, true]);
}

/// A path's line is given where the finding has one.
#[test]
fn a_line_goes_with_the_file() {
    let mut one = finding(Level::Block, Some(b"a"), 1);
    one.evidence.insert("line".into(), "7".into());
    let all = [merge(1, vec![one])];
    let log = parsed(&sarif(&report(&all)));
    assert_eq!(log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 7);
    assert!(github(&report(&all)).starts_with("::error file=a,line=7,title="));
    assert_eq!(parsed(&gitlab(&report(&all)))[0]["location"]["lines"]["begin"], 7);
}

/// Ten stands behind nine.
#[test]
fn lost_lines_come_in_their_order() {
    let mut one = finding(Level::Warn, None, 1);
    one.evidence.extend((1..=11).map(|number| (format!("line_{number}"), number.to_string())));
    let expected: Vec<String> = (1..=11).map(|number: usize| number.to_string()).collect();
    assert_eq!(lines(&one).collect::<Vec<_>>(), expected);
}

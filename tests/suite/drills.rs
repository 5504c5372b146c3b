//! Drills: the catalogue is sound, every incident of it is got out of, and a drill whose recovery does not work fails.

use std::path::Path;

use recoveryguard::drill::{
    Detector, Ended, Kind, REGISTER, Rehearsed, Scenario, Severity, Step, Surroundings, Template, rehearse, scenario,
};
use recoveryguard::git::Environment;

use crate::support::{Ran, Sandbox};

fn surroundings(sandbox: &Sandbox) -> Surroundings {
    let path = std::env::join_paths([sandbox.root().join("bin").as_path(), Path::new("/usr/bin"), Path::new("/bin")]);
    let variables = vec![("PATH".into(), path.unwrap())];
    Surroundings {
        environment: Environment { variables },
        guard: env!("CARGO_BIN_EXE_guard").into(),
        now: 1_800_000_000_000,
    }
}

/// Rehearses one scenario in the sample.
fn in_sample(scenario: &Scenario) -> Rehearsed {
    let sandbox = Sandbox::new();
    let surroundings = surroundings(&sandbox);
    let template = Template::sample(&sandbox.root().join("sample"), &surroundings).unwrap();
    rehearse(Box::leak(Box::new(*scenario)), &template, &sandbox.root().join("drill"), &surroundings, 7)
}

/// Returns the scenario that the tests below change.
fn model() -> Scenario {
    *scenario("json-truncated").unwrap()
}

fn steps(steps: &[(&'static str, &'static str)]) -> &'static [Step] {
    steps.iter().map(|(run, says)| Step::new(run, says, "")).collect::<Vec<_>>().leak()
}

fn why(drill: &Rehearsed) -> &str {
    match &drill.ended {
        Ended::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_drill_whose_recovery_does_nothing_fails() {
    let drill = in_sample(&Scenario { steps: steps(&[("true", "")]), verify: &[], undo: &[], ..model() });
    let expected = "after the recovery 'data/processed/email_data.json' is still as the incident left it";
    assert_eq!(why(&drill), expected);
}

#[test]
fn a_drill_whose_recovery_changes_something_else_fails() {
    let steps = steps(&[("guard restore <json>", "came back"), ("echo more >> README.md", "")]);
    let drill = in_sample(&Scenario { steps, ..model() });
    assert_eq!(why(&drill), "after the recovery 'README.md' is another");
}

#[test]
fn a_drill_whose_detector_is_deaf_fails() {
    let detect = Detector { run: "true", fires: 1, says: "", noticed: "" };
    let drill = in_sample(&Scenario { detect, ..model() });
    assert!(why(&drill).contains("ended with 0, not 1"), "{drill:?}");
}

#[test]
fn a_drill_whose_detector_always_fires_fails() {
    let detect = Detector { run: "false", fires: 1, says: "", noticed: "" };
    let drill = in_sample(&Scenario { detect, ..model() });
    assert!(why(&drill).starts_with("before the damage"), "{drill:?}");
}

#[test]
fn a_drill_whose_undo_does_nothing_fails() {
    let drill = in_sample(&Scenario { undo: steps(&[("true", "")]), ..model() });
    assert!(why(&drill).starts_with("the recovery was not taken back"), "{drill:?}");
}

#[test]
fn a_step_that_says_something_else_fails_the_drill() {
    let steps = steps(&[("guard restore <json>", "something else")]);
    let drill = in_sample(&Scenario { steps, ..model() });
    assert!(why(&drill).contains("did not say 'something else'"), "{drill:?}");
}

#[test]
fn every_drill_fails_when_nothing_is_recovered() {
    let sandbox = Sandbox::new();
    let surroundings = surroundings(&sandbox);
    let template = Template::sample(&sandbox.root().join("sample"), &surroundings).unwrap();
    for scenario in REGISTER {
        // A restore that died after the swap left a good file: there the open operation is what is wrong.
        let verify = if scenario.name == "crash-during-restore" { scenario.verify } else { &[] };
        let idle: &'static Scenario = Box::leak(Box::new(Scenario { steps: &[], verify, undo: &[], ..**scenario }));
        let drill = rehearse(idle, &template, &sandbox.root().join(scenario.name), &surroundings, 3);
        let why = why(&drill);
        let is_proof = why.starts_with("after the recovery") || scenario.name == "crash-during-restore";
        assert!(is_proof && why.contains(' '), "{}: {why}", scenario.name);
    }
}

#[test]
fn an_incident_is_explained_from_the_table_that_is_rehearsed() {
    let sandbox = Sandbox::new();
    let list = sandbox.guard(["explain", "incident"]).ok().stdout;
    let page = sandbox.guard(["explain", "incident", "reset-hard"]).ok().stdout;
    let document = sandbox.guard(["explain", "incident", "reset-hard", "--json"]).ok();
    let document: serde_json::Value = serde_json::from_str(document.line()).unwrap();
    let explained = &document["incidents"][0];
    let scenario = scenario("reset-hard").unwrap();
    for other in REGISTER {
        assert!(list.lines().any(|line| line.starts_with(other.name) && line.ends_with(other.title)), "{list}");
    }
    for (number, step) in scenario.steps.iter().enumerate() {
        assert!(page.contains(&format!("  $ {}\n", step.run)), "{page}");
        assert_eq!(explained["steps"][number]["run"], step.run);
    }
    assert_eq!(explained["severity"], "high");
    assert!(explained["words"]["tip"].as_str().unwrap().contains("lost commits"), "{explained:#}");
    let _ = sandbox.guard(["explain", "incident", "flood"]).exits(2).says("there is no incident 'flood'");
    let _ = sandbox.guard(["explain", "reset-hard"]).exits(2).says("hint: guard explain incident reset-hard");
}

#[test]
fn the_catalogue_is_whole() {
    for scenario in REGISTER {
        let name = scenario.name;
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        let texts = [scenario.title, scenario.symptom, scenario.description, scenario.causes, scenario.impact];
        let more = [scenario.prevention, scenario.desired, scenario.detect.noticed];
        for text in texts.iter().chain(&more) {
            assert!(!text.is_empty() && !text.contains("  "), "{name}: {text:?}");
        }
        assert!(!scenario.steps.is_empty() && !scenario.verify.is_empty() && !scenario.fallback.is_empty(), "{name}");
        assert_eq!(REGISTER.iter().filter(|other| other.name == name).count(), 1, "{name} is there twice");
        let steps = scenario.steps.iter().chain(scenario.verify).chain(scenario.undo);
        for step in steps.chain(scenario.prerequisites.iter().map(|prerequisite| &prerequisite.check)) {
            assert!(step.expect.ends_with('.'), "{name}: what '{}' shows is no sentence", step.run);
        }
        for kind in scenario.may_lose {
            assert!(scenario.uses.contains(kind), "{name}");
        }
        assert!(scenario.severity >= Severity::Medium && scenario.uses.iter().all(|kind| Kind::ALL.contains(kind)));
    }
}

#[test]
fn all_incidents_are_rehearsed_in_the_sample_and_nothing_is_left() {
    let sandbox = Sandbox::new();
    let (scratch, elsewhere) = (sandbox.root().join("scratch"), sandbox.root().join("elsewhere"));
    std::fs::create_dir(&scratch).unwrap();
    std::fs::create_dir(&elsewhere).unwrap();
    sandbox.env("TMPDIR", &scratch);
    let arguments = ["drill", "--seed", "5", "--report", "report.md"];
    let ended = Ran::of(sandbox.command("guard", &elsewhere).args(arguments), b"");
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    for scenario in REGISTER {
        assert!(ended.stdout.contains(scenario.name), "{}", ended.stdout);
    }
    assert_eq!(names(&scratch), Vec::<String>::new());
    assert_eq!(names(&elsewhere), ["report.md"]);
    let report = std::fs::read_to_string(elsewhere.join("report.md")).unwrap();
    assert!(REGISTER.iter().all(|scenario| report.contains(scenario.title)), "{report}");
}

#[test]
fn a_folder_for_scratch_files_that_is_not_there_is_not_made() {
    let sandbox = Sandbox::new();
    sandbox.env("TMPDIR", sandbox.root().join("nowhere"));
    let _ = sandbox.guard(["drill", "json-truncated"]).exits(2).says("there is no folder");
    assert!(!sandbox.root().join("nowhere").exists());
}

#[test]
fn the_list_is_one_name_a_line_and_an_unknown_one_is_said() {
    let sandbox = Sandbox::new();
    let expected: String = REGISTER.iter().map(|scenario| format!("{}\n", scenario.name)).collect();
    assert_eq!(sandbox.guard(["drill", "--list"]).ok().stdout, expected);
    let unknown = sandbox.guard(["drill", "flood"]).exits(2).says("there is no incident 'flood'");
    let _ = unknown.says("hint: guard drill --list");
}

#[test]
fn a_repository_is_not_touched_but_for_a_receipt() {
    let sandbox = Sandbox::new();
    let data = "{\"emails\": [{\"id\": 1}, {\"id\": 2}]}\n";
    let manifest =
        "version = 1\n[[data]]\npaths = [\"data/*.json\"]\n[[protect]]\nname = \"tools\"\npaths = [\"tool.sh\"]\n";
    sandbox.write(".recoveryguard.toml", manifest).write("data/a.json", data).write("tool.sh", "#!/bin/sh\n");
    sandbox.commit("data");
    sandbox.write("data/a.json", data.replace('2', "3")).write("untracked", "mine");
    let before = sandbox.state();
    let ended = sandbox.guard(["drill", "json-truncated", "merge-deletes", "--json"]).ok();
    let document: serde_json::Value = serde_json::from_str(ended.line()).unwrap();
    assert_eq!(document["passed"], true, "{document:#}");
    for drill in document["drills"].as_array().unwrap() {
        assert_eq!(drill["place"], "here", "{drill:#}");
    }
    assert_eq!(document["drills"][0]["file"], "data/a.json");
    let [was, damaged, is] = [0, 1, 2].map(|number| &document["drills"][0]["sha256"][number]);
    assert!(was != damaged && is != damaged, "{document:#}");
    sandbox.assert_unchanged(&before);
    let receipts = names(&sandbox.common_dir().join("recoveryguard/receipts"));
    assert_eq!(receipts.len(), 1, "{receipts:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

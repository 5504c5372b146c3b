//! One drill: quiet detector, damage, detector fires, the written steps, proof, and the recovery taken back.

use std::path::Path;
use std::time::{Duration, Instant};

use super::loss::{Lost, Stake};
use super::place::{Place, Template};
use super::proof::State;
use super::scenario::{Kind, Prerequisite, Scenario, Step};
use super::stage::{Ran, Stage, Surroundings, fill, fill_as_said};
use crate::model::{Raw, TreePath};

/// So many lines of a command's output are kept.
const KEPT_LINES: usize = 12;

/// A command that was run, as it was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRun {
    /// The line, with paths filled in.
    pub line: String,
    /// Its exit code.
    pub exit: i32,
    /// How long it took.
    pub took: Duration,
    /// The end of its output.
    pub output: String,
}

/// How a drill ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Everything came back as it has to.
    Passed,
    /// Something that has to be in place before is not: what, and what to do.
    NotReady(String),
    /// It failed: where and why.
    Failed(String),
}

/// A drill that took place.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// Which.
    pub scenario: &'static Scenario,
    /// Where.
    pub place: Place,
    /// How it ended.
    pub ended: Ended,
    /// How long the detector took to fire.
    pub detected: Duration,
    /// How long the steps of the recovery took together.
    pub recovered: Duration,
    /// What was lost.
    pub lost: Lost,
    /// Of the first file that was damaged: its path, and SHA-256 before, damaged, after.
    pub file: Option<(TreePath, [Option<String>; 3])>,
    /// The commands that were run since the damage, in their order.
    pub steps: Vec<StepRun>,
    /// How long all of it took.
    pub took: Duration,
}

/// Rehearses a scenario in a fresh copy of `template` in `folder`.
pub fn rehearse(
    scenario: &'static Scenario,
    template: &Template,
    folder: &Path,
    surroundings: &Surroundings,
    seed: u64,
) -> Rehearsed {
    let began = Instant::now();
    let mut drill = Rehearsed {
        scenario,
        place: template.place,
        ended: Ended::Passed,
        detected: Duration::ZERO,
        recovered: Duration::ZERO,
        lost: Lost::default(),
        file: None,
        steps: Vec::new(),
        took: Duration::ZERO,
    };
    let ended = template
        .stage(folder, surroundings, seed)
        .map_err(|error| Ended::Failed(format!("{error:#}")))
        .and_then(|mut stage| drill.go(&mut stage, surroundings.now));
    if let Err(ended) = ended {
        drill.ended = ended;
    }
    drill.took = began.elapsed();
    drill
}

impl Rehearsed {
    fn go(&mut self, stage: &mut Stage, now: u64) -> Result<(), Ended> {
        let scenario = self.scenario;
        for prerequisite in scenario.prerequisites {
            ready(stage, prerequisite)?;
        }
        let quiet = stage.shell(scenario.detect.run).map_err(|error| broken(&error))?;
        if quiet.exit != 0 {
            let line = shown(stage, scenario.detect.run);
            return Err(Ended::Failed(format!(
                "before the damage '{line}' ends with {}: {}",
                quiet.exit,
                brief(&quiet)
            )));
        }
        let before = State::take(stage).map_err(|error| broken(&error))?;
        let mut at_risk = Stake::of(stage.at_risk(scenario.may_lose));
        at_risk.count(stage).map_err(|error| broken(&error))?;
        (scenario.inject)(stage).map_err(|error| Ended::Failed(format!("the damage could not be done: {error:#}")))?;
        let damaged = State::take(stage).map_err(|error| broken(&error))?;

        self.detected = self.detect(stage)?;
        for step in scenario.steps {
            // Where the whole clone is lost it can't be told before a part of it is back.
            at_risk.look_ahead(stage, now).map_err(|error| broken(&error))?;
            let took = self.step(stage, step)?.took;
            self.recovered += took;
        }
        for step in scenario.verify {
            self.step(stage, step)?;
        }
        let wanted = stage.desired().unwrap_or(before);
        self.prove(stage, &wanted, &damaged, &at_risk)?;
        self.take_back(stage, &damaged)
    }

    /// Runs the detector, which has to fire.
    fn detect(&mut self, stage: &Stage) -> Result<Duration, Ended> {
        let detect = &self.scenario.detect;
        let step = Step::failing(detect.run, detect.fires, detect.says, detect.noticed);
        Ok(self.step(stage, &step)?.took)
    }

    /// Runs a step, which has to end as it is written.
    fn step(&mut self, stage: &Stage, step: &Step) -> Result<Ran, Ended> {
        let ran = stage.shell(step.run).map_err(|error| broken(&error))?;
        let line = shown(stage, step.run);
        let says = fill_as_said(step.says, stage.values());
        self.steps.push(StepRun {
            line: line.clone(),
            exit: ran.exit,
            took: ran.took,
            output: last_lines(&ran.output),
        });
        if ran.exit != step.exit {
            let why = format!("'{line}' ended with {}, not {}: {}", ran.exit, step.exit, brief(&ran));
            return Err(Ended::Failed(why));
        }
        if !ran.output.contains(&says) {
            return Err(Ended::Failed(format!("'{line}' did not say '{says}': {}", brief(&ran))));
        }
        Ok(ran)
    }

    /// Compares what is there with what has to be there.
    fn prove(&mut self, stage: &Stage, wanted: &State, damaged: &State, at_risk: &Stake) -> Result<(), Ended> {
        let now = State::take(stage).map_err(|error| broken(&error))?;
        let may_differ = stage.at_risk(self.scenario.may_lose);
        let differences = wanted.differences(&now, &may_differ);
        if let Some(first) = differences.first() {
            let more = match differences.len() {
                1 => String::new(),
                several => format!(", and {} more", several - 1),
            };
            return Err(Ended::Failed(format!("after the recovery {first}{more}")));
        }
        for path in &may_differ {
            let is_damaged = wanted.hash(path) != damaged.hash(path);
            if is_damaged && now.hash(path) == damaged.hash(path) {
                return Err(Ended::Failed(format!("after the recovery '{path}' is still as the incident left it")));
            }
            let good = stage.about("guard verify", path).map_err(|error| broken(&error))?;
            if good.exit != 0 {
                return Err(Ended::Failed(format!("after the recovery '{path}' is not good: {}", brief(&good))));
            }
        }
        let changed = may_differ.iter().filter(|path| wanted.hash(path) != now.hash(path));
        self.lost = at_risk.lost(stage, changed).map_err(|error| broken(&error))?;
        let owned = |hash: Option<&str>| hash.map(str::to_owned);
        let path = |kind: &Kind| stage.values().get(kind.word()).cloned();
        self.file = self.scenario.uses.first().and_then(path).map(|path| {
            let hashes = [wanted, damaged, &now].map(|state| owned(state.hash(&path)));
            (path, hashes)
        });
        Ok(())
    }

    /// Takes the recovery back as it is written: the working tree has to be as the incident left it.
    fn take_back(&mut self, stage: &Stage, damaged: &State) -> Result<(), Ended> {
        if self.scenario.undo.is_empty() {
            return Ok(());
        }
        for step in self.scenario.undo {
            self.step(stage, step)?;
        }
        let now = State::take(stage).map_err(|error| broken(&error))?;
        if now.has_files_of(damaged) {
            return Ok(());
        }
        Err(Ended::Failed("the recovery was not taken back: the files are not as the incident left them".to_owned()))
    }
}

fn ready(stage: &Stage, prerequisite: &Prerequisite) -> Result<(), Ended> {
    let check = &prerequisite.check;
    let ran = stage.shell(check.run).map_err(|error| broken(&error))?;
    if ran.exit == check.exit && ran.output.contains(&fill_as_said(check.says, stage.values())) {
        return Ok(());
    }
    Err(Ended::NotReady(format!("{}: {}", prerequisite.what, fill_text(stage, prerequisite.otherwise))))
}

fn broken(error: &anyhow::Error) -> Ended {
    Ended::Failed(format!("the drill itself failed: {error:#}"))
}

fn shown(stage: &Stage, line: &str) -> String {
    use std::os::unix::ffi::OsStrExt;
    Raw::from(fill(line, stage.values()).as_bytes()).to_string()
}

fn fill_text(stage: &Stage, text: &str) -> String {
    shown(stage, text)
}

/// Returns the first line that says something.
fn brief(ran: &Ran) -> String {
    ran.output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing").to_owned()
}

fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(KEPT_LINES)..].join("\n")
}

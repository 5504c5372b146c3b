//! A page of a database is damaged on the disk.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;
use crate::model::Standing;
use crate::validate::sqlite::{Limits, Reading, examine_database};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "sqlite-page",
    title: "A page of a database is damaged on the disk",
    severity: Severity::Critical,
    uses: &[Kind::Database],
    symptom: "'database disk image is malformed', for some queries only",
    description: "A few bytes within the file are not what was written. Queries that do not touch them still work.",
    causes: "A failing disk or memory, a copy that was made while a program was writing, a file system without room, a program that \
             wrote into the file by mistake.",
    impact: "Some queries fail, others give wrong rows. Each write can make it worse.",
    prevention: "None for the disk. 'guard verify' reads every page, so that a timer that runs it finds the damage before the next \
                 backup is all that is left.",
    desired: "The database is as its newest good version has it; what was written since then is lost, and how much is known.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has the database",
        check: Step::new(
            "git cat-file -e HEAD:<database> 2> /dev/null || guard backup show | grep -F <database>",
            "",
            "No error: git has it, or the newest backup lists it.",
        ),
        otherwise: "guard backup create",
    }],
    detect: Detector {
        run: "guard verify <database>",
        fires: 1,
        says: "bad",
        noticed: "'guard verify' and 'guard backup create' read every page and say that the file is bad.",
    },
    steps: &[
        Step::new(
            "guard restore <database> --dry-run",
            "would come back",
            "It names the newest good version, and how many rows going back loses where they can still be counted. Stop the \
             programs that use the database now.",
        ),
        Step::new(
            "guard restore <database>",
            "came back",
            "That version stands in its place. The damaged file was saved first: rows can still be got out of it.",
        ),
    ],
    verify: &[Step::new("guard verify <database>", "good", "Every page was read, and is good.")],
    undo: &[Step::new("guard restore --undo", "", "The damaged file stands there again.")],
    fallback: &[
        Fallback {
            when: "guard restore says that the database is in use",
            then: "stop the process that it names, then try again",
        },
        Fallback {
            when: "rows are needed that are newer than what came back",
            then: "guard restore --undo, copy the file away, guard restore <database> again; then \
                   sqlite3 copy .recover | sqlite3 saved.db gets out of the copy what is still there",
        },
        Fallback {
            when: "it is damaged again soon",
            then: "the disk or the memory is failing: move to another machine",
        },
    ],
    may_lose: &[Kind::Database],
    inject,
};

/// The first byte of a page that is part of a table or an index.
const TREE: [u8; 4] = [2, 5, 10, 13];

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    let whole = stage.read("database")?;
    let size = match whole.get(16..18) {
        Some([0, 1]) => 65536,
        Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    anyhow::ensure!(size >= 512, "this is no database");
    let pages = whole.len() / size;
    let first = stage.choose(pages, 1);
    for page in (0..pages).map(|page| (first + page) % pages) {
        // The first page begins with the file's own head.
        let at = page * size + if page == 0 { 100 } else { 0 };
        if !TREE.contains(&whole[at]) {
            continue;
        }
        // The number of cells and where they begin.
        let mut damaged = whole.clone();
        damaged[at + 3..at + 8].iter_mut().for_each(|byte| *byte = !*byte);
        stage.write("database", &damaged)?;
        if examine_database(&stage.place("database")?, Reading::Still, &Limits::default()).standing() == Standing::Bad {
            return Ok(());
        }
    }
    anyhow::bail!("no page could be damaged so that it matters")
}

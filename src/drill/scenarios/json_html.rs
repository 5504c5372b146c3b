//! A JSON file is overwritten by the HTML page of an error, and committed.

use crate::drill::scenario::{Detector, Fallback, Kind, Prerequisite, Scenario, Severity, Step};
use crate::drill::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "json-html",
    title: "A JSON file is overwritten by the HTML page of an error",
    severity: Severity::High,
    uses: &[Kind::Json],
    symptom: "a JSON file begins with '<': 'unexpected token <' in some log",
    description: "What stands in the file is a web page, 'Bad Gateway' or a login form, and a nightly job has committed it.",
    causes: "A script that downloads the file did not look at the status of the reply, and wrote what a proxy or login page answered.",
    impact: "Whatever reads the file fails until it is back, and so does everybody who pulls.",
    prevention: "A merge that brings such a file in is refused (rule 'invalid-data'). A commit made directly on the branch is found by \
                 'guard check' before the push or in CI.",
    desired: "The file has its newest good version, committed; everything else is as it was.",
    prerequisites: &[Prerequisite {
        what: "git or a backup has a good version of the file",
        check: Step::new("guard verify --rev HEAD <json>", "good", "The committed version is good."),
        otherwise: "guard restore <json> --dry-run says which older version is; without one, download the file again",
    }],
    detect: Detector {
        run: "guard verify <json>",
        fires: 1,
        says: "bad",
        noticed: "'guard verify' says that the file is bad, in line 1; 'guard check' and CI say the same of the commit.",
    },
    steps: &[
        Step::new(
            "guard restore <json> --dry-run",
            "would come back",
            "It passes over the commit of the nightly job and names the version before.",
        ),
        Step::new("guard restore <json>", "came back", "The good version stands there."),
        Step::new("git commit -m 'bring the data back' -- <json>", "", "It is committed."),
    ],
    verify: &[
        Step::new("guard verify <json>", "good", "The file is good."),
        Step::new("guard verify --rev HEAD <json>", "good", "So is what is committed."),
    ],
    undo: &[Step::new("git revert --no-edit HEAD", "", "The web page is back, as a commit of its own.")],
    fallback: &[
        Fallback {
            when: "it is there again after the next run of the job",
            then: "stop the job, restore again, and let it check the reply's status and its content: guard verify --stdin <json>",
        },
        Fallback {
            when: "newer data is needed than what came back",
            then: "download the file again once the service answers; guard verify <json> says whether it is whole",
        },
    ],
    may_lose: &[Kind::Json],
    inject,
};

const PAGES: [&str; 3] = [
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in</title></head><body><form action=\"/login\"></form></body></html>\n",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
];

fn inject(stage: &mut Stage) -> anyhow::Result<()> {
    stage.write("json", PAGES[stage.choose(PAGES.len(), 1)].as_bytes())?;
    stage.commit("Nightly", "nightly import")?;
    Ok(())
}

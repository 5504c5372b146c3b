//! What comes after the incidents: proof, backups, ways around, troubleshooting, practice.

use super::markdown::table;
use super::page::Ground;
use crate::drill::Kind;
use crate::report::Exit;

pub(super) fn checklist() -> String {
    "## Checklist after a recovery\n\n\
     - [ ] `guard verify` ends with 0: every data file is good\n\
     - [ ] `git status --short --branch` shows nothing that you can't explain\n\
     - [ ] the program's own tests, or its first page, work with the restored state\n\
     - [ ] `guard doctor` ends with 0\n\
     - [ ] `guard backup create` has saved the good state\n\
     - [ ] what was restored is committed and pushed, where others need it\n\
     - [ ] everybody who pulled in between has been told what to do\n\
     - [ ] what was lost is written down: which records, from when to when\n\
     - [ ] whatever was stopped runs again\n\
     - [ ] the post-mortem has a date and an owner\n\n"
        .to_owned()
}

pub(super) fn backups(ground: &Ground<'_>) -> String {
    let manifest = ground.manifest;
    let saved: Vec<String> = manifest
        .data
        .iter()
        .filter(|rule| rule.backup)
        .flat_map(|rule| rule.paths.lines())
        .map(|line| format!("`{line}`"))
        .collect();
    let what = if saved.is_empty() {
        "nothing yet: no `[[data]]` entry says `backup = true`".to_owned()
    } else {
        saved.join(", ")
    };
    let remote = manifest.backup.remote.as_ref().map_or("<remote>", |remote| remote.url.as_str());
    let elsewhere = match &manifest.backup.remote {
        Some(remote) => format!("`{}`", remote.url),
        None => "none is named: add `[backup.remote]`; until then `<remote>` below is any git repository elsewhere"
            .to_owned(),
    };
    let keep: Vec<String> = manifest.backup.keep.iter().map(|(name, number)| format!("{name}={number}")).collect();
    let keep =
        if keep.is_empty() { "everything".to_owned() } else { format!("`{}` (seconds for `within`)", keep.join(" ")) };
    let mut text = "## Backups\n\n".to_owned();
    text.push_str(&table(
        ["", ""],
        [
            ["what is saved".to_owned(), what],
            [
                "where".to_owned(),
                "`.git/recoveryguard/store.git`, a git repository of its own beside the project's".to_owned(),
            ],
            ["copies elsewhere".to_owned(), elsewhere],
            ["what stays after `guard backup prune`".to_owned(), keep],
        ],
    ));
    text.push_str(&format!(
        "```sh\nguard backup create                  # save; what has not changed is not saved again\nguard backup list                    # when, how much, good or not\n\
         guard backup show                    # what the newest one holds, and its plain git commands\nguard backup verify --level restore  # proves that all of it comes back\n\
         guard backup push {remote}           # a copy that this disk can't take along\nguard backup fetch {remote}          # and back, in a fresh clone\n```\n\n",
    ));
    text
}

pub(super) fn plain_git() -> String {
    "## Plain git, without guard\n\n\
     When `guard` itself is not at hand, git alone gets every saved file back. A backup is a tag in the store, and \
     its `manifest.json` names each file with its `path` and its `blob`.\n\n\
     ```sh\n\
     store=\"$(git rev-parse --git-common-dir)/recoveryguard/store.git\"\n\
     git --git-dir \"$store\" tag --list 'backup/*' --sort=-creatordate     # the backups, newest first\n\
     git --git-dir \"$store\" cat-file blob backup/<id>:manifest.json      # its files: path and blob of each\n\
     git --git-dir \"$store\" cat-file blob <blob> > restored              # that file\n\
     ```\n\n\
     Look at `restored` before you move it to its place. A file that git tracks comes out of its history: \
     `git log --oneline -- <path>`, then `git cat-file blob <commit>:<path> > restored`. What was there before a merge that guard saw is kept by \
     `git for-each-ref refs/recoveryguard/pre-merge`.\n\n"
        .to_owned()
}

pub(super) fn scripts(ground: &Ground<'_>) -> String {
    let path = ground.subjects.get(&Kind::Json).map(|subject| subject.path.to_string()).unwrap_or_default();
    format!(
        "## Existing restore scripts\n\nA script such as `scripts/restore_json_data.sh`, which copies some old file over a broken one, becomes three lines. It keeps its name, so \
         that whoever calls it need not change:\n\n```sh\n#!/bin/sh\n# Brings the data back to its newest good version; what stood there is saved first.\n\
         exec guard restore --last-good {path}\n```\n\nProtect the script itself by a `[[protect]]` entry: a merge that deletes it is refused then.\n\n"
    )
}

pub(super) fn troubleshooting() -> String {
    let mut text = "## Troubleshooting\n\nBy exit code, of every command of guard:\n\n".to_owned();
    text.push_str(&table(
        ["exit code", "meaning", "what to do"],
        Exit::TABLE.map(|(exit, meaning)| [exit.code().to_string(), meaning.to_owned(), remedy(exit).to_owned()]),
    ));
    text.push_str("By what is said:\n\n");
    text.push_str(&table(["message", "what it means", "what to do"], MESSAGES.map(|row| row.map(str::to_owned))));
    text.push_str("### Questions\n\n");
    for (question, answer) in QUESTIONS {
        text.push_str(&format!("**{question}** {answer}\n\n"));
    }
    text
}

const fn remedy(exit: Exit) -> &'static str {
    match exit {
        Exit::Fine => "go on",
        Exit::Blocked => "read the findings; `guard explain <rule>` says more of each",
        Exit::Usage => "read the first line; `guard <command> --help` has examples",
        Exit::CouldNotJudge => "it is no all-clear: read why, mend that, ask again",
        Exit::Refused => "nothing has changed: read what would be lost; the hint names the way",
        Exit::Locked => {
            "another guard or git is at work: wait, then run it again; `guard doctor` tells whether it is gone"
        }
        Exit::Interrupted => "run it again: it finishes or rolls back what was half done",
    }
}

const MESSAGES: [[&str; 3]; 8] = [
    [
        "`ref updates aborted by hook`",
        "guard refused a merge; the lines above say why. Nothing was changed.",
        "follow the line that begins with `do`, or `guard allow <rule> <path> --reason '...'`",
    ],
    [
        "`could not judge`",
        "a limit was hit, or something can't be read: neither good nor bad is known",
        "the reason stands behind it; a shallow clone needs `git fetch --unshallow`",
    ],
    ["`is in use`", "a program has the database open", "stop the program, then run the restore again"],
    [
        "`no version is good`",
        "history, operations and backups have no version that today's rules accept",
        "`guard verify --all-versions <file>` says what is wrong with each",
    ],
    ["`it is not there, though backup ... has it`", "a data file is gone", "`guard restore <file>`"],
    ["`was interrupted`", "an undo or restore was killed", "`guard doctor` finishes it or rolls it back"],
    [
        "`hooks could not run guard lately`",
        "the program was moved or removed",
        "install guard again, then `guard install`",
    ],
    [
        "`was recorded when it had happened`",
        "hooks were off: uncommitted work of that time was not saved",
        "refs can be undone; bytes come from backups only",
    ],
];

const QUESTIONS: [(&str, &str); 5] = [
    (
        "Can I make it worse?",
        "`--dry-run` shows what a command would do. What a restore or undo replaces is saved first, and `guard restore --undo` and `guard redo` bring it back.",
    ),
    (
        "The merge is pushed already.",
        "`guard undo-merge` makes a commit that takes it back; nobody's history is rewritten. Before the branch is merged again the revert has to be reverted: guard says so then.",
    ),
    (
        "I have uncommitted work.",
        "It stays. Where it can't stay the command refuses and lists the paths, and nothing has changed.",
    ),
    (
        "I ran `git reset --hard`.",
        "Commits come back with `guard undo`. Uncommitted bytes come back only if an operation or a backup saved them: `guard restore <file> --from <operation>`.",
    ),
    (
        "guard is broken.",
        "Remove its hooks with `guard uninstall`, or run git with `-c core.hooksPath=/dev/null`. Saved files come back with plain git, see above.",
    ),
];

pub(super) fn drills(ground: &Ground<'_>) -> String {
    let every = ground.manifest.runbook.drill_every.map_or_else(
        || "Set `drill_every` in `[runbook]`, and".to_owned(),
        |_| "`drill_every` in `[runbook]` says how often; then".to_owned(),
    );
    let mut text = format!(
        "## Drills\n\nA procedure that nobody has run does not work on the day. {every} `guard doctor` fails when the newest drill is older. `guard runbook` and \
         `guard doctor` show the latest results; they are not part of this page.\n\n"
    );
    text.push_str(&table(
        ["when", "command", "who"],
        [
            ["every night, in CI", "`guard drill`", "nobody: it fails when a recovery does not work"],
            ["each month", "`guard drill --random 3 --report drills.md`", "whoever is on duty reads the report"],
            [
                "each quarter",
                "one incident by hand, from this page, in a scratch clone",
                "somebody who has not done it before",
            ],
            ["after each change of this page or of guard", "`guard drill`", "whoever changed it"],
        ]
        .map(|row| row.map(str::to_owned)),
    ));
    text
}

pub(super) fn post_mortem() -> String {
    "## Post-mortem\n\n```text\nIncident:            (name of the section above)\nNoticed:             (time, by whom or by what)\nStarted:             (time, commit or program)\n\
     Recovered:           (time, by which commands)\nLost:                (records, from when to when; who was told)\nWhat went well:\nWhat did not:\n\
     Why was it possible: (five times why)\nWhat changes:        (rule, [[protect]] or [[data]] entry, drill; owner; by when)\n```\n\n"
        .to_owned()
}

pub(super) fn glossary() -> String {
    let words = [
        ["operation", "one recorded change of the repository, with its before and after: `guard log`"],
        ["journal", "all operations"],
        ["store", "the git repository beside the project in which guard saves bytes"],
        ["backup", "one set of data files in the store: `guard backup create`"],
        ["manifest", "`.recoveryguard.toml`: what is protected, and how"],
        ["last good version", "the newest version of a file that today's rules accept"],
        ["RTO, RPO", "how soon work must go on; how much of it may be lost"],
        ["drill", "a rehearsed incident: `guard drill`"],
        ["receipt", "the record of a drill"],
        ["fast-forward", "a merge that only moves a branch forward: git asks no merge hook"],
        ["revert", "a commit that takes another one back"],
    ];
    format!("## Glossary\n\n{}", table(["word", "meaning"], words.map(|row| row.map(str::to_owned))))
}

pub(super) fn review() -> String {
    "## Review\n\nTo be read by both before it is relied on. Not signed yet.\n\n\
     Development lead:\n\n\
     - [ ] the protected paths and data files are the right ones\n- [ ] the contacts are right and have been asked\n- [ ] every incident that has happened here has a section\n\
     - [ ] `guard drill` passes, and its report was read\n\nSigned, date:\n\n\
     Operations:\n\n\
     - [ ] RTO and RPO are what the business needs, and drills stay below them\n- [ ] backups leave this machine, and somebody else can fetch them\n\
     - [ ] one incident was done by hand from this page by somebody who had not seen it before\n- [ ] the page can be read when this repository can't: where its copy is\n\nSigned, date:\n"
        .to_owned()
}

//! `RecoveryGuard` judges git merges before they touch a file, and takes bad ones back without losing work.
//!
//! This page is the map. Each room is a folder with one job; data goes one way, one type at each step:
//!
//! ```text
//! git runs hooks/<name>  ->  guard hook <name> "$@"
//!   hooks::decode     argv + stdin + env   -> Event
//!   facts::gather     Event + repository   -> Facts          the step that asks git
//!   rules::judge      &Facts, &Manifest    -> Vec<Finding>   pure
//!   facts::excuses    findings             -> excuses        asked only when something is wrong
//!   rules::decide     findings, excuses    -> Verdict        pure
//!   journal::append   Record               -> durable
//!   report::answer    &Answer              -> text, exit code
//! ```
//!
//! | room | it knows | never |
//! |---|---|---|
//! | [`model`] | plain data and its words | I/O |
//! | [`disk`] | the only place that writes files | git |
//! | [`git`] | the only place that talks to git | printing |
//! | [`manifest`] | `.recoveryguard.toml` | git, terminal |
//! | [`validate`] | bytes → verdict on data files; pure | git |
//! | [`deviation`] | where a merge's result is not what merging gives | judging |
//! | [`facts`] | asks git and the files, answers facts | judging |
//! | [`rules`] | facts → findings; pure, one file a rule | I/O, printing, clock |
//! | [`journal`] | what was done: append, read | deciding |
//! | [`store`] | saved bytes | deciding |
//! | [`postgres`] | the only place that starts PostgreSQL's programs | deciding |
//! | [`snapshot`] | what of the uncommitted is saved, in which order | deciding when |
//! | [`undo`] | journal + facts → plan → apply | printing |
//! | [`recover`] | which versions of data files stay, which come back | changing anything |
//! | [`drill`] | the catalogue of incidents; rehearses them in scratch copies | the user's own repository, but for reading |
//! | [`hooks`] | git's calling conventions; install, uninstall, doctor | judging |
//! | [`routes`] | which steps an event takes, in which order | printing |
//! | [`report`] | verdicts and plans → text, JSON, what forges read, a page; exit codes | git |
//! | [`runbook`] | the written recovery procedure, from manifest and catalogue; pure | git, clock |
//! | [`cli`] | arguments, environment, terminal; one file a command | logic |
//!
//! Who may name whom is a table in `tests/suite/architecture.rs`, and a test keeps it.

pub mod cli;
pub mod deviation;
pub mod disk;
pub mod drill;
pub mod facts;
pub mod git;
pub mod hooks;
pub mod journal;
pub mod manifest;
pub mod model;
pub mod postgres;
pub mod recover;
pub mod report;
pub mod routes;
pub mod rules;
pub mod runbook;
pub mod snapshot;
pub mod store;
pub mod undo;
pub mod validate;

//! Tests of the whole program with real git: one binary, because linking is what takes time.
#![expect(clippy::disallowed_methods, reason = "tests write files, start processes and choose the git under test")]

#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod architecture;
mod audit;
mod audit_bad_input;
mod backup;
mod broken;
mod check;
mod ci;
mod concluded;
mod databases;
mod differential;
mod doctor_hooks;
mod doctor_remedies;
mod drills;
mod drills_elsewhere;
mod formats;
mod generated;
mod git_guard;
mod git_versions;
mod guarded_merges;
mod hooks_folder;
mod hooks_path;
mod in_process;
mod init;
mod install;
mod last_good;
mod last_good_asked;
mod last_good_database;
mod lost;
mod lost_forms;
mod lost_partly;
mod managers;
mod merged_databases;
mod mutated_data;
mod odd_hooks;
mod odd_names;
mod pages;
mod places;
mod policy;
mod pushes;
mod rebased;
mod register;
mod result;
mod retention;
mod reverted;
mod rules_at_work;
mod sandbox;
mod server;
mod shims;
mod stale;
mod undo;
mod verify;

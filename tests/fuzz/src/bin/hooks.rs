//! Hook calls: the hook, its arguments, variables, and what git writes to its stdin, all of it as hostile as can be.

#![no_main]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;
use fuzz::{Pieces, first, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::git::Environment;
use recoveryguard::hooks::{Event, decode};
use recoveryguard::model::Hook;

/// Variables whose values come from a repository or from another machine.
const VARIABLES: [&str; 4] = [
    "RECOVERYGUARD_LINES",
    "GIT_REFLOG_ACTION",
    "GIT_PUSH_OPTION_0",
    "GITHEAD_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
];

fuzz_target!(init: fuzz::seeds::write("hooks"), |data: &[u8]| {
    let (number, data) = first(data);
    let (seed, data) = first(data);
    let all: Vec<Hook> = Hook::ALL.into_iter().chain(Hook::SERVER).collect();
    let hook = all[usize::from(number) % all.len()];
    let [arguments, variables, stdin] = parts(data);
    let arguments: Vec<OsString> = arguments.lines().map(|word| OsStr::from_bytes(word).to_owned()).collect();
    // A line is a value; a last one may also be a variable's whole name.
    let mut environment: Vec<(OsString, OsString)> = VARIABLES
        .iter()
        .zip(variables.lines())
        .map(|(name, value)| ((*name).into(), OsStr::from_bytes(value).to_owned()))
        .collect();
    environment
        .extend(variables.lines().skip(VARIABLES.len()).map(|name| (OsStr::from_bytes(name).to_owned(), "x".into())));
    let environment = Environment { variables: environment.into_iter().collect() };
    let event = decode(hook, &arguments, &environment, &mut Pieces::new(stdin, seed));
    assert_eq!(event, decode(hook, &arguments, &environment, &mut &*stdin), "pieces make no difference");
    let lines = stdin.lines().count() + variables.lines().count() + 1;
    let told = match &event {
        Event::Moved { moves, .. } => moves.len(),
        Event::Receiving { updates, .. } => updates.len(),
        Event::Pushing { pushes, .. } => pushes.len(),
        Event::Rewritten { pairs, .. } => pairs.len(),
        Event::Deleting { names, .. } => names.len(),
        _ => 0,
    };
    assert!(told <= lines, "{told} of {lines} lines");
});

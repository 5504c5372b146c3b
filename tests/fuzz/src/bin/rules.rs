//! Rules, over files of which both sides and the result are hostile: a manifest, a path, then base, first, second and result.

#![no_main]

use std::sync::Arc;

use fuzz::{assert_plain, oid, parts};
use libfuzzer_sys::fuzz_target;
use recoveryguard::deviation::signals;
use recoveryguard::manifest::parse;
use recoveryguard::model::{
    Automatic, Content, Deviation, Entry, Facts, Incoming, Loss, Losses, Mode, PathFacts, ResultKind, Shape, Target,
    TreePath,
};
use recoveryguard::rules::{Case, judge};

fuzz_target!(init: fuzz::seeds::write("rules"), |data: &[u8]| {
    let [manifest, path, contents] = parts(data);
    let Ok(manifest) = parse(manifest) else { return };
    let contents: [&[u8]; 4] = parts(contents);
    let entry = |place: usize| Entry { mode: Mode::File, oid: oid(u8::try_from(place).unwrap_or(0) + 1) };
    let [base, first, second, result] = [0, 1, 2, 3].map(|place| (!contents[place].is_empty()).then(|| entry(place)));
    let path = TreePath::from(if path.is_empty() { b"data/a.json" } else { path });
    let facts = PathFacts {
        path: path.clone(),
        first,
        result,
        others: vec![second],
        bases: vec![base],
        conflicted: false,
        moved: None,
        case_twin: None,
        marker_size: 7,
    };
    let deviation =
        Deviation { path, from: None, base, parents: vec![first, second], result, automatic: Automatic::Conflict };
    let loss = Loss { deviation, signals: signals(contents[0], contents[1], contents[2], contents[3]) };
    let facts = Facts {
        into: Target { branch: Some("main".into()), tip: Some(oid(9)) },
        incoming: vec![Incoming { oid: oid(10), names: vec!["feat".into()] }],
        merge_bases: vec![oid(11)],
        commit: None,
        shape: Shape::Merge,
        result: ResultKind::Actual,
        result_tree: None,
        paths: vec![facts],
        first_files: 1000,
        contents: (0..4).map(|place| (entry(place).oid, Content::Bytes(Arc::new(contents[place].into())))).collect(),
        data: Default::default(),
        local: Vec::new(),
        losses: Losses { at: vec![loss], usual: None, side_taken: None },
        rewound: Vec::new(),
        taken_back: Vec::new(),
        reverted: Vec::new(),
    };
    for finding in judge(&Case { facts: &facts, manifest: &manifest }) {
        assert_plain(&finding.message);
        assert_plain(&finding.remedy);
        finding.evidence.values().for_each(|text| assert_plain(text));
    }
});

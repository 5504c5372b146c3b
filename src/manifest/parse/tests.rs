//! The design's manifest, and every way in which a manifest can be wrong.

use super::*;
use crate::manifest::{DatabaseRule, Deny, Format, MaxLoss, OnFailure, Root};
use crate::model::Level;

const FULL: &str = include_str!("full.toml");

fn error(text: &str) -> String {
    parse(text.as_bytes()).expect_err(text).to_string()
}

/// Returns the error of a manifest whose first line is `version = 1`, so that `rest` begins on line 2.
fn error_after_version(rest: &str) -> String {
    error(&format!("version = 1\n{rest}"))
}

#[test]
fn everything_of_the_schema_is_read() {
    let manifest = parse(FULL.as_bytes()).unwrap();
    let protect = &manifest.protect[0];
    assert_eq!(protect.name, "recovery scripts");
    assert_eq!(protect.paths.lines(), ["scripts/restore_*.sh", "docs/recovery_procedure.md"]);
    assert_eq!((protect.deny.as_slice(), protect.level), (&[Deny::Delete][..], Level::Block));
    assert_eq!(protect.on.lines(), ["main", "release/*"]);
    assert_eq!(protect.reason.as_deref(), Some("on-call needs these at 3 a.m."));
    assert_eq!(protect.owners, ["@ops"]);
    assert_eq!(protect.level_on(Some("main".into())), Level::Block);
    assert_eq!(protect.level_on(Some("topic".into())), Level::Warn);
    assert_eq!(protect.level_on(None), Level::Warn);
    let data = &manifest.data[0];
    assert_eq!((data.format, data.max_loss), (Some(Format::Json), Some(MaxLoss::Percent(10.0))));
    assert_eq!((data.root, data.required.as_slice()), (Some(Root::Object), &["/emails".to_owned()][..]));
    assert_eq!(data.schema.as_deref(), Some("schemas/email.schema.json"));
    assert_eq!((data.records.as_deref(), data.key.as_deref()), (Some("/emails"), Some("id")));
    assert!(data.backup && !data.secret);
    let database = DatabaseRule {
        name: "orders".into(),
        service: Some("orders_production".into()),
        max_loss: Some(MaxLoss::Records(500)),
        backup: true,
        secret: true,
    };
    assert_eq!(manifest.database, [database]);
    assert_eq!(manifest.branch[0].never.lines(), ["sandbox", "wip/*"]);
    assert_eq!(manifest.setting("mass-delete").unwrap().level, Some(Level::Block));
    assert_eq!(manifest.number("mass-delete", "percent"), Some(30));
    assert_eq!(manifest.setting("lost-change").unwrap().level, Some(Level::Warn));
    assert_eq!(manifest.policy.on_failure, OnFailure::Block);
    assert_eq!(manifest.policy.accepted, ["@{upstream}", "origin/HEAD"]);
    assert_eq!(manifest.policy.allow, ["protected-delete"]);
    assert!(manifest.snapshot.all);
    assert_eq!((manifest.snapshot.keep, manifest.snapshot.max_file, manifest.snapshot.max_total), (7, 50 << 20, 4096));
    assert_eq!(manifest.snapshot.max_store, 8192);
    let keep = |name: &str| manifest.backup.keep.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    assert_eq!((keep("last"), keep("within"), keep("monthly")), (Some(10), Some(14 * 86_400), Some(12)));
    assert!(manifest.backup.before_merge);
    let remote = manifest.backup.remote.as_ref().unwrap();
    assert_eq!((remote.url.as_str(), remote.private), ("ssh://backup/proj.git", true));
    assert_eq!((manifest.runbook.rto, manifest.runbook.rpo), (Some(1800), Some(86_400)));
    assert_eq!(manifest.runbook.contacts[0].how, "phone +00 0000, chat #ops");
}

#[test]
fn defaults_are_filled_in() {
    let manifest = parse(b"version = 1\n[[protect]]\npaths = [\"a\", \"b\"]\n[[data]]\npaths = [\"c\"]").unwrap();
    let protect = &manifest.protect[0];
    assert_eq!(protect.name, "a");
    assert_eq!((protect.deny.as_slice(), protect.level), (&[Deny::Delete, Deny::Type][..], Level::Block));
    assert_eq!(protect.level_on(None), Level::Block);
    assert_eq!(manifest.data[0].format, None);
    assert!(!manifest.data[0].backup);
    assert_eq!(manifest.policy.accepted, ["@{upstream}", "origin/HEAD"]);
    assert_eq!(manifest.snapshot.keep, 100);
}

#[test]
fn errors_have_a_place_and_name_what_was_meant() {
    let cases = [
        ("protct = 1", "line 2, column 1: unknown key 'protct' (did you mean 'protect'?)"),
        ("xyzzy = 1", "line 2, column 1: unknown key 'xyzzy'"),
        ("[[protect]]\n  pathes = []", "line 3, column 3: unknown key 'pathes' (did you mean 'paths'?)"),
        ("[[protect]]\nname = 'x'", "line 2, column 1: [[protect]] has no key 'paths'"),
        ("[protect]\npaths = ['a']", "line 2, column 1: 'protect' is a list, found a single table (write [[protect]])"),
        ("protect = 3", "line 2, column 11: expected a list of tables, [[protect]], found an integer"),
        ("protect = [3]", "line 2, column 12: expected a table for [[protect]], found an integer"),
        ("[[protect]]\npaths = 'a'", "line 3, column 9: expected a list of patterns, found a string"),
        ("[[protect]]\npaths = []", "line 3, column 9: a list of patterns is empty"),
        ("[[protect]]\npaths = ['é', 4]", "line 3, column 15: expected a string, found an integer"),
        (
            "[[protect]]\npaths = ['a', './b']",
            "line 3, column 15: pattern './b' has the part '.', which no path in a tree has (patterns start at the top of the repository)",
        ),
        (
            "[[protect]]\npaths = ['!a']",
            "line 3, column 9: all patterns begin with '!', so none names anything (add '*' as the first one to begin with everything)",
        ),
        (
            "[[protect]]\npaths = ['a']\ndeny = ['remove']",
            "line 4, column 9: unknown word in 'deny' 'remove' (one of delete, modify, mode, type, add)",
        ),
        (
            "[[protect]]\npaths = ['a']\ndeny = ['delte']",
            "line 4, column 9: unknown word in 'deny' 'delte' (did you mean 'delete'?)",
        ),
        (
            "[[protect]]\npaths = ['a']\ndeny = []",
            "line 4, column 8: 'deny' is empty: the entry would protect from nothing (leave the key out for [\"delete\", \"type\"])",
        ),
        (
            "[[protect]]\npaths = ['a']\nlevel = 'off'",
            "line 4, column 9: unknown level 'off' (one of block, warn, info)",
        ),
        (
            "[[protect]]\npaths = ['a']\nname = 'n'\n[[protect]]\npaths = ['b']\nname = 'n'",
            "line 7, column 8: two [[protect]] entries have the name 'n'",
        ),
        ("[[protect]]\npaths = ['a']\nreason = ' '", "line 4, column 10: expected some text, found an empty string"),
        ("[[data]]\npaths = ['a']\nformat = 'jsn'", "line 4, column 10: unknown format 'jsn' (did you mean 'json'?)"),
        (
            "[[data]]\npaths = ['a']\nmax_loss = '10%'",
            "line 4, column 1: 'max_loss' says nothing without 'records' (add records = \"/items\", or \"\" for the whole document)",
        ),
        (
            "[[data]]\npaths = ['a']\nkey = 'id'",
            "line 4, column 1: 'key' says nothing without 'records' (add records = \"/items\", or \"\" for the whole document)",
        ),
        (
            "[[data]]\npaths = ['a']\nformat = 'text'\nschema = 's.json'",
            "line 5, column 1: 'schema' says nothing about files of format 'text'",
        ),
        (
            "[[data]]\npaths = ['a']\nrecords = 'emails'",
            "line 4, column 11: JSON pointer 'emails' does not begin with '/' (did you mean '/emails'?)",
        ),
        (
            "[[data]]\npaths = ['a']\nrecords = '/a~2'",
            "line 4, column 11: JSON pointer '/a~2' has a '~' that is neither '~0' nor '~1'",
        ),
        (
            "[[data]]\npaths = ['a']\nschema = '../x'",
            "line 4, column 10: '../x' is no path in a tree (paths start at the top of the repository, without '/', '.' or '..')",
        ),
        ("[[data]]\npaths = ['a']\nbackup = 'yes'", "line 4, column 10: expected true or false, found a string"),
        ("[[branch]]\ninto = ['main']", "line 2, column 1: [[branch]] has no key 'never'"),
        ("[rules]\nlost-chnge = 'warn'", "line 3, column 1: unknown key 'lost-chnge' (did you mean 'lost-change'?)"),
        ("[rules]\nlost-change = 'wran'", "line 3, column 15: unknown level 'wran' (did you mean 'warn'?)"),
        ("[rules]\nlost-change = 3", "line 3, column 15: expected a level or a table, found an integer"),
        ("[rules]\nlost-change = { files = 3 }", "line 3, column 17: unknown key 'files'"),
        ("[rules]\nmass-delete = { percent = 101 }", "line 3, column 27: 101 percent is more than 100"),
        ("[rules.mass-delete]\nfiles = -1", "line 3, column 9: number -1 is out of range"),
        ("[policy]\non_failure = 'blok'", "line 3, column 14: unknown value 'blok' (did you mean 'block'?)"),
        (
            "[policy]\naccepted = ['--all']",
            "line 3, column 13: '--all' is no single revision (write a branch such as 'origin/main')",
        ),
        (
            "[policy]\nallow = ['protected-delet']",
            "line 3, column 10: unknown rule 'protected-delet' (did you mean 'protected-delete'?)",
        ),
        ("[snapshot]\nkeep = 0", "line 3, column 8: 'keep' must be at least 1: nothing could be undone"),
        ("[snapshot]\nkeep = 1.5", "line 3, column 8: expected a whole number, found a float"),
        (
            "[snapshot]\nmax_file = '50 MB'",
            "line 3, column 12: '50 MB' is no size (write '50 MiB': a whole number and B, KiB, MiB, GiB or TiB)",
        ),
        (
            "[backup]\nkeep = 'last=3 weekley=2'",
            "line 3, column 8: unknown retention 'weekley' (did you mean 'weekly'?)",
        ),
        ("[backup]\nkeep = 'last=3 last=2'", "line 3, column 8: retention 'last' is given twice"),
        ("[backup]\nkeep = 'within=14'", "line 3, column 8: '14' is no value for 'within' (write 'within=14d')"),
        ("[backup]\nkeep = ''", "line 3, column 8: retention keeps nothing (write 'last=10 daily=7')"),
        ("[backup.remote]\nvisibility = 'private'", "line 2, column 1: [backup.remote] has no key 'url'"),
        (
            "[runbook]\nrto = '30 min'",
            "line 3, column 7: '30 min' is no duration (write '30m': a whole number above 0 and s, m, h, d or w)",
        ),
        (
            "[runbook.contact]\nname = 'a'",
            "line 2, column 1: 'contact' is a list, found a single table (write [[runbook.contact]])",
        ),
        ("[[runbook.contact]]\nname = 'a'", "line 2, column 1: [[runbook.contact]] has no key 'how'"),
        ("\"\\u001b[31m\" = 1", "line 2, column 1: unknown key '\\u{1b}[31m'"),
    ];
    for (text, expected) in cases {
        assert_eq!(error_after_version(text), expected, "{text}");
    }
}

#[test]
fn the_first_problem_of_the_file_is_told() {
    assert!(error("snapsht = 1\nprotct = 1\nversion = 1").starts_with("line 1, column 1: unknown key 'snapsht'"));
    // A misspelt key says more than the key that is missing because of it.
    assert_eq!(error("verison = 1"), "line 1, column 1: unknown key 'verison' (did you mean 'version'?)");
    let text = "[[protect]]\npath = ['a']\n[snapshot]\nkeep = 0";
    assert!(error_after_version(text).starts_with("line 3, column 1: unknown key 'path'"));
}

#[test]
fn the_version_must_be_known() {
    assert_eq!(error(""), "line 1, column 1: the manifest has no key 'version' (begin with version = 1)");
    assert_eq!(error("later = 1\nversion = 2"), "line 2, column 11: version 2 is unknown (this guard reads version 1)");
    assert_eq!(error("version = '1'"), "line 1, column 11: expected a whole number, found a string");
}

#[test]
fn what_is_no_toml_has_a_place_too() {
    let message = error("version = 1\n[[protect]\n");
    assert!(message.starts_with("line 2, column "), "{message}");
    assert!(!message.contains('\n'), "{message}");
    assert!(error("version = 1\nversion = 1").starts_with("line 2, column 1"), "{}", error("version = 1\nversion = 1"));
    let conflicted = error("version = 1\n<<<<<<< HEAD\n");
    assert!(conflicted.starts_with("line 2, column "), "{conflicted}");
    let bad = parse(b"version = 1\n# \xff").unwrap_err();
    assert_eq!(bad.to_string(), "line 2, column 3: the manifest is not UTF-8");
    parse("\u{feff}version = 1\r\n".as_bytes()).expect("a byte order mark and CRLF are harmless");
}

/// PostgreSQL's programs would take some of these as addresses or options.
#[test]
fn no_name_of_a_database_is_anything_else() {
    for odd in [
        "host=evil",
        "postgresql://evil/x",
        "a:b",
        "a/b",
        "-x",
        "--file=x",
        ".x",
        "a b",
        "a\\n",
        "a\\u0000",
        "é",
        "a;b",
        "'",
        "a\"b",
        "$a",
        "a%b",
        "\\\\c",
    ] {
        let written = odd.replace('"', "\\\"");
        for key in ["name", "service"] {
            let other = if key == "name" { "" } else { "name = 'a'\n" };
            let text = format!("[[database]]\n{other}{key} = \"{written}\"");
            assert!(error_after_version(&text).contains("is no plain name"), "{text}: {}", error_after_version(&text));
        }
    }
    assert!(error_after_version("[[database]]\nname = ''").contains("an empty string"));
    let long = "a".repeat(41);
    assert!(error_after_version(&format!("[[database]]\nname = '{long}'")).contains("is longer than 40 characters"));
    let twice = "[[database]]\nname = 'a'\n".repeat(2);
    assert!(error_after_version(&twice).ends_with("two [[database]] entries have the name 'a'"));
    assert!(error_after_version("[[database]]\nname = 'a'\nhost = 'x'").contains("unknown key 'host'"));
    let plain = parse(b"version = 1\n[[database]]\nname = 'Orders-2.x_'").unwrap();
    assert_eq!((plain.database[0].name.as_str(), plain.database[0].backup), ("Orders-2.x_", false));
}

#[test]
fn limits_hold() {
    let large = format!("version = 1\n#{}", "x".repeat(MAX_BYTES));
    assert_eq!(error(&large), "line 1, column 1: the manifest is larger than 1 MiB");
    let many = |count: usize| format!("version = 1\n[[data]]\npaths = [{}]", "'a',".repeat(count));
    assert_eq!(error(&many(MAX_PATTERNS + 1)), "line 1, column 1: the manifest has more than 10000 patterns");
    parse(many(MAX_PATTERNS).as_bytes()).unwrap();
    let deep = format!("version = 1\nprotect = {}", "[".repeat(100_000));
    assert!(error(&deep).starts_with("line 2"));
    let long_key = format!("{} = 1", "k".repeat(1000));
    assert!(error_after_version(&long_key).len() < 200);
}

#[test]
fn units_are_read_exactly() {
    let size = |text: &str| {
        parse(format!("version = 1\n[snapshot]\nmax_file = {text}").as_bytes()).map(|m| m.snapshot.max_file).ok()
    };
    assert_eq!(size("'50 MiB'"), Some(52_428_800));
    assert_eq!(size("'1GiB'"), Some(1 << 30));
    assert_eq!(size("'3 KiB'"), Some(3072));
    assert_eq!(size("'77'"), Some(77));
    assert_eq!(size("0x10"), Some(16));
    for bad in [
        "'1  KiB'",
        "'-1 KiB'",
        "'1.5 GiB'",
        "''",
        "'1 '",
        "'KiB'",
        "'9000000 TiB'",
        "-1",
        "99999999999999999999",
        "[1]",
    ] {
        assert_eq!(size(bad), None, "{bad}");
    }
    let duration = |text: &str| {
        parse(format!("version = 1\n[runbook]\nrto = '{text}'").as_bytes()).map(|m| m.runbook.rto.unwrap()).ok()
    };
    assert_eq!(["5s", "2m", "3h", "1d", "2w"].map(duration), [5, 120, 10_800, 86_400, 1_209_600].map(Some));
    for bad in ["0s", "5", "h", "1 h", "1h30m", "-1h", "99999999999999999999s", "9999999999999w"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
    let loss = |text: &str| {
        let text = format!("version = 1\n[[data]]\npaths = ['a']\nrecords = ''\nmax_loss = {text}");
        parse(text.as_bytes()).map(|m| m.data[0].max_loss.unwrap()).ok()
    };
    assert_eq!(loss("'0.5%'"), Some(MaxLoss::Percent(0.5)));
    assert_eq!(loss("'0%'"), Some(MaxLoss::Percent(0.0)));
    assert_eq!(loss("3"), Some(MaxLoss::Records(3)));
    for bad in ["'101%'", "'10'", "'%'", "'-1%'", "'1e1%'", "'.5%'", "'1.2.3%'", "-3", "0.1", "'nan%'"] {
        assert_eq!(loss(bad), None, "{bad}");
    }
}

#[test]
fn no_address_makes_git_run_a_program() {
    let accepted = |url: &str| parse(format!("version = 1\n[backup.remote]\nurl = '{url}'").as_bytes()).is_ok();
    for good in
        ["ssh://backup/proj.git", "https://h/p", "git@host:proj.git", "file:///mnt/b.git", "/mnt/b.git", "host:p"]
    {
        assert!(accepted(good), "{good}");
    }
    for bad in [
        "ext::sh -c x",
        "ext::sh",
        "fd::3",
        "foo::ssh://h/p",
        "a::b://c",
        "-oProxyCommand=x",
        "ssh://-oProxyCommand=x/p",
        "./evil.git",
        "../b.git",
        "evil",
        "gopher://h/p",
        "ssh://",
        "a b",
        ":x",
    ] {
        assert!(!accepted(bad), "{bad}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever one byte of a good manifest becomes, the answer is a manifest or an error with a place in it.
        #[test]
        fn damage_is_answered(at in 0..FULL.len(), byte in any::<u8>()) {
            let mut bytes = FULL.as_bytes().to_vec();
            bytes[at] = byte;
            if let Err(error) = parse(&bytes) {
                prop_assert!(error.line >= 1 && error.line <= 1 + FULL.lines().count() && error.column >= 1);
                prop_assert!(!error.to_string().chars().any(char::is_control), "{:?}", error);
            }
        }
    }
}

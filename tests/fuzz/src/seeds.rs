//! What each target begins with: seeds, and words that mean something there. All of it stands here, or is made here.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

use rusqlite::Connection;

/// A target's seeds and words. `\xff` ends a part.
type Seeds = (&'static str, Vec<Vec<u8>>, &'static [&'static str]);

const MANIFEST: &[u8] = br#"version = 1
[[protect]]
name = "scripts"
paths = ["scripts/restore_*.sh", "/docs/**", "!docs/x.md"]
deny = ["delete", "modify", "mode", "type", "add"]
level = "warn"
on = ["main", "release/*"]
reason = "needed"
owners = ["@ops"]
[[data]]
paths = ["data/*.json"]
format = "json"
root = "object"
required = ["/items"]
records = "/items"
key = "id"
max_loss = "10%"
backup = true
secret = false
schema = "schemas/a.json"
[[database]]
name = "app"
[[branch]]
into = ["main"]
never = ["wip/*"]
[rules]
mass-delete = { level = "block", files = 50, percent = 20 }
lost-change = "off"
[policy]
on_failure = "block"
accepted = ["@{upstream}"]
allow = ["lost-change"]
[snapshot]
scope = "all"
keep = 10
max_file = "50 MiB"
max_total = "1 GiB"
[backup]
keep = "last=10 within=14d daily=7 weekly=5 monthly=12"
[backup.remote]
url = "ssh://backup/x.git"
visibility = "private"
[runbook]
rto = "30m"
rpo = "24h"
[[runbook.contact]]
name = "on-call"
how = "phone"
"#;

const RECORDS: &[u8] = b"{\"operation\":\"20261122-224531-3fa9c1\",\"at\":1795387531000,\"guard\":\"0.1.0\",\"body\":{\"type\":\"intent\",\"kind\":\"merge\",\"worktree\":\".\",\"branch\":\"refs/heads/main\",\"head\":\"0101010101010101010101010101010101010101\",\"incoming\":[{\"oid\":\"0202020202020202020202020202020202020202\",\"names\":[\"feat\"]}],\"action\":\"merge feat\",\"saved\":{\"snapshot\":\"x\",\"files\":[{\"path\":\"a\",\"mode\":\"file\",\"blob\":\"0303030303030303030303030303030303030303\",\"tracked\":true}]}}}\xff{\"operation\":\"20261122-224531-3fa9c1\",\"at\":1795387531001,\"guard\":\"0.1.0\",\"body\":{\"type\":\"outcome\",\"status\":\"done\",\"moved\":[{\"name\":\"refs/heads/main\",\"old\":null,\"new\":\"0202020202020202020202020202020202020202\"}]}}\xff{\"operation\":\"y\",\"at\":1795387531002,\"guard\":\"0.1.0\",\"body\":{\"type\":\"intent\",\"kind\":\"undo\",\"worktree\":\".\",\"branch\":null,\"head\":null,\"action\":{\"bytes\":\"ff\"},\"of\":\"20261122-224531-3fa9c1\"}}\xff{\"operation\":null,\"at\":1795387531003,\"guard\":\"0.1.0\",\"body\":{\"type\":\"allowance\",\"rule\":\"lost-change\",\"path\":\"a\",\"reason\":\"r\",\"branch\":\"main\",\"tip\":null,\"incoming\":[]}}\xffrecoveryguard-journal 2 x\n{}\n";

const SCHEMA: &[u8] = br##"1{"$defs":{"a":{"type":"string","pattern":"^a+$","minLength":1}},"type":"object","properties":{"id":{"$ref":"#/$defs/a"},"n":{"type":"integer","multipleOf":2,"minimum":-1},"l":{"type":"array","items":{"anyOf":[{"const":1},{"enum":["x"]}]},"uniqueItems":true}},"required":["id"],"additionalProperties":false}"##;

/// Writes a target's seeds into the folder that `FUZZ_SEEDS` names, if it does, and its words beside it, as `<folder>.dict`.
/// Called before libFuzzer looks at either.
pub fn write(target: &str) {
    if let Some(folder) = env::var_os("FUZZ_SEEDS") {
        write_to(Path::new(&folder), target).expect("seeds can be written");
    }
}

fn write_to(folder: &Path, target: &str) -> io::Result<()> {
    let (_, seeds, words) = all().into_iter().find(|(name, ..)| *name == target).expect("each target has seeds");
    fs::create_dir_all(folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed)?;
    }
    let mut lines = String::new();
    for word in words {
        let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        writeln!(lines, "\"{escaped}\"").expect("a text takes anything");
    }
    fs::write(folder.with_extension("dict"), lines)
}

/// Puts parts together.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&0xff)
}

fn all() -> Vec<Seeds> {
    let of = |seeds: &[&[u8]]| seeds.iter().map(|seed| seed.to_vec()).collect::<Vec<_>>();
    let hex = ["1a"; 20].concat();
    let line = |more: &str| format!("{hex} {hex} {more}\n").into_bytes();
    let tables = databases();
    vec![
        ("manifest", vec![MANIFEST.to_vec(), joined(&[MANIFEST, MANIFEST]), b"version = 1".to_vec()], MANIFEST_WORDS),
        (
            "patterns",
            of(&[
                b"*.sh\n/docs/**\n!docs/a\xffscripts/\xffa.sh\ndocs/a\nscripts/b",
                b"**/a?[b-d]/x*\xffa\xffz/abc/x",
                b"data/*.json\xffdata/\xffdata/a.json\ndata/b/c.json",
                b"[[:alpha:]]x\\*\xff*\xffax*",
            ]),
            &["**/", "/**", "*", "?", "[!a-z]", "[[:digit:]]", "\\", "!", "a/", "/a", "]", "\n"],
        ),
        ("journal", vec![RECORDS.to_vec()], JOURNAL_WORDS),
        (
            "hooks",
            vec![
                joined(&[b"\0\x01prepared", b"x\nmerge x\n\nfeat", &line("ORIG_HEAD")]),
                joined(&[b"\0\x05committed", &line("refs/heads/x"), &[line("HEAD"), line("refs/heads/main")].concat()]),
                joined(&[b"\x07\x01rebase", b"\npull --rebase", &line("")]),
                joined(&[b"\x09\x01origin\nurl", b"", format!("refs/heads/x {hex} refs/heads/x {hex}\n").as_bytes()]),
                joined(&[b"\x0a\x01", b"\n\nguard-allow=lost-change: why", &line("refs/heads/main")]),
                joined(&[format!("\x06\x01{hex}\n{hex}\n1").as_bytes(), b"", b""]),
            ],
            &[
                "prepared",
                "committed",
                "aborted",
                "rebase",
                "ORIG_HEAD",
                "HEAD",
                "refs/heads/",
                "ref:refs/heads/x",
                "guard-allow=",
                "GITHEAD_",
                "(delete)",
                "0000000000000000000000000000000000000000",
                "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a",
            ],
        ),
        (
            "json",
            of(&[
                b"\x01\x28{\"items\": [{\"id\": 1, \"a\": \"\\u00e9\\ud83d\\ude00\"}, {\"id\": \"x\", \"b\": [1e5, -0, null]}]}",
                b"\x02\x29{\"id\": 1}\n{\"id\": 2, \"a\": [true, false]}\n",
                b"\x03\x40[[[{\"a\": {\"a\": 1, \"a\": 2}}]]]",
            ]),
            JSON_WORDS,
        ),
        (
            "data",
            of(&[
                b"\x40\x01// head\n{\"items\": [/* one */ {\"id\": 1,}, {\"id\": 2}],}\n",
                b"\xc1\x02items:\n  - &a {id: 1, text: 'it''s'}\n  - id: 2\n    text: |\n      more\n  - *a\n<<: *a\n",
                b"\xc2\x03a = 1\n[[items]]\nid = 1\nat = 1979-05-27T07:32:00Z\n[items.b]\nc.d = \"\"\"x\"\"\"\n",
                b"\x83\x04id,name\r\n1,\"a \"\"b\"\"\nc\"\r\n2,x\r\n",
                b"\x84\x05id\tname\n1\ta\n2\t\"b\tc\"\n",
                b"\x05\x06some text\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n",
                b"\x86\x07{\"id\": 1}\n{\"id\": 2}\n",
                b"\x07\x08\0\x01PK",
            ]),
            DATA_WORDS,
        ),
        (
            "schema",
            vec![
                joined(&[SCHEMA, br#"{"id": "aa", "n": 4, "l": [1, "x"]}"#]),
                joined(&[br#"0{"if":{"type":"string"},"then":{"format":"date"},"not":{"maxLength":3}}"#, b"\"2020\""]),
            ],
            SCHEMA_WORDS,
        ),
        ("sqlite", tables, &["CREATE TABLE ", "INTEGER PRIMARY KEY", "WITHOUT ROWID", "sqlite_", "REFERENCES ", "CHECK", "GENERATED ALWAYS AS ("]),
        (
            "messages",
            vec![
                joined(&[
                    format!("tree {hex}\nparent {hex}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nRevert \"x\"\n\nThis reverts commit {hex}, reversing\nchanges made to {hex}.\n").as_bytes(),
                    b"because",
                    b"data/a b",
                    b"data/a b\\",
                ]),
                joined(&[b"lost-change \"a \\\"b\" -- why", b"x -- y", b"a\" -- b\\", b"a\nb"]),
                joined(&[b"Revert \"fast-forward to a/b\"\n\nReverts 1a2b3c4d and 1a2b3c4e.", b"", b"*", b"a\\nb"]),
            ],
            &["Revert \"", "Reapply \"", "This reverts commit ", "reversing", "changes made to ", " -- ", "\" --", "\\\"", "..", "1a2b3c4d", "fast-forward to ", "author ", "committer ", "parent "],
        ),
        (
            "git",
            vec![
                format!("\x001 .M N... 100644 100644 000000 {hex} {hex} a file").into_bytes(),
                format!("\x00u UD N... 100644 100644 000000 100644 {hex} {hex} {hex} x").into_bytes(),
                format!("\x01H 100644 {hex} 0\ta/b").into_bytes(),
                format!("\x02:100644 100644 {hex} {hex} R090\0a\0b\0").into_bytes(),
                format!("\x03{hex} refs/heads/main").into_bytes(),
                [b"\x04100644 a\0".as_slice(), &[0x11; 20], b"40000 b\0", &[0x22; 20]].concat(),
                format!("\x05tree {hex}\nparent {hex}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n").into_bytes(),
                format!("\x06border {0}\nx\nborder {0}\ny\n", ["01"; 20].concat()).into_bytes(),
                b"\x07abcdef\xff\x06\x05\x03xyz\x91\x00\x02".to_vec(),
            ],
            &["100644 ", "160000 ", "120000 ", "40000 ", "S.M.", "tree ", "parent ", "\n\n", "border ", " missing\n"],
        ),
        (
            "merge",
            of(&[
                b"a\nb\nc\nd\ne\n\xffa\nx\nc\nd\ne\n\xffa\nb\nc\nd\ny\n\xffa\nx\nc\nd\ny\n",
                b"a\n\nb\n\nc\n\xffa\n\nb\n\nb\n\nc\n\xff\na\n\nc\xffa\n",
                b"\xffa\n\xffb",
            ]),
            &["\n", "\r\n", "a\nb\nc\n", "<<<<<<< \n", "=======\n", ">>>>>>> \n", "}\n\n"],
        ),
        (
            "report",
            of(&[
                b"a\n::error::x,%25[b](c)<i>{0}'\\\xff'a' is gone\xff##[error] <script>alert(1)</script> | `c` @all\xff\x1b[31m\xff::stop-commands::x",
                "a\u{202e}b\n\r\t".as_bytes(),
            ]),
            &["::", "##[", "<script>alert(", "</style>", "--!>", "]]>", "&#", "\u{1b}[", "\u{9b}", "\u{202e}", "\u{2028}", "'", "\\", "$'", "%0A", "](", "```", "|", "@a", "javascript:"],
        ),
        (
            "store",
            vec![joined(&[
                br#"{"version":1,"operation":"20261122-224531-3fa9c1","at":1795387531000,"files":[{"path":"a","mode":"file","blob":"257cc5642cb1a054f08cc83f2d943e56fd3ebe99","tracked":true}],"unsaved":[{"path":"b","why":"gone"}]}"#,
                br#"{"version":1,"id":"20261122-224531-3fa9c1","at":1795387531000,"files":[{"path":"a.db","mode":"file","blob":"257cc5642cb1a054f08cc83f2d943e56fd3ebe99","size":4,"tracked":true,"ignored":false,"secret":false,"standing":"good","contents":{"tables":{"t":{"rows":3,"columns":["a"],"last_row":3,"sequence":3,"uniform":{"a":90}}},"schema":"x"}},{"path":"b.db","mode":"file","blob":"257cc5642cb1a054f08cc83f2d943e56fd3ebe99","size":4,"tracked":true,"ignored":false,"secret":false,"standing":"good","contents":{"tables":{"t":{"rows":1,"columns":[]}},"schema":"x"}}]}"#,
                b"foo\n",
            ])],
            &["\"version\":1", "\"files\":", "\"tables\":", "\"rows\":18446744073709551615", "\"last_row\":-9223372036854775808", "\"sequence\":9223372036854775807", "\"uniform\":", "\"schema\":\"x\"", "\"databases\":", "\"unsaved\":", "\"worktree\":", "\"mode\":\"link\"", "..", "257cc5642cb1a054f08cc83f2d943e56fd3ebe99"],
        ),
        (
            "rules",
            vec![
                joined(&[MANIFEST, b"data/a.json", b"{\"items\": [{\"id\": 1}, {\"id\": 2}]}", b"{\"items\": [{\"id\": 1}]}", b"{\"items\": [{\"id\": 2}]}", b"{\"items\": []}"]),
                joined(&[b"version = 1", b"a.c", b"a\nb\nc\n", b"a\nx\nc\n", b"a\ny\nc\n", b"a\n<<<<<<< x\nx\n=======\ny\n>>>>>>> y\nc\n"]),
                joined(&[b"version = 1", b".recoveryguard.toml", MANIFEST, MANIFEST, b"version = 1", b"version = 2"]),
                joined(&[b"version = 1", b"a.yaml", b"a:\n  b: 1\n", b"a:\n  b: 2\n", b"a:\n  b: 1\n  c: 1\n", b"a:\n  b: 2\n  b: 3\n"]),
            ],
            JSON_WORDS,
        ),
    ]
}

/// Small databases, with what a schema may hold.
fn databases() -> Vec<Vec<u8>> {
    const SCHEMAS: [&str; 4] = [
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT); INSERT INTO t (a) VALUES ('x'), ('y'), ('x');",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id), b BLOB); CREATE INDEX i ON c (p, b);
         INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, x'00ff'), (NULL, 'z');",
        "CREATE TABLE w (a PRIMARY KEY, b AS (length(a)) STORED) WITHOUT ROWID; CREATE INDEX e ON w (lower(a)) WHERE b > 0;
         CREATE VIEW v AS SELECT * FROM w; CREATE TRIGGER r AFTER INSERT ON w BEGIN SELECT 1; END; INSERT INTO w (a) VALUES ('x');",
        "CREATE VIRTUAL TABLE f USING fts5 (a); INSERT INTO f VALUES ('some words');",
    ];
    let mut found = Vec::new();
    for (number, schema) in SCHEMAS.into_iter().enumerate() {
        let file = env::temp_dir().join(format!("recoveryguard-seed-{}-{number}", std::process::id()));
        let connection = Connection::open(&file).expect("a database can be made");
        connection.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = OFF;").expect("it is asked for little");
        // Not every SQLite has every extension.
        if connection.execute_batch(schema).is_ok() {
            drop(connection);
            let bytes = fs::read(&file).expect("it is there");
            found.push([&[0_u8][..], &bytes].concat());
        }
        fs::remove_file(&file).ok();
    }
    found.push(b"\x01SQLite format 3\0".to_vec());
    found
}

const MANIFEST_WORDS: &[&str] = &[
    "version = 1",
    "[[protect]]",
    "[[data]]",
    "[[branch]]",
    "[[database]]",
    "[rules]",
    "[policy]",
    "[snapshot]",
    "[backup]",
    "[backup.remote]",
    "[runbook]",
    "[[runbook.contact]]",
    "paths = [",
    "deny = [",
    "level = ",
    "on = [",
    "format = ",
    "max_loss = ",
    "records = ",
    "key = ",
    "schema = ",
    "keep = ",
    "\"10%\"",
    "\"1 GiB\"",
    "\"**/\"",
    "\"!a\"",
    "\"block\"",
    "mass-delete = ",
    "last=",
    "within=14d",
    "\"\"\"",
    "'''",
    "\\u0000",
    "#",
];
const JOURNAL_WORDS: &[&str] = &[
    "{\"operation\":",
    "\"at\":",
    "\"guard\":\"\"",
    "\"body\":{",
    "\"type\":\"intent\"",
    "\"type\":\"judgement\"",
    "\"type\":\"outcome\"",
    "\"type\":\"allowance\"",
    "\"kind\":\"external\"",
    "\"kind\":\"redo\"",
    "\"of\":\"y\"",
    "\"worktree\":\".\"",
    "\"findings\":[",
    "\"excuse\":",
    "\"planned\":[",
    "\"bytes\":\"ff\"",
    "18446744073709551615",
    "0202020202020202020202020202020202020202",
    "recoveryguard-journal 1 ",
    "\"verdict\":\"block\"",
    "\"route\":\"gate\"",
];
const JSON_WORDS: &[&str] = &[
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "\\\"",
    "1e999",
    "-0",
    "1e-5",
    "null",
    "true",
    "false",
    "\u{feff}",
    "\"id\":",
    "\"items\":",
    "\"name\":",
    "{\"a\":",
    "[[[[[[[[",
    "]]]]]]]]",
    "<<<<<<< ",
    ">>>>>>> ",
    "=======",
    "//",
    "/*",
    "*/",
    ",]",
    "NaN",
    "9007199254740993",
];
const DATA_WORDS: &[&str] = &[
    "<<: *a",
    "&a ",
    "*a",
    "--- ",
    "...",
    "? ",
    ": ",
    "- ",
    "|\n",
    ">-\n",
    "!!binary ",
    "%YAML 1.2",
    "\"\"\"",
    "'''",
    "[[",
    "]]",
    " = ",
    "inf",
    "nan",
    "1979-05-27T07:32:00Z",
    "07:32:00",
    "0x",
    "0b1",
    "/*",
    "*/",
    "//",
    "\r\n",
    "\"\"",
    "\u{feff}",
    "<<<<<<< ",
    "\\u0000",
    "{\"a\":",
];
const SCHEMA_WORDS: &[&str] = &[
    "\"$ref\":",
    "\"$defs\":",
    "\"$id\":",
    "\"$anchor\":",
    "\"$dynamicRef\":",
    "\"$schema\":",
    "http://json-schema.org/draft-04/schema#",
    "https://json-schema.org/draft/2020-12/schema",
    "\"#\"",
    "\"#/$defs/a\"",
    "\"pattern\":",
    "\"patternProperties\":",
    "\"properties\":",
    "\"items\":",
    "\"prefixItems\":",
    "\"allOf\":[",
    "\"anyOf\":[",
    "\"oneOf\":[",
    "\"not\":",
    "\"if\":",
    "\"then\":",
    "\"else\":",
    "\"type\":",
    "\"enum\":[",
    "\"const\":",
    "\"minimum\":",
    "\"multipleOf\":",
    "\"uniqueItems\":true",
    "\"contains\":",
    "\"unevaluatedProperties\":",
    "\"format\":\"email\"",
    "\"contentEncoding\":\"base64\"",
    "\"dependentSchemas\":",
    "\"propertyNames\":",
    "(a*)*",
    "[^\\\\w]{1,1000}",
    "1e308",
];

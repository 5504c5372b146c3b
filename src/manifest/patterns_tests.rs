//! Patterns against cases of the documentation, and against git itself.

use bstr::{BString, ByteSlice};

use super::*;

fn named(lines: &[&str], path: &[u8]) -> bool {
    Patterns::new(lines).unwrap().matches(path.as_bstr())
}

#[test]
fn the_documented_meanings_hold() {
    let cases: &[(&[&str], &[u8], bool)] = &[
        (&["*.sh"], b"deep/down/run.sh", true),
        (&["/*.sh"], b"deep/run.sh", false),
        (&["scripts/*.sh"], b"scripts/run.sh", true),
        (&["scripts/*.sh"], b"scripts/deep/run.sh", false),
        (&["scripts/*.sh"], b"other/scripts/run.sh", false),
        (&["scripts/**/*.sh"], b"scripts/run.sh", true),
        (&["scripts/**/*.sh"], b"scripts/a/b/run.sh", true),
        (&["data"], b"data/a/b.json", true),
        (&["data/"], b"x/data/a.json", true),
        (&["data/"], b"data", false),
        (&["/data"], b"x/data", false),
        (&["a?c"], b"a/c", false),
        (&["data", "!data/raw"], b"data/raw/x", false),
        (&["data", "!data/raw"], b"data/good/x", true),
        (&["data", "!data/raw", "data/raw/keep"], b"data/raw/keep", true),
        (&["*.sh", "!vendor/"], b"vendor/a.sh", false),
        (&["!vendor/", "*.sh"], b"vendor/a.sh", true),
        (&["release/*"], b"release/1.2", true),
        (&[], b"any", false),
        (&["*"], b"", false),
        (&["*"], b"/rooted", false),
        // A leading `#` is no comment, spaces are not trimmed, `\!` is the character.
        (&["#a"], b"#a", true),
        (&["a "], b"a ", true),
        (&["a "], b"a", false),
        (&["\\!a"], b"!a", true),
        // Odd names.
        (&["a\nb"], b"x/a\nb", true),
        (&["-rf"], b"-rf", true),
        (&["caf?"], b"caf\xff", true),
        (&["with space/*"], b"with space/\xfe\xff", true),
        (&["[[:digit:]]x"], b"7x", true),
        (&["[]]x"], b"]x", true),
    ];
    for (lines, path, expected) in cases {
        assert_eq!(named(lines, path), *expected, "{lines:?} on {:?}", path.as_bstr());
    }
}

#[test]
fn folders_and_submodules_can_be_asked_for() {
    let patterns = Patterns::new(&["libs/x/"]).unwrap();
    assert!(patterns.matches_folder(b"libs/x".as_bstr()));
    assert!(!patterns.matches(b"libs/x".as_bstr()));
}

#[test]
fn lines_that_could_never_match_are_refused() {
    let long = "x".repeat(MAX_LENGTH + 1);
    let stars = "*a".repeat(MAX_STARS + 1);
    let doubles = "**/a/".repeat(MAX_DOUBLE_STARS + 1);
    let bad = [
        "",
        " ",
        "!",
        "/",
        "!/",
        "a\\",
        "a\\/",
        "a[1",
        "[",
        "[]",
        "[!]",
        "[[:digit:]",
        "[[:x]",
        "[[:alplpha:*]",
        "[[:digits:]]",
        "a[b[:]",
        "a//b",
        "./a",
        "a/../b",
        "..",
        "a/./b",
        "//a",
        "nul\0",
        &long,
        &stars,
        &doubles,
    ];
    for line in bad {
        let error = Patterns::new(&["good", line]).expect_err(line);
        assert_eq!(error.index, 1);
        assert!(!error.message.chars().any(char::is_control), "{error}");
    }
    for good in [
        "a\\\\",
        "\\[x",
        "[[]",
        "[a\\]]",
        "[[:digit:]]",
        "[^[:upper:]_[:space:]]",
        "[:x\\[]",
        "[:]",
        "...",
        "a/.../b",
        "**",
        "a/**/b",
        ".env",
    ] {
        Patterns::new(&[good]).expect(good);
    }
}

#[test]
fn a_hostile_pattern_is_answered_soon() {
    let path = BString::from("a/".repeat(500) + "a");
    for line in
        ["**/a/".repeat(MAX_DOUBLE_STARS) + "b", "**/*a".repeat(MAX_DOUBLE_STARS) + "b", "*a".repeat(MAX_STARS) + "b"]
    {
        assert!(!named(&[&line], &path), "{line}");
        assert!(!named(&[&line], &b"a".repeat(1000)), "{line}");
    }
}

/// git as the oracle.
mod against_git {
    use std::io::Write;
    use std::process::Stdio;

    use proptest::prelude::*;

    use super::*;

    /// Returns, for each path, whether git would ignore it under one list of lines.
    #[expect(clippy::disallowed_methods, reason = "git is the oracle here, and its rules must come from a file")]
    fn check_ignore(lines: &[String], paths: &[String]) -> Vec<bool> {
        let folder = tempfile::tempdir().unwrap();
        let git_dir = folder.path().join(".git");
        // What git needs to call a folder a repository; `git init` for each case would take most of the time.
        for part in ["objects", "refs", "info"] {
            std::fs::create_dir_all(git_dir.join(part)).unwrap();
        }
        std::fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        std::fs::write(git_dir.join("info/exclude"), lines.join("\n") + "\n").unwrap();
        let mut child = std::process::Command::new("git")
            .args(["check-ignore", "--no-index", "-z", "-v", "-n", "--stdin"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input: String = paths.iter().map(|path| format!("{path}\0")).collect();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap().stdout;
        // Four fields a path: source, line, pattern, path.
        let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
        let answers: Vec<bool> =
            fields.chunks_exact(4).map(|field| !field[2].is_empty() && !field[2].starts_with(b"!")).collect();
        assert_eq!(answers.len(), paths.len(), "git answers for each path");
        answers
    }

    fn part() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec!["a", "b", "ab", "a.sh", "-a", "a b", "é"]).prop_map(String::from),
            prop::sample::select(vec!["*", "**", "a*", "*.sh", "?", "[ab]", "[!a]", "\\a", "*b*", "[[:alpha:]]b"])
                .prop_map(String::from),
        ]
    }

    fn line() -> impl Strategy<Value = String> {
        (any::<bool>(), prop::collection::vec(part(), 1..4), any::<bool>()).prop_map(|(anchored, parts, folder)| {
            format!("{}{}{}", if anchored { "/" } else { "" }, parts.join("/"), if folder { "/" } else { "" })
        })
    }

    fn path() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "ab", "a.sh", "x.sh", "-a", "a b", "é", "c"]);
        prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn a_list_without_negation_means_what_git_means(
            lines in prop::collection::vec(line(), 1..5),
            paths in prop::collection::vec(path(), 1..40),
        ) {
            let patterns = Patterns::new(&lines).unwrap();
            let ours: Vec<bool> = paths.iter().map(|path| patterns.matches(path.as_bytes().as_bstr())).collect();
            prop_assert_eq!(ours, check_ignore(&lines, &paths), "{:?} on {:?}", lines, paths);
        }

        /// With `!`, the answer is that of the last line which, alone, names the path in git's eyes.
        #[test]
        fn the_last_line_that_names_a_path_decides(
            lines in prop::collection::vec((any::<bool>(), line()), 1..4),
            paths in prop::collection::vec(path(), 1..40),
        ) {
            let mut expected = vec![false; paths.len()];
            for (negated, line) in &lines {
                for (answer, named) in expected.iter_mut().zip(check_ignore(std::slice::from_ref(line), &paths)) {
                    if named { *answer = !negated }
                }
            }
            let written: Vec<String> =
                lines.iter().map(|(negated, line)| format!("{}{line}", if *negated { "!" } else { "" })).collect();
            let patterns = Patterns::new(&written).unwrap();
            let ours: Vec<bool> = paths.iter().map(|path| patterns.matches(path.as_bytes().as_bstr())).collect();
            prop_assert_eq!(ours, expected, "{:?} on {:?}", written, paths);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_line_makes_the_matcher_panic(line in "[ab*?!/\\\\\\[\\]:^-]{0,24}", path in "[ab/\\[\\]:-]{0,24}") {
            if let Ok(patterns) = Patterns::new(&[&line]) {
                patterns.matches(path.as_bytes().as_bstr());
            }
        }
    }
}

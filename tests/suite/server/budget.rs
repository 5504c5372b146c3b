//! When the time for a push is over: which manifest says what happens then, and what is said.

use super::Server;

fn with(policy: &str) -> Server {
    let server = Server::with(&format!("version = 1\n[policy]\non_failure = \"{policy}\"\n"));
    // Not enough for anything.
    server.config("recoveryguard.pushSeconds", "0.000001");
    server
}

fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "remote:").collect::<Vec<_>>().join(" ")
}

#[test]
fn the_branchs_manifest_says_whether_it_is_taken() {
    for (policy, said, taken) in [("block", "refused, as on_failure says", false), ("warn", "it is taken", true)] {
        let server = with(policy);
        // What holds where no manifest can be read does not matter: this one can.
        server.config("recoveryguard.onFailure", if taken { "block" } else { "warn" });
        let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
        let ran = server.push(&[&format!("{good}:refs/heads/main")]);
        assert_eq!((ran.status == 0, server.at("main") == good), (taken, taken), "{ran}");
        let words = words(&ran.stderr);
        assert!(words.contains(&format!("could not judge this push: {said}")), "{ran}");
        assert!(
            words.contains("what changes was not judged in time (0.000001 s); push")
                && words.contains("recoveryguard.pushSeconds"),
            "{ran}"
        );
        server.config("recoveryguard.pushSeconds", "20");
        let _ = server.push(&["main:refs/heads/quiet"]).ok();
    }
}

#[test]
fn of_several_branches_the_strictest_counts() {
    let server = with("warn");
    let sandbox = &server.sandbox;
    let strict =
        sandbox.branch("strict", &[(".recoveryguard.toml", Some("version = 1\n[policy]\non_failure = \"block\"\n"))]);
    server.config("recoveryguard.pushSeconds", "20");
    let _ = server.push(&[&format!("{strict}:refs/heads/strict")]).ok();
    server.config("recoveryguard.pushSeconds", "0.000001");
    let (one, two) = (sandbox.branch("one", &[("one", Some("1"))]), sandbox.branch("two", &[("two", Some("2"))]));
    let _ = server.push(&[&format!("{one}:refs/heads/main"), &format!("+{two}:refs/heads/strict")]).fails();
    assert_eq!(server.at("strict"), strict);
    let _ = server.push(&[&format!("{one}:refs/heads/main")]).ok();
}

#[test]
fn a_time_that_is_none_is_told() {
    let server = with("warn");
    server.config("recoveryguard.pushSeconds", "soon");
    let refused = server.push(&["main:refs/heads/new"]).fails();
    assert!(
        words(&refused.stderr).contains("recoveryguard.pushSeconds is 'soon', not a number of seconds"),
        "{refused}"
    );
}

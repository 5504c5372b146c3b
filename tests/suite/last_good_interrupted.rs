//! A restore that was killed amid its files: who looks at files says so, and a later refusal says what was put back first.

use serde_json::Value;

use crate::support::Sandbox;

const FILES: [&str; 2] = ["data/a.json", "data/b.json"];

/// Two broken files of which a killed restore brought one back, and a third one without a good version.
fn half_restored() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".recoveryguard.toml", "version = 1\n[[data]]\npaths = ['data/*.json']\nbackup = true\n");
    for file in FILES {
        sandbox.write(file, "[1]");
    }
    sandbox.write("data/c.json", "{").commit("data");
    let is_half = |steps: u32| {
        for file in FILES {
            sandbox.write(file, "[");
        }
        let mut command = sandbox.command("guard", sandbox.work());
        let _ = command.args(["restore"]).args(FILES).env("RECOVERYGUARD_FAULT", format!("die:{steps}")).output();
        sandbox.read(FILES[0]) != sandbox.read(FILES[1])
    };
    assert!((0..80).any(is_half), "it never died between the files");
    sandbox
}

#[test]
fn who_looks_at_files_says_that_a_restore_has_not_ended() {
    let sandbox = half_restored();
    for (arguments, exit) in [(&["verify"][..], 1), (&["backup", "create"], 1), (&["verify", "--json"], 1)] {
        let told = sandbox.guard(arguments).exits(exit);
        assert_eq!(told.stderr.matches("has not ended; if it was interrupted, 'guard doctor'").count(), 1, "{told}");
    }
    let _ = sandbox.guard(["doctor"]);
    assert_eq!(sandbox.guard(["verify"]).exits(1).stderr, "");
}

#[test]
fn a_refusal_that_follows_says_what_was_put_back_before_it() {
    for command in [&["restore", "data/c.json"][..], &["restore", "data/c.json", "--from", "HEAD"]] {
        let sandbox = half_restored();
        let refused = sandbox.guard(command).exits(4);
        assert!(refused.stderr.contains("; nothing else was changed; hint: "), "{refused}");
        assert!(refused.stderr.contains("was interrupted and is rolled back now\n"), "{refused}");
        assert!(FILES.iter().all(|file| sandbox.read(file) == b"["), "{refused}");
        // Once.
        let again = sandbox.guard(command).exits(4);
        assert!(
            again.stderr.contains("; nothing was changed; hint: ") && !again.stderr.contains("rolled back"),
            "{again}"
        );
    }
    let sandbox = half_restored();
    let refused = sandbox.guard(["restore", "data/c.json", "--json"]).exits(4);
    let document: Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!(document["recovered"][0]["way"], "rolled-back", "{document:#}");
    let sandbox = half_restored();
    let refused = sandbox.guard(["undo", "no-such-operation"]).fails();
    assert!(refused.stderr.contains("\noperation ") && refused.stderr.ends_with("is rolled back now\n"), "{refused}");
}

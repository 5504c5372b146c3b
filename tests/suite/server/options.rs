//! Push options: switched on by install, told by doctor, and what is mistyped is told to whoever pushed it.

use super::Server;
use crate::support::{Ran, Sandbox};

const ALLOWS: &str =
    "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\", \"mass-delete\"]\n";

/// A bare repository without guard.
fn bare() -> (Sandbox, std::path::PathBuf) {
    let sandbox = Sandbox::new();
    let bare = sandbox.root().join("plain.git");
    let _ = sandbox.git_in(sandbox.root(), ["clone", "-q", "--bare", "repo", "plain.git"]).ok();
    (sandbox, bare)
}

#[test]
fn install_switches_them_on_and_uninstall_brings_the_configuration_back() {
    let (sandbox, bare) = bare();
    let guard = |arguments: &[&str]| Ran::of(sandbox.command("guard", &bare).args(arguments), b"");
    let options = || sandbox.git_in(&bare, ["config", "--get", "receive.advertisePushOptions"]).stdout;
    let before = std::fs::read(bare.join("config")).unwrap();
    let dry = guard(&["install", "--server", "--dry-run"]).ok();
    assert!(dry.stdout.contains("Push options are taken") && options().is_empty(), "{dry}");
    let _ = guard(&["install", "--server"]).ok();
    assert_eq!(options(), "true\n");
    let again = guard(&["install", "--server"]).ok();
    assert!(!again.stdout.contains("Push options"), "{again}");
    let doctor = guard(&["doctor"]);
    assert!(doctor.stdout.contains("push options are taken"), "{doctor}");
    let _ = guard(&["uninstall"]).ok();
    assert_eq!(std::fs::read(bare.join("config")).unwrap(), before);
}

#[test]
fn what_the_operator_has_set_stays_as_it_is() {
    for (value, doctor_says) in [("false", "push options are off"), ("true", "push options are taken")] {
        let (sandbox, bare) = bare();
        let guard = |arguments: &[&str]| Ran::of(sandbox.command("guard", &bare).args(arguments), b"");
        let _ = sandbox.git_in(&bare, ["config", "receive.advertisePushOptions", value]).ok();
        let before = std::fs::read(bare.join("config")).unwrap();
        let install = guard(&["install", "--server"]).ok();
        assert_eq!(install.stdout.contains("nobody can give a reason with a push"), value == "false", "{install}");
        let doctor = guard(&["doctor"]);
        assert!(doctor.stdout.contains(doctor_says), "{doctor}");
        assert_eq!(
            doctor.stdout.contains("git config receive.advertisePushOptions true"),
            value == "false",
            "{doctor}"
        );
        assert_eq!(std::fs::read(bare.join("config")).unwrap(), before);
        let _ = guard(&["uninstall"]).ok();
        assert_eq!(std::fs::read(bare.join("config")).unwrap(), before);
    }
}

#[test]
fn a_slip_is_told_whether_or_not_anything_is_refused() {
    let server = Server::with(ALLOWS);
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let (bad, good) = (format!("{bad}:refs/heads/main"), format!("{good}:refs/heads/other"));
    let told = "git push -o 'guard-allow=protected-delete: <why>'";
    let words =
        |ran: &Ran| ran.stderr.split_whitespace().filter(|word| *word != "remote:").collect::<Vec<_>>().join(" ");
    let refused = server.push(&["-o", "guard-allow=protected_delete", &bad]).fails();
    assert!(words(&refused).contains("names a rule that is none"), "{refused}");
    assert_eq!(
        refused.stderr.matches(told).count(),
        3,
        "at first, as the finding's remedy and for the slip: {refused}"
    );
    let taken = server.push(&["-o", "guard-allow=protected-delete", "-o", "ci.skip", &good]).ok();
    assert!(words(&taken).contains("gives no reason") && taken.stderr.contains(told), "{taken}");
    assert!(!taken.stderr.contains("ci.skip"), "{taken}");
    let other = server.push(&["-o", "guard-allow=lost-keys: mine", &bad]).fails();
    let names = "does not count: '[policy] allow' names only mass-delete, protected-delete";
    assert!(words(&other).contains(names), "{other}");
    let _ = server.push(&["-o", "nonsense", "-o", "guard-allow=protected-delete: it moved", &bad]).ok();
}

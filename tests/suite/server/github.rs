//! An environment like that of GitHub Enterprise Server: a chroot that has git and guard, and the variables that GitHub documents.

use std::fs;

use super::Server;
use crate::support::{copy_program, not_run, run_mounting, write_program};

/// What a hook starts: git's variables and those that are named `GIT…` there, nothing else, and neither `/proc` nor a home.
const HOOK: &str = r#"#!/bin/sh
in=$(pwd)
export GIT_DIR="$in" GIT_USER_IP=::1 GITHUB_USER_LOGIN=ada GITHUB_REPO_NAME=ada/project
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=recoveryguard.pushSeconds GIT_CONFIG_VALUE_0=30
unset HOME
exec unshare --mount --map-root-user sh -c '
    mount --rbind /usr "$1/usr" && mount --bind "$2" "$1$2" && mount --bind /dev/null "$1/dev/null" &&
        PATH=/guard:/usr/bin exec /usr/sbin/chroot "$1" guard hook pre-receive' sh "$in/../chroot" "$in"
"#;

#[test]
fn needs_unshare_for_an_environment_like_githubs() {
    let server =
        Server::with("version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[policy]\nallow = [\"protected-delete\"]\n");
    if run_mounting(&server.sandbox, "true").is_none() {
        return;
    }
    let git = server.sandbox.root().join("bin/git").canonicalize().unwrap();
    if !git.starts_with("/usr") {
        return not_run("the git under test is not below /usr");
    }
    let _ = server.guard(&["uninstall"]).ok();
    server.config("receive.advertisePushOptions", "true");
    let root = server.sandbox.root().join("chroot");
    for folder in ["usr", "dev", "guard", server.bare.to_str().unwrap().trim_start_matches('/')] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("dev/null"), "").unwrap();
    // As on a system whose programs are all below /usr.
    for name in ["bin", "lib", "lib64"] {
        std::os::unix::fs::symlink(format!("usr/{name}"), root.join(name)).unwrap();
    }
    copy_program(server.sandbox.root().join("bin/guard"), root.join("guard/guard"));
    write_program(root.join("guard/git"), format!("#!/bin/sh\nexec '{}' \"$@\"\n", git.display()));
    write_program(server.bare.join("hooks/pre-receive"), HOOK);
    let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let _ = server.push(&[&format!("{good}:refs/heads/main")]).ok();
    let refused = server.push(&["-f", &format!("{bad}:refs/heads/main")]).fails();
    assert!(refused.stderr.contains("protected-delete") && !refused.stderr.contains("could not"), "{refused}");
    let reason = "guard-allow=protected-delete: it moved";
    let _ = server.push(&["-f", "-o", reason, &format!("{bad}:refs/heads/main")]).ok();
    assert_eq!(server.at("main"), bad);
    // It was made without /dev/null, which git needs, too.
    let without = HOOK.replace("mount --bind /dev/null \"$1/dev/null\"", "rm -f \"$1/dev/null\"");
    write_program(server.bare.join("hooks/pre-receive"), without);
    let _ =
        server.push(&["-f", &format!("{good}:refs/heads/main")]).fails().says("git could not be started: No such file");
}

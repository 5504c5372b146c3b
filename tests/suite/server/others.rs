//! Forges that run hooks of their own, and servers with more than one user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use super::Server;
use crate::support::{CONFIG_VARIABLES, FOREIGN_OWNER, Ran, Sandbox, write_program};

/// Does what the hook of Gitea and Forgejo does: the programs in the folder that has its own name get what it gets, all of them
/// run, and the first that failed decides.
const DELEGATE: &str = r#"#!/bin/sh
lines=$(cat) name=$(basename $0) failed=0
for program in "${GIT_DIR:-.}/hooks/$name.d"/*; do
  if [ -f "$program" ] && [ -x "$program" ]; then
    printf '%s\n' "$lines" | "$program" || [ $failed != 0 ] || failed=1
  fi
done
exit $failed
"#;

const CALL: &str = "#!/bin/sh\nexec guard hook pre-receive\n";

/// A bad push is refused with the reason, a good one is taken.
fn assert_judges(server: &Server) {
    let bad = server.sandbox.branch("bad", &[("tool.sh", None)]);
    let good = server.sandbox.branch("good", &[("new", Some("1\n"))]);
    let refused = server.push(&[&format!("{bad}:refs/heads/main")]).fails();
    assert_eq!(refused.stderr.matches("guard: refused this push").count(), 1, "{refused}");
    let _ = server.push(&[&format!("{good}:refs/heads/main")]).ok();
    assert_eq!(server.at("main"), good);
}

#[test]
fn beside_giteas_hooks() {
    let server = Server::new();
    let _ = server.guard(&["uninstall"]).ok();
    write_program(server.bare.join("hooks/pre-receive"), DELEGATE);
    write_program(server.bare.join("hooks/pre-receive.d/gitea"), "#!/bin/sh\ncat >> gitea-saw\n");
    write_program(server.bare.join("hooks/pre-receive.d/recoveryguard"), CALL);
    assert_judges(&server);
}

/// Theirs looks for the folder by its own name: kept under another one it would run nothing any more.
#[test]
fn install_leaves_a_hook_alone_that_runs_a_folder_of_its_name() {
    let server = Server::new();
    let _ = server.guard(&["uninstall"]).ok();
    write_program(server.bare.join("hooks/pre-receive"), DELEGATE);
    write_program(server.bare.join("hooks/pre-receive.d/gitea"), "#!/bin/sh\ncat >> gitea-saw\n");
    let refused = server.guard(&["install", "--server"]).exits(4).says("pre-receive.d");
    assert_eq!(fs::read_to_string(server.bare.join("hooks/pre-receive")).unwrap(), DELEGATE);
    // The hint works as printed, and is doctor's remedy.
    let (_, hint) = refused.stderr.lines().next().unwrap().split_once("; hint: ").unwrap();
    let doctor = server.guard(&["doctor"]).exits(1);
    assert!(doctor.stdout.contains(&format!("do: {hint}\n")) && !doctor.stdout.contains("guard install"), "{doctor}");
    let _ = Ran::of(server.sandbox.command("sh", &server.bare).args(["-c", hint]), b"").ok();
    assert_judges(&server);
    let doctor = server.guard(&["doctor"]).ok();
    assert!(doctor.stdout.contains("/hooks/pre-receive.d/recoveryguard' runs guard"), "{doctor}");
    assert!(doctor.stdout.contains("before     git push to this repository"), "{doctor}");
    let told = server.guard(&["install", "--server"]).ok();
    assert!(told.stdout.contains("left out: what stands there runs guard"), "{told}");
    write_program(
        server.bare.join("hooks/pre-receive.d/recoveryguard"),
        "#!/bin/sh\nexec /gone/guard hook pre-receive\n",
    );
    let doctor = server.guard(&["doctor"]).exits(1);
    assert!(doctor.stdout.contains("calls '/gone/guard', which can't be run"), "{doctor}");
    assert!(!fs::read_to_string(server.bare.join("gitea-saw")).unwrap().is_empty());
}

/// Does what GitLab's Gitaly does: its hooks lie outside the repository's own folder of hooks, run in the repository, and get an
/// environment of their own, in which the quarantine is not called so, and nothing says that push options are taken.
const GITALY: &str = r#"#!/bin/sh
lines=$(cat)
for hook in custom_hooks/pre-receive.d/*; do
  case $hook in *~) continue ;; esac
  [ -x "$hook" ] || continue
  printf '%s\n' "$lines" | env -i HOME="$HOME" PATH="$PATH" GIT_DIR="$PWD" GIT_OBJECT_DIRECTORY="$GIT_OBJECT_DIRECTORY" \
    GIT_ALTERNATE_OBJECT_DIRECTORIES="$GIT_ALTERNATE_OBJECT_DIRECTORIES" GL_ID=user-1 GL_PROTOCOL=ssh \
    ${GIT_PUSH_OPTION_COUNT:+GIT_PUSH_OPTION_COUNT="$GIT_PUSH_OPTION_COUNT" GIT_PUSH_OPTION_0="$GIT_PUSH_OPTION_0"} \
    "$hook" || exit 1
done
"#;

#[test]
fn as_a_custom_hook_of_gitlab() {
    let server = Server::with(
        "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[[data]]\npaths = [\"*.db\"]\n[rules]\ndata-shrunk = \"block\"\n\
         [policy]\nallow = [\"protected-delete\"]\n",
    );
    let _ = server.guard(&["uninstall"]).ok();
    let _ = server.sandbox.git_in(&server.bare, ["config", "--unset", "receive.advertisePushOptions"]).ok();
    let gitaly = server.sandbox.root().join("gitaly-hooks/pre-receive");
    write_program(&gitaly, GITALY);
    let call = "#!/bin/sh\nexport GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=receive.advertisePushOptions GIT_CONFIG_VALUE_0=true\n\
                exec guard hook pre-receive 2>&1\n";
    write_program(server.bare.join("custom_hooks/pre-receive.d/recoveryguard"), call);
    server.config("core.hooksPath", gitaly.parent().unwrap().to_str().unwrap());
    assert_judges(&server);
    table(&server.sandbox, 100);
    server.sandbox.commit("rows");
    let _ = server.push(&["HEAD:refs/heads/rows"]).ok();
    table(&server.sandbox, 0);
    server.sandbox.commit("no rows");
    let refused = server.push(&["HEAD:refs/heads/rows"]).fails();
    assert!(refused.stderr.contains("the table 't' is empty, it had 100 rows"), "{refused}");
    assert!(!server.bare.join("recoveryguard").exists(), "all that was written stood in quarantine");
    // That hook sets options by variables, which git reads from 2.31 on.
    if !CONFIG_VARIABLES.is_here() {
        return;
    }
    let pack = "--receive-pack=git -c receive.advertisePushOptions=true receive-pack";
    let refused = server.push(&[pack, "-f", "bad:main"]).fails();
    assert!(refused.stderr.contains("git push -o 'guard-allow=protected-delete: <why>'"), "{refused}");
    let _ = server.push(&[pack, "-f", "-o", "guard-allow=protected-delete: it moved", "bad:main"]).ok();
}

/// Writes a database into the working tree.
fn table(sandbox: &Sandbox, rows: i64) {
    let _ = fs::remove_file(sandbox.at("a.db"));
    let database = rusqlite::Connection::open(sandbox.at("a.db")).unwrap();
    database.execute_batch("CREATE TABLE t(a)").unwrap();
    (0..rows).for_each(|row| _ = database.execute("INSERT INTO t VALUES (?1)", [row]).unwrap());
}

fn is_root() -> bool {
    let found = Path::new("/proc/self").metadata().unwrap().uid() == 0;
    if !found {
        use std::io::Write;
        let _ = std::io::stderr().write_all(b"not run: this needs to be root, to be two users\n");
    }
    found
}

/// Somebody without rights.
const NOBODY: u32 = 65534;

fn give(path: &Path, owner: u32) {
    let _ = chown(path, Some(owner), Some(owner));
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

/// Runs a program in the sandbox as nobody.
fn as_nobody(sandbox: &Sandbox, folder: &Path, words: &[&str]) -> Ran {
    let mut command = sandbox.command("setpriv", folder);
    Ran::of(command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).args(words), b"")
}

#[test]
fn needs_root_an_admin_does_not_install_into_somebody_elses_repository() {
    if !is_root() {
        return;
    }
    let server = Server::new();
    let _ = server.guard(&["uninstall"]).ok();
    give(&server.bare, NOBODY);
    // git itself does not want to work there; an old one does not ask.
    if FOREIGN_OWNER.is_here() {
        let _ = server.guard(&["install", "--server"]).fails().says("dubious ownership");
    }
    server
        .sandbox
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*");
    let refused = server.guard(&["install", "--server"]).exits(4).says("belongs to user 65534");
    assert!(refused.stderr.contains("sudo -u '#65534' guard install --server"), "{refused}");
    assert!(!server.bare.join("hooks/pre-receive").exists() && !server.bare.join("recoveryguard").exists());
    // In a shared one everybody may.
    server.config("core.sharedRepository", "group");
    let _ = server.guard(&["install", "--server"]).ok();
}

/// Each user pushes with an account of his own: the hook needs nothing that only the admin may read or write.
#[test]
fn needs_root_other_users_of_a_shared_repository_are_judged_too() {
    if !is_root() {
        return;
    }
    let server = Server::with(
        "version = 1\n[[protect]]\npaths = [\"tool.sh\"]\n[[data]]\npaths = [\"*.db\"]\n[rules]\ndata-shrunk = \"block\"\n",
    );
    let sandbox = &server.sandbox;
    table(sandbox, 100);
    sandbox.commit("rows");
    let _ = server.push(&["main"]).ok();
    table(sandbox, 0);
    let few = sandbox.commit("no rows");
    let bad = sandbox.branch("bad", &[("tool.sh", None)]);
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(sandbox.root());
    let writable = Ran::of(
        sandbox.command("chmod", sandbox.root()).args(["-R", "a+rwX", "server.git/objects", "server.git/refs"]),
        b"",
    );
    let _ = writable.ok();
    fs::set_permissions(&server.bare, fs::Permissions::from_mode(0o777)).unwrap();
    let mode = |path: &str| server.bare.join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("recoveryguard"), mode("hooks/pre-receive")), (0o700, 0o755));
    give(sandbox.work(), NOBODY);
    let safe = sandbox.root().join("safe.config");
    fs::write(&safe, "[safe]\n\tdirectory = *\n").unwrap();
    sandbox.env("GIT_CONFIG_GLOBAL", safe);
    for (commit, rule) in [(few, "data-shrunk"), (bad, "protected-delete")] {
        let push = ["git", "push", "-q", "origin", &format!("{commit}:refs/heads/main")];
        let refused = as_nobody(sandbox, sandbox.work(), &push).fails();
        assert!(refused.stderr.contains(rule) && refused.stderr.contains("refused this push"), "{rule}: {refused}");
    }
    let good = sandbox.rev("main~1");
    let _ =
        as_nobody(sandbox, sandbox.work(), &["git", "push", "-q", "origin", &format!("{good}:refs/heads/fine")]).ok();
    give(sandbox.work(), 0);
}

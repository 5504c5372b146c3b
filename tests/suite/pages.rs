//! Written pages are true: the recovery procedure is what the catalogue says, and every console block of it and of the README is
//! typed in the sample project and ends as it is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use recoveryguard::drill::{Surroundings, Template};
use recoveryguard::git::Environment;
use recoveryguard::model::TreePath;
use recoveryguard::runbook;
use snapbox::{Assert, Data};

use crate::support::Sandbox;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(project().join(name)).unwrap()
}

/// Returns the files of this project, without what is built.
fn files(folder: &Path, found: &mut Vec<TreePath>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(project()).unwrap().to_str().unwrap().to_owned();
        if [".git", "target"].contains(&inside.as_str()) {
            continue;
        }
        if path.is_dir() { files(&path, found) } else { found.push(TreePath::from(inside)) }
    }
}

#[test]
fn the_recovery_procedure_is_what_the_catalogue_says() {
    let manifest = recoveryguard::manifest::parse(page(".recoveryguard.toml").as_bytes()).unwrap();
    let mut tracked = Vec::new();
    files(project(), &mut tracked);
    let written = runbook::page(&manifest, &tracked);
    assert_eq!(runbook::faults(&manifest, &written), Vec::<String>::new());
    let wanted = page(runbook::FILE);
    assert!(written == wanted, "'{}' is not what 'guard runbook' writes: run it in a clone", runbook::FILE);
}

#[test]
fn the_first_screen_of_the_readme_leads_to_the_recovery_procedure() {
    let first: String = page("README.md").lines().take(24).collect();
    assert!(first.contains(&format!("({})", runbook::FILE)), "{first}");
}

#[test]
fn a_written_page_is_checked_and_a_changed_one_is_told() {
    let sandbox = Sandbox::new();
    let manifest = "version = 1\n[[data]]\npaths = [\"*.json\"]\n[[runbook.contact]]\nname = \"me\"\nhow = \"shout\"\n";
    sandbox.write(".recoveryguard.toml", manifest).write("a b.json", "{}\n").commit("data");
    assert!(sandbox.guard(["runbook"]).ok().stdout.contains("never"));
    let text = String::from_utf8(sandbox.read("docs/recovery_procedure.md")).unwrap();
    assert!(text.contains("guard restore 'a b.json'") && text.contains("| me | shout |"), "{text}");
    let _ = sandbox.guard(["runbook", "--check"]).ok();
    sandbox.write("docs/recovery_procedure.md", format!("{text}\nby hand\n"));
    let changed = sandbox.guard(["runbook", "--check"]).exits(1);
    assert!(changed.stdout.contains("is not what 'guard runbook' would write"), "{changed}");
    sandbox.write(".recoveryguard.toml", "version = 1\n");
    let _ = sandbox.guard(["runbook"]).ok();
    let nobody = sandbox.guard(["runbook", "--check"]).exits(1);
    assert!(nobody.stdout.contains("nobody is named"), "{nobody}");
}

#[test]
fn a_recovery_that_was_not_rehearsed_is_the_doctors_to_tell() {
    let sandbox = Sandbox::new();
    sandbox
        .install()
        .write(".recoveryguard.toml", "version = 1\n[runbook]\ndrill_every = \"30d\"\n")
        .commit("manifest");
    let said = sandbox.guard(["doctor"]).exits(1).stdout;
    assert!(said.contains("no incident was rehearsed here yet") && said.contains("do: guard drill"), "{said}");
    let _ = sandbox.guard(["drill"]).ok();
    let said = sandbox.guard(["doctor"]).ok().stdout;
    assert!(said.contains("all passed"), "{said}");
    let later =
        sandbox.command("guard", sandbox.work()).env("RECOVERYGUARD_CLOCK", "4000000000000").arg("doctor").output();
    let said = String::from_utf8(later.unwrap().stdout).unwrap();
    assert!(said.contains("more than 30 days"), "{said}");
}

/// A command of a console block, and what is printed below it.
struct Typed {
    line: String,
    printed: String,
}

fn consoles(text: &str) -> Vec<Typed> {
    let (mut found, mut inside) = (Vec::<Typed>::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            found.push(Typed { line: command.to_owned(), printed: String::new() });
        } else if let Some(last) = found.last_mut().filter(|_| inside) {
            last.printed.push_str(&format!("{line}\n"));
        }
    }
    found
}

#[test]
fn every_console_block_ends_as_it_is_printed() {
    for name in ["README.md", runbook::FILE, "docs/undo.md", "docs/data.md"] {
        let sandbox = Sandbox::new();
        let bin = sandbox.root().join("bin");
        let search = std::env::join_paths([bin.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let surroundings = Surroundings {
            environment: Environment { variables: vec![("PATH".into(), search)] },
            guard: env!("CARGO_BIN_EXE_guard").into(),
            now: u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap(),
        };
        let folder = sandbox.root().join("sample");
        drop(Template::sample(&folder, &surroundings).unwrap());
        let typed = consoles(&page(name));
        assert!(!typed.is_empty(), "{name} shows nothing");
        for Typed { line, printed } in typed {
            let said = run(&line, &folder, &sandbox);
            Assert::new().eq(Data::from(said.trim_end().to_owned()), Data::from(printed.trim_end().to_owned()));
        }
    }
}

fn run(line: &str, folder: &Path, sandbox: &Sandbox) -> String {
    let bin: PathBuf = sandbox.root().join("bin");
    let search = std::env::join_paths([folder.join("bin").as_path(), &bin, Path::new("/usr/bin"), Path::new("/bin")]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{line} 2>&1")]).current_dir(folder.join("project"));
    command.env_clear().env("PATH", search.unwrap()).env("HOME", folder.join("home")).env("LC_ALL", "C");
    let output = command.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

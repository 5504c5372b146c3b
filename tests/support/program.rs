//! Programs that tests write and run.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Ran;

/// Writes a program that may be run at once, with its folder.
///
/// Another process writes it. Were it this one, a program that another test starts at that moment would inherit the open file for
/// as long as it takes to start, and the kernel refuses to run a file that anybody can write to (`Text file busy`).
pub fn write_program(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = Command::new("/bin/sh");
    writer.args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(path);
    let _ = Ran::of(&mut writer, text.as_ref()).ok();
}

/// Copies a program, for the same reason.
pub fn copy_program(from: impl AsRef<Path>, to: impl AsRef<Path>) {
    let _ = Ran::of(Command::new("cp").arg(from.as_ref()).arg(to.as_ref()), b"").ok();
}

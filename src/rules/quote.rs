//! Commands as people can type them.

use bstr::ByteSlice;

use crate::model::{TreePath, escape};

/// Returns bytes as one word of a POSIX shell.
///
/// What can be shown is put in single quotes; what can't (control characters, bytes that are no UTF-8, characters that
/// hide or reorder text) in `$'…'` with octal escapes, which bash, zsh, ksh and POSIX 2024 shells read.
pub fn shell_quote(bytes: &[u8]) -> String {
    match bytes.to_str() {
        Ok(text) if escape(bytes) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let mut quoted = String::from("$'");
            for &byte in bytes {
                match byte {
                    b'\'' | b'\\' => quoted.extend(['\\', char::from(byte)]),
                    b' '..=b'~' => quoted.push(char::from(byte)),
                    // Three octal digits always: a digit that follows can't be read as part of the escape.
                    _ => quoted.push_str(&format!("\\{byte:03o}")),
                }
            }
            quoted.push('\'');
            quoted
        }
    }
}

/// Returns the command that lets a finding pass.
pub fn allow_command(rule: &str, path: Option<&TreePath>) -> String {
    match path {
        // A name that looks like an option stands behind `--`, and nothing that is an option may follow.
        Some(path) if path.starts_with(b"-") => {
            format!("guard allow {rule} --reason '...' -- {}", shell_quote(path))
        }
        Some(path) => format!("guard allow {rule} {} --reason '...'", shell_quote(path)),
        None => format!("guard allow {rule} --reason '...'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_shown_are_single_quoted() {
        assert_eq!(shell_quote(b"a b"), "'a b'");
        assert_eq!(shell_quote(b"it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_quote("ä".as_bytes()), "'ä'");
        assert_eq!(shell_quote(b""), "''");
    }

    #[test]
    fn names_that_can_not_be_shown_are_escaped_byte_by_byte() {
        assert_eq!(shell_quote(b"a\n1'\\\xff"), r"$'a\0121\'\\\377'");
        assert_eq!(shell_quote("\u{202e}x".as_bytes()), r"$'\342\200\256x'");
    }

    #[test]
    fn a_name_that_looks_like_an_option_stands_behind_two_dashes() {
        let command = allow_command("protected-delete", Some(&TreePath::from("-rf")));
        assert_eq!(command, "guard allow protected-delete --reason '...' -- '-rf'");
    }
}

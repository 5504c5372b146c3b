//! Which tree paths may name a file of the working tree.
//!
//! Trees can be made by hand and snapshots can be fetched from elsewhere, so a path is believed only after git's own
//! rules (`verify_path` in read-cache.c, with `core.protectHFS` and `core.protectNTFS` on wherever we run).

use crate::model::TreePath;

use super::DiskError;

/// Splits a tree path into its components, or says why nothing may be written there.
pub fn check_path(path: &TreePath) -> Result<Vec<&[u8]>, DiskError> {
    let refuse = |why| DiskError::Refused { path: path.to_string(), why };
    if path.is_empty() {
        return Err(refuse("the path is empty"));
    }
    let components: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    for component in &components {
        if let Some(why) = objection(component) {
            return Err(refuse(why));
        }
    }
    Ok(components)
}

fn objection(component: &[u8]) -> Option<&'static str> {
    match component {
        b"" => Some("it is absolute or has an empty component"),
        b"." | b".." => Some("it has a '.' or '..' component"),
        _ if component.contains(&0) => Some("it contains a NUL byte"),
        _ if is_dot_git(component) => Some("it leads into git's own folder"),
        _ => None,
    }
}

/// Whether a file system might take the name for `.git`: HFS+ ignores case and some invisible characters, NTFS ignores
/// case, trailing dots and spaces and what follows a colon, and has the short name `git~1`.
fn is_dot_git(component: &[u8]) -> bool {
    let visible: Vec<u8> = bstr::ByteSlice::utf8_chunks(component)
        .flat_map(|chunk| {
            let valid: String = chunk.valid().chars().filter(|character| !hfs_ignores(*character)).collect();
            [valid.as_bytes(), chunk.invalid()].concat()
        })
        .collect();
    let stem = visible.split(|byte| *byte == b':').next().unwrap_or_default();
    let end = stem.iter().rposition(|byte| !matches!(byte, b'.' | b' ')).map_or(0, |last| last + 1);
    let stem = &stem[..end];
    stem.eq_ignore_ascii_case(b".git") || stem.eq_ignore_ascii_case(b"git~1")
}

const fn hfs_ignores(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let bad: [&[u8]; 19] = [
            b"",
            b"/",
            b"/etc/passwd",
            b"a/",
            b"a//b",
            b".",
            b"..",
            b"../a",
            b"a/../b",
            b"a/..",
            b".git",
            b".git/config",
            b"sub/.GiT/hooks/x",
            b"git~1/config",
            b"GIT~1",
            b".git. /x",
            b".git::$INDEX_ALLOCATION/x",
            b"a\0b",
            ".g\u{200c}it/x".as_bytes(),
        ];
        for path in bad {
            assert!(check_path(&path.into()).is_err(), "{}", crate::model::escape(path));
        }
    }

    #[test]
    fn ordinary_paths_pass() {
        for path in [&b"a"[..], b".gitignore", b"a/.gitattributes", b"git~2", b"...", b"a b/\xff", b"x.git", b"a\\b"] {
            let path: TreePath = path.into();
            assert_eq!(check_path(&path).unwrap().join(&b'/'), path.as_bstr().to_vec(), "{path}");
        }
    }
}

//! What stands at a path in a tree, and how it changes between two trees.

use serde::{Deserialize, Serialize};

use super::{Oid, TreePath};

/// The kind of a tree entry, as git's mode bits say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// 100644: a regular file.
    File,
    /// 100755: a regular file with its run bit.
    Executable,
    /// 120000: a symbolic link; its blob is the target.
    Link,
    /// 160000: a submodule's commit.
    Submodule,
    /// 040000: a folder.
    Tree,
}

impl Mode {
    /// Takes git's octal mode; modes of old repositories (100664) count as [`Mode::File`].
    pub const fn from_octal(mode: u32) -> Option<Self> {
        match mode {
            0o040_000 => Some(Self::Tree),
            0o120_000 => Some(Self::Link),
            0o160_000 => Some(Self::Submodule),
            _ if mode & 0o170_000 == 0o100_000 => Some(if mode & 0o100 != 0 { Self::Executable } else { Self::File }),
            _ => None,
        }
    }

    /// Returns the six octal digits that `update-index --index-info` reads.
    pub const fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
            Self::Submodule => "160000",
            Self::Tree => "040000",
        }
    }

    /// Returns whether the entry's object is a file's content.
    pub const fn is_regular(self) -> bool {
        matches!(self, Self::File | Self::Executable)
    }

    /// Returns whether both are of one type: files with and without run bit are.
    pub const fn same_type(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::File | Self::Executable, Self::File | Self::Executable)
                | (Self::Link, Self::Link)
                | (Self::Submodule, Self::Submodule)
                | (Self::Tree, Self::Tree)
        )
    }

    /// Returns the word for people.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Executable => "executable file",
            Self::Link => "symbolic link",
            Self::Submodule => "submodule",
            Self::Tree => "folder",
        }
    }
}

/// One entry of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its kind.
    pub mode: Mode,
    /// The blob, or the commit of a submodule.
    pub oid: Oid,
}

/// A path at which two trees differ. Folders are never listed, only what is in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// Where.
    pub path: TreePath,
    /// What stood there, if anything.
    pub before: Option<Entry>,
    /// What stands there now, if anything.
    pub after: Option<Entry>,
}

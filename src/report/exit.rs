//! Exit codes: one table, repeated in every `--help` and in `docs/exit-codes.md`.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Fine; warnings included.
    Fine,
    /// Findings that block.
    Blocked,
    /// Usage, manifest or environment error.
    Usage,
    /// Could not judge, or done only in part.
    CouldNotJudge,
    /// Refused and nothing changed.
    Refused,
    /// Locked by another process.
    Locked,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// All of them with what they mean, in the order of their codes.
    pub const TABLE: [(Self, &'static str); 7] = [
        (Self::Fine, "fine (warnings included; --strict makes them 1)"),
        (Self::Blocked, "findings that block"),
        (Self::Usage, "usage, manifest or environment error"),
        (Self::CouldNotJudge, "could not judge, or done only in part (said which)"),
        (Self::Refused, "refused and nothing changed: it would lose something, or is not possible here (said what)"),
        (Self::Locked, "locked by another process"),
        (Self::Interrupted, "interrupted"),
    ];

    /// Returns the process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Blocked => 1,
            Self::Usage => 2,
            Self::CouldNotJudge => 3,
            Self::Refused => 4,
            Self::Locked => 5,
            Self::Interrupted => 130,
        }
    }
}

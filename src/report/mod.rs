//! Verdicts, operations and plans as text and JSON; exit codes. Nothing here prints: it returns what is to be printed.

mod exit;

pub use exit::Exit;

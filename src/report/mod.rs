//! verdicts and plans to text and JSON; exit codes.

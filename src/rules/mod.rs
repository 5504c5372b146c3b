//! pure: facts to findings.

//! What a data file has to hold beside being readable.

use super::schema::Schema;
use crate::manifest::{DataRule, Root};

/// What a file has to hold. [`Demands::default`] asks for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demands<'a> {
    /// What its top has to be.
    pub root: Option<Root>,
    /// JSON pointers at which something has to stand.
    pub required: &'a [String],
    /// A JSON Schema that it has to fit.
    pub schema: Option<&'a Schema>,
    /// The JSON pointer of its collection of records: a list, or an object whose keys name them.
    pub records: Option<&'a str>,
    /// The field (of CSV the column) that names a record; every record has one, and no two the same.
    pub key: Option<&'a str>,
    /// Hashes of names, in their order: the first of them that stand in the file are wanted as they are written.
    pub wanted: &'a [u64],
}

impl<'a> Demands<'a> {
    /// Returns what a `[[data]]` entry asks for; `schema` is the one that it names, read.
    pub fn of(rule: &'a DataRule, schema: Option<&'a Schema>) -> Self {
        Self {
            root: rule.root,
            required: &rule.required,
            schema,
            records: rule.records.as_deref(),
            key: rule.key.as_deref(),
            wanted: &[],
        }
    }

    /// Returns whether anything is asked for.
    pub(super) fn asks(&self) -> bool {
        let Self { root, required, schema, records, key: _, wanted: _ } = self;
        root.is_some() || !required.is_empty() || schema.is_some() || records.is_some()
    }
}

/// Splits a JSON pointer (RFC 6901) into its steps.
pub(super) fn steps(pointer: &str) -> Vec<String> {
    let plain = |step: &str| step.replace("~1", "/").replace("~0", "~");
    pointer.split('/').skip(1).map(plain).collect()
}

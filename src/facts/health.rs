//! The health of data files: what a manifest's `[[data]]` entries ask for, and whether a version of a file has it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use crate::manifest::{DataRule, Format, Manifest};
use crate::model::TreePath;
use crate::validate::sqlite::{Limits, Reading, examine_database};
use crate::validate::{Demands, Examined, Schema, examine};

/// Where a version of a file is read from.
pub enum Version<'a> {
    /// Bytes as they come.
    Stream(&'a mut dyn Read),
    /// A file that nobody writes, with nothing beside it that belongs to it.
    File(&'a Path),
    /// A file that others may write meanwhile. A database is read with the rows that its log beside it holds.
    Live(&'a Path),
}

/// Reads a schema by its path in the tree: its bytes, or why they can't be read.
type ReadSchema<'a> = Box<dyn Fn(&str) -> Result<Vec<u8>, String> + 'a>;

/// Examines data files as a manifest asks.
pub struct Examiner<'a> {
    manifest: &'a Manifest,
    read: ReadSchema<'a>,
    schemas: RefCell<BTreeMap<String, Rc<Result<Schema, String>>>>,
}

impl<'a> Examiner<'a> {
    /// Takes a manifest, and how the schemas are read that it names.
    pub fn new(manifest: &'a Manifest, read: impl Fn(&str) -> Result<Vec<u8>, String> + 'a) -> Self {
        Self { manifest, read: Box::new(read), schemas: RefCell::default() }
    }

    /// Returns the entry that names a file, and the file's format.
    pub fn rule(&self, path: &TreePath) -> Option<(&'a DataRule, Format)> {
        self.manifest.data_rule(path.as_bstr())
    }

    /// Returns whether a file is a database, by its entry or its extension.
    pub fn is_database(&self, path: &TreePath) -> bool {
        let format = self.rule(path).map(|(_, format)| format).or_else(|| Format::by_extension(path.as_bstr()));
        format == Some(Format::Sqlite)
    }

    /// Examines a version of a file, as the entry asks that names it; without one by its extension alone.
    pub fn examine(&self, path: &TreePath, version: Version<'_>) -> io::Result<Examined> {
        let Some((rule, format)) = self.rule(path) else {
            let format = Format::by_extension(path.as_bstr()).unwrap_or(Format::Binary);
            return read(format, version, &Demands::default());
        };
        let schema = rule.schema.as_ref().map(|path| self.schema(path));
        let known = schema.as_deref().and_then(|schema| schema.as_ref().ok());
        let mut examined = read(format, version, &Demands::of(rule, known))?;
        if let (Some(path), Some(Err(why))) = (&rule.schema, schema.as_deref()) {
            examined.unknown.push(format!("the schema '{path}' can't be used: {why}"));
        }
        Ok(examined)
    }

    fn schema(&self, path: &str) -> Rc<Result<Schema, String>> {
        let read = || Rc::new((self.read)(path).and_then(|bytes| Schema::new(&bytes)));
        Rc::clone(self.schemas.borrow_mut().entry(path.to_owned()).or_insert_with(read))
    }
}

fn read(format: Format, version: Version<'_>, demands: &Demands<'_>) -> io::Result<Examined> {
    let (path, reading) = match version {
        Version::Stream(_) if format == Format::Sqlite => {
            let why = "a database is read from a file, not from a stream".to_owned();
            return Ok(Examined { unknown: vec![why], ..Examined::default() });
        }
        Version::Stream(input) => return examine(format, input, demands),
        Version::File(path) => (path, Reading::Still),
        Version::Live(path) => (path, Reading::Live),
    };
    if format == Format::Sqlite {
        return Ok(examine_database(path, reading, &Limits::default()));
    }
    examine(format, &mut File::open(path)?, demands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;
    use crate::model::Standing;

    fn standing(text: &str, schema: Result<&str, &str>, path: &str, file: &str) -> (Standing, Vec<String>) {
        let manifest = manifest::parse(text.as_bytes()).unwrap();
        let bytes = schema.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
        let examiner = Examiner::new(&manifest, move |path| {
            assert_eq!(path, "s.json");
            bytes.clone()
        });
        let found = examiner.examine(&path.into(), Version::Stream(&mut file.as_bytes())).unwrap();
        (found.standing(), found.unknown)
    }

    #[test]
    fn the_entry_that_names_a_file_says_what_it_has_to_hold() {
        let manifest = "version = 1\n[[data]]\npaths = ['d/*.json']\nrecords = '/e'\nkey = 'id'\nschema = 's.json'\n";
        let schema = Ok(r#"{"required": ["v"]}"#);
        let at = |file| standing(manifest, schema, "d/a.json", file).0;
        assert_eq!(at(r#"{"v": 1, "e": [{"id": 1}]}"#), Standing::Good);
        assert_eq!(at(r#"{"v": 1, "e": [{}]}"#), Standing::Bad);
        assert_eq!(at(r#"{"e": [{"id": 1}]}"#), Standing::Bad);
        // What no entry names is judged by its extension.
        assert_eq!(standing(manifest, schema, "other.json", "[]").0, Standing::Good);
        assert_eq!(standing(manifest, schema, "other.json", "[").0, Standing::Bad);
        assert_eq!(standing(manifest, schema, "other.bin", "[").0, Standing::Good);
    }

    #[test]
    fn a_schema_that_is_not_there_leaves_the_file_unknown_and_its_faults_bad() {
        let manifest = "version = 1\n[[data]]\npaths = ['a.json']\nschema = 's.json'\n";
        let (found, unknown) = standing(manifest, Err("it is not there"), "a.json", "{}");
        assert_eq!(found, Standing::Unknown);
        assert_eq!(unknown, ["the schema 's.json' can't be used: it is not there"]);
        assert_eq!(standing(manifest, Err("it is not there"), "a.json", "{").0, Standing::Bad);
        assert_eq!(standing(manifest, Ok("{\"type\": 1}"), "a.json", "{}").0, Standing::Unknown);
    }
}

//! JSON Schema, offline: a schema refers to itself and to the drafts that the standard has, never to anything else.
//!
//! Schemas come from a repository, so patterns are matched in linear time (no look-around, no back-references), nothing is
//! fetched, and words about a value never repeat all of it.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::examined::{About, Examined, Place};

/// Larger schemas are refused.
const MAX_BYTES: usize = 1 << 20;
/// So much of a fault's words is kept, in characters.
const LONGEST: usize = 200;
/// So many faults of one file are counted.
const MOST: usize = 1000;

/// A schema, ready to be compared with.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema; the error says what is wrong with it.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MAX_BYTES {
            return Err(format!("larger than {} MiB", MAX_BYTES >> 20));
        }
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let schema: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not valid json: {error}"))?;
        let patterns = PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(1 << 20);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        options.build(&schema).map(Self).map_err(|error| short(&error.masked().to_string()))
    }

    /// Says where a document does not fit.
    pub(super) fn compare(&self, document: &Value, examined: &mut Examined) {
        for error in self.0.iter_errors(document).take(MOST) {
            let place = Place::Pointer(error.instance_path().to_string());
            let what = format!("does not fit the schema: {}", short(&error.masked().to_string()));
            examined.faults.about(About::Demand, place, what);
        }
    }
}

fn short(words: &str) -> String {
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(schema: &str, document: &str) -> Vec<String> {
        let schema = Schema::new(schema.as_bytes()).unwrap();
        let mut examined = Examined::default();
        schema.compare(&serde_json::from_str(document).unwrap(), &mut examined);
        examined.faults.first.into_iter().map(|fault| format!("{:?} {}", fault.place, fault.what)).collect()
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_pointer_and_without_its_value() {
        let schema = r##"{"type": "object", "required": ["emails"], "properties": {"emails": {"type": "array",
            "items": {"$ref": "#/$defs/email"}}}, "$defs": {"email": {"required": ["id"], "properties": {"id": {"type": "integer"}}}}}"##;
        assert!(faults(schema, r#"{"emails": [{"id": 1}]}"#).is_empty());
        let found = faults(schema, r#"{"emails": [{"id": 1}, {"id": "secret"}, {}]}"#);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("Pointer(\"/emails/1/id\") does not fit the schema:"), "{found:?}");
        assert!(!found[0].contains("secret"), "{found:?}");
    }

    #[test]
    fn schemas_that_refer_to_elsewhere_are_broken_or_hostile_are_refused() {
        for schema in [
            r#"{"$ref": "https://example.com/other.json"}"#,
            r#"{"$ref": "file:///etc/passwd"}"#,
            r#"{"$ref": "other.json"}"#,
            r#"{"type": 7}"#,
            r#"{"pattern": "(?=a)b"}"#,
            "{",
        ] {
            assert!(Schema::new(schema.as_bytes()).is_err(), "{schema}");
        }
        assert!(Schema::new(&vec![b' '; MAX_BYTES + 1]).is_err());
        // It refers to itself without end.
        let loops = Schema::new(br##"{"$ref": "#"}"##);
        assert!(loops.is_err() || faults(r##"{"$ref": "#"}"##, "{}").is_empty());
        let steps = "(a*)*".repeat(5) + "b";
        let long = format!("\"{}\"", "a".repeat(50_000));
        assert_eq!(faults(&format!("{{\"pattern\": \"{steps}\"}}"), &long).len(), 1);
    }
}

//! The reference says what the code does: its examples are manifests, and it knows every word.

use super::words::{DENY, EXTENSIONS, FORMATS, RULE_NAMES};
use super::{Manifest, parse};

const REFERENCE: &str = include_str!("../../docs/manifest.md");

fn examples() -> Vec<String> {
    let blocks = REFERENCE.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_example_is_a_manifest() {
    let examples = examples();
    assert!(examples.len() > 8);
    for example in examples {
        let whole = if example.contains("version") { example.clone() } else { format!("version = 1\n{example}") };
        let manifest = parse(whole.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{example}"));
        assert!(!manifest.is_default(), "{example}");
    }
}

#[test]
fn the_defaults_in_the_full_example_are_the_defaults() {
    let manifest = parse(examples()[0].as_bytes()).unwrap();
    assert_eq!((&manifest.policy, &manifest.snapshot), (&Manifest::default().policy, &Manifest::default().snapshot));
}

#[test]
fn every_word_is_named() {
    let words = DENY.iter().map(|(word, _)| *word).chain(FORMATS.iter().map(|(word, _)| *word));
    for word in words.chain(EXTENSIONS.iter().map(|(word, _)| *word)).chain(RULE_NAMES.iter().copied()) {
        assert!(REFERENCE.contains(&format!("`{word}`")), "'{word}' is missing in docs/manifest.md");
    }
}

//! What the fuzz targets share.
//!
//! A target gets bytes and takes them apart itself: at 0xFF, which no UTF-8 holds, so that seeds can be written by hand
//! ([`seeds`]). Whatever comes in, it must neither panic nor hang nor grow without bound; most targets also compare the answer
//! with what somebody else says.

pub mod seeds;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use recoveryguard::model::Oid;

/// Takes the input apart at 0xFF; parts that are not there are empty, the last one has the rest.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut found = data.splitn(N, |byte| *byte == 0xff);
    std::array::from_fn(|_| found.next().unwrap_or_default())
}

/// Takes the first byte off; 0 when there is none.
pub fn first(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// Gives bytes in pieces of odd sizes, which follow from `seed`.
pub struct Pieces<'a> {
    bytes: &'a [u8],
    seed: usize,
}

impl<'a> Pieces<'a> {
    /// Takes bytes.
    pub fn new(bytes: &'a [u8], seed: u8) -> Self {
        Self { bytes, seed: usize::from(seed) }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seed = self.seed.wrapping_mul(5).wrapping_add(3) % 8191;
        // Short ones mostly: a long one now and then.
        let most = if self.seed % 4 == 0 { self.seed * 16 } else { self.seed % 7 };
        let length = most.clamp(1, buffer.len().max(1)).min(buffer.len());
        self.bytes.read(&mut buffer[..length])
    }
}

/// Expects a text to hold nothing that controls a terminal or hides; line feeds are ours.
pub fn assert_plain(text: &str) {
    let odd = |character: &char| {
        let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        *character != '\n' && (character.is_control() || hides)
    };
    if let Some(found) = text.chars().find(odd) {
        panic!("{found:?} in {text:?}");
    }
}

/// Returns a folder that is this process's own.
pub fn scratch() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("recoveryguard-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
        folder
    })
}

/// Returns an object's name that follows from a number.
pub fn oid(number: u8) -> Oid {
    Oid::from_bytes(&[number; 20]).expect("twenty bytes are a name")
}

//! Texts that stand on disk in another form than git gives them: plain line ends where it writes `\r\n` or the other way
//! round, another encoding, a `$Id$` that is not filled in.
//!
//! They are compared as git stores them, and written as git writes them, but with the line ends that they had.

use bstr::ByteSlice;

use crate::model::{Oid, Source, TreePath, WorkFile};

use super::{Undo, UndoError};

impl Undo<'_> {
    /// Returns three versions of a file (now, and `files`) as git stores them, if that is not how they stand on disk. `None`
    /// also where a filter program makes the one of the other: what is stored need be no text then.
    pub(super) fn as_stored(
        &self,
        path: &TreePath,
        on_disk: [&[u8]; 3],
        files: [&WorkFile; 2],
    ) -> Result<Option<[Vec<u8>; 3]>, UndoError> {
        if self.repo.has_filter(path)? {
            return Ok(None);
        }
        let stored = |file: &WorkFile, bytes: &[u8]| match &file.source {
            Source::Git(oid) => self.repo.objects().blob(*oid),
            _ => self.repo.cleaned(path, bytes.to_vec()),
        };
        let now = self.repo.cleaned(path, on_disk[0].to_vec())?;
        let found = [now, stored(files[0], on_disk[1])?, stored(files[1], on_disk[2])?];
        let is_same = found.iter().zip(on_disk).all(|(stored, bytes)| stored == bytes);
        Ok((!is_same).then_some(found))
    }

    /// Returns a text that git stores as it is to stand on disk, where `now` stands; `attributes` as in
    /// [`contents`](Self::contents).
    pub(super) fn as_on_disk(
        &self,
        path: &TreePath,
        text: Vec<u8>,
        attributes: Option<Oid>,
        now: &[u8],
    ) -> Result<Vec<u8>, UndoError> {
        Ok(with_line_ends_of(now, self.repo.written_out(path, text, attributes)?))
    }
}

/// Gives a text the line ends of another, where all of those are of one kind.
pub(super) fn with_line_ends_of(other: &[u8], text: Vec<u8>) -> Vec<u8> {
    let count = |text: &[u8]| (text.find_iter(b"\n").count(), text.find_iter(b"\r\n").count());
    let ((wanted, with_return), (lines, returns)) = (count(other), count(&text));
    // In two bytes a letter these are no line ends.
    if wanted == 0 || other.contains(&0) {
        return text;
    }
    if with_return == 0 && returns == lines {
        let end = |place: usize| text[place] == b'\r' && text.get(place + 1) == Some(&b'\n');
        return (0..text.len()).filter(|place| !end(*place)).map(|place| text[place]).collect();
    }
    if with_return == wanted && returns == 0 {
        return text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(other: &str, text: &str) -> String {
        String::from_utf8(with_line_ends_of(other.as_bytes(), text.as_bytes().to_vec())).unwrap()
    }

    #[test]
    fn a_text_gets_the_line_ends_of_another() {
        assert_eq!(with("a\nb\n", "1\r\n2\r\n3"), "1\n2\n3");
        assert_eq!(with("a\r\nb\r\n", "1\n2\n3"), "1\r\n2\r\n3");
        assert_eq!(with("a\n", "1\r\n\r\n"), "1\n\n");
    }

    #[test]
    fn where_they_are_mixed_or_there_are_none_it_stays() {
        for (other, text) in [("a\r\nb\n", "1\r\n"), ("a\r\nb\n", "1\n"), ("a", "1\r\n"), ("a\n", "1\r\n2\n")] {
            assert_eq!(with(other, text), text);
        }
        // UTF-16.
        assert_eq!(with("a\0\n\0", "\0\r\n"), "\0\r\n");
    }
}

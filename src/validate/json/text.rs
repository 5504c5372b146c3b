//! What stands in JSON's texts and numbers, and words for what should not stand there.

/// A fault, by its offset in bytes, and what it is.
type Fault = (usize, &'static str);

/// Resolves the escapes of a text (RFC 8259, section 7) up to its closing quote, and returns how long it is. A surrogate
/// that stands alone is a fault: no UTF-8 has it.
pub(super) fn unescape(bytes: &[u8], into: &mut Vec<u8>) -> Result<usize, Fault> {
    into.clear();
    let mut at = 0;
    loop {
        let (length, _) = plain(&bytes[at..]);
        into.extend_from_slice(&bytes[at..at + length]);
        at += length;
        let resolved = match bytes[at..] {
            [b'"', ..] => return Ok(at),
            [b'\\', b'u', ..] => {
                let (character, length) = unicode(&bytes[at..]).map_err(|what| (at, what))?;
                into.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
                continue;
            }
            [b'\\', b'b', ..] => b'\x08',
            [b'\\', b'f', ..] => b'\x0c',
            [b'\\', b'n', ..] => b'\n',
            [b'\\', b'r', ..] => b'\r',
            [b'\\', b't', ..] => b'\t',
            [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => byte,
            _ => return Err((at, "an unknown escape")),
        };
        into.push(resolved);
        at += 2;
    }
}

/// Reads the character that is escaped by `\u`, once or as two surrogates, and how long that is.
fn unicode(bytes: &[u8]) -> Result<(char, usize), &'static str> {
    let unit = hex(bytes).ok_or("'\\u' without four hex digits")?;
    let pair = match (unit, hex(&bytes[6..])) {
        (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => Some(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)),
        _ => None,
    };
    let length = if pair.is_some() { 12 } else { 6 };
    char::from_u32(pair.unwrap_or(unit)).map(|character| (character, length)).ok_or("a lone surrogate")
}

/// Reads `\u` and four hex digits.
fn hex(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// Returns how long the number is that stands at the beginning of `bytes`, and whether it may be larger than a double.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Result<(usize, bool), Fault> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let digits = |at: &mut usize| {
        let from = *at;
        *at += bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        *at - from
    };
    let from = at;
    match digits(&mut at) {
        0 => return Err((at, "a number without digits")),
        1 => {}
        _ if bytes[from] == b'0' => return Err((from, "a number that begins with 0")),
        _ => {}
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        if digits(&mut at) == 0 {
            return Err((at, "a number without digits behind its point"));
        }
    }
    // 200 digits and an exponent of two fit into a double, whose largest has 308.
    let mut may_be_huge = at > 200;
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        match digits(&mut at) {
            0 => return Err((at, "a number without digits in its exponent")),
            digits => may_be_huge |= digits > 2,
        }
    }
    match bytes.get(at) {
        Some(byte) if is_number(*byte) => Err((at, "a number that goes on oddly")),
        _ => Ok((at, may_be_huge)),
    }
}

/// Returns whether a byte may stand in a number.
pub(super) fn is_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Returns whether a number is too large for a double.
pub(super) fn is_huge(number: &[u8]) -> bool {
    str::from_utf8(number).is_ok_and(|number| number.parse::<f64>().is_ok_and(f64::is_infinite))
}

/// Returns how many bytes can stand in a text as they are, that is up to a quote, a backslash or a control character, and
/// whether they are ASCII. Takes eight at a time.
#[inline]
pub(super) fn plain(bytes: &[u8]) -> (usize, bool) {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let (words, rest) = bytes.as_chunks();
    let mut high = 0;
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let below = |limit: u8, from: u64| from.wrapping_sub(ONES * u64::from(limit));
        let is = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
        // The high bit is set of the first byte that ends the text, and of none before it; those behind it may be wrong.
        let ends = (below(0x20, word) | is(b'"') | is(b'\\')) & !word & HIGH;
        if ends != 0 {
            let bits = ends.trailing_zeros() & !7;
            high |= word & ((1 << bits) - 1);
            return (at * 8 + bits as usize / 8, high & HIGH == 0);
        }
        high |= word;
    }
    let length = rest.iter().take_while(|byte| is_plain(byte)).count();
    (bytes.len() - rest.len() + length, high & HIGH == 0 && rest[..length].is_ascii())
}

/// So many bytes are enough for [`odd`].
pub(super) const LONGEST_ODD: usize = 8;

/// Says what bytes are that belong to no JSON, where it is plain.
pub(super) fn odd(bytes: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 11] = [
        (b"<<<<<<<", "a conflict marker"),
        (b"=======", "a conflict marker"),
        (b">>>>>>>", "a conflict marker"),
        (b"|||||||", "a conflict marker"),
        (b"<!", "the beginning of an HTML page"),
        (b"<", "the beginning of an XML or HTML page"),
        (b"NaN", "'NaN', which JSON has no word for"),
        (b"Infinity", "'Infinity', which JSON has no word for"),
        (b"\0", "a NUL byte"),
        (b"//", "a comment"),
        (b"/*", "a comment"),
    ];
    KNOWN.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
}

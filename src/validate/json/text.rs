//! What stands in JSON's texts and numbers, and words for what should not stand there.

/// A fault, by its offset in bytes, and what it is.
type Fault = (usize, &'static str);

/// Resolves the escapes of a text (RFC 8259, section 7). A surrogate that stands alone is a fault: no UTF-8 has it.
pub(super) fn unescape(text: &str, into: &mut String) -> Result<(), Fault> {
    into.clear();
    let mut rest = text;
    let offset = |rest: &str| text.len() - rest.len();
    while let Some(at) = rest.find('\\') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let plain = match rest.as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = hex(rest).ok_or((offset(rest), "'\\u' without four hex digits"))?;
                let (character, length) = match unit {
                    0xd800..=0xdbff => match hex(&rest[6..]).filter(|low| (0xdc00..=0xdfff).contains(low)) {
                        Some(low) => (char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)), 12),
                        None => (None, 6),
                    },
                    unit => (char::from_u32(unit), 6),
                };
                into.push(character.ok_or((offset(rest), "a lone surrogate"))?);
                rest = &rest[length..];
                continue;
            }
            _ => return Err((offset(rest), "an unknown escape")),
        };
        into.push(plain);
        rest = &rest[2..];
    }
    into.push_str(rest);
    Ok(())
}

/// Reads `\u` and four hex digits.
fn hex(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // `from_str_radix` takes a sign, too.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// Checks a number's grammar.
pub(super) fn number(bytes: &[u8]) -> Result<(), Fault> {
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let digits = |at: &mut usize| {
        let from = *at;
        *at += bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        *at > from
    };
    let zero = bytes.get(at) == Some(&b'0');
    let from = at;
    if !digits(&mut at) {
        return Err((at, "a number without digits"));
    }
    if zero && at > from + 1 {
        return Err((from, "a number that begins with 0"));
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        if !digits(&mut at) {
            return Err((at, "a number without digits behind its point"));
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        if !digits(&mut at) {
            return Err((at, "a number without digits in its exponent"));
        }
    }
    if at == bytes.len() { Ok(()) } else { Err((at, "a number that goes on oddly")) }
}

/// Returns whether a number is too large for a double. Most are so short that nobody needs to look.
pub(super) fn is_huge(number: &str) -> bool {
    (number.len() > 300 || number.bytes().any(|byte| matches!(byte, b'e' | b'E')))
        && number.parse::<f64>().is_ok_and(f64::is_infinite)
}

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

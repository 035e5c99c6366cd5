//! Text with C-like escapes, from which the bytes can be had again.

/// Appends one part: printable characters as they are, `\\`, `\t`, `\n`, `\r`, `\xHH` for the rest.
pub(super) fn write(part: &[u8], out: &mut Vec<u8>) {
    for chunk in part.utf8_chunks() {
        let text = chunk.valid();
        for (start, character) in text.char_indices() {
            let bytes = &text.as_bytes()[start..start + character.len_utf8()];
            match character {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                _ if character.is_control() => write_hex(bytes, out),
                _ => out.extend_from_slice(bytes),
            }
        }
        write_hex(chunk.invalid(), out);
    }
}

fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
    }
}

/// Reads one part; also takes `\0`, `\"` and `\'`, which C programmers will type.
pub(super) fn parse(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut part = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            part.push(byte);
            continue;
        }
        part.push(match rest.next() {
            Some(b'\\') => b'\\',
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(quote @ (b'"' | b'\'')) => quote,
            Some(b'x') => match (hex_digit(rest.next()), hex_digit(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err("\\x wants two hex digits".to_owned()),
            },
            Some(other) => return Err(format!("unknown escape \\{}", other.escape_ascii())),
            None => return Err("a backslash at the end escapes nothing".to_owned()),
        });
    }
    Ok(part)
}

fn hex_digit(byte: Option<u8>) -> Option<u8> {
    char::from(byte?).to_digit(16).map(|digit| digit as u8)
}

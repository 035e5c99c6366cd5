//! Plain text: what can be printed is, a dot stands for the rest.

/// Appends the printable form of one part.
pub(super) fn write(part: &[u8], out: &mut Vec<u8>) {
    let mut bytes = [0; 4];
    for chunk in part.utf8_chunks() {
        for character in chunk.valid().chars() {
            let shown = if character.is_control() { '.' } else { character };
            out.extend_from_slice(shown.encode_utf8(&mut bytes).as_bytes());
        }
        out.extend(chunk.invalid().iter().map(|_| b'.'));
    }
}

/// An identity as a user can type it again: its text, or `0x` and hex digits.
///
/// Identities that a ROUTER makes up begin with a zero byte, and dots can't be typed back.
pub(crate) fn identity(identity: &[u8]) -> String {
    match std::str::from_utf8(identity) {
        Ok(text) if !text.is_empty() && !text.starts_with("0x") && !text.chars().any(char::is_control) => {
            text.to_owned()
        }
        _ => identity.iter().fold(String::from("0x"), |hex, byte| hex + &format!("{byte:02x}")),
    }
}

/// Reads what [`identity`] writes.
pub(crate) fn parse_identity(text: &[u8]) -> Result<Vec<u8>, String> {
    let Some(hex) = text.strip_prefix(b"0x") else {
        return Ok(text.to_vec());
    };
    let bad = || format!("\"{}\" is not 0x and pairs of hex digits", String::from_utf8_lossy(text));
    if hex.len() % 2 != 0 {
        return Err(bad());
    }
    hex.chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            if pair.starts_with('+') {
                return Err(bad());
            }
            u8::from_str_radix(pair, 16).map_err(|_| bad())
        })
        .collect()
}

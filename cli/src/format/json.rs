//! JSON lines: an array of parts, each a string, or `{"base64": "…"}` where it is not UTF-8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

/// Appends one message as a line.
pub(super) fn write<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    let message: Value = parts.into_iter().map(part_value).collect();
    out.extend_from_slice(message.to_string().as_bytes());
    out.push(b'\n');
}

fn part_value(part: &[u8]) -> Value {
    match std::str::from_utf8(part) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": BASE64.encode(part) }),
    }
}

/// Reads one message: an array, or one part alone.
pub(super) fn parse(line: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
    match value {
        Value::Array(parts) if parts.is_empty() => Err("a message has at least one part".to_owned()),
        Value::Array(parts) => parts.iter().map(part_bytes).collect(),
        part => Ok(vec![part_bytes(&part)?]),
    }
}

fn part_bytes(value: &Value) -> Result<Vec<u8>, String> {
    let encoded = match value {
        Value::String(text) => return Ok(text.clone().into_bytes()),
        Value::Object(object) if object.len() == 1 => object.get("base64").and_then(Value::as_str),
        _ => None,
    };
    let encoded = encoded.ok_or_else(|| format!("a part is a string or {{\"base64\": \"…\"}}, not {value}"))?;
    BASE64.decode(encoded).map_err(|error| format!("bad base64: {error}"))
}

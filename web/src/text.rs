//! JSON as text, written piece by piece: values of `serde_json` would bring maps, numbers of every kind and all their formats,
//! a tenth of the module.

use std::time::Duration;

/// An object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(key));
        self.0.push(':');
    }

    /// A value that is JSON already.
    pub(crate) fn json(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.push_str(value);
    }

    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.json(key, &quoted(value));
    }

    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.json(key, &value.to_string());
    }

    /// Seconds with microseconds: more digits would only be noise.
    pub(crate) fn seconds(&mut self, key: &str, time: Duration) {
        let micros = (1_000_000 + time.subsec_micros()).to_string();
        self.json(key, &[&time.as_secs().to_string(), ".", &micros[1..]].concat());
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The text in quotes. JavaScript reads what is not ASCII as it stands.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.push('\\'),
            ..' ' => {
                let digits = [char as u8 >> 4, char as u8 & 15].map(|value| digit(value));
                quoted.push_str("\\u00");
                quoted.extend(digits);
                continue;
            }
            _ => {}
        }
        quoted.push(char);
    }
    quoted.push('"');
    quoted
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}

/// A list of what is JSON already.
pub(crate) fn list(items: &[String]) -> String {
    ["[", &items.join(","), "]"].concat()
}

/// Text where it is printable, else hexadecimal digits behind `0x`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) && !text.starts_with("0x") => text.to_owned(),
        _ => {
            let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
            "0x".chars().chain(digits).collect()
        }
    }
}

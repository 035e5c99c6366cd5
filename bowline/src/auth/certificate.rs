//! A public certificate, as CZMQ and pyzmq write it.
//!
//! ```text
//! #   a comment
//! metadata
//!     name = "Ann"
//! curve
//!     public-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
//! ```
// RFC 4, ZPL: two levels of it

use std::path::Path;

use bowline_proto::PublicKey;
use bowline_proto::peer::Properties;

use super::error::{FileCause, FileError};

/// What a certificate says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) key: PublicKey,
    /// Its section `metadata`.
    pub(super) metadata: Properties,
}

impl Certificate {
    /// Reads the text of the certificate at `path`.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let (mut section, mut key, mut metadata) = ("", None, Properties::new());
        for (line, number) in text.lines().zip(1..) {
            let at = |cause| FileError::at(path, Some(number), cause);
            let words = line.trim();
            if words.is_empty() || words.starts_with('#') {
                continue;
            }
            let property = property(words).map_err(at)?;
            match property {
                // A name alone at the margin begins a section; what is deeper is of no concern here.
                None if !line.starts_with(char::is_whitespace) => section = words,
                Some(("public-key", value)) if section == "curve" => {
                    key = Some(value.parse().map_err(|error| at(FileCause::Key(error)))?);
                }
                Some((name, value)) if section == "metadata" => {
                    metadata.push((name.to_owned(), value.to_owned().into()));
                }
                _ => {}
            }
        }
        let key = key.ok_or_else(|| FileError::at(path, None, FileCause::NoKey))?;
        Ok(Self { key, metadata })
    }
}

/// The name and the value of a line; nothing of one that is the name of a section.
fn property(line: &str) -> Result<Option<(&str, &str)>, FileCause> {
    let Some((name, value)) = line.split_once('=') else {
        return if is_name(line) { Ok(None) } else { Err(FileCause::Syntax) };
    };
    let (name, value) = (name.trim(), value.trim());
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (inner, behind) = value[1..].split_once(quote).ok_or(FileCause::Syntax)?;
            let behind = behind.trim();
            if !(behind.is_empty() || behind.starts_with('#')) {
                return Err(FileCause::Syntax);
            }
            inner
        }
        _ => value.split('#').next().unwrap_or_default().trim(),
    };
    if is_name(name) { Ok(Some((name, value))) } else { Err(FileCause::Syntax) }
}

// RFC 4: a name has letters, digits and these
fn is_name(name: &str) -> bool {
    let name_char = |byte: u8| byte.is_ascii_alphanumeric() || b"$-_@.&+/".contains(&byte);
    !name.is_empty() && name.bytes().all(name_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

    fn parse(text: &str) -> Result<Certificate, FileError> {
        Certificate::parse(Path::new("ann.key"), text)
    }

    #[test]
    fn a_certificate_of_czmq_is_read() {
        let text = format!(
            "#   ****  Generated on 2026-01-01 by CZMQ  ****\n#   ZeroMQ CURVE Public Certificate\n\n\
             metadata\n    name = \"Ann\"\n    email = ann@example.com # her address\n    deep\n        er = 1\n\
             curve\n    public-key = \"{KEY}\"\n    other = 'x'\n"
        );
        let certificate = parse(&text).unwrap();
        assert_eq!(certificate.key, KEY.parse().unwrap());
        assert_eq!(certificate.metadata[0], ("name".to_owned(), "Ann".into()));
        assert_eq!(certificate.metadata[1], ("email".to_owned(), "ann@example.com".into()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let short = bowline_proto::InvalidKey::Length { found: 3 };
        let table = [
            ("curve\n".to_owned(), None, FileCause::NoKey),
            (format!("public-key = \"{KEY}\"\n"), None, FileCause::NoKey),
            ("curve\n    public-key = \"abc\"\n".to_owned(), Some(2), FileCause::Key(short)),
            (format!("curve\n\n    public-key = \"{KEY}\n"), Some(3), FileCause::Syntax),
            (format!("curve\n    public-key = \"{KEY}\" more\n"), Some(2), FileCause::Syntax),
            ("two words\n".to_owned(), Some(1), FileCause::Syntax),
            ("metadata\n    = \"x\"\n".to_owned(), Some(2), FileCause::Syntax),
        ];
        for (text, line, cause) in table {
            assert_eq!(parse(&text), Err(FileError::at(Path::new("ann.key"), line, cause)), "{text}");
        }
        let shown = parse("two words\n").unwrap_err().to_string();
        assert_eq!(shown, "ann.key:1: neither a section nor `name = \"value\"`");
    }
}

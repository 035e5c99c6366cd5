//! The four ways to write a message on a line, each with its reverse.
//!
//! | format | one message is | parts | reversible |
//! |---|---|---|---|
//! | [`Format::Text`] | a line | tabs between them | only when the text is printable |
//! | [`Format::Quoted`] | a line with C-like escapes | tabs between them | yes |
//! | [`Format::Json`] | a line with an array | its elements | yes |
//! | [`Format::Raw`] | the bytes, nothing added | glued together | no |

mod json;
mod quoted;
mod text;

pub(crate) use text::identity as identity_text;
pub(crate) use text::parse_identity;

/// How messages are written on standard output, and read from a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Format {
    /// Printable text as it is, a dot for each other character.
    #[default]
    Text,
    /// Text in which everything unprintable is escaped.
    Quoted,
    /// One JSON array of parts a line.
    Json,
    /// The bytes themselves.
    Raw,
}

impl Format {
    /// Appends one message to `out`, with its line end where the format has lines.
    pub(crate) fn write<'a>(self, parts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
        match self {
            Self::Text => separated(parts, out, text::write),
            Self::Quoted => separated(parts, out, quoted::write),
            Self::Json => json::write(parts, out),
            Self::Raw => {
                for part in parts {
                    out.extend_from_slice(part);
                }
            }
        }
    }

    /// Reads one message: a line without its line end, or the value of `--data`.
    pub(crate) fn parse(self, line: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        match self {
            Self::Text => Ok(line.split(|&byte| byte == b'\t').map(<[u8]>::to_vec).collect()),
            Self::Quoted => line.split(|&byte| byte == b'\t').map(quoted::parse).collect(),
            Self::Json => json::parse(line),
            Self::Raw => Ok(vec![line.to_vec()]),
        }
    }
}

fn separated<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>, write: impl Fn(&[u8], &mut Vec<u8>)) {
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(b'\t');
        }
        write(part, out);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests;

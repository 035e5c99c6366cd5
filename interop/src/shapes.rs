//! Messages of every shape, known to both sides without passing through JSON.

use bowline::Message;
use serde_json::{Value, json};

/// A message as both sides can make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Vec<Body>);

/// A part: so many bytes of the sequence that begins with the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Body {
    size: usize,
    seed: u8,
}

impl Shape {
    /// Parts of these sizes, each with other bytes.
    pub fn of(sizes: &[usize]) -> Self {
        let part = |(at, &size): (usize, &usize)| Body { size, seed: (size % 199 + at * 13) as u8 };
        Self(sizes.iter().enumerate().map(part).collect())
    }

    /// The message as our sockets take it.
    pub fn message(&self) -> Message {
        self.0.iter().map(|part| body(part.size, part.seed)).collect()
    }

    /// The message behind an envelope.
    pub fn enveloped(&self, envelope: &[&[u8]]) -> Message {
        let envelope = envelope.iter().map(|part| part.to_vec());
        let parts = self.0.iter().map(|part| body(part.size, part.seed));
        envelope.chain(parts).collect()
    }

    /// The message as the foreign peer reads it in a command.
    pub fn json(&self) -> Value {
        let part = |part: &Body| match part.size {
            0 => json!(""),
            size => json!([size, part.seed]),
        };
        self.0.iter().map(part).collect()
    }

    /// The message behind an envelope, as the foreign peer reads it.
    pub fn json_behind(&self, envelope: &[&[u8]]) -> Value {
        let envelope = envelope.iter().map(|part| json!(hex(part)));
        let parts = self.json();
        envelope.chain(parts.as_array().into_iter().flatten().cloned()).collect()
    }

    /// Fails unless `got` is this message, behind `skip` parts of envelope.
    ///
    /// # Errors
    ///
    /// A sentence with the first difference.
    pub fn check(&self, got: &Message, skip: usize) -> Result<(), String> {
        let got = got.parts().get(skip..).unwrap_or_default();
        if got.len() != self.0.len() {
            return Err(format!("{} parts instead of {}", got.len(), self.0.len()));
        }
        for (at, (got, wanted)) in got.iter().zip(&self.0).enumerate() {
            if got.len() != wanted.size {
                return Err(format!("part {at} has {} bytes instead of {}", got.len(), wanted.size));
            }
            if got[..] != body(wanted.size, wanted.seed)[..] {
                return Err(format!("part {at} has the right length but other bytes"));
            }
        }
        Ok(())
    }
}

/// Several messages as the foreign peer reads them.
pub fn json_of(shapes: &[Shape]) -> Value {
    shapes.iter().map(Shape::json).collect()
}

/// Parts given as bytes, as the foreign peer reads them.
pub fn json_of_bytes(parts: &[&[u8]]) -> Value {
    parts.iter().map(|part| hex(part)).collect()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// The same bytes as `body` in `peer.py`: a period of 251, so that any shift shows.
fn body(size: usize, seed: u8) -> Vec<u8> {
    let block: Vec<u8> = (0..251_u32).map(|i| ((u32::from(seed) + 7 * i) % 251) as u8).collect();
    let mut body = block.repeat(size / block.len() + 1);
    body.truncate(size);
    body
}

/// What every cell of the matrix carries: both frame lengths, both kinds of parts, and the borders between them.
pub fn script() -> Vec<Shape> {
    let mut sizes: Vec<Vec<usize>> = vec![vec![0], vec![3, 0, 5], vec![0, 0], vec![1, 300, 5000, 0, 46]];
    let borders = [1, 45, 46, 47, 48, 254, 255, 256, 257, 4095, 4096, 4097, 65_536];
    sizes.extend(borders.map(|size| vec![size]));
    sizes.iter().map(|sizes| Shape::of(sizes)).collect()
}

/// From 1 byte to 10 MB: powers of ten and their neighbours, alone and in one message of many parts.
pub fn sizes() -> Vec<Shape> {
    let mut shapes = vec![Shape::of(&[1])];
    for power in 1..=7 {
        let ten = 10_usize.pow(power);
        shapes.extend([ten - 1, ten, ten + 1].map(|size| Shape::of(&[size])));
    }
    shapes.push(Shape::of(&[10_000_000, 0, 1, 10_000_000]));
    shapes.push(Shape::of(&[10_000; 1000]));
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_shape_it_was_made_from() {
        for shape in script() {
            assert_eq!(shape.check(&shape.message(), 0), Ok(()));
            assert_eq!(shape.check(&shape.enveloped(&[b"id", b""]), 2), Ok(()));
        }
    }

    #[test]
    fn a_difference_is_told() {
        let told = |got: &[usize], wanted: &[usize]| Shape::of(wanted).check(&Shape::of(got).message(), 0);
        assert_eq!(told(&[1], &[1, 2]), Err("1 parts instead of 2".into()));
        assert_eq!(told(&[1, 3], &[1, 2]), Err("part 1 has 3 bytes instead of 2".into()));
        let shifted: Message = [body(9, 8)].into_iter().collect();
        assert!(Shape(vec![Body { size: 9, seed: 7 }]).check(&shifted, 0).is_err());
    }
}

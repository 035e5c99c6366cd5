//! The head of a stream: what an OPEN says besides its payload.

use std::time::Duration;

use super::error::Violation;
use super::varint;
use crate::message::Part;

const DEADLINE: u8 = 0x01;
const METADATA: u8 = 0x02;
const ONE_WAY: u8 = 0x04;
const URGENCY: u8 = 0x08;

/// What an OPEN says besides its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What is called.
    pub method: MethodRef,
    /// How long the opener will wait from now on, in whole microseconds on the wire. None: for as long as it takes.
    pub deadline: Option<Duration>,
    /// Whatever else the opener has to say.
    pub metadata: Metadata,
    /// No answer of any kind will come: the stream is over with its first frame.
    pub one_way: bool,
    /// Which streams go first: 0 is the most urgent class, 7 the least, and [`Head::URGENCY`] the usual one.
    pub urgency: u8,
}

impl Head {
    /// The urgency of a stream that says nothing about it.
    pub const URGENCY: u8 = 3;
    /// The least urgent class.
    pub const URGENCY_LEAST: u8 = 7;

    /// A plain call of this method.
    pub const fn new(method: MethodRef) -> Self {
        Self { method, deadline: None, metadata: Metadata::new(), one_way: false, urgency: Self::URGENCY }
    }

    fn bits(&self) -> u8 {
        let bit = |bit, is: bool| if is { bit } else { 0 };
        bit(DEADLINE, self.deadline.is_some())
            | bit(METADATA, !self.metadata.is_empty())
            | bit(ONE_WAY, self.one_way)
            | bit(URGENCY, self.urgency != Self::URGENCY)
    }

    /// Appends what the method alone does not say; nothing, if there is nothing.
    pub(super) fn write_extra(&self, out: &mut Vec<u8>) {
        let bits = self.bits();
        if bits == 0 {
            return;
        }
        out.push(bits);
        if let Some(deadline) = self.deadline {
            varint::write(deadline.as_micros().try_into().unwrap_or(u64::MAX), out);
        }
        if bits & METADATA != 0 {
            self.metadata.write(out);
        }
        if bits & URGENCY != 0 {
            out.push(self.urgency.min(Self::URGENCY_LEAST));
        }
    }

    /// Takes off the beginning of `bytes` what [`Head::write_extra`] puts there.
    pub(super) fn read_extra(&mut self, bytes: &mut &[u8]) -> Result<(), Violation> {
        let bits = take(bytes, 1)?[0];
        if bits & !(DEADLINE | METADATA | ONE_WAY | URGENCY) != 0 {
            return Err(Violation::UnknownExtra { bits });
        }
        if bits & DEADLINE != 0 {
            self.deadline = Some(Duration::from_micros(varint::read(bytes)?));
        }
        if bits & METADATA != 0 {
            self.metadata = Metadata::read(bytes)?;
        }
        self.one_way = bits & ONE_WAY != 0;
        if bits & URGENCY != 0 {
            self.urgency = take(bytes, 1)?[0];
            if self.urgency > Self::URGENCY_LEAST {
                return Err(Violation::Urgency { urgency: self.urgency });
            }
        }
        Ok(())
    }
}

/// A method as it is named on the wire, and the codec of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodRef {
    /// FNV-1a 64 of `service/method`.
    pub id: u64,
    /// A fingerprint of its arguments and results. 0: do not check.
    pub shape: u64,
    /// 0 raw bytes, 1 postcard, 2 `MessagePack`, 3 JSON.
    pub codec: u8,
}

impl MethodRef {
    /// Its length on the wire, in bytes.
    pub(super) const LEN: usize = 17;

    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.push(self.codec);
        out.extend_from_slice(&self.id.to_le_bytes());
        out.extend_from_slice(&self.shape.to_le_bytes());
    }

    pub(super) fn read(bytes: &mut &[u8]) -> Result<Self, Violation> {
        let (codec, rest) = take(bytes, Self::LEN)?.split_first().ok_or(Violation::Truncated)?;
        let (id, shape) = rest.split_first_chunk::<8>().ok_or(Violation::Truncated)?;
        let shape = shape.try_into().map_err(|_| Violation::Truncated)?;
        Ok(Self { id: u64::from_le_bytes(*id), shape: u64::from_le_bytes(shape), codec: *codec })
    }
}

/// Keys and values that travel with an OPEN, in the order in which they were put in.
///
/// At most [`Metadata::ENTRIES`] of them, and [`Metadata::MOST`] bytes on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Vec<(Part, Part)>);

impl Metadata {
    /// The most entries. It bounds what empty ones cost the receiver.
    pub const ENTRIES: usize = 64;
    /// The most that they take on the wire, in bytes.
    pub const MOST: usize = 16 * 1024;

    /// None at all. It takes no allocation.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an entry. A key may come more than once.
    pub fn push(&mut self, key: impl Into<Part>, value: impl Into<Part>) {
        self.0.push((key.into(), value.into()));
    }

    /// The first value of this key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Part> {
        let key = key.as_ref();
        self.0.iter().find(|(other, _)| **other == *key).map(|(_, value)| value)
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Part, &Part)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they may be sent.
    pub fn fits(&self) -> bool {
        // Three bytes for each length: no longer one fits.
        let size = |(key, value): &(Part, Part)| key.len().saturating_add(value.len()).saturating_add(6);
        self.0.len() <= Self::ENTRIES && self.0.iter().map(size).fold(1, usize::saturating_add) <= Self::MOST
    }

    fn write(&self, out: &mut Vec<u8>) {
        varint::write(self.0.len() as u64, out);
        for bytes in self.0.iter().flat_map(|(key, value)| [key, value]) {
            varint::write(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, Violation> {
        let before = bytes.len();
        let count = varint::read(bytes)?;
        if count > Self::ENTRIES as u64 {
            return Err(Violation::MetadataTooLong);
        }
        let mut part = || {
            let len = varint::read(bytes)?;
            let len = usize::try_from(len).ok().filter(|&len| len <= Self::MOST).ok_or(Violation::MetadataTooLong)?;
            take(bytes, len).map(Part::copy_from_slice)
        };
        let entries = (0..count).map(|_| Ok((part()?, part()?))).collect::<Result<_, _>>()?;
        if before - bytes.len() > Self::MOST {
            return Err(Violation::MetadataTooLong);
        }
        Ok(Self(entries))
    }
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Violation> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or(Violation::Truncated)?;
    *bytes = rest;
    Ok(taken)
}

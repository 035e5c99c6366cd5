//! No library at all: the same frames over plain sockets, as much as the machine can do.
//!
//! A stream of messages is written in blocks that were framed beforehand and is counted by its bytes. Requests and
//! replies are gathered until there is nothing more to read, then written at once.

mod blocking;
mod tokio;

pub(super) use self::blocking::Blocking;
pub(super) use self::tokio::Tokio;

use super::{Kind, Role};
use crate::Result;

/// Bytes of a write, and of a read at most: more gains nothing.
const BLOCK: usize = 256 * 1024;
/// The same where a message alone has a quarter of that.
const LARGE_BLOCK: usize = 1024 * 1024;

/// The bytes of a socket's messages, apart from how they are read and written.
struct Frames {
    role: Role,
    /// Bytes of one message with its head.
    frame: usize,
    /// Whole frames, written again and again.
    block: Vec<u8>,
    /// Bytes that were read and are not a whole frame yet.
    rest: usize,
    /// Frames that were read and not handed out yet.
    whole: u64,
    /// Frames that wait to be written.
    waiting: u64,
    /// What is read goes here and is not looked at.
    scratch: Vec<u8>,
}

impl Frames {
    fn new(role: Role) -> Self {
        let head = if role.size <= 255 { 2 } else { 9 };
        let frame = head + role.size;
        let most = if frame >= BLOCK / 4 { LARGE_BLOCK } else { BLOCK };
        let block = vec![b'x'; frame * (most / frame).max(1)];
        Self { role, frame, block, rest: 0, whole: 0, waiting: 0, scratch: vec![0; most] }
    }

    /// Whether messages go one way only, so that nobody waits for a single one.
    fn is_stream(&self) -> bool {
        matches!(self.role.kind, Kind::Push | Kind::Pull | Kind::Pub | Kind::Sub)
    }

    /// How many messages a block has.
    fn of_block(&self) -> u64 {
        (self.block.len() / self.frame) as u64
    }

    /// The bytes of the frames that wait, which then do no more.
    fn take_waiting(&mut self) -> Option<&[u8]> {
        let count = self.waiting.min(self.of_block());
        self.waiting -= count;
        (count > 0).then(|| &self.block[..count as usize * self.frame])
    }

    /// So many bytes more were read.
    fn arrived(&mut self, bytes: usize) -> Result<()> {
        if bytes == 0 {
            return Err("the other side is gone".into());
        }
        self.whole += ((self.rest + bytes) / self.frame) as u64;
        self.rest = (self.rest + bytes) % self.frame;
        Ok(())
    }

    /// The frames to hand out: all of a stream, else the next one.
    fn take_whole(&mut self) -> u64 {
        let count = if self.is_stream() { self.whole } else { self.whole.min(1) };
        self.whole -= count;
        count
    }
}

/// `tcp://` with an address, or `ipc://` with a path.
enum Place<'a> {
    Tcp(&'a str),
    Ipc(&'a str),
}

fn place(endpoint: &str) -> Result<Place<'_>> {
    match endpoint.split_once("://") {
        Some(("tcp", address)) => Ok(Place::Tcp(address)),
        Some(("ipc", path)) => Ok(Place::Ipc(path)),
        _ => Err(format!("no plain socket has the endpoint {endpoint}").into()),
    }
}

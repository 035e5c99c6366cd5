//! Messages: one or more parts that travel together.

mod queue;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
pub use queue::Queue;
use smallvec::{SmallVec, smallvec};

/// One part of a message: a string of bytes.
///
/// Up to [`Part::INLINE`] bytes live in the part itself; longer ones are shared, so a clone never copies a body.
#[derive(Clone)]
pub struct Part(Body);

#[derive(Clone)]
enum Body {
    Inline(Len, [u8; Part::INLINE]),
    Shared(Bytes),
}

macro_rules! lengths {
    ($($name:ident)*) => {
        /// The length of an inline body, in a word of its own.
        ///
        /// It leaves room for all that an enum around a message has to say, in the same word: what is moved with a
        /// message is then this word and five more. A tag of one byte makes a body of odd length, which compilers move
        /// by copies that overlap, and a processor stalls when it loads what was stored like that: an eighth of the
        /// time of a `recv`.
        #[derive(Clone, Copy, PartialEq, Eq)]
        #[repr(u64)]
        enum Len {
            $($name,)*
        }

        impl Len {
            const ALL: [Self; Part::INLINE + 1] = [$(Self::$name,)*];
        }
    };
}

lengths! {
    L0 L1 L2 L3 L4 L5 L6 L7 L8 L9 L10 L11 L12 L13 L14 L15 L16 L17 L18 L19 L20 L21 L22 L23 L24 L25 L26 L27 L28
    L29 L30 L31 L32 L33 L34 L35 L36 L37 L38 L39 L40
}

impl Len {
    /// At most the longest.
    #[inline]
    const fn new(len: usize) -> Self {
        if len < Self::ALL.len() { Self::ALL[len] } else { Self::L40 }
    }

    #[inline]
    const fn get(self) -> usize {
        self as usize
    }
}

impl Part {
    /// The longest body that is kept in the part itself, in bytes.
    ///
    /// 40 make a part six words; small messages then need neither an allocation nor a reference count.
    pub const INLINE: usize = 40;

    /// The empty part, as REQ and REP use it for a delimiter.
    pub const EMPTY: Self = Self(Body::Inline(Len::L0, [0; Self::INLINE]));

    /// Copies `body`.
    #[inline]
    pub fn copy_from_slice(body: &[u8]) -> Self {
        if body.len() <= Self::INLINE {
            Self(Body::Inline(Len::new(body.len()), window(body)))
        } else {
            Self(Body::Shared(Bytes::copy_from_slice(body)))
        }
    }

    /// The body as shared bytes, without a copy if it was not inline.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Body::Inline(len, bytes) => Bytes::copy_from_slice(&bytes[..len.get()]),
            Body::Shared(bytes) => bytes,
        }
    }

    /// The whole window that an inline body stands at the beginning of, and how long the body is.
    ///
    /// For writers: a copy of fixed length takes less time than one that has to look how long it is.
    #[inline]
    pub fn as_window(&self) -> Option<(&[u8; Self::INLINE], usize)> {
        match &self.0 {
            Body::Inline(len, bytes) => Some((bytes, len.get())),
            Body::Shared(_) => None,
        }
    }

    /// The shared body, if it is not inline.
    pub fn as_shared(&self) -> Option<&Bytes> {
        match &self.0 {
            Body::Inline(..) => None,
            Body::Shared(bytes) => Some(bytes),
        }
    }
}

/// A window with this body, of up to its length, at its beginning.
#[inline]
fn window(body: &[u8]) -> [u8; Part::INLINE] {
    let (mut window, len) = ([0; Part::INLINE], body.len());
    if let (16..=Part::INLINE, Some(first), Some(last)) = (len, body.first_chunk::<16>(), body.last_chunk::<16>()) {
        // Copies of fixed length that overlap take less time than one that has to look how long it is.
        window[..16].copy_from_slice(first);
        if len > 32 {
            window[16..32].copy_from_slice(&body[16..32]);
        }
        window[len - 16..len].copy_from_slice(last);
    } else {
        window[..len].copy_from_slice(body);
    }
    window
}

impl Deref for Part {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Body::Inline(len, bytes) => &bytes[..len.get()],
            Body::Shared(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Part {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        if bytes.len() <= Self::INLINE { Self::copy_from_slice(&bytes) } else { Self(Body::Shared(bytes)) }
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() <= Self::INLINE { Self::copy_from_slice(&bytes) } else { Self(Body::Shared(bytes.into())) }
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

impl From<&[u8]> for Part {
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Part {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Part {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Part {}

impl Hash for Part {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

/// A message: one or more [`Part`]s, sent and received whole.
///
/// A clone is cheap whatever the size. A single small part takes no allocation.
///
/// ```
/// use bowline_proto::Message;
///
/// let mut message = Message::from("hello");
/// message.push_back("world");
/// assert_eq!(message.parts(), ["hello", "world"]);
/// assert_eq!(message, Message::from_iter(["hello", "world"]));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message(Parts);

#[derive(Clone)]
enum Parts {
    One(Part),
    // Two or more, or one that stayed behind after a pop. Two, a body in its envelope, take one allocation.
    Many(Arc<SmallVec<[Part; 2]>>),
}

impl Message {
    /// A message of one empty part.
    pub const fn new() -> Self {
        Self(Parts::One(Part::EMPTY))
    }

    /// The parts, at least one.
    #[inline]
    pub fn parts(&self) -> &[Part] {
        match &self.0 {
            Parts::One(part) => std::slice::from_ref(part),
            Parts::Many(parts) => parts,
        }
    }

    /// Makes this a message of one part, the first `len` bytes of `window`; at most all of them.
    ///
    /// For readers that have a whole window at hand: a copy of fixed length, straight to its place, takes a fraction of
    /// the time of one that has to look how long it is and is then moved. What is behind `len` is never shown.
    #[inline]
    pub fn set_window(&mut self, window: &[u8; Part::INLINE], len: usize) {
        let len = Len::new(len);
        match &mut self.0 {
            Parts::One(Part(Body::Inline(at, bytes))) => (*at, *bytes) = (len, *window),
            other => *other = Parts::One(Part(Body::Inline(len, *window))),
        }
    }

    /// The length of all parts together, in bytes.
    pub fn size(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    /// Adds a part at the end.
    pub fn push_back(&mut self, part: impl Into<Part>) {
        self.many().push(part.into());
    }

    /// Adds a part at the beginning, as an envelope.
    pub fn push_front(&mut self, part: impl Into<Part>) {
        self.many().insert(0, part.into());
    }

    /// Takes the first part off, unless it is the only one: a message has at least one part.
    pub fn pop_front(&mut self) -> Option<Part> {
        match &mut self.0 {
            Parts::Many(parts) if parts.len() > 1 => Some(Arc::make_mut(parts).remove(0)),
            _ => None,
        }
    }

    /// The parts, by value.
    pub fn into_parts(self) -> Vec<Part> {
        match self.0 {
            Parts::One(part) => vec![part],
            Parts::Many(parts) => Arc::unwrap_or_clone(parts).into_vec(),
        }
    }

    fn many(&mut self) -> &mut SmallVec<[Part; 2]> {
        if let Parts::One(part) = &mut self.0 {
            self.0 = Parts::Many(Arc::new(smallvec![std::mem::take(part)]));
        }
        match &mut self.0 {
            Parts::Many(parts) => Arc::make_mut(parts),
            Parts::One(_) => unreachable!("made many above"),
        }
    }
}

impl PartialEq for Parts {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(a), Self::One(b)) => a == b,
            (Self::Many(a), Self::Many(b)) => a == b,
            (Self::One(a), Self::Many(b)) | (Self::Many(b), Self::One(a)) => b.len() == 1 && b[0] == *a,
        }
    }
}

impl Eq for Parts {}

impl Hash for Parts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::One(part) => std::slice::from_ref(part).hash(state),
            Self::Many(parts) => parts.hash(state),
        }
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Into<Part>> From<T> for Message {
    #[inline]
    fn from(part: T) -> Self {
        Self(Parts::One(part.into()))
    }
}

impl<T: Into<Part>> FromIterator<T> for Message {
    /// A message of these parts; of one empty part if there are none.
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Self {
        let mut parts: SmallVec<[Part; 2]> = parts.into_iter().map(Into::into).collect();
        match parts.len() {
            0 => Self::new(),
            1 => Self(Parts::One(parts.remove(0))),
            _ => Self(Parts::Many(Arc::new(parts))),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_larger_than_a_part() {
        assert_eq!(size_of::<Part>(), 48);
        assert_eq!(size_of::<Message>(), 48);
    }

    #[test]
    fn bodies_up_to_40_bytes_are_inline_and_longer_ones_shared() {
        for len in [0, 1, 40, 41, 1000] {
            let part = Part::from(vec![7; len]);
            assert_eq!(part.len(), len);
            assert_eq!(part.as_shared().is_some(), len > Part::INLINE);
            assert_eq!(part.clone().into_bytes(), vec![7; len]);
        }
    }

    #[test]
    fn a_window_shows_no_more_than_its_length() {
        let window = std::array::from_fn(|at| at as u8);
        for len in [0, 1, Part::INLINE] {
            for mut message in [Message::new(), Message::from(vec![1; 100]), Message::from_iter(["a", "b"])] {
                message.set_window(&window, len);
                assert_eq!(message.parts(), [&window[..len]]);
                assert_eq!(message.parts()[0].as_window(), Some((&window, len)));
            }
        }
        let mut message = Message::new();
        message.set_window(&window, 100);
        assert_eq!(message.size(), Part::INLINE);
    }

    #[test]
    fn an_envelope_goes_on_and_comes_off() {
        let mut message = Message::from("body");
        message.push_front("");
        message.push_front("peer");
        assert_eq!(message.parts(), ["peer", "", "body"]);
        assert_eq!(message.size(), 8);
        assert_eq!(message.pop_front().unwrap(), "peer");
        assert_eq!(message.pop_front().unwrap(), "");
        assert_eq!(message.pop_front(), None, "the last part stays");
        assert_eq!(message, Message::from("body"), "however it came to be");
    }

    #[test]
    fn a_changed_clone_leaves_the_original_alone() {
        let original = Message::from_iter(["a", "b"]);
        let mut clone = original.clone();
        clone.push_back("c");
        assert_eq!(original.parts(), ["a", "b"]);
        assert_eq!(clone.parts(), ["a", "b", "c"]);
    }

    #[test]
    fn no_parts_make_one_empty_part() {
        assert_eq!(Message::from_iter(Vec::<Part>::new()), Message::new());
    }
}

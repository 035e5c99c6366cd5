//! Values of arguments: seconds, sizes, intervals, identities, logins.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::{Login, Target};
use crate::format;

/// How long the end of a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linger {
    /// Until everything is delivered.
    Forever,
    /// No longer than this.
    For(Duration),
}

/// The pause between attempts to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReconnectInterval {
    pub(crate) first: Duration,
    /// Absent when the pause stays what it is.
    pub(crate) most: Option<Duration>,
}

/// How many messages or events; none at all would be no run.
pub(super) fn count(text: &str) -> Result<NonZeroU64, String> {
    let number: u64 = text.parse().map_err(|_| NOT_WHOLE.to_owned())?;
    NonZeroU64::new(number).ok_or_else(|| "must be at least 1".to_owned())
}

pub(super) fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    NonZeroUsize::new(whole(text)?).ok_or_else(|| "must be at least 1".to_owned())
}

pub(super) fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| NOT_WHOLE.to_owned())
}

const NOT_WHOLE: &str = "not a whole number";

/// Seconds, fractions allowed. A day's worth of decimals is still fine; NaN and "inf" are not.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|_| "not a possible number of seconds".to_owned())
}

/// A time that may be much shorter than a second: `50us`, `1ms`, `0.5s`; seconds without a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text {
        _ if text.ends_with("us") => (&text[..text.len() - 2], 1_000_000),
        _ if text.ends_with("ms") => (&text[..text.len() - 2], 1000),
        _ => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    Ok(seconds(number)? / unit)
}

pub(super) fn linger(text: &str) -> Result<Linger, String> {
    match text {
        "forever" => Ok(Linger::Forever),
        _ => seconds(text).map(Linger::For),
    }
}

pub(super) fn reconnect_interval(text: &str) -> Result<ReconnectInterval, String> {
    let Some((first, most)) = text.split_once("..") else {
        return Ok(ReconnectInterval { first: seconds(text)?, most: None });
    };
    let (first, most) = (seconds(first)?, seconds(most)?);
    if most < first {
        return Err("the longest pause is shorter than the first".to_owned());
    }
    Ok(ReconnectInterval { first, most: Some(most) })
}

/// A number of bytes: `1500`, `64K`, `1M`, `2G`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1_u64),
    };
    let number: u64 = digits.parse().map_err(|_| "not a number of bytes".to_owned())?;
    number.checked_mul(unit).ok_or_else(|| "too many bytes".to_owned())
}

pub(super) fn identity(text: &str) -> Result<bowline::Identity, String> {
    bowline::Identity::new(target(text)?.0).map_err(|error| error.to_string())
}

/// A peer's identity may begin with a zero byte: those that a ROUTER makes up do.
pub(super) fn target(text: &str) -> Result<Target, String> {
    match format::parse_identity(text.as_bytes())? {
        bytes if bytes.is_empty() => Err("an identity has at least one byte".to_owned()),
        bytes => Ok(Target(bytes)),
    }
}

pub(super) fn login(text: &str) -> Result<Login, String> {
    let (username, password) = text.split_once(':').ok_or("not USER:PASS")?;
    Ok(Login { username: username.to_owned(), password: password.to_owned() })
}

pub(super) fn socket_type(text: &str) -> Result<bowline::SocketType, String> {
    text.parse().map_err(|_| "not a socket type".to_owned())
}

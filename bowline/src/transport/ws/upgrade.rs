//! How a WebSocket begins: a request of HTTP and its answer. RFC 6455, Opening Handshake

use bowline_proto::error::WsFault;
use bowline_proto::options::Origins;
use bowline_proto::wire::zws::Subprotocol;
use httparse::{EMPTY_HEADER, Header, Request, Response, Status};
use tungstenite::handshake::derive_accept_key;

/// The longest head that is read, in bytes: a browser's has some hundreds, and cookies may be among them.
pub(super) const HEAD_MOST: usize = 16 * 1024;
/// As many lines.
const LINES_MOST: usize = 64;

/// Whom a server takes.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(super) mechanism: &'static str,
    /// From the `/` on; empty for any.
    pub(super) path: String,
    pub(super) origins: Origins,
}

/// What a client asks for.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) mechanism: &'static str,
    pub(super) host: String,
    pub(super) path: String,
    /// 16 bytes nobody has used before, in base 64.
    pub(super) key: String,
}

/// How much of what came was the head, and what both sides agree on.
pub(super) type Agreed = (usize, Subprotocol);

/// What a server says to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) bytes: String,
    pub(super) outcome: Result<Agreed, WsFault>,
}

/// What a server agrees to.
#[derive(Debug)]
pub(crate) struct Consent {
    pub(crate) subprotocol: Subprotocol,
    /// The lines that say so, each with its name.
    pub(crate) lines: [(&'static str, String); 4],
}

/// What a server refuses a request with: a status with its words, and the fault that it is.
pub(crate) type Refusal = (u16, &'static str, WsFault);

/// What a client sends.
pub(super) fn request(wish: &Wish) -> String {
    let Wish { mechanism, host, path, key } = wish;
    let path = if path.is_empty() { "/" } else { path };
    let names: Vec<String> = Subprotocol::known(mechanism).map(|(_, name)| name).collect();
    let names = names.join(", ");
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {names}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The answer to what has come of a request; `None` while it is not whole.
pub(super) fn answer(head: &[u8], policy: &Policy) -> Option<Answer> {
    let mut lines = [EMPTY_HEADER; LINES_MOST];
    let mut request = Request::new(&mut lines);
    match request.parse(head) {
        Ok(Status::Complete(taken)) => Some(match judge(&request, policy) {
            Ok(Consent { subprotocol, lines }) => {
                let lines = lines.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
                let bytes = format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n");
                Answer { bytes, outcome: Ok((taken, subprotocol)) }
            }
            Err(refusal) => refuse(refusal),
        }),
        Ok(Status::Partial) if head.len() < HEAD_MOST => None,
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            Some(refuse((431, "Request Header Fields Too Large", WsFault::HeadTooLong)))
        }
        Err(_) => Some(refuse((400, "Bad Request", WsFault::NotHttp))),
    }
}

/// What the request of a client comes to.
pub(super) fn judge(request: &Request<'_, '_>, policy: &Policy) -> Result<Consent, Refusal> {
    let lines = &*request.headers;
    if request.method != Some("GET") {
        return Err((405, "Method Not Allowed", WsFault::NotWebSocket));
    }
    let path = request.path.unwrap_or_default();
    if !policy.path.is_empty() && path != policy.path && path.split('?').next() != Some(&policy.path) {
        return Err((404, "Not Found", WsFault::WrongPath));
    }
    let upgrades = has(lines, "Upgrade", "websocket") && has(lines, "Connection", "upgrade");
    if request.version != Some(1) || !upgrades || !has(lines, "Sec-WebSocket-Version", "13") {
        return Err((426, "Upgrade Required", WsFault::NotWebSocket));
    }
    if values(lines, "Origin").any(|origin| !policy.origins.admits(origin)) {
        return Err((403, "Forbidden", WsFault::Origin));
    }
    let mut keys = values(lines, "Sec-WebSocket-Key");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err((400, "Bad Request", WsFault::NotWebSocket));
    };
    let (subprotocol, name) = Subprotocol::known(policy.mechanism)
        .find(|(_, name)| items(lines, "Sec-WebSocket-Protocol").any(|item| item == name))
        .ok_or((400, "Bad Request", WsFault::NoCommonProtocol))?;
    let lines = [
        ("Upgrade", "websocket".to_owned()),
        ("Connection", "Upgrade".to_owned()),
        ("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes())),
        ("Sec-WebSocket-Protocol", name),
    ];
    Ok(Consent { subprotocol, lines })
}

/// What a person reads whose browser was sent to an endpoint.
pub(crate) fn refusal_text((status, words, fault): Refusal) -> String {
    format!("{status} {words}: this is an endpoint of ZeroMQ over WebSocket; {fault}\n")
}

fn refuse(refusal: Refusal) -> Answer {
    let (status, words, fault) = refusal;
    let body = refusal_text(refusal);
    let bytes = format!(
        "HTTP/1.1 {status} {words}\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: close\r\n\
         Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Answer { bytes, outcome: Err(fault) }
}

/// What a client makes of what has come of an answer; `None` while it is not whole.
pub(super) fn agree(head: &[u8], wish: &Wish) -> Option<Result<Agreed, WsFault>> {
    let mut lines = [EMPTY_HEADER; LINES_MOST];
    let mut response = Response::new(&mut lines);
    let taken = match response.parse(head) {
        Ok(Status::Complete(taken)) => taken,
        Ok(Status::Partial) if head.len() < HEAD_MOST => return None,
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => return Some(Err(WsFault::HeadTooLong)),
        Err(_) => return Some(Err(WsFault::NotHttp)),
    };
    let lines = &*response.headers;
    let is_ours = || {
        let accept = derive_accept_key(wish.key.as_bytes());
        has(lines, "Upgrade", "websocket")
            && has(lines, "Connection", "upgrade")
            && values(lines, "Sec-WebSocket-Accept").eq([accept.as_str()])
            // RFC 6455, Client Requirements: nothing that was not asked for
            && values(lines, "Sec-WebSocket-Extensions").next().is_none()
    };
    Some(match response.code {
        Some(101) if !is_ours() => Err(WsFault::NotWebSocket),
        Some(101) => {
            let mut names = values(lines, "Sec-WebSocket-Protocol");
            let agreed = names.next().filter(|_| names.next().is_none());
            let agreed = agreed.and_then(|name| Subprotocol::named(name, wish.mechanism));
            agreed.map(|subprotocol| (taken, subprotocol)).ok_or(WsFault::NoCommonProtocol)
        }
        status => Err(WsFault::Refused(status.unwrap_or_default())),
    })
}

/// The values of all lines of this name. What is no text has no meaning here.
fn values<'a>(lines: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = lines.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
    named.filter_map(|line| std::str::from_utf8(line.value).ok()).map(str::trim)
}

/// The items of the lists that they are.
fn items<'a>(lines: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a str> {
    values(lines, name).flat_map(|list| list.split(',')).map(str::trim)
}

fn has(lines: &[Header<'_>], name: &str, item: &str) -> bool {
    items(lines, name).any(|found| found.eq_ignore_ascii_case(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, Opening Handshake: the example.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn wish() -> Wish {
        Wish { mechanism: "NULL", host: "example.org:8080".into(), path: "/zeromq".into(), key: KEY.into() }
    }

    fn policy(path: &str, origins: Origins) -> Policy {
        Policy { mechanism: "NULL", path: path.into(), origins }
    }

    /// The status and the outcome, for a request altered like this.
    fn asked(from: &str, to: &str, policy: &Policy) -> (String, Result<Agreed, WsFault>) {
        let request = request(&wish());
        assert!(request.contains(from), "{from}");
        let answer = answer(request.replace(from, to).as_bytes(), policy).unwrap();
        (answer.bytes[9..12].to_owned(), answer.outcome)
    }

    #[test]
    fn who_asks_for_it_gets_the_best_that_both_know() {
        let policy = policy("", Origins::None);
        let (status, agreed) = asked("", "", &policy);
        assert_eq!((status.as_str(), agreed.unwrap().1), ("101", Subprotocol::Zmtp));
        // What libzmq asks for.
        let (_, agreed) = asked("ZMTP3.1, ZWS2.0/NULL, ZWS2.0", "ZWS2.0/NULL,ZWS2.0", &policy);
        assert_eq!(agreed.unwrap().1, Subprotocol::Mechanism);
        let (_, agreed) = asked("ZMTP3.1, ZWS2.0/NULL, ZWS2.0", "ZWS2.0", &policy);
        assert_eq!(agreed.unwrap().1, Subprotocol::Bare);
    }

    #[test]
    fn both_sides_of_an_upgrade_come_to_the_same() {
        let asked = request(&wish());
        let answer = answer(asked.as_bytes(), &policy("/zeromq", Origins::None)).unwrap();
        assert_eq!(answer.outcome, Ok((asked.len(), Subprotocol::Zmtp)));
        assert!(answer.bytes.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{}", answer.bytes);
        let with_more = [answer.bytes.as_bytes(), b"\x82\x01x"].concat();
        assert_eq!(agree(&with_more, &wish()), Some(Ok((answer.bytes.len(), Subprotocol::Zmtp))));
        for cut in 0..answer.bytes.len() {
            assert_eq!(agree(&answer.bytes.as_bytes()[..cut], &wish()), None);
        }
    }

    #[test]
    fn each_refusal_has_its_status_and_its_fault() {
        let policy = policy("/zeromq", Origins::only(["https://example.org"]));
        for (from, to, status, fault) in [
            ("GET", "POST", "405", WsFault::NotWebSocket),
            ("/zeromq", "/other", "404", WsFault::WrongPath),
            ("Upgrade: websocket", "Upgrade: h2c", "426", WsFault::NotWebSocket),
            ("Connection: Upgrade\r\n", "", "426", WsFault::NotWebSocket),
            ("Version: 13", "Version: 8", "426", WsFault::NotWebSocket),
            ("HTTP/1.1", "HTTP/1.0", "426", WsFault::NotWebSocket),
            ("Sec-WebSocket-Key", "X-Key", "400", WsFault::NotWebSocket),
            ("ZMTP3.1, ZWS2.0/NULL, ZWS2.0", "ZWS2.0/PLAIN, mqtt", "400", WsFault::NoCommonProtocol),
            ("Upgrade: w", "Origin: https://evil.example\r\nUpgrade: w", "403", WsFault::Origin),
            ("GET /zeromq HTTP/1.1", "\u{16}\u{3}\u{1}", "400", WsFault::NotHttp),
        ] {
            let (found, outcome) = asked(from, to, &policy);
            assert_eq!((found.as_str(), outcome), (status, Err(fault)), "{from:?} to {to:?}");
        }
        assert!(asked("Upgrade: w", "Origin: https://EXAMPLE.org\r\nUpgrade: w", &policy).1.is_ok());
        assert!(asked("/zeromq", "/zeromq?token=1", &policy).1.is_ok());
    }

    #[test]
    fn a_head_that_never_ends_is_refused_at_its_limit() {
        let endless = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(HEAD_MOST));
        let policy = policy("", Origins::None);
        assert!(answer(&endless.as_bytes()[..HEAD_MOST - 1], &policy).is_none());
        assert_eq!(answer(endless.as_bytes(), &policy).unwrap().outcome, Err(WsFault::HeadTooLong));
        let lines = format!("GET / HTTP/1.1\r\n{}", "X: x\r\n".repeat(LINES_MOST + 1));
        assert_eq!(answer(lines.as_bytes(), &policy).unwrap().outcome, Err(WsFault::HeadTooLong));
    }

    #[test]
    fn an_answer_that_is_none_to_what_was_asked_is_told_apart() {
        let good = answer(request(&wish()).as_bytes(), &policy("", Origins::None)).unwrap().bytes;
        for (from, to, fault) in [
            ("101 Switching Protocols", "404 Not Found", WsFault::Refused(404)),
            ("101 Switching Protocols", "200 OK", WsFault::Refused(200)),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", WsFault::NotWebSocket),
            ("Upgrade: websocket\r\n", "", WsFault::NotWebSocket),
            ("Sec-WebSocket-Protocol: ZMTP3.1\r\n", "", WsFault::NoCommonProtocol),
            ("Protocol: ZMTP3.1", "Protocol: ZWS2.0/CURVE", WsFault::NoCommonProtocol),
            ("HTTP/1.1", "\u{7f}\u{3}", WsFault::NotHttp),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(agree(good.replace(from, to).as_bytes(), &wish()), Some(Err(fault)), "{from:?} to {to:?}");
        }
        assert_eq!(agree(&[b'x'; HEAD_MOST], &wish()), Some(Err(WsFault::NotHttp)));
    }
}

//! What can be wrong with a WebSocket.

/// Why a WebSocket did not come about, or broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WsFault {
    /// The peer does not speak HTTP, with which each WebSocket begins: its endpoint is `tcp://`, ours is `ws://`.
    #[error("the peer does not speak HTTP")]
    NotHttp,
    /// The client asks for something else than a WebSocket, or the server's answer is none to our request.
    #[error("the peer does not speak WebSocket")]
    NotWebSocket,
    /// The server answered with this status instead: 404 where it has nothing at our path.
    #[error("the server answered with status {0}")]
    Refused(u16),
    /// The client asked for another path than the one that is bound.
    #[error("the client asked for another path")]
    WrongPath,
    /// The client is a web page from somewhere that `Options::origins` does not admit.
    #[error("the client is a web page whose origin is not admitted")]
    Origin,
    /// The two sides have no subprotocol in common: one of them speaks no ZeroMQ, or another security mechanism.
    #[error("there is no common subprotocol")]
    NoCommonProtocol,
    /// A request or an answer that is longer than any that is meant.
    #[error("the request or its answer is too long")]
    HeadTooLong,
    /// A message of text, where all are of bytes.
    #[error("a text message came")]
    Text,
    /// A message that is longer than its place allows.
    #[error("a message is too long")]
    TooLong,
    /// The peer broke the rules of WebSocket, or sent a message that is nothing in the subprotocol.
    #[error("the peer broke the protocol")]
    Misbehaved,
    /// The peer goes on sending, while the application receives nothing: a web page can't tell it to wait, and keeps no more.
    #[error("more has come than is kept until somebody receives it")]
    Overrun,
    /// A browser tells that the connection broke off (code 1006), and no more than that: the peer died, or somebody cut it.
    #[error("the connection broke off")]
    Cut,
    /// The peer closed the WebSocket with this code, which is not one of the usual ends, 1000 and 1001.
    #[error("the peer closed it with code {0}")]
    Closed(u16),
}

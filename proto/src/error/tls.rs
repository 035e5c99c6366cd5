//! What can be wrong with TLS: of a connection, and of the settings that it is made with.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why TLS did not come about, or broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// The peer's certificate has expired.
    #[error("the peer's certificate has expired")]
    Expired,
    /// The peer's certificate is not valid yet, or a clock is wrong.
    #[error("the peer's certificate is not valid yet")]
    NotYetValid,
    /// The peer's certificate does not lead to any root that we trust.
    #[error("the peer's certificate is from an issuer that we do not trust")]
    UnknownIssuer,
    /// The server's certificate is for another name than the one we connected to.
    #[error("the server's certificate is for another name")]
    WrongName,
    /// The peer's certificate can't be used for another reason: it is malformed, revoked, or not meant for this.
    #[error("the peer's certificate is not acceptable")]
    BadCertificate,
    /// The client showed no certificate, and we demand one.
    #[error("the client showed no certificate")]
    NoCertificate,
    /// Both sides named protocols (ALPN), none of which is the same; or we did, and the peer agreed to none.
    #[error("there is no common application protocol (ALPN)")]
    NoCommonProtocol,
    /// The two sides have no version of TLS, cipher suite or key exchange in common.
    #[error("there is no common version or cipher")]
    Incompatible,
    /// The peer speaks ZMTP without TLS: its endpoint is `tcp://`, ours is `tls+tcp://`.
    #[error("the peer speaks ZMTP without TLS")]
    PlainZmtp,
    /// The peer speaks something that is not TLS.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// The peer gave us up and said why.
    #[error("the peer gave up: {0}")]
    Alert(#[from] TlsAlert),
    /// Somebody altered what was sent.
    #[error("what came was altered on its way")]
    Altered,
    /// The connection ended without the goodbye of TLS: the peer died, or somebody cut it.
    #[error("the connection was cut")]
    Truncated,
    /// The peer broke the protocol of TLS.
    #[error("the peer broke the protocol")]
    Misbehaved,
    /// Our side failed: the system has no randomness, or a configuration of the application's own making refuses.
    #[error("TLS failed on this side")]
    Local,
}

/// Why the peer gave TLS up, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
// RFC 8446, Alert Protocol
pub enum TlsAlert {
    /// It finds our certificate malformed, or not made for our name.
    #[error("our certificate is bad")]
    BadCertificate,
    /// It does not take certificates of this kind.
    #[error("our certificate is of an unsupported kind")]
    UnsupportedCertificate,
    /// Our certificate was revoked.
    #[error("our certificate was revoked")]
    CertificateRevoked,
    /// Our certificate has expired, or is not valid yet.
    #[error("our certificate has expired or is not valid yet")]
    CertificateExpired,
    /// It has something else against our certificate.
    #[error("our certificate is not acceptable")]
    CertificateUnknown,
    /// It does not trust the issuer of our certificate.
    #[error("the issuer of our certificate is not trusted")]
    UnknownCa,
    /// It can't verify a signature of ours: that of a certificate was not made by the issuer that it knows by this name.
    #[error("a signature of ours can't be verified")]
    DecryptError,
    /// It demands a certificate, and we showed none.
    #[error("a certificate is required")]
    CertificateRequired,
    /// Our certificate is valid, but not for this.
    #[error("access denied")]
    AccessDenied,
    /// It has no certificate for the name that we asked for.
    #[error("the server's name is not known there")]
    UnrecognizedName,
    /// We named protocols (ALPN), and it speaks none of them.
    #[error("there is no common application protocol (ALPN)")]
    NoApplicationProtocol,
    /// It does not speak our version of TLS.
    #[error("there is no common version")]
    ProtocolVersion,
    /// It can't agree with us on a cipher, or won't say what is wrong.
    #[error("the handshake failed")]
    HandshakeFailure,
    /// Any other, by its number.
    #[error("alert {0}")]
    Other(u8),
}

impl TlsAlert {
    /// The alert of this number.
    pub const fn from_number(number: u8) -> Self {
        match number {
            40 => Self::HandshakeFailure,
            42 => Self::BadCertificate,
            43 => Self::UnsupportedCertificate,
            44 => Self::CertificateRevoked,
            45 => Self::CertificateExpired,
            46 => Self::CertificateUnknown,
            48 => Self::UnknownCa,
            49 => Self::AccessDenied,
            51 => Self::DecryptError,
            70 => Self::ProtocolVersion,
            112 => Self::UnrecognizedName,
            116 => Self::CertificateRequired,
            120 => Self::NoApplicationProtocol,
            other => Self::Other(other),
        }
    }
}

/// Where a part of the settings of TLS comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TlsSource {
    /// A file.
    File(PathBuf),
    /// PEM that the application gave.
    Given,
    /// The system's store of trusted certificates.
    Platform,
}

impl fmt::Display for TlsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Given => f.write_str("the given PEM"),
            Self::Platform => f.write_str("the system's certificates"),
        }
    }
}

/// Settings of TLS that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {cause}")]
pub struct TlsSettingsError {
    /// Where they come from.
    pub origin: TlsSource,
    /// What is wrong with them.
    pub cause: TlsSettingsCause,
}

/// What is wrong with settings of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsSettingsCause {
    /// The file can't be read.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// It is no PEM, or a section of it is broken.
    #[error("malformed PEM")]
    MalformedPem,
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// There is a certificate in it that can't be read.
    #[error("there is a malformed certificate in it")]
    MalformedCertificate,
    /// There is no private key in it.
    #[error("there is no private key in it")]
    NoKey,
    /// The key is of a kind that we can't sign with, or encrypted.
    #[error("the private key is of an unsupported kind")]
    UnsupportedKey,
    /// The key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The configuration is the application's own, and this is to be said there.
    #[error("a ready configuration says this itself")]
    ReadyMade,
}

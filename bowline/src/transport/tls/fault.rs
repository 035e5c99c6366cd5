//! What rustls reports, in our words.

use std::io;

use bowline_proto::error::{TlsAlert, TlsFault};
use rustls::{CertificateError, Error};

/// What ZMTP begins with, and TLS never.
const ZMTP: u8 = 0xff;

/// The fault that this error is; `first` is the first byte that came.
pub(super) fn fault(error: &Error, first: Option<u8>) -> TlsFault {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::NoCertificatesPresented => TlsFault::NoCertificate,
        Error::NoApplicationProtocol => TlsFault::NoCommonProtocol,
        Error::PeerIncompatible(_) => TlsFault::Incompatible,
        Error::AlertReceived(alert) => TlsFault::Alert(TlsAlert::from_number(u8::from(*alert))),
        Error::InvalidMessage(_) if first == Some(ZMTP) => TlsFault::PlainZmtp,
        // RFC 8446, Record Layer: change_cipher_spec(20) to application_data(23)
        Error::InvalidMessage(_) if first.is_some_and(|first| !(20..=23).contains(&first)) => TlsFault::NotTls,
        Error::DecryptError => TlsFault::Altered,
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord => TlsFault::Misbehaved,
        _ => TlsFault::Local,
    }
}

fn certificate(error: &CertificateError) -> TlsFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        // The second is from somebody who took the name of an issuer that we know.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::WrongName,
        _ => TlsFault::BadCertificate,
    }
}

/// As an error of a stream, from which [`reason`](crate::transport::reason) takes it again.
pub(super) fn error(fault: TlsFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

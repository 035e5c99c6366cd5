//! What a certificate says of its owner: as much of DER as that takes.

use bowline_proto::PeerCertificate;
use bytes::Bytes;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// The explicit tag of the version, which old certificates leave out.
const VERSION: u8 = 0xa0;
/// `UTF8String`, `PrintableString` and `IA5String`: those that are UTF-8 as they are.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// The parts of names that have a short name of their own, by their object identifiers.
// RFC 4514, Converting AttributeTypeAndValue
const ATTRIBUTES: [(&[u8], &str); 8] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
];

/// What is shown of a certificate that was found to be valid.
pub(crate) fn peer_certificate(certificate: &CertificateDer<'_>) -> PeerCertificate {
    // rustls has no other way to its SHA-256, and a crate for it would be one more.
    let digest = rustls_sha256(certificate);
    let fingerprint = digest.as_ref().try_into().unwrap_or_default();
    let subject = subject(certificate).unwrap_or_default();
    PeerCertificate { subject, fingerprint, der: Bytes::copy_from_slice(certificate) }
}

fn rustls_sha256(bytes: &[u8]) -> rustls::crypto::hash::Output {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().map(|suite| suite.common.hash_provider);
    suite.map_or_else(|| rustls::crypto::hash::Output::new(&[]), |sha256| sha256.hash(bytes))
}

// RFC 5280, Basic Certificate Fields
fn subject(certificate: &[u8]) -> Option<String> {
    let (mut fields, _) = element(SEQUENCE, element(SEQUENCE, certificate)?.0)?;
    if fields.first() == Some(&VERSION) {
        (_, _, fields) = any(fields)?;
    }
    // The serial number, the algorithm, the issuer and the validity come before it.
    for _ in 0..4 {
        (_, _, fields) = any(fields)?;
    }
    let (mut name, _) = element(SEQUENCE, fields)?;
    let mut parts = Vec::new();
    while !name.is_empty() {
        let (mut set, rest) = element(SET, name)?;
        name = rest;
        while !set.is_empty() {
            let (attribute, rest) = element(SEQUENCE, set)?;
            set = rest;
            let (identifier, value) = element(OBJECT_IDENTIFIER, attribute)?;
            let (tag, value, _) = any(value)?;
            parts.extend(part(identifier, tag, value));
        }
    }
    Some(parts.join(", "))
}

/// A part of a name, if it is text and we know how to call it.
fn part(identifier: &[u8], tag: u8, value: &[u8]) -> Option<String> {
    let known = ATTRIBUTES.iter().find(|(known, _)| *known == identifier).map(|(_, name)| name);
    let text = std::str::from_utf8(value).ok().filter(|_| TEXTS.contains(&tag));
    // Nothing in it may look like the next part, or like a line of a log.
    let shown = |text: &str| text.escape_debug().to_string().replace(',', "\\,");
    known.zip(text).map(|(name, text)| format!("{name}={}", shown(text)))
}

/// The content of the element that `der` begins with, which has this tag, and what comes behind it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

/// The tag and the content of the element that `der` begins with, and what comes behind it.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, der) = der.split_first()?;
    let (&first, der) = der.split_first()?;
    let (len, der) = if first < 0x80 {
        (usize::from(first), der)
    } else {
        // A certificate is shorter than 64 KiB.
        let (len, der) = der.split_at_checked(usize::from(first & 0x7f)).filter(|(len, _)| len.len() <= 2)?;
        (len.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)), der)
    };
    let (content, rest) = der.split_at_checked(len)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(names: &[(DnType, &str)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn the_subject_is_read_as_it_was_written() {
        let names = [
            (DnType::CommonName, "worker-1"),
            (DnType::OrganizationName, "Example, Inc."),
            (DnType::CountryName, "AT"),
        ];
        let shown = peer_certificate(&certificate(&names));
        assert_eq!(shown.subject, "CN=worker-1, O=Example\\, Inc., C=AT");
        assert_eq!(peer_certificate(&certificate(&[])).subject, "");
    }

    #[test]
    fn what_is_no_certificate_has_no_subject_and_a_fingerprint_all_the_same() {
        let whole = certificate(&[(DnType::CommonName, "x")]);
        for cut in 0..whole.len() {
            assert_eq!(subject(&whole[..cut]), None);
        }
        let shown = peer_certificate(&CertificateDer::from(b"abc".to_vec()));
        assert_eq!(shown.fingerprint_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

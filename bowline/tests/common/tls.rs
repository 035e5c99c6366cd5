//! Certificates of every kind, made for one run.

use std::path::PathBuf;
use std::sync::LazyLock;

use bowline::Options;
use bowline::tls::{TlsClient, TlsRoots, TlsServer};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// An issuer of certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named(&format!("Issuer {}", super::serial()))
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for `name`, both for a server and for a client.
    pub(crate) fn issue(&self, name: &str) -> Pair {
        self.issue_with(name, |_| {})
    }

    pub(crate) fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { certificate, key: key.serialize_pem() }
    }

    pub(crate) fn roots(&self) -> TlsRoots {
        TlsRoots::pem(&self.pem)
    }

    /// A server with a certificate for `localhost`.
    pub(crate) fn server(&self) -> TlsServer {
        self.issue("localhost").server()
    }

    /// A client that trusts this authority, and takes whom it meets for `localhost`.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::new(self.roots()).expect("a root").server_name("localhost")
    }
}

impl Pair {
    pub(crate) fn server(&self) -> TlsServer {
        TlsServer::from_pem(&self.certificate, &self.key).expect("a certificate and its key")
    }

    /// Writes both into files, replacing what was there.
    pub(crate) fn save(&self, [certificate, key]: &[PathBuf; 2]) {
        std::fs::write(certificate, &self.certificate).expect("written");
        std::fs::write(key, &self.key).expect("written");
    }
}

/// The same for all sockets of a test program that want no other: an authority, a server and a client of it.
static ALL: LazyLock<(TlsServer, TlsClient)> = LazyLock::new(|| {
    let authority = Authority::new();
    (authority.server(), authority.client())
});

/// With what it takes to bind and to connect over TLS.
pub(crate) fn dressed(options: Options) -> Options {
    let (server, client) = &*ALL;
    options.tls_server(server.clone()).tls_client(client.clone())
}

//! The server of TLS: who binds.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_proto::error::{TlsSettingsCause, TlsSettingsError, TlsSource};
use bowline_proto::options::TlsServerSettings;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;

use super::reload::{Recipe, Reloading};
use super::source::{Identity, TlsRoots};
use super::{protocols, provider};

/// Whether clients have to show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Who shows none is refused.
    Required,
    /// Who shows none is let in, and [`PeerInfo::certificate`](crate::PeerInfo) tells.
    Optional,
}

/// What a socket that binds `tls+tcp://` proves itself with, and whom it lets in. For [`Options::tls_server`].
///
/// Clones share their certificate: what one of them [reloads](Self::reload), all have.
///
/// [`Options::tls_server`]: crate::Options#structfield.tls_server
#[derive(Clone)]
pub struct TlsServer(Source);

#[derive(Clone)]
enum Source {
    Made(Arc<Reloading<ServerRecipe>>),
    Ready(Arc<ServerConfig>),
}

#[derive(Clone, Debug)]
struct ServerRecipe {
    identity: Identity,
    clients: Option<(TlsRoots, ClientCertificates)>,
    alpn: Vec<Vec<u8>>,
}

impl TlsServerSettings for TlsServer {}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Made(made) => made.fmt(f),
            Source::Ready(_) => f.write_str("TlsServer(..)"),
        }
    }
}

impl TlsServer {
    /// The certificate in a PEM file, followed by those that lead to its root, and its private key in another one (PKCS #8,
    /// SEC1 or PKCS #1, not encrypted). Both are read now, and again when they have changed. Who may read the key is not
    /// checked.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] names the file and what is wrong with it.
    pub fn from_pem_files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsSettingsError> {
        Self::made(ServerRecipe::new(Identity::files(certificate, key)))
    }

    /// As [`from_pem_files`](Self::from_pem_files), from the content of such files.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] says what is wrong with it.
    pub fn from_pem(certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsSettingsError> {
        Self::made(ServerRecipe::new(Identity::given(certificate.as_ref(), key.as_ref())))
    }

    /// A configuration of rustls, for what this type does not offer: several names with a certificate each, keys in hardware,
    /// revocation lists. It is used as it is and never reloaded.
    pub const fn from_config(config: Arc<ServerConfig>) -> Self {
        Self(Source::Ready(config))
    }

    /// Asks clients for a certificate, and checks that it leads to one of `roots` and is meant for clients. Default: nobody
    /// is asked.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] if the roots can't be used, or this is [`from_config`](Self::from_config).
    pub fn client_certificates(self, roots: TlsRoots, demand: ClientCertificates) -> Result<Self, TlsSettingsError> {
        let Source::Made(made) = &self.0 else { return Err(roots.wrong(TlsSettingsCause::ReadyMade)) };
        Self::made(ServerRecipe { clients: Some((roots, demand)), ..made.recipe().clone() })
    }

    /// Demands that clients speak one of these protocols (ALPN), the first that they name too. Default: none is named, and
    /// what clients name is ignored.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] if the files have changed meanwhile and can't be used, or this is
    /// [`from_config`](Self::from_config).
    pub fn alpn(self, names: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Result<Self, TlsSettingsError> {
        let Source::Made(made) = &self.0 else {
            return Err(TlsSettingsError { origin: TlsSource::Given, cause: TlsSettingsCause::ReadyMade });
        };
        Self::made(ServerRecipe { alpn: protocols(names), ..made.recipe().clone() })
    }

    /// Reads the files again: connections that are accepted from now on get what is in them, the others stay. Where nothing
    /// comes from a file, nothing changes.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] names the file that can't be used; what was read before is still in use then.
    pub fn reload(&self) -> Result<(), TlsSettingsError> {
        match &self.0 {
            Source::Made(made) => made.reload(),
            Source::Ready(_) => Ok(()),
        }
    }

    pub(crate) fn current(&self) -> (Arc<ServerConfig>, Option<TlsSettingsError>) {
        match &self.0 {
            Source::Made(made) => made.current(),
            Source::Ready(config) => (Arc::clone(config), None),
        }
    }

    fn made(recipe: ServerRecipe) -> Result<Self, TlsSettingsError> {
        Reloading::new(recipe).map(|made| Self(Source::Made(Arc::new(made))))
    }
}

impl ServerRecipe {
    const fn new(identity: Identity) -> Self {
        Self { identity, clients: None, alpn: Vec::new() }
    }
}

impl Recipe for ServerRecipe {
    type Config = ServerConfig;

    fn make(&self) -> Result<ServerConfig, TlsSettingsError> {
        let (chain, key) = self.identity.read()?;
        let refused = |error| self.identity.refused(&error);
        let builder =
            ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13]);
        let builder = builder.map_err(refused)?;
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some((roots, demand)) => {
                let store = Arc::new(roots.read()?);
                let verifier = WebPkiClientVerifier::builder_with_provider(store, provider());
                let verifier = match demand {
                    ClientCertificates::Required => verifier,
                    ClientCertificates::Optional => verifier.allow_unauthenticated(),
                };
                let verifier = verifier.build().map_err(|_| roots.wrong(TlsSettingsCause::MalformedCertificate))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(refused)?;
        config.alpn_protocols.clone_from(&self.alpn);
        // Nothing is resumed.
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn paths(&self) -> Vec<&Path> {
        let roots = self.clients.iter().filter_map(|(roots, _)| roots.path());
        self.identity.paths().chain(roots).collect()
    }
}

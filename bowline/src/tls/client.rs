//! The client of TLS: who connects.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_proto::endpoint::Host;
use bowline_proto::error::{TlsSettingsCause, TlsSettingsError, TlsSource};
use bowline_proto::options::TlsClientSettings;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;

use super::reload::{Recipe, Reloading};
use super::source::{Identity, TlsRoots};
use super::{protocols, provider};

/// Whom a socket that connects to `tls+tcp://` trusts, and what it shows. For [`Options::tls_client`].
///
/// Clones share their files: what one of them [reloads](Self::reload), all have.
///
/// [`Options::tls_client`]: crate::Options#structfield.tls_client
#[derive(Clone)]
pub struct TlsClient {
    source: Source,
    server_name: Option<String>,
}

#[derive(Clone)]
enum Source {
    Made(Arc<Reloading<ClientRecipe>>),
    Ready(Arc<ClientConfig>),
}

#[derive(Clone, Debug)]
struct ClientRecipe {
    roots: TlsRoots,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
}

impl TlsClientSettings for TlsClient {}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TlsClient");
        if let Source::Made(made) = &self.source {
            shown.field("made_of", made);
        }
        shown.field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

impl TlsClient {
    /// Trusts servers whose certificate leads to one of `roots`, and is for the host of the endpoint. It shows none of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] says where the roots come from and what is wrong with them.
    pub fn new(roots: TlsRoots) -> Result<Self, TlsSettingsError> {
        Self::made(ClientRecipe { roots, identity: None, alpn: Vec::new() }, None)
    }

    /// A configuration of rustls, for what this type does not offer: keys in hardware, revocation lists, a judgement of its
    /// own. It is used as it is and never reloaded.
    pub const fn from_config(config: Arc<ClientConfig>) -> Self {
        Self { source: Source::Ready(config), server_name: None }
    }

    /// Shows the certificate in a PEM file, followed by those that lead to its root, to servers that ask; its private key is
    /// in the other one. Both are read now, and again when they have changed. Who may read the key is not checked.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] names the file and what is wrong with it, or says that this is
    /// [`from_config`](Self::from_config).
    pub fn certificate_files(
        self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsSettingsError> {
        self.with(|recipe| recipe.identity = Some(Identity::files(certificate, key)))
    }

    /// As [`certificate_files`](Self::certificate_files), from the content of such files.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] says what is wrong with it.
    pub fn certificate(self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsSettingsError> {
        self.with(|recipe| recipe.identity = Some(Identity::given(certificate.as_ref(), key.as_ref())))
    }

    /// Demands that the server speaks one of these protocols (ALPN). Default: none is named.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] if the files have changed meanwhile and can't be used, or this is
    /// [`from_config`](Self::from_config).
    pub fn alpn(self, names: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Result<Self, TlsSettingsError> {
        self.with(|recipe| recipe.alpn = protocols(names))
    }

    /// The name or the address that the server's certificate is to be for, and that the server is asked for. Default: the
    /// host of the endpoint.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Reads the files again: connections that are made from now on get what is in them, the others stay. Where nothing
    /// comes from a file but the system's certificates, those are read again.
    ///
    /// # Errors
    ///
    /// [`TlsSettingsError`] names the file that can't be used; what was read before is still in use then.
    pub fn reload(&self) -> Result<(), TlsSettingsError> {
        match &self.source {
            Source::Made(made) => made.reload(),
            Source::Ready(_) => Ok(()),
        }
    }

    pub(crate) fn current(&self) -> (Arc<ClientConfig>, Option<TlsSettingsError>) {
        match &self.source {
            Source::Made(made) => made.current(),
            Source::Ready(config) => (Arc::clone(config), None),
        }
    }

    /// The name that the certificate of the server at `host` is to be for; `None` if it can't be the name of any.
    pub(crate) fn name_for(&self, host: &Host) -> Option<ServerName<'static>> {
        match (&self.server_name, host) {
            (Some(name), _) | (None, Host::Name(name)) => ServerName::try_from(name.clone()).ok(),
            (None, Host::Ip(ip)) => Some(ServerName::IpAddress((*ip).into())),
            (None, Host::Any) => None,
        }
    }

    fn with(self, change: impl FnOnce(&mut ClientRecipe)) -> Result<Self, TlsSettingsError> {
        let Source::Made(made) = &self.source else {
            return Err(TlsSettingsError { origin: TlsSource::Given, cause: TlsSettingsCause::ReadyMade });
        };
        let mut recipe = made.recipe().clone();
        change(&mut recipe);
        Self::made(recipe, self.server_name)
    }

    fn made(recipe: ClientRecipe, server_name: Option<String>) -> Result<Self, TlsSettingsError> {
        let source = Source::Made(Arc::new(Reloading::new(recipe)?));
        Ok(Self { source, server_name })
    }
}

impl Recipe for ClientRecipe {
    type Config = ClientConfig;

    fn make(&self) -> Result<ClientConfig, TlsSettingsError> {
        let builder =
            ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13]);
        let builder = builder.map_err(|_| self.roots.wrong(TlsSettingsCause::MalformedCertificate))?;
        let builder = builder.with_root_certificates(self.roots.read()?);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.refused(&error))?
            }
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn paths(&self) -> Vec<&Path> {
        let identity = self.identity.iter().flat_map(Identity::paths);
        self.roots.path().into_iter().chain(identity).collect()
    }
}

//! Where certificates and keys come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_proto::error::{TlsSettingsCause, TlsSettingsError, TlsSource};
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// PEM, in a file that may change or as it was given.
#[derive(Clone)]
pub(super) enum Pem {
    File(PathBuf),
    Given(Arc<Zeroizing<Vec<u8>>>),
}

impl fmt::Debug for Pem {
    /// Where, never what: it may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source(), f)
    }
}

impl Pem {
    pub(super) fn given(pem: &[u8]) -> Self {
        Self::Given(Arc::new(Zeroizing::new(pem.to_vec())))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Given(_) => None,
        }
    }

    pub(super) fn wrong(&self, cause: TlsSettingsCause) -> TlsSettingsError {
        TlsSettingsError { origin: self.source(), cause }
    }

    fn source(&self) -> TlsSource {
        match self {
            Self::File(path) => TlsSource::File(path.clone()),
            Self::Given(_) => TlsSource::Given,
        }
    }

    fn read(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, TlsSettingsError> {
        match self {
            Self::File(path) => {
                let read = std::fs::read(path).map_err(|error| self.wrong(TlsSettingsCause::Io(error.kind())))?;
                Ok(Arc::new(Zeroizing::new(read)))
            }
            Self::Given(pem) => Ok(Arc::clone(pem)),
        }
    }

    /// All certificates in it, one at the least.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsSettingsError> {
        let pem = self.read()?;
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        match certificates {
            Ok(certificates) if certificates.is_empty() => Err(self.wrong(TlsSettingsCause::NoCertificate)),
            Ok(certificates) => Ok(certificates),
            Err(_) => Err(self.wrong(TlsSettingsCause::MalformedPem)),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsSettingsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| {
            self.wrong(match error {
                pem::Error::NoItemsFound => TlsSettingsCause::NoKey,
                _ => TlsSettingsCause::MalformedPem,
            })
        })
    }
}

/// A certificate, with those that lead to its root, and its key.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) chain: Pem,
    pub(super) key: Pem,
}

impl Identity {
    pub(super) fn files(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self { chain: Pem::File(chain.into()), key: Pem::File(key.into()) }
    }

    pub(super) fn given(chain: &[u8], key: &[u8]) -> Self {
        Self { chain: Pem::given(chain), key: Pem::given(key) }
    }

    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsSettingsError> {
        Ok((self.chain.certificates()?, self.key.key()?))
    }

    /// What rustls has against the two.
    pub(super) fn refused(&self, error: &rustls::Error) -> TlsSettingsError {
        match error {
            rustls::Error::InconsistentKeys(_) => self.key.wrong(TlsSettingsCause::KeyMismatch),
            rustls::Error::InvalidCertificate(_) => self.chain.wrong(TlsSettingsCause::MalformedCertificate),
            _ => self.key.wrong(TlsSettingsCause::UnsupportedKey),
        }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.chain.file().into_iter().chain(self.key.file())
    }
}

/// The issuers that we trust.
#[derive(Clone, Debug)]
pub struct TlsRoots(Roots);

#[derive(Clone, Debug)]
enum Roots {
    Pem(Pem),
    Platform,
}

impl TlsRoots {
    /// The certificates in a PEM file, and no others. It is read when this is given to a [`TlsServer`](super::TlsServer) or
    /// [`TlsClient`](super::TlsClient), and again when it has changed.
    pub fn pem_file(path: impl Into<PathBuf>) -> Self {
        Self(Roots::Pem(Pem::File(path.into())))
    }

    /// The certificates in this PEM, and no others.
    pub fn pem(pem: impl AsRef<[u8]>) -> Self {
        Self(Roots::Pem(Pem::given(pem.as_ref())))
    }

    /// The certificates that the system trusts, as its browsers and tools do. The variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others.
    pub const fn platform() -> Self {
        Self(Roots::Platform)
    }

    pub(super) fn read(&self) -> Result<RootCertStore, TlsSettingsError> {
        let mut store = RootCertStore::empty();
        match &self.0 {
            Roots::Pem(pem) => {
                for certificate in pem.certificates()? {
                    store.add(certificate).map_err(|_| pem.wrong(TlsSettingsCause::MalformedCertificate))?;
                }
            }
            Roots::Platform => {
                // Some system has always one that is too old to be read; none at all is another matter.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    let (origin, cause) = (TlsSource::Platform, TlsSettingsCause::NoCertificate);
                    return Err(TlsSettingsError { origin, cause });
                }
            }
        }
        Ok(store)
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.0 {
            Roots::Pem(pem) => pem.file(),
            Roots::Platform => None,
        }
    }

    pub(super) fn wrong(&self, cause: TlsSettingsCause) -> TlsSettingsError {
        match &self.0 {
            Roots::Pem(pem) => pem.wrong(cause),
            Roots::Platform => TlsSettingsError { origin: TlsSource::Platform, cause },
        }
    }
}

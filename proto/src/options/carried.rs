//! Settings that the core carries from the application to a transport, and does not look into.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What the server of TLS needs to know. `bowline::tls::TlsServer` is it.
pub trait TlsServerSettings: Any + fmt::Debug + Send + Sync {}

/// What the client of TLS needs to know. `bowline::tls::TlsClient` is it.
pub trait TlsClientSettings: Any + fmt::Debug + Send + Sync {}

/// Something that is shared and not looked into: equal is only what is the same.
pub struct Carried<T: ?Sized>(Arc<T>);

impl<T: ?Sized> Carried<T> {
    pub(super) const fn new(carried: Arc<T>) -> Self {
        Self(carried)
    }
}

impl<T: ?Sized> Deref for Carried<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Carried<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> PartialEq for Carried<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: ?Sized> Eq for Carried<T> {}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Carried<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

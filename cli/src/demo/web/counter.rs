//! A place of the web server behind which a socket stands, or for a while none.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::{Response, StatusCode};
use bowline::axum::Upgrade;

/// A place whose socket may be another one later.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<Mutex<Option<Upgrade>>>);

impl Counter {
    /// From now on it is this one; or nobody.
    pub(super) fn staff(&self, upgrade: Option<Upgrade>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = upgrade;
    }

    pub(super) fn answer(&self, request: Request) -> Response<String> {
        let upgrade = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        upgrade.map_or_else(absent, |upgrade| upgrade.answer(request))
    }
}

fn absent() -> Response<String> {
    let mut response = Response::new("it is being restarted\n".to_owned());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

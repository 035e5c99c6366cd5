//! Which web pages may connect.

/// The web pages that may connect, by where they come from (`Origin`, RFC 6454): scheme, host and port, as in
/// `https://example.org` or `http://localhost:8080`.
///
/// Only a browser says where a page comes from, and only a browser can be believed. So this protects people who look at a
/// page of somebody else, which would speak to a server in their name; it does not say who a peer is.
///
/// ```
/// # use bowline_proto::{Options, Origins};
/// let options = Options::new().origins(Origins::only(["https://example.org"]));
/// assert!(options.origins.admits("https://example.org"));
/// assert!(!options.origins.admits("https://example.org.evil.example"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// No page.
    #[default]
    None,
    /// Pages from these places.
    Only(Vec<String>),
    /// Any page.
    Any,
}

impl Origins {
    /// Pages from these places.
    pub fn only<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self::Only(origins.into_iter().map(Into::into).collect())
    }

    /// Whether a page from there may connect.
    pub fn admits(&self, origin: &str) -> bool {
        match self {
            Self::None => false,
            // A scheme and a host are the same in capitals: RFC 6454, Comparing Origins
            Self::Only(origins) => origins.iter().any(|known| known.eq_ignore_ascii_case(origin)),
            Self::Any => true,
        }
    }
}

//! The page and its files, which are part of the program.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

/// A file: its path on the web, and what is in it.
type File = (&'static str, &'static [u8]);

/// What the page is made of.
const PAGE: [File; 7] = [
    ("/", include_bytes!("page/index.html")),
    ("/demo.css", include_bytes!("page/demo.css")),
    ("/demo.js", include_bytes!("page/demo.js")),
    ("/lanes.js", include_bytes!("page/lanes.js")),
    ("/meter.js", include_bytes!("page/meter.js")),
    ("/worker.js", include_bytes!("page/worker.js")),
    ("/console.js", include_bytes!("page/console.js")),
];

// `PACKAGE`: the files of the package of npm, as `cargo xtask web` has built them; none if it has not.
include!(concat!(env!("OUT_DIR"), "/package.rs"));

/// The package that the page imports.
pub(super) const fn package() -> &'static [File] {
    PACKAGE
}

pub(super) fn routes() -> Router {
    PAGE.iter().chain(PACKAGE).fold(Router::new(), |app, &(path, content)| {
        let headers = [(CONTENT_TYPE, media_type(path)), (CACHE_CONTROL, "no-cache")];
        app.route(path, get(async move || (headers, content)))
    })
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "wasm")) => "application/wasm",
        Some((_, "json")) => "application/json",
        _ => "text/html; charset=utf-8",
    }
}

//! A built web application on the same port.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::handler::HandlerWithoutStateExt;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::services::{ServeDir, ServeFile};

use crate::error::ApiError;

/// What a page may do: run its own scripts and wasm, talk to its own origin, and nothing else.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; \
                      worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// Serves the folder.
///
/// # Behavior
///
/// - A page that is not there is `index.html`, so that the application may have addresses of its own; a file that is
///   not there is 404.
/// - Files under `assets/`, which builds name by their content, may be kept for ever; all others are asked for again.
pub(crate) fn service(dir: &Path) -> Router {
    let missing = (|| async { ApiError::NotFound }).into_service();
    let page = ServeFile::new(dir.join("index.html"));
    let files = ServeDir::new(dir).append_index_html_on_directories(true).fallback(missing);
    Router::new().fallback_service(files).layer(middleware::from_fn(move |request: Request, next: Next| {
        let page = page.clone();
        async move {
            let path = request.uri().path().to_owned();
            let get = matches!(*request.method(), Method::GET | Method::HEAD);
            let navigation = get && is_navigation(&path, request.headers());
            let response = next.run(request).await;
            if navigation && response.status() == axum::http::StatusCode::NOT_FOUND {
                let mut page = page;
                return match page.try_call(Request::new(axum::body::Body::empty())).await {
                    Ok(response) => decorated(response.into_response(), "/"),
                    Err(_) => ApiError::Internal.into_response(),
                };
            }
            decorated(response, &path)
        }
    }))
}

/// Whether a person follows an address, rather than a page asking for a file.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let api = path == "/v1" || path.starts_with("/v1/") || path.starts_with("/dev/");
    let named = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let html =
        headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|a| a.contains("text/html"));
    !api && !named && html
}

fn decorated(mut response: Response, path: &str) -> Response {
    let kept = if path.starts_with("/assets/") && response.status().is_success() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, kept),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("service-worker-allowed"), "/"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

//! The application: its state, its routes, its layers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware;
use axum::routing::{MethodRouter, get};
use tidekeep::sync::protocol::Limits;
use tokio::sync::watch;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::auth::Tokens;
use crate::config::{Config, Edition};
use crate::error::ApiError;
use crate::listen::Listeners;
use crate::metrics::Metrics;
use crate::rate::Limiter;
use crate::store::Store;
use crate::{log, routes, static_files};

/// What every handler shares.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) space_limiter: Arc<Limiter>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) limits: Limits,
    /// True once the endpoint is to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// One route: how it is called, and what answers.
#[derive(Debug)]
pub struct Route {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    pub(crate) handler: MethodRouter<App>,
}

/// Routes, in the order of `docs/protocol.md`.
pub type RouteList = Vec<Route>;

/// Every route of the endpoint. The router is made of this list, so it is complete.
#[must_use]
pub fn route_list(edition: Edition) -> RouteList {
    let mut list = routes::all();
    if edition == Edition::Development {
        list.push(routes::development());
    }
    list
}

/// The router with all that surrounds it.
pub(crate) fn router(app: App, config: &Config) -> Router {
    let mut router = Router::new();
    for route in route_list(config.edition) {
        router = router.route(route.path, route.handler);
    }
    router = router.method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed });
    router = match &config.static_dir {
        Some(dir) => router.fallback_service(static_files::service(dir)),
        None => router.fallback(|| async { ApiError::NotFound }),
    };
    let router = router
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(Arc::clone(&app.metrics), log::each_request))
        .with_state(app);
    if config.origins.is_empty() { router } else { router.layer(cors(config.origins.clone())) }
}

/// What is served to whoever watches over the endpoint, on an address of its own.
pub(crate) fn watch_router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(|State(app): State<App>| async move { app.metrics.text() }))
        .route("/livez", get(routes::health::live))
        .route("/readyz", get(routes::health::ready))
        .with_state(app)
}

/// CORS for the listed origins. Tokens are in a header, not in a cookie, so credentials are never allowed.
fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let headers: [HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(headers)
        .expose_headers([header::RETRY_AFTER])
        .max_age(core::time::Duration::from_secs(600))
}

//! What is answered, one file for each route.

mod changes;
mod dev_token;
mod health;
mod push;
mod query;
mod snapshot;
mod status;

use axum::routing::{get, post};

use crate::app::{Route, RouteList};

/// The routes of production.
pub(crate) fn all() -> RouteList {
    vec![
        Route { method: "GET", path: "/v1/{space}", handler: get(status::status) },
        Route { method: "POST", path: "/v1/{space}/push", handler: post(push::push) },
        Route { method: "GET", path: "/v1/{space}/changes", handler: get(changes::changes) },
        Route { method: "GET", path: "/v1/{space}/snapshot", handler: get(snapshot::snapshot) },
        Route { method: "GET", path: "/healthz", handler: get(health::health) },
    ]
}

/// The route that development has beside them.
pub(crate) fn development() -> Route {
    Route { method: "POST", path: "/dev/token", handler: post(dev_token::dev_token) }
}

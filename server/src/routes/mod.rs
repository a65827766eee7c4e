//! What is answered, one file for each route.

mod changes;
mod dev_token;
pub(crate) mod health;
mod live;
mod push;
mod query;
mod snapshot;
mod status;
mod waiting;

use axum::routing::{get, post};

use crate::app::{Route, RouteList};

/// The routes of production.
pub(crate) fn all() -> RouteList {
    vec![
        Route { method: "GET", path: "/v1/{space}", handler: get(status::status) },
        Route { method: "POST", path: "/v1/{space}/push", handler: post(push::push) },
        Route { method: "GET", path: "/v1/{space}/changes", handler: get(changes::changes) },
        Route { method: "GET", path: "/v1/{space}/live", handler: get(live::live) },
        Route { method: "GET", path: "/v1/{space}/snapshot", handler: get(snapshot::snapshot) },
        Route { method: "GET", path: "/livez", handler: get(health::live) },
        Route { method: "GET", path: "/readyz", handler: get(health::ready) },
    ]
}

/// The route that development has beside them.
pub(crate) fn development() -> Route {
    Route { method: "POST", path: "/dev/token", handler: post(dev_token::dev_token) }
}

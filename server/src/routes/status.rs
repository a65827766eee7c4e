//! `GET /v1/{space}`: what the endpoint is.

use axum::Json;
use axum::extract::State;
use tidekeep::sync::protocol::{PROTOCOL, SpaceStatus};

use crate::app::App;
use crate::auth::Access;
use crate::clock;
use crate::error::ApiError;

/// What the endpoint can do beyond the least.
const FEATURES: [&str; 5] = ["filter", "gzip", "live", "long-poll", "snapshot"];

pub(super) async fn status(access: Access, State(app): State<App>) -> Result<Json<SpaceStatus>, ApiError> {
    let state = app.store.state(&access.space).await?;
    Ok(Json(SpaceStatus {
        protocol: PROTOCOL,
        epoch: state.epoch,
        head: state.head,
        floor: state.floor,
        server_time: clock::now(),
        limits: app.limits,
        features: FEATURES.map(str::to_owned).to_vec(),
    }))
}

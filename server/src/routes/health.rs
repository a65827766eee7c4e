//! `GET /livez` and `GET /readyz`: whether the endpoint runs, and whether it can answer.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;

/// It runs.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// It can read its database, and is not about to stop.
pub(crate) async fn ready(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    if *app.stopping.borrow() {
        return Err(ApiError::Unavailable(1));
    }
    app.store.check().await?;
    Ok(Json(json!({ "status": "ok" })))
}

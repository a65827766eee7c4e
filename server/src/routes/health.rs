//! `GET /healthz`: whether the endpoint can answer.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiError;

pub(super) async fn health(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    app.store.check().await?;
    Ok(Json(json!({ "status": "ok" })))
}

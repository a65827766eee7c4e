//! `GET /v1/{space}/changes`: what changed after a cursor, now or as soon as something does.

use core::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use tidekeep::sync::protocol::ChangesResponse;
use tokio::time::Instant;

use super::query;
use super::waiting::Waiting;
use crate::app::App;
use crate::auth::Access;
use crate::clock;
use crate::cursor::{self, Position};
use crate::error::ApiError;
use crate::store::{ChangesQuery, Page};

/// Changes in a page, unless the request asks for fewer.
const DEFAULT_LIMIT: usize = 500;
/// Changes in a page at most.
const MAX_LIMIT: usize = 1000;
/// Seconds that a request may wait.
const MAX_WAIT: u64 = 25;

/// The query.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    since: Option<String>,
    limit: Option<usize>,
    c: Option<String>,
    wait: Option<u64>,
}

pub(super) async fn changes(
    access: Access,
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<ChangesResponse>, ApiError> {
    let parameters = query::accepted(parameters)?;
    let mut query = ChangesQuery {
        since: query::position(parameters.since.as_deref())?,
        limit: limit(parameters.limit)?,
        collections: query::collections(parameters.c.as_deref())?,
    };
    let until = Instant::now() + Duration::from_secs(parameters.wait.unwrap_or(0).min(MAX_WAIT));
    let mut waiting = Waiting::new(&app.listeners, &access.space);
    let mut stopping = app.stopping.clone();
    loop {
        let page = app.store.changes(&access.space, query.clone()).await?;
        let over = !page.changes.is_empty() || Instant::now() >= until || *stopping.borrow();
        if over {
            return Ok(Json(response(page)));
        }
        query.since = Some(Position { epoch: page.state.epoch, seq: page.upto });
        tokio::select! {
            () = waiting.changed() => {}
            () = tokio::time::sleep_until(until) => {}
            Ok(_) = stopping.wait_for(|stop| *stop) => {}
        }
    }
}

fn response(page: Page) -> ChangesResponse {
    ChangesResponse {
        cursor: cursor::encode(&page.state.epoch, page.upto),
        more: page.upto < page.state.head,
        head: page.state.head,
        changes: page.changes,
        server_time: clock::now(),
    }
}

fn limit(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit {
        Some(0) => Err(ApiError::Invalid("limit must be at least 1".to_owned())),
        limit => Ok(limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT)),
    }
}

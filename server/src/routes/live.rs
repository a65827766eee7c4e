//! `GET /v1/{space}/live`: changes as they happen, as server-sent events.

use core::convert::Infallible;
use core::time::Duration;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tidekeep::sync::protocol::Change;
use tokio::sync::watch;
use tokio::time::Instant;

use super::query;
use super::waiting::Waiting;
use crate::app::App;
use crate::auth::Access;
use crate::clock;
use crate::cursor::{self, Position};
use crate::error::ApiError;
use crate::metrics::Streaming;
use crate::store::{ChangesQuery, Page, Store, StoreError};

/// The longest silence. A client that hears nothing for more than twice as long takes the stream for dead.
const PING: Duration = Duration::from_secs(20);
/// Changes in one event.
const LIMIT: usize = 500;

/// The query.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    since: Option<String>,
    c: Option<String>,
}

/// The data of `changes` and `ping`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    prev: String,
    cursor: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
    more: bool,
    head: u64,
    server_time: u64,
}

pub(super) async fn live(
    access: Access,
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, ApiError> {
    let parameters = query::accepted(parameters)?;
    let query = ChangesQuery {
        since: query::position(parameters.since.as_deref())?,
        limit: LIMIT,
        collections: query::collections(parameters.c.as_deref())?,
    };
    let waiting = Waiting::new(&app.listeners, &access.space);
    // Whatever is wrong is told by a status, while it still can be.
    let first = app.store.changes(&access.space, query.clone()).await?;
    let live = Live {
        store: app.store,
        space: access.space,
        query,
        told: parameters.since.unwrap_or_default(),
        next: Next::Page(first),
        pinged: None,
        expires: access.expires,
        waiting,
        stopping: app.stopping,
        _streaming: app.metrics.stream(),
    };
    let events = stream::unfold(Some(live), |live| async {
        let (event, live) = live?.event().await;
        Some((Ok::<Bytes, Infallible>(event), live))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // nginx would hold events back to fill a buffer.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(events.fuse())).into_response())
}

/// A stream under way.
struct Live {
    store: Arc<dyn Store>,
    space: String,
    query: ChangesQuery,
    /// The cursor of the last event.
    told: String,
    next: Next,
    /// When the last event was; none before the first, which is sent at once.
    pinged: Option<Instant>,
    expires: Instant,
    waiting: Waiting,
    stopping: watch::Receiver<bool>,
    _streaming: Streaming,
}

/// What is to be done for the next event.
enum Next {
    /// Tell this.
    Page(Page),
    /// Read.
    Read,
    /// Wait for a change.
    Wait,
}

impl Live {
    /// The next event, and the stream if it goes on.
    async fn event(mut self) -> (Bytes, Option<Self>) {
        loop {
            match core::mem::replace(&mut self.next, Next::Wait) {
                Next::Page(page) => {
                    if let Some(event) = self.tell(page) {
                        return (event, Some(self));
                    }
                }
                Next::Read => match self.store.changes(&self.space, self.query.clone()).await {
                    Ok(page) => self.next = Next::Page(page),
                    Err(StoreError::Reset) => return (frame("reset", &json!({})), None),
                    Err(_) => return (frame("end", &json!({ "reason": "unavailable" })), None),
                },
                Next::Wait => {
                    tokio::select! {
                        biased;
                        Ok(_) = self.stopping.wait_for(|stop| *stop) => {
                            return (frame("end", &json!({ "reason": "stopping" })), None);
                        }
                        () = tokio::time::sleep_until(self.expires) => {
                            return (frame("end", &json!({ "reason": "token" })), None);
                        }
                        () = self.waiting.changed() => {}
                        () = tokio::time::sleep_until(self.pinged.unwrap_or_else(Instant::now) + PING) => {}
                    }
                    // A ping looks as well: a notice from another instance may have been lost.
                    self.next = Next::Read;
                }
            }
        }
    }

    /// The event for a page, unless there is nothing in it and it is not time for a ping.
    fn tell(&mut self, page: Page) -> Option<Bytes> {
        let more = page.upto < page.state.head;
        self.next = if more { Next::Read } else { Next::Wait };
        let cursor = cursor::encode(&page.state.epoch, page.upto);
        self.query.since = Some(Position { epoch: page.state.epoch, seq: page.upto });
        let due = self.pinged.is_none_or(|pinged| pinged.elapsed() >= PING);
        if page.changes.is_empty() && !due {
            return None;
        }
        self.pinged = Some(Instant::now());
        let kind = if page.changes.is_empty() { "ping" } else { "changes" };
        let prev = core::mem::replace(&mut self.told, cursor.clone());
        let (head, server_time) = (page.state.head, clock::now());
        Some(frame(kind, &Told { prev, cursor, changes: page.changes, more, head, server_time }))
    }
}

/// One event: its kind and its data on a line each, then an empty line.
fn frame(kind: &str, data: &impl Serialize) -> Bytes {
    // What cannot be written does not occur; the client takes an empty event for a gap, and pulls.
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n").into()
}

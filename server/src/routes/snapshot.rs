//! `GET /v1/{space}/snapshot`: all documents as of one moment, one to a line.

use core::time::Duration;
use std::io;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use tidekeep::sync::protocol::{SnapshotEnd, SnapshotHead};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::query;
use crate::app::App;
use crate::auth::Access;
use crate::error::ApiError;
use crate::store::Snapshot;
use crate::{clock, cursor};

/// How long a client may take to read one piece.
const PIECE_PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to read all; the moment is held until then.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The query.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    c: Option<String>,
}

pub(super) async fn snapshot(
    access: Access,
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Response, ApiError> {
    let collections = query::collections(query::accepted(parameters)?.c.as_deref())?;
    let snapshot = app.store.snapshot(&access.space, collections).await?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(send(snapshot, Sender { pieces: sender, until: Instant::now() + PATIENCE }));
    let pieces = stream::unfold(receiver, |mut receiver| async {
        let piece: Option<Result<Bytes, io::Error>> = receiver.recv().await;
        piece.map(|piece| (piece, receiver))
    });
    // The layer that compresses asks once more after the end, which an unfused stream answers with a panic.
    let pieces = pieces.fuse();
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(([kind], Body::from_stream(pieces)).into_response())
}

/// Sends the lines; where anything goes wrong the body breaks off before its last line.
async fn send(mut snapshot: Box<dyn Snapshot>, sender: Sender) {
    let state = snapshot.state().clone();
    let cursor = cursor::encode(&state.epoch, state.head);
    let mut lines =
        Lines::with(&SnapshotHead { epoch: state.epoch, head: state.head, cursor, server_time: clock::now() });
    let mut count = 0;
    loop {
        let piece = match snapshot.next().await {
            Ok(piece) => piece,
            Err(error) => {
                tracing::error!(what = error.to_string(), "a snapshot broke off");
                return sender.break_off().await;
            }
        };
        for document in &piece {
            lines.push(document);
            count += 1;
        }
        let end = piece.is_empty();
        if end {
            lines.push(&SnapshotEnd { count });
        }
        let Ok(bytes) = core::mem::take(&mut lines).bytes() else {
            return sender.break_off().await;
        };
        let sent = sender.piece(bytes).await;
        if end || sent.is_err() {
            return;
        }
    }
}

/// Where the pieces go.
struct Sender {
    pieces: mpsc::Sender<Result<Bytes, io::Error>>,
    until: Instant,
}

/// The client is gone, or too slow.
struct Gone;

impl Sender {
    async fn piece(&self, bytes: Bytes) -> Result<(), Gone> {
        let until = self.until.min(Instant::now() + PIECE_PATIENCE);
        match tokio::time::timeout_at(until, self.pieces.send(Ok(bytes))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                tracing::warn!("a snapshot was read too slowly and was cut off");
                Err(Gone)
            }
        }
    }

    async fn break_off(&self) {
        drop(self.pieces.send_timeout(Err(io::Error::other("the snapshot broke off")), PIECE_PATIENCE).await);
    }
}

/// Lines of JSON.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    failed: Option<serde_json::Error>,
}

impl Lines {
    fn with(first: &impl Serialize) -> Self {
        let mut lines = Self::default();
        lines.push(first);
        lines
    }

    fn push(&mut self, line: &impl Serialize) {
        if let Err(error) = serde_json::to_writer(&mut self.text, line) {
            self.failed = Some(error);
        }
        self.text.push(b'\n');
    }

    fn bytes(self) -> Result<Bytes, serde_json::Error> {
        self.failed.map_or_else(|| Ok(self.text.into()), Err)
    }
}

//! `POST /v1/{space}/push`: a client's operations.

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use tidekeep::sync::protocol::{PushRequest, PushResponse, PushStatus};

use crate::app::App;
use crate::auth::Access;
use crate::error::ApiError;
use crate::limits::{self, MAX_NUMBER};
use crate::store::{Changed, Push, Pushed};
use crate::{body, clock};

pub(super) async fn push(State(app): State<App>, request: Request) -> Result<Json<PushResponse>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let access = match Access::from_request_parts(&mut parts, &app).await {
        Ok(access) => access,
        Err(error) => {
            body::discard(body).await;
            return Err(error);
        }
    };
    let bytes = body::read(&parts.headers, body, app.limits.max_bytes).await?;
    let request: PushRequest = serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::Invalid(format!(
            "the body is not a push request (line {}, column {}); see the protocol's PushRequest",
            error.line(),
            error.column()
        ))
    })?;
    check(&request, app.limits.max_ops)?;
    let now = clock::now();
    let ops = request.ops.into_iter().map(|op| {
        let refusal = limits::refusal(&op, &app.limits, clock::as_double(now));
        (op, refusal)
    });
    let push = Push { client: request.client, epoch: request.epoch, ops: ops.collect(), now };
    let pushed = app.store.push(&access.space, push).await?;
    if pushed.changed == Changed::Yes {
        app.listeners.wake(&access.space);
        app.store.announce(&access.space);
    }
    app.metrics.pushed(&pushed.results);
    log(&pushed, bytes.len());
    Ok(Json(PushResponse {
        epoch: pushed.state.epoch,
        head: pushed.state.head,
        server_time: now,
        results: pushed.results,
    }))
}

/// Checks what concerns the request as a whole.
fn check(request: &PushRequest, max_ops: usize) -> Result<(), ApiError> {
    let invalid = |message: &str| Err(ApiError::Invalid(message.to_owned()));
    if request.ops.len() > max_ops {
        return Err(ApiError::TooLarge(format!("a push holds at most {max_ops} operations; send fewer at once")));
    }
    if !limits::is_client(&request.client) {
        return invalid("the client's name must be 1 to 128 bytes without control characters");
    }
    if request.ops.iter().any(|op| !(1..=MAX_NUMBER).contains(&op.mid)) {
        return invalid("a mid must be between 1 and 2^53 - 1; count up from 1");
    }
    let mids = || request.ops.iter().map(|op| op.mid);
    if mids().zip(mids().skip(1)).any(|(earlier, later)| earlier >= later) {
        return invalid("the operations must be by ascending mid, each once");
    }
    Ok(())
}

fn log(pushed: &Pushed, bytes: usize) {
    let count = |status| pushed.results.iter().filter(|result| result.status == status).count();
    tracing::info!(
        bytes,
        ok = count(PushStatus::Ok),
        dup = pushed.results.iter().filter(|result| result.dup).count(),
        conflict = count(PushStatus::Conflict),
        superseded = count(PushStatus::Superseded),
        rejected = count(PushStatus::Rejected),
        "push"
    );
}

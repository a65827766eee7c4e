//! Reading a request's body, plain or gzip, within its bounds.

use core::time::Duration;
use std::io::Read;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::BodyExt;

use crate::error::ApiError;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many bytes beyond its bound are read and thrown away before a request is refused.
const DISCARDED: usize = 16 << 20;

/// The body's bytes, decoded.
///
/// # Behavior
///
/// - Neither the bytes sent nor the bytes they decode to may be more than `most`, and no more are kept.
pub(crate) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, ApiError> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok("identity"), |value| value.to_str());
    let gzip = match encoding.map(str::trim).map(str::to_ascii_lowercase).as_deref() {
        Ok("identity" | "") => false,
        Ok("gzip" | "x-gzip") => true,
        Ok(_) | Err(_) => {
            discard(body).await;
            return Err(ApiError::UnsupportedEncoding);
        }
    };
    let raw = tokio::time::timeout(PATIENCE, collect(body, most)).await.map_err(|_| ApiError::TooSlow)??;
    if gzip { inflate(&raw, most) } else { Ok(raw.into()) }
}

/// Reads a body that nobody wants, within bounds.
///
/// A connection that is closed on unread bytes is reset, and a client that is still sending then sees a failed network
/// instead of the answer that tells it what to do.
pub(crate) async fn discard(body: Body) {
    // It is too late for another answer.
    drop(tokio::time::timeout(PATIENCE, collect(body, 0)).await);
}

async fn collect(mut body: Body, most: usize) -> Result<Vec<u8>, ApiError> {
    let bound = most.saturating_add(DISCARDED);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bound {
        return Err(too_large());
    }
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::Invalid("the body was cut off; send it again".to_owned()))?;
        let Ok(data) = frame.into_data() else { continue };
        seen = seen.saturating_add(data.len());
        if seen <= most {
            kept.extend_from_slice(&data);
        } else if seen > bound {
            break;
        }
    }
    if seen > most { Err(too_large()) } else { Ok(kept) }
}

fn inflate(raw: &[u8], most: usize) -> Result<Bytes, ApiError> {
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut plain = Vec::new();
    GzDecoder::new(raw)
        .take(bound)
        .read_to_end(&mut plain)
        .map_err(|_| ApiError::Invalid("the body is not the gzip that its header says; send it plain".to_owned()))?;
    if plain.len() > most { Err(too_large()) } else { Ok(plain.into()) }
}

fn too_large() -> ApiError {
    ApiError::TooLarge("the body is larger than the endpoint's maxBytes; send fewer operations at once".to_owned())
}

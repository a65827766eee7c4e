//! Every answer that is not a success.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tidekeep::sync::protocol::Failure;

use crate::store::StoreError;

/// A refused or failed request. `docs/protocol.md` has the table of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The request is not in the protocol.
    Invalid(String),
    /// There is no valid token.
    Unauthorized(&'static str),
    /// The token does not reach this far.
    Forbidden(&'static str),
    /// There is nothing at this path.
    NotFound,
    /// There is something at this path, but not for this method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    TooSlow,
    /// The client must take a snapshot.
    Reset,
    /// The request, or the answer to it, is too large.
    TooLarge(String),
    /// The body is encoded in a way that is not understood.
    UnsupportedEncoding,
    /// The subject calls too often; how many seconds to wait.
    RateLimited(u64),
    /// The endpoint cannot do it now; how many seconds to wait.
    Unavailable(u64),
    /// The endpoint failed; what happened is in its log.
    Internal,
}

impl ApiError {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, "invalid", message.clone()),
            Self::Unauthorized(why) => (
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                format!("{why}; ask for a new token and send it as a bearer token"),
            ),
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, "forbidden", (*why).to_owned()),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "there is nothing at this path".to_owned()),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path does not take this method".to_owned())
            }
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "timeout", "the request did not arrive in time; send it again".to_owned())
            }
            Self::Reset => (
                StatusCode::CONFLICT,
                "reset",
                "the history that the client knows is gone; take the snapshot, then apply what is pending again"
                    .to_owned(),
            ),
            Self::TooLarge(message) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", message.clone()),
            Self::UnsupportedEncoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                "the body's content encoding is not understood; send it plain or as gzip".to_owned(),
            ),
            Self::RateLimited(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many requests; wait as long as Retry-After says".to_owned(),
            ),
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the endpoint cannot do this now; wait as long as Retry-After says and send the same again".to_owned(),
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the endpoint failed; send the same again later".to_owned(),
            ),
        }
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized(_) => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::UnsupportedEncoding => Some((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
            Self::RateLimited(seconds) | Self::Unavailable(seconds) => {
                Some((header::RETRY_AFTER, HeaderValue::from(*seconds)))
            }
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let mut response = (status, Json(Failure { code: code.to_owned(), message })).into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Reset => Self::Reset,
            StoreError::AnswerTooLarge => Self::TooLarge(
                "the answer would hold too many documents in conflict; send fewer operations at once".to_owned(),
            ),
            StoreError::Busy => {
                tracing::warn!("the database is busy");
                Self::Unavailable(1)
            }
            StoreError::Away => {
                tracing::error!("the database cannot be reached");
                Self::Unavailable(2)
            }
            StoreError::Full => {
                tracing::error!("there is no room for the database");
                Self::Unavailable(60)
            }
            StoreError::Failed(what) => {
                tracing::error!(what, "the database failed");
                Self::Internal
            }
        }
    }
}

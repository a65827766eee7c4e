//! `POST /dev/token`: a token for whoever asks. It exists in development only, on loopback only.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiError;
use crate::{body, clock, limits};

/// Seconds that a token lives, unless asked otherwise.
const DEFAULT_TTL: u64 = 24 * 60 * 60;
/// Seconds that a token may live.
const MAX_TTL: u64 = 30 * DEFAULT_TTL;
/// Bytes of a request.
const MAX_BYTES: usize = 16 << 10;

/// What a token is asked for.
#[derive(Debug, Deserialize)]
struct TokenRequest {
    sub: String,
    space: Option<String>,
    #[serde(default)]
    spaces: Vec<String>,
    ttl: Option<u64>,
}

/// The token.
#[derive(Debug, Serialize)]
pub(super) struct TokenResponse {
    token: String,
    expires: u64,
}

pub(super) async fn dev_token(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TokenResponse>, ApiError> {
    if !named_as_loopback(&headers) {
        return Err(ApiError::Forbidden("development tokens are given to this machine alone, by a loopback name"));
    }
    let bytes = body::read(&headers, body, MAX_BYTES).await?;
    let invalid = || {
        ApiError::Invalid(
            "ask with {\"sub\": name, \"space\": name}, and “spaces” and “ttl” (seconds) if wanted".into(),
        )
    };
    let request: TokenRequest = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    let spaces: Vec<String> = request.spaces.into_iter().chain(request.space).collect();
    if request.sub.is_empty() || spaces.is_empty() || !spaces.iter().all(|space| limits::is_space(space)) {
        return Err(invalid());
    }
    let now = clock::now() / 1000;
    let expires = now + request.ttl.unwrap_or(DEFAULT_TTL).clamp(1, MAX_TTL);
    let token = app.tokens.issue(request.sub, spaces, expires)?;
    Ok(Json(TokenResponse { token, expires: expires * 1000 }))
}

/// Whether the request was made to a loopback name: a page of a foreign site whose name was made to resolve to
/// loopback was not.
fn named_as_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(authority) = host.and_then(|host| host.parse::<Authority>().ok()) else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_loopback_names_get_a_development_token() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:8787", true),
            ("127.0.0.1:1", true),
            ("[::1]:8787", true),
            ("evil.example", false),
            ("evil.example:8787", false),
            ("localhost.evil.example", false),
            ("10.0.0.1", false),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            assert_eq!(named_as_loopback(&headers), expected, "{host}");
        }
        assert!(!named_as_loopback(&HeaderMap::new()));
    }
}

//! Who may do what: bearer tokens.

mod hs256;
mod token;

use core::time::Duration;

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use tokio::time::Instant;

pub(crate) use token::Tokens;

use crate::app::App;
use crate::error::ApiError;
use crate::{clock, limits};

/// A time beyond which no stream lasts, seconds.
const FAR: u64 = 30 * 24 * 60 * 60;

/// A space that the request's token grants. Every route of a space asks for it, so none can forget to.
///
/// # Behavior
///
/// - Without a valid token, 401; with one that does not grant the space, 403, whether the space exists or not.
/// - Where a subject calls too often, or all together call a space too often, 429.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// The space's name.
    pub(crate) space: String,
    /// When the token ends.
    pub(crate) expires: Instant,
}

impl FromRequestParts<App> for Access {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let grant = app.tokens.check(bearer(&parts.headers)?)?;
        app.limiter.admit(&grant.subject, Instant::now()).map_err(ApiError::RateLimited)?;
        let Path(space) = parts
            .extract::<Path<String>>()
            .await
            .map_err(|_| ApiError::Invalid("the path is not valid text; percent-encode it as UTF-8".to_owned()))?;
        if !grant.spaces.contains(&space) {
            return Err(ApiError::Forbidden("the token does not grant this space"));
        }
        if !limits::is_space(&space) {
            return Err(ApiError::Invalid(
                "a space's name is 1 to 128 letters, digits and “. _ : @ -”; rename the space".to_owned(),
            ));
        }
        app.space_limiter.admit(&space, Instant::now()).map_err(ApiError::RateLimited)?;
        let left = Duration::from_secs(grant.expires.saturating_sub(clock::now() / 1000).min(FAR));
        Ok(Self { space, expires: Instant::now() + left })
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(ApiError::Unauthorized("there is no token, or more than one"));
    };
    let malformed = ApiError::Unauthorized("the Authorization header is not a bearer token");
    let Some((scheme, token)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Err(malformed);
    };
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(malformed) }
}

//! Checking tokens, and issuing them in development.

use core::fmt;
use std::collections::BTreeSet;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::hs256;
use crate::config::AuthOptions;
use crate::error::ApiError;

/// How far the issuer's clock may be off, seconds.
const LEEWAY: u64 = 30;
/// Characters of a subject.
const MAX_SUBJECT: usize = 256;

/// What a valid token grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Whose it is.
    pub(crate) subject: String,
    /// The spaces that it opens.
    pub(crate) spaces: BTreeSet<String>,
    /// When it ends, seconds since the epoch.
    pub(crate) expires: u64,
}

/// The claims that we read and, in development, write.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    space: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spaces: Vec<String>,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<serde_json::Value>,
}

/// Checks tokens against the options that the endpoint was started with.
pub(crate) struct Tokens {
    options: AuthOptions,
    checking: DecodingKey,
    signing: EncodingKey,
    validation: Validation,
}

impl Tokens {
    pub(crate) fn new(options: AuthOptions) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        if let Some(audience) = &options.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        if let Some(issuer) = &options.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        Self {
            checking: DecodingKey::from_secret(options.secret.bytes()),
            signing: EncodingKey::from_secret(options.secret.bytes()),
            options,
            validation,
        }
    }

    /// What the token grants.
    ///
    /// # Behavior
    ///
    /// - Only HS256 is known, whatever the token's header says; a header with extensions that must be understood is
    ///   refused, since none is.
    /// - A token with an audience is refused by an endpoint that has none.
    pub(crate) fn check(&self, token: &str) -> Result<Grant, ApiError> {
        let header = decode_header(token).map_err(|_| ApiError::Unauthorized("the token is malformed"))?;
        if header.alg != Algorithm::HS256 || header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(ApiError::Unauthorized("the token is not a plain HS256 token"));
        }
        let claims = decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|error| ApiError::Unauthorized(reason(error.kind())))?
            .claims;
        if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT {
            return Err(ApiError::Unauthorized("the token's subject is empty or too long"));
        }
        let spaces = claims.spaces.into_iter().chain(claims.space).collect();
        Ok(Grant { subject: claims.sub, spaces, expires: claims.exp.saturating_add(LEEWAY) })
    }

    /// A token for development, and when it expires, seconds since the epoch.
    pub(crate) fn issue(&self, subject: String, spaces: Vec<String>, expires: u64) -> Result<String, ApiError> {
        let text = |value: &Option<String>| value.clone().map(serde_json::Value::from);
        let (aud, iss) = (text(&self.options.audience), text(&self.options.issuer));
        let claims = Claims { sub: subject, space: None, spaces, exp: expires, aud, iss };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(|_| ApiError::Internal)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the token is expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidSignature => "the token is not signed by this endpoint's issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks a claim that is required",
        _ => "the token is malformed",
    }
}

//! What the query of a request may say.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use crate::cursor::{self, Position};
use crate::error::ApiError;

/// Collections in a filter.
const MAX_COLLECTIONS: usize = 100;

/// The query as read, or what is wrong with it.
pub(super) fn accepted<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query
        .map(|Query(query)| query)
        .map_err(|_| ApiError::Invalid("the query is malformed; see the protocol for the parameters".to_owned()))
}

/// The collections of `c=a,b`; none for all.
pub(super) fn collections(c: Option<&str>) -> Result<Vec<String>, ApiError> {
    let Some(c) = c else { return Ok(Vec::new()) };
    let names: Vec<String> = c.split(',').map(str::to_owned).collect();
    if names.len() > MAX_COLLECTIONS || names.iter().any(String::is_empty) {
        return Err(ApiError::Invalid("c must be 1 to 100 names of collections, with commas between".to_owned()));
    }
    Ok(names)
}

/// Where to go on after; nothing for the beginning.
pub(super) fn position(since: Option<&str>) -> Result<Option<Position>, ApiError> {
    let Some(text) = since.filter(|text| !text.is_empty()) else { return Ok(None) };
    match cursor::decode(text) {
        Some(position) => Ok(Some(position)),
        None => Err(ApiError::Invalid(
            "the cursor is not one that this endpoint gave; send it unchanged, or take the snapshot".to_owned(),
        )),
    }
}

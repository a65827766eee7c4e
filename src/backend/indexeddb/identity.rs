//! Which database this is: a random name, made with it and kept in it, so that another one in its place is noticed.

use wasm_bindgen::prelude::*;
use web_sys::IdbDatabase;

use super::api::{answer, begin};
use super::convert::{from_row, to_row};
use super::error::from_js;
use super::layout::Layout;
use super::mark::COMMITS;
use crate::error::{ErrorKind, Result};
use crate::model::{Body, Durability, Key, Meta, Record, system};
use crate::platform::{Payload, now, random};

/// The key of the row, in the store of the sync state.
const BIRTH: &str = "birth";

/// The identity of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) birth: String,
    /// Whether it had none and was given this one.
    pub(super) fresh: bool,
}

/// Reads the identity of a database, and gives it one where it has none.
pub(super) async fn identify(database: &IdbDatabase, layout: &Layout) -> Result<Identity> {
    if let Some(birth) = read(database).await? {
        return Ok(Identity { birth, fresh: false });
    }
    let birth = random_name()?;
    let meta = Meta { version: 1, created: now(), modified: now(), ..Meta::default() };
    let body = Body::Clear(Payload::from(JsValue::from_str(&birth)));
    let row = to_row(&Record { key: Key::from(BIRTH), body, meta }, &layout.place(system::SYNC));
    // With the store of marks, which all that writes shares: Chromium has a database deleted where two unfinished
    // transactions over different object stores are killed.
    let transaction = begin(database, &[system::SYNC, COMMITS], Some(Durability::Strict))?;
    let store = transaction.object_store(system::SYNC).map_err(|thrown| from_js(&thrown))?;
    match answer(store.add_with_key(&row, &BIRTH.into())).await {
        Ok(_) => Ok(Identity { birth, fresh: true }),
        // Another tab was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(Identity { birth: read(database).await?.ok_or(error)?, fresh: false })
        }
        Err(error) => Err(error),
    }
}

async fn read(database: &IdbDatabase) -> Result<Option<String>> {
    let transaction = begin(database, &[system::SYNC], None)?;
    let found = answer(transaction.object_store(system::SYNC).and_then(|store| store.get(&BIRTH.into()))).await?;
    if found.is_undefined() {
        return Ok(None);
    }
    // What is there and cannot be read is no identity that anyone has seen.
    Ok(match from_row(Key::from(BIRTH), &found)?.body {
        Body::Clear(payload) => Some(payload.as_js().as_string().unwrap_or_default()),
        Body::Sealed(_) => Some(String::new()),
    })
}

/// A name that nobody else has.
pub(super) fn random_name() -> Result<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

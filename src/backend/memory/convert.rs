//! Values come out as copies.

use crate::error::Result;
use crate::model::{Body, Record};

/// A copy of a record that shares nothing with the stored one.
pub(crate) fn copied(record: &Record) -> Result<Record> {
    let mut copy = record.clone();
    if let Body::Clear(payload) = &record.body {
        copy.body = Body::Clear(payload.detached()?);
    }
    if let Some(Body::Clear(base)) = record.meta.base.as_deref() {
        copy.meta.base = Some(Box::new(Body::Clear(base.detached()?)));
    }
    if let Some(metadata) = &record.meta.metadata {
        copy.meta.metadata = Some(metadata.detached()?);
    }
    Ok(copy)
}

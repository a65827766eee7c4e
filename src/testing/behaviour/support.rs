//! The words in which cases are written.

use core::fmt::Debug;

use crate::backend::{Backend, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, CommitReceipt, Delete, Key, KeyRange, Precondition, Put, Record, WriteBatch, WriteOp};
use crate::platform::Payload;

/// A list of cases: each a sentence and an async block over `backend`.
macro_rules! cases {
    ($($name:literal => |$backend:ident| $body:block)*) => {
        pub(super) const CASES: &[$crate::testing::behaviour::Case] = &[$(
            $crate::testing::behaviour::Case {
                name: $name,
                check: |backend| Box::pin(async move {
                    let $backend = &*backend;
                    $body
                    Ok(())
                }),
            },
        )*];
    };
}
pub(super) use cases;

/// The payload of a JSON text.
pub(super) fn json(text: &str) -> core::result::Result<Payload, String> {
    Payload::from_wire(text).map_err(|error| error.to_string())
}

/// A put of a JSON text.
pub(super) fn put(collection: &str, key: impl Into<Key>, text: &str) -> core::result::Result<Put, String> {
    Ok(Put::new(collection, key.into(), Body::Clear(json(text)?)))
}

/// A put of a JSON text with a precondition.
pub(super) fn put_if(
    precondition: Precondition,
    collection: &str,
    key: impl Into<Key>,
    text: &str,
) -> core::result::Result<WriteOp, String> {
    Ok(WriteOp::Put(Put { precondition, ..put(collection, key, text)? }))
}

/// A deletion.
pub(super) fn delete(collection: &str, key: impl Into<Key>) -> WriteOp {
    WriteOp::Delete(Delete::new(collection, key.into()))
}

/// Commits at the time 1000, or as told.
pub(super) async fn commit(backend: &dyn Backend, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
    commit_at(backend, 1000.0, ops).await
}

/// Commits at a time.
pub(super) async fn commit_at(backend: &dyn Backend, now: f64, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
    backend.commit(WriteBatch { ops, now, ..WriteBatch::default() }).await
}

/// Commits, and tells what went wrong.
pub(super) async fn done(backend: &dyn Backend, ops: Vec<WriteOp>) -> core::result::Result<CommitReceipt, String> {
    commit(backend, ops).await.map_err(|error| error.to_string())
}

/// Reads one record.
pub(super) async fn get(
    backend: &dyn Backend,
    collection: &str,
    key: impl Into<Key>,
) -> core::result::Result<Option<Record>, String> {
    let key = [key.into()];
    let records = backend.get(collection, &key).await.map_err(|error| error.to_string())?;
    same("the number of records", &records.len(), &1)?;
    Ok(records.into_iter().next().flatten())
}

/// The value encoding of a record's content.
pub(super) fn text(record: &Record) -> core::result::Result<String, String> {
    match &record.body {
        Body::Clear(payload) => payload.to_wire().map_err(|error| error.to_string()),
        Body::Sealed(_) => Err("the body is sealed".to_owned()),
    }
}

/// The value encoding of what stands under a key.
pub(super) async fn value(
    backend: &dyn Backend,
    collection: &str,
    key: impl Into<Key>,
) -> core::result::Result<Option<String>, String> {
    get(backend, collection, key).await?.as_ref().map(text).transpose()
}

/// Scans, and gives the keys' texts, joined with blanks.
pub(super) async fn keys(backend: &dyn Backend, scan: Scan) -> core::result::Result<String, String> {
    let rows = rows(backend, scan).await?;
    Ok(rows.iter().map(|row| row.key.to_text()).collect::<Vec<_>>().join(" "))
}

/// Scans.
pub(super) async fn rows(backend: &dyn Backend, scan: Scan) -> core::result::Result<Vec<Row>, String> {
    backend.scan(&scan).await.map_err(|error| error.to_string())
}

/// Counts.
pub(super) async fn count(
    backend: &dyn Backend,
    collection: &str,
    source: Source,
    range: KeyRange,
) -> core::result::Result<u64, String> {
    backend.count(collection, &source, &range).await.map_err(|error| error.to_string())
}

/// An index, by name.
pub(super) fn index(name: &str) -> Source {
    Source::Index(name.to_owned())
}

/// Finds that two things are the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> core::result::Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}: found {found:?}, wanted {wanted:?}")) }
}

/// Finds that a call failed with this kind.
pub(super) fn fails<T>(
    what: &str,
    result: core::result::Result<T, Error>,
    kind: ErrorKind,
) -> core::result::Result<(), String> {
    match result {
        Ok(_) => Err(format!("{what}: succeeded, wanted {}", kind.code())),
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(format!("{what}: {} ({error}), wanted {}", error.kind().code(), kind.code())),
    }
}

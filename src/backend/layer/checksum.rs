//! Checksums: what was written of chosen collections is compared with what is read.

use core::fmt;
use std::rc::Rc;

use crate::backend::{Backend, LocalFuture, Read, Row, Scan};
use crate::crypto::sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Checksum, CommitReceipt, Content, Key, Record, RemoteState, Schema, WriteBatch, WriteOp};
use crate::platform::Payload;

/// Which records are compared with their checksums when they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Every one: for the application.
    All,
    /// Those that wait to be sent: for replication, which may put the endpoint's state in the place of any other.
    Unsent,
}

/// A backend that keeps a checksum beside the values of the collections that ask for one.
///
/// # Behavior
///
/// - The checksum is the SHA-256 of the value encoding. It is computed before the backend is called, for what the
///   application writes and for what replication does.
/// - A value that is read is compared with it. Where they differ, the call fails and names the record; other records
///   are read as ever, and the record can be written over or deleted.
/// - A record without a checksum, from before the collection asked for one, is taken as it is.
/// - It tells damage, and not forgery: whoever changes a row can change its checksum too.
///
/// # Errors
///
/// `CORRUPTED` for a value that is not what was written; `SERIALIZATION_ERROR` for one that has no encoded form.
pub struct Checksums {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    compared: Compared,
}

impl Checksums {
    /// Checksums over `inner`; `inner` itself where no collection asks for them.
    #[must_use]
    pub fn over(inner: Rc<dyn Backend>, schema: &Rc<Schema>, compared: Compared) -> Rc<dyn Backend> {
        if schema.collections().any(|(_, collection)| collection.checksum) {
            Rc::new(Self { inner, schema: Rc::clone(schema), compared })
        } else {
            inner
        }
    }

    fn asked(&self, collection: &str) -> bool {
        self.schema.get(collection).is_some_and(|collection| collection.checksum)
    }

    fn sum(&self, collection: &str, key: &Key, body: &Body) -> Result<Option<Checksum>> {
        match body {
            Body::Clear(payload) if self.asked(collection) => {
                of(payload).map(Some).map_err(|error| error.with("collection", collection).with("key", key.to_text()))
            }
            Body::Clear(_) | Body::Sealed(_) => Ok(None),
        }
    }

    fn summed(&self, batch: &mut WriteBatch) -> Result<()> {
        for op in &mut batch.ops {
            match op {
                WriteOp::Put(put) => {
                    if let Content::Replace(body) = &put.content {
                        put.checksum = self.sum(&put.collection, &put.key, body)?;
                    }
                }
                WriteOp::Replicate(replicate) => {
                    if let Some(RemoteState::Present { body, .. }) = &replicate.state {
                        replicate.checksum = self.sum(&replicate.collection, &replicate.key, body)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn compare(&self, collection: &str, record: &Record) -> Result<()> {
        let unsent = record.meta.replica.is_some_and(|replica| replica.dirty);
        match (&record.meta.checksum, &record.body) {
            (Some(kept), Body::Clear(payload)) if self.compared == Compared::All || unsent => {
                // What cannot be encoded was never written so.
                if of(payload).ok().as_ref() == Some(kept) { Ok(()) } else { Err(corrupted(collection, &record.key)) }
            }
            _ => Ok(()),
        }
    }
}

fn of(payload: &Payload) -> Result<Checksum> {
    Ok(Box::new(sha256(payload.to_wire()?.as_bytes())))
}

fn corrupted(collection: &str, key: &Key) -> Error {
    Error::new(
        ErrorKind::Corrupted,
        "the stored value is not what was written: its checksum differs; write the record again, or delete it",
    )
    .with("collection", collection)
    .with("key", key.to_text())
}

impl fmt::Debug for Checksums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksums").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Checksums {
    crate::delegate!(inner: facts, count, namespaces, close, destroy);

    fn commit(&self, mut batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        match self.summed(&mut batch) {
            Ok(()) => self.inner.commit(batch),
            Err(error) => Box::pin(async move { Err(error.during("commit")) }),
        }
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let records = self.inner.get(collection, keys).await?;
            for record in records.iter().flatten() {
                self.compare(collection, record).map_err(|error| error.during("get"))?;
            }
            Ok(records)
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let rows = self.inner.scan(scan).await?;
            if scan.read == Read::Records {
                for record in rows.iter().filter_map(|row| row.record.as_ref()) {
                    self.compare(&scan.collection, record).map_err(|error| error.during("scan"))?;
                }
            }
            Ok(rows)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::backend::memory::MemoryBackend;
    use crate::model::{BaseChange, Collection, Put, Replica, Replicate};
    use crate::sync::Hlc;

    struct Fixture {
        raw: Rc<dyn Backend>,
        checked: Rc<dyn Backend>,
        unsent: Rc<dyn Backend>,
    }

    fn fixture() -> Fixture {
        let mut schema = Schema::default();
        schema.declare("notes", Collection { checksum: true, ..Collection::default() }).unwrap();
        let schema = Rc::new(schema);
        let raw: Rc<dyn Backend> = Rc::new(MemoryBackend::new("test", Rc::clone(&schema), 100));
        let checked = Checksums::over(Rc::clone(&raw), &schema, Compared::All);
        let unsent = Checksums::over(Rc::clone(&raw), &schema, Compared::Unsent);
        Fixture { raw, checked, unsent }
    }

    fn put(collection: &str, key: &str, json: &str) -> Put {
        Put::new(collection, Key::from(key), Body::Clear(Payload::from_wire(json).unwrap()))
    }

    fn commit(backend: &Rc<dyn Backend>, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        backend.commit(WriteBatch { ops, now: 1.0, ..WriteBatch::default() }).now_or_never().unwrap()
    }

    fn read(backend: &Rc<dyn Backend>, collection: &str, key: &str) -> Result<Option<Record>> {
        backend.get(collection, &[Key::from(key)]).now_or_never().unwrap().map(|mut found| found.remove(0))
    }

    /// Puts another value in the place of a record's, its checksum left as it was.
    fn damage(raw: &Rc<dyn Backend>, key: &str, replicate: Option<Hlc>) {
        let checksum = read(raw, "notes", key).unwrap().unwrap().meta.checksum;
        commit(raw, vec![WriteOp::Put(Put { replicate, checksum, ..put("notes", key, "\"damaged\"") })]).unwrap();
    }

    #[test]
    fn the_checksum_is_that_of_the_value_encoding_and_only_where_it_is_asked_for() {
        let Fixture { raw, checked, .. } = fixture();
        let batch = vec![WriteOp::Put(put("notes", "a", r#"{"b":[1,"x"]}"#)), WriteOp::Put(put("box", "a", "1"))];
        commit(&checked, batch).unwrap();
        let kept = |collection| read(&raw, collection, "a").unwrap().unwrap().meta.checksum;
        // Computed with `printf '{"b":[1,"x"]}' | sha256sum`.
        let wanted = "9145efd761548cb4303c49f4eccb8afbd6ef1fda5078521c0b814edb75ca5b96";
        let found: Vec<String> = kept("notes").unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found.concat(), wanted);
        assert_eq!(kept("box"), None);
    }

    #[test]
    fn a_damaged_record_is_named_and_the_others_are_read() {
        let Fixture { raw, checked, .. } = fixture();
        commit(&checked, ["a", "b"].map(|key| WriteOp::Put(put("notes", key, "1"))).into()).unwrap();
        damage(&raw, "a", None);
        let error = read(&checked, "notes", "a").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupted);
        assert_eq!(error.context(), [("collection", "notes".to_owned()), ("key", "a".to_owned())]);
        assert!(read(&checked, "notes", "b").unwrap().is_some());
        let all = Scan::all("notes");
        assert_eq!(checked.scan(&all).now_or_never().unwrap().unwrap_err().kind(), ErrorKind::Corrupted);
        let meta = Scan { read: Read::Meta, ..all };
        assert_eq!(checked.scan(&meta).now_or_never().unwrap().unwrap().len(), 2);
        commit(&checked, vec![WriteOp::Put(put("notes", "a", "2"))]).unwrap();
        assert!(read(&checked, "notes", "a").unwrap().is_some());
    }

    #[test]
    fn what_changes_the_metadata_alone_keeps_the_checksum() {
        let Fixture { raw, checked, .. } = fixture();
        commit(&checked, vec![WriteOp::Put(put("notes", "a", "1"))]).unwrap();
        let tagged = Put { content: Content::Keep, tags: Some(vec!["t".into()]), ..put("notes", "a", "0") };
        commit(&checked, vec![WriteOp::Put(tagged)]).unwrap();
        assert!(read(&checked, "notes", "a").unwrap().unwrap().meta.checksum.is_some());
        damage(&raw, "a", None);
        assert_eq!(read(&checked, "notes", "a").unwrap_err().kind(), ErrorKind::Corrupted);
    }

    #[test]
    fn what_replication_writes_has_a_checksum_and_what_it_does_not_send_it_does_not_compare() {
        let Fixture { raw, checked, unsent } = fixture();
        let replicate = |json: &str| {
            WriteOp::Replicate(Replicate {
                collection: "notes".into(),
                key: Key::from("a"),
                state: Some(RemoteState::Present {
                    body: Body::Clear(Payload::from_wire(json).unwrap()),
                    metadata: None,
                    tags: Vec::new(),
                    expires: None,
                    created: 1.0,
                    modified: 1.0,
                }),
                replica: Replica { rev: Some(1), hlc: Hlc::new(5, 0, 1), dirty: false },
                precondition: crate::model::Precondition::None,
                base: BaseChange::Keep,
                checksum: None,
            })
        };
        commit(&unsent, vec![replicate("1")]).unwrap();
        assert!(read(&checked, "notes", "a").unwrap().unwrap().meta.checksum.is_some());
        damage(&raw, "a", None);
        assert!(read(&unsent, "notes", "a").is_ok(), "the endpoint's state can take its place");
        commit(&unsent, vec![replicate("2")]).unwrap();
        assert!(read(&checked, "notes", "a").is_ok());
        damage(&raw, "a", Some(Hlc::new(9, 0, 1)));
        assert_eq!(read(&unsent, "notes", "a").unwrap_err().kind(), ErrorKind::Corrupted, "it is not sent");
    }
}

//! Seals the records of encrypted collections on their way down, and opens them on their way up.

use core::fmt;
use std::rc::Rc;

use crate::backend::{Backend, LocalFuture, Read, Row, Scan};
use crate::crypto::{AdditionalData, Keyring};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, CommitReceipt, Content, Key, Record, Schema, WriteBatch, WriteOp};
use crate::platform::{Payload, random};

/// The part of a record that is sealed: all of it.
const WHOLE: &str = "";

/// A backend that keeps encrypted collections sealed.
///
/// # Behavior
///
/// - What is sealed is bound to its database, collection and key: swapped rows do not open.
/// - Sealing happens before the backend is called, so no transaction waits for it.
/// - Keys, tags, times and metadata stay in the clear.
/// - A scan for [`Read::Meta`] opens nothing, and so needs no key.
///
/// # Errors
///
/// `LOCKED` without an open key; `KEY_MISSING`, `DECRYPTION_FAILED`, `CORRUPTED` for what does not open.
pub struct Seal {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    keyring: Rc<Keyring>,
    database: String,
}

impl Seal {
    /// Seals what goes into `inner` under the keys of `keyring`.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, keyring: Rc<Keyring>) -> Self {
        let database = inner.facts().name;
        Self { inner, schema, keyring, database }
    }

    fn additional<'a>(&'a self, collection: &'a str, key: &'a str) -> AdditionalData<'a> {
        AdditionalData { database: &self.database, collection, key, field: WHOLE }
    }

    fn seal(&self, batch: &mut WriteBatch) -> Result<()> {
        for op in &mut batch.ops {
            let WriteOp::Put(put) = op else { continue };
            if !self.schema.encrypted(&put.collection) {
                continue;
            }
            if let Content::Replace(Body::Clear(payload)) = &put.content {
                let text = zeroize::Zeroizing::new(payload.to_wire()?);
                let key = put.key.to_text();
                let sealed =
                    self.keyring.seal(&self.additional(&put.collection, &key), text.as_bytes(), &mut random_bytes)?;
                put.content = Content::Replace(Body::Sealed(sealed));
            }
        }
        Ok(())
    }

    fn open(&self, collection: &str, record: &mut Record) -> Result<()> {
        let Body::Sealed(envelope) = &record.body else { return Ok(()) };
        let key = record.key.to_text();
        let failed = |error: Error| error.with("collection", collection).with("key", &key);
        let opened = self.keyring.open(&self.additional(collection, &key), envelope).map_err(failed)?;
        let text = core::str::from_utf8(&opened)
            .map_err(|_| failed(Error::new(ErrorKind::Corrupted, "what was sealed is no encoded value")))?;
        record.body = Body::Clear(Payload::from_wire(text).map_err(failed)?);
        Ok(())
    }
}

fn random_bytes(bytes: &mut [u8]) -> Result<()> {
    random(bytes)
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Seal {
    crate::delegate!(inner: facts, count, namespaces, close, destroy);

    fn commit(&self, mut batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        match self.seal(&mut batch) {
            Ok(()) => self.inner.commit(batch),
            Err(error) => Box::pin(async move { Err(error.during("commit")) }),
        }
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let mut records = self.inner.get(collection, keys).await?;
            for record in records.iter_mut().flatten() {
                self.open(collection, record).map_err(|error| error.during("get"))?;
            }
            Ok(records)
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let mut rows = self.inner.scan(scan).await?;
            if scan.read == Read::Records {
                for record in rows.iter_mut().filter_map(|row| row.record.as_mut()) {
                    self.open(&scan.collection, record).map_err(|error| error.during("scan"))?;
                }
            }
            Ok(rows)
        })
    }
}

//! What deciding a conflict needs from above the seal: values opened, and values checked and sealed.

use super::{DataStore, EntryOptions};
use crate::crypto::AdditionalData;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Content, Key, WriteOp};
use crate::platform::{Payload, Plaintext, random};

impl DataStore {
    /// The value of a body as it is below the seal.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open key; `KEY_MISSING`, `DECRYPTION_FAILED`, `CORRUPTED` for what does not open.
    pub async fn open_body(&self, collection: &str, key: &Key, body: &Body) -> Result<Payload> {
        let envelope = match body {
            Body::Clear(value) => return Ok(value.clone()),
            Body::Sealed(envelope) => envelope,
        };
        let (database, key) = (self.facts().name, key.to_text());
        let place = AdditionalData { database: &database, collection, key: &key, field: "" };
        let open = || self.0.keyring.open(&place, &envelope.to_vec());
        let opened = match open() {
            Err(error) if error.kind() == ErrorKind::KeyMissing && self.0.vault.learn().await? => open(),
            opened => opened,
        };
        Payload::from_plaintext(&opened?)
    }

    /// A body as it is below the seal, of a value that is checked as every value that the application writes.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE`, `INVALID_KEY` and `VALIDATION_FAILED` where the value could not be written; `LOCKED` where it is to
    /// be sealed and no key is open.
    pub async fn close_value(&self, collection: &str, key: &Key, value: Payload, sealed: bool) -> Result<Body> {
        let records = self.collection(collection)?;
        let put = match records.put_op(key.clone(), value.detached()?, &EntryOptions::default())? {
            WriteOp::Put(put) => put.content,
            _ => Content::Keep,
        };
        let Content::Replace(Body::Clear(value)) = put else {
            return Err(Error::new(ErrorKind::InvalidValue, "what was decided is no value"));
        };
        if !sealed && !records.encrypted() {
            return Ok(Body::Clear(value));
        }
        self.0.vault.count_ahead(1).await?;
        let plaintext = match value.to_plaintext(usize::MAX)? {
            Plaintext::Small(plaintext) => plaintext,
            Plaintext::Large(plaintext) => plaintext.to_vec(),
        };
        let (database, key) = (self.facts().name, key.to_text());
        let place = AdditionalData { database: &database, collection, key: &key, field: "" };
        let envelope = self.0.keyring.seal(&place, &plaintext, &mut |bytes| random(bytes))?;
        Ok(Body::Sealed(envelope.into()))
    }
}

//! Stacks of layers, as a store builds them.

use std::rc::Rc;

use super::transacted::Transacted;
use crate::backend::Backend;
use crate::backend::layer::{Cache, CacheLimits, Checksums, Compared, Isolation, Journal, Postings, Replicated, Seal};
use crate::crypto::Keyring;
use crate::error::Result;
use crate::model::{Collection, Index, Schema, SearchField};
use crate::platform::{now, random};
use crate::store::passphrase;
use crate::sync::open_clock;

/// A keyring with one open key, which is kept nowhere.
///
/// # Errors
///
/// What deriving a key fails with: `INSECURE_CONTEXT` in a page without Web Crypto.
pub async fn open_keyring() -> Result<Rc<Keyring>> {
    let keyring = Keyring::new("tests");
    let unlocker = passphrase(b"a passphrase for tests");
    let new = keyring.create(&unlocker, "", &mut |bytes| random(bytes)).await?;
    let stored = new.records().to_vec();
    keyring.adopt(new, &stored, &[&unlocker], &mut |bytes| random(bytes)).await?;
    Ok(Rc::new(keyring))
}

/// A seal over a backend that was opened with this schema.
#[must_use]
pub fn sealed(backend: Rc<dyn Backend>, schema: Schema, keyring: &Rc<Keyring>) -> Rc<dyn Backend> {
    Rc::new(Seal::new(backend, Rc::new(schema), Rc::clone(keyring)))
}

/// Postings over a backend that was opened with this schema.
#[must_use]
pub fn noted(backend: Rc<dyn Backend>, schema: &Schema) -> Rc<dyn Backend> {
    Postings::around(backend, schema, Rc::new(|_| ()))
}

/// The schema with `people` searched by name and tags.
#[must_use]
pub fn with_searched_collections(mut schema: Schema) -> Schema {
    let search = ["name", "tags"].map(|path| SearchField { path: path.to_owned(), weight: 1.0 }).to_vec();
    let people = Collection { search, ..schema.get("people").cloned().unwrap_or_default() };
    let declared = schema.declare("people", people);
    debug_assert_eq!(declared, Ok(()), "the collection is constant");
    schema
}

/// The schema with `loose` encrypted, and so with blind indexes.
#[must_use]
pub fn with_sealed_collections(mut schema: Schema) -> Schema {
    let loose = schema.get("loose").cloned().unwrap_or_default();
    let indexes = loose.indexes.iter().map(|index| Index { blind: true, ..index.clone() }).collect();
    let declared = schema.declare("loose", Collection { encrypted: true, indexes, ..loose });
    debug_assert_eq!(declared, Ok(()), "the collection is constant");
    schema
}

/// The schema with checksums in every collection.
#[must_use]
pub fn with_checksums(schema: &Schema) -> Schema {
    let mut with = Schema::default();
    for (name, collection) in schema.collections() {
        let declared = with.declare(name, Collection { checksum: true, ..collection.clone() });
        debug_assert_eq!(declared, Ok(()), "the schema is constant");
    }
    with
}

/// Checksums over a backend that was opened with this schema.
#[must_use]
pub fn checked(backend: Rc<dyn Backend>, schema: Schema) -> Rc<dyn Backend> {
    Checksums::over(backend, &Rc::new(schema), Compared::All)
}

/// A journal over a backend, for the suite's namespace `box` and its sealed collection.
///
/// # Errors
///
/// What the backend fails with.
pub async fn journalled(stack: Rc<dyn Backend>) -> Result<Rc<dyn Backend>> {
    let clock = open_clock(&*stack, now(), random).await?;
    let replicated = Replicated::new(["box", "loose"].map(str::to_owned));
    Ok(Rc::new(Journal::new(stack, replicated, clock, Rc::new(|| ()))))
}

/// A stack in which every commit is a transaction: staged, compared with what it stores, and then committed.
#[must_use]
pub fn transacted(stack: Rc<dyn Backend>, schema: Schema, isolation: Isolation) -> Rc<dyn Backend> {
    Rc::new(Transacted::new(stack, Rc::new(schema), isolation))
}

/// A cache over a stack that was opened with this schema, so small that entries go all the time.
#[must_use]
pub fn cached(stack: Rc<dyn Backend>, schema: Schema) -> Rc<dyn Backend> {
    let limits = CacheLimits { entries: 8, ..CacheLimits::default() };
    Rc::new(Cache::new(stack, Rc::new(schema), limits))
}

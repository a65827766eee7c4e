//! The steps of an upgrade, all in its one transaction: it happens whole or not at all.
//!
//! This is one level below rexie, which cannot copy rows and panics where a step fails. Only requests of the upgrade's
//! own transaction are awaited, so that it lives on from one to the next.

use core::ops::Bound;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{DomStringList, IdbDatabase, IdbIndex, IdbKeyRange, IdbObjectStore, IdbTransaction};

use super::api::{Settlement, answer, asked, create_index, create_store, rename};
use super::convert::{from_row, to_range, to_row, untagged};
use super::error::from_js;
use super::layout::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Fields, Index, Key, KeyPath, KeyRange, Record, search_log, system};
use crate::policy::{Occasion, Step, StoreShape, is_over_tags, plan};

/// How many rows are copied at a time.
const BATCH: u32 = 200;
/// The name of a store while rows are copied into it.
const MEANWHILE: &str = "tidekeep:meanwhile";

/// The stores that a transaction over all of them finds.
pub(super) fn inspect(database: &IdbDatabase, transaction: &IdbTransaction) -> Result<Vec<StoreShape>> {
    let names = texts(&database.object_store_names());
    let shapes = names.iter().map(|name| found(transaction, name)).collect::<core::result::Result<_, _>>();
    shapes.map_err(|thrown| from_js(&thrown))
}

pub(super) fn texts(list: &DomStringList) -> Vec<String> {
    (0..list.length()).filter_map(|at| list.get(at)).collect()
}

fn found(transaction: &IdbTransaction, name: &str) -> core::result::Result<StoreShape, JsValue> {
    let store: IdbObjectStore = transaction.object_store(name)?;
    let mut indexes = Vec::new();
    for name in texts(&store.index_names()) {
        let index: IdbIndex = store.index(&name)?;
        let key_path = key_path(&index.key_path()?).unwrap_or(KeyPath::Single(String::new()));
        indexes.push(Index { name, key_path, unique: index.unique(), multi_entry: index.multi_entry(), blind: false });
    }
    let key_path = key_path(&store.key_path()?);
    Ok(StoreShape { name: name.to_owned(), key_path, auto_increment: store.auto_increment(), indexes })
}

fn key_path(value: &JsValue) -> Option<KeyPath> {
    if let Some(path) = value.as_string() {
        return Some(KeyPath::Single(path));
    }
    let paths: &Array = value.dyn_ref()?;
    Some(KeyPath::Compound(paths.iter().filter_map(|path| path.as_string()).collect()))
}

/// An upgrade under way.
pub(super) struct Upgrade<'a> {
    pub(super) database: &'a IdbDatabase,
    pub(super) transaction: &'a IdbTransaction,
}

impl Upgrade<'_> {
    /// Takes every step from what is there to what is wanted.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where rows have no place in the new schema, `ALREADY_EXISTS` where two of them would share one:
    /// then the transaction is to be aborted, and everything stays as it was.
    pub(super) async fn run(&self, wanted: &[StoreShape], occasion: Occasion) -> Result<()> {
        let found = inspect(self.database, self.transaction)?;
        let shared = found.iter().any(|store| store.name == system::ENTRIES);
        let steps = plan(&found, wanted, occasion)?;
        self.try_out(&steps).await?;
        let mut untagged: Vec<String> = Vec::new();
        for step in steps {
            match step {
                Step::Create(shape) => {
                    let store = create_store(self.database, &shape.name, &shape)?;
                    if shared && !shape.name.contains(':') {
                        self.adopt(&shape, &store).await?;
                    }
                    self.index(&shape.name, &store, &shape.indexes).await?;
                }
                Step::Rekey(shape) => {
                    let before = found.iter().find(|store| store.name == shape.name);
                    self.rekey(before.and_then(|store| store.key_path.as_ref()), &shape).await?;
                }
                Step::DropIndex { store, index } => {
                    let place = self.store(&store)?;
                    place.delete_index(&index).map_err(|thrown| from_js(&thrown))?;
                    let there = found.iter().find(|there| there.name == store);
                    let dropped = there.and_then(|there| there.indexes.iter().find(|other| other.name == index));
                    if dropped.is_some_and(is_over_tags) && !untagged.contains(&store) {
                        untag(&place).await?;
                        untagged.push(store);
                    }
                }
                Step::AddIndex { store, index } => {
                    self.index(&store, &self.store(&store)?, core::slice::from_ref(&index)).await?;
                }
            }
        }
        Ok(())
    }

    fn store(&self, name: &str) -> Result<IdbObjectStore> {
        self.transaction.object_store(name).map_err(|thrown| from_js(&thrown))
    }

    /// Adds indexes. A unique one over rows that repeat a value fails with the whole transaction, which does not say
    /// which one it was: so each unique one is waited for.
    async fn index(&self, collection: &str, store: &IdbObjectStore, indexes: &[Index]) -> Result<()> {
        for index in indexes {
            let made = create_index(store, index)?;
            if !index.unique {
                continue;
            }
            if let Err(error) = answer(made.count()).await {
                // Engines differ in what the request says; the transaction says it when it has ended.
                let cause = Settlement::watch(self.transaction).ended().await;
                let refused = cause.is_err_and(|cause| from_js(&cause).kind() == ErrorKind::AlreadyExists);
                return Err(if refused { shared_value(collection, &index.name) } else { error });
            }
        }
        Ok(())
    }

    /// Makes every index that is to be unique beside the ones that are there, and takes it back: whatever fails does so
    /// before anything is removed. WebKit loses an index that was replaced in an upgrade that fails later.
    async fn try_out(&self, steps: &[Step]) -> Result<()> {
        let mut made = Vec::new();
        for step in steps {
            if let Step::AddIndex { store, index } = step
                && index.unique
            {
                let trial = Index { name: format!("{MEANWHILE} {}", made.len()), ..index.clone() };
                let place = self.store(store)?;
                self.index(store, &place, core::slice::from_ref(&trial)).await.map_err(|error| {
                    let refused = error.kind() == ErrorKind::AlreadyExists;
                    if refused { shared_value(store, &index.name) } else { error }
                })?;
                made.push((place, trial.name));
            }
        }
        for (store, trial) in made {
            store.delete_index(&trial).map_err(|thrown| from_js(&thrown))?;
        }
        Ok(())
    }

    /// Moves the rows of a namespace that is declared now out of the shared store.
    async fn adopt(&self, shape: &StoreShape, store: &IdbObjectStore) -> Result<()> {
        let from = Place::Shared { namespace: &shape.name };
        let shared = self.store(system::ENTRIES)?;
        let stray = self.copy(&shared, &from, store, shape, Keys::Same).await?;
        stray.check(
            "the namespace holds entries whose values carry no valid key, or another one, in the declared keyPath; \
             nothing was changed: declare it without a keyPath, or declare another name",
            &shape.name,
        )?;
        if let Some(range) = to_range(&KeyRange::all(), &from)? {
            shared.delete(&range).map_err(|thrown| from_js(&thrown))?;
        }
        Ok(())
    }

    /// Copies the rows of a store to their keys under another key path.
    async fn rekey(&self, before: Option<&KeyPath>, shape: &StoreShape) -> Result<()> {
        for named in [system::TOMBSTONES, system::DEAD, system::CONFLICTS] {
            let place = Place::Shared { namespace: &shape.name };
            let count = match (self.store(named), to_range(&KeyRange::all(), &place)?) {
                (Ok(store), Some(range)) => answer(store.count_with_key(&range)).await?,
                _ => JsValue::UNDEFINED,
            };
            if count.as_f64().is_some_and(|count| count > 0.0) {
                return Err(replicates(&shape.name));
            }
        }
        let old = self.store(&shape.name)?;
        let new = create_store(self.database, MEANWHILE, shape)?;
        let from = Place::Own { store: &shape.name, key_path: before, declared: false, blind: false };
        let stray = self.copy(&old, &from, &new, shape, Keys::Own).await?;
        stray.check(
            "the collection is stored under another keyPath, and holds records without a valid key in the declared one; \
             nothing was changed: declare the earlier keyPath, or copy the records to a new collection",
            &shape.name,
        )?;
        self.database.delete_object_store(&shape.name).map_err(|thrown| from_js(&thrown))?;
        rename(&new, &shape.name)?;
        if let Ok(log) = self.store(&search_log(&shape.name)) {
            // It names records by their old keys; without it, the index is built anew.
            log.clear().map_err(|thrown| from_js(&thrown))?;
        }
        self.index(&shape.name, &new, &shape.indexes).await
    }

    /// Copies the rows of a place into a store; those that have no key there are counted, and then nothing more is
    /// written.
    async fn copy(
        &self,
        source: &IdbObjectStore,
        from: &Place<'_>,
        target: &IdbObjectStore,
        shape: &StoreShape,
        keys: Keys,
    ) -> Result<Stray> {
        let into = Place::Own { store: &shape.name, key_path: shape.key_path.as_ref(), declared: true, blind: false };
        let mut stray = Stray::default();
        let mut lower = Bound::Unbounded;
        loop {
            let range = to_range(&KeyRange { lower, upper: Bound::Unbounded }, from)?;
            let range = range.map_or(JsValue::UNDEFINED, JsValue::from);
            let found = asked(source.get_all_keys_with_key_and_limit(&range, BATCH))?;
            let rows = asked(source.get_all_with_key_and_limit(&range, BATCH))?;
            let found = Array::from(&found.finished().await?);
            let rows = Array::from(&rows.finished().await?);
            let mut writes = Vec::new();
            let mut last = None;
            for (stored, row) in found.iter().zip(rows.iter()) {
                let key = from.own_key(Key::from_js(&stored)?);
                last = Some(key.clone());
                match rehomed(key.clone(), &row, &into, keys)? {
                    Some(record) if stray.count == 0 => {
                        let row = to_row(&record, &into);
                        let request = if into.inline() {
                            target.add(&row)
                        } else {
                            target.add_with_key(&row, &record.key.to_js())
                        };
                        writes.push((key, asked(request)?));
                    }
                    Some(_) => {}
                    None => stray.note(key),
                }
            }
            for (key, write) in writes {
                write.finished().await.map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => Error::new(
                        ErrorKind::AlreadyExists,
                        "two records have the same key in the declared keyPath; nothing was changed: declare another one",
                    )
                    .with("collection", &shape.name)
                    .with("key", key.to_text()),
                    _ => error,
                })?;
            }
            match last {
                Some(last) if found.length() == BATCH => lower = Bound::Excluded(last),
                _ => return Ok(stray),
            }
        }
    }
}

/// Takes the tags of blind indexes from every row of a store; those of indexes that stay are made anew.
async fn untag(store: &IdbObjectStore) -> Result<()> {
    let mut range = JsValue::UNDEFINED;
    loop {
        let keys = asked(store.get_all_keys_with_key_and_limit(&range, BATCH))?;
        let rows = asked(store.get_all_with_key_and_limit(&range, BATCH))?;
        let keys = Array::from(&keys.finished().await?);
        let rows = Array::from(&rows.finished().await?);
        let inline = !store.key_path().map_err(|thrown| from_js(&thrown))?.is_null();
        let mut last = None;
        for (key, row) in keys.iter().zip(rows.iter()).filter(|(_, row)| !untagged(row).is_undefined()) {
            let request = if inline { store.put(&row) } else { store.put_with_key(&row, &key) };
            last = Some(asked(request)?);
        }
        if let Some(last) = last {
            last.finished().await?;
        }
        if keys.length() < BATCH {
            return Ok(());
        }
        let after = IdbKeyRange::lower_bound_with_open(&keys.get(BATCH - 1), true);
        range = after.map_err(|thrown| from_js(&thrown))?.into();
    }
}

/// Which keys copied rows get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// The ones they had.
    Same,
    /// The ones in their key path.
    Own,
}

/// Rows without a place.
#[derive(Debug, Default)]
struct Stray {
    first: Option<Key>,
    count: u32,
}

impl Stray {
    fn note(&mut self, key: Key) {
        self.first.get_or_insert(key);
        self.count += 1;
    }

    fn check(&self, message: &str, collection: &str) -> Result<()> {
        match &self.first {
            None => Ok(()),
            Some(first) => Err(Error::new(ErrorKind::InvalidConfig, message)
                .with("collection", collection)
                .with("key", first.to_text())
                .with("records", self.count)),
        }
    }
}

fn shared_value(collection: &str, index: &str) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "records share a value of the index that is to be unique; nothing was changed: make their values differ, or \
         declare the index without “unique”",
    )
    .with("collection", collection)
    .with("index", index)
}

/// The record of a row as it lies in another place; none where it has no key there.
fn rehomed(key: Key, row: &JsValue, into: &Place<'_>, keys: Keys) -> Result<Option<Record>> {
    let record = from_row(key, row)?;
    if keys == Keys::Own && record.meta.replica.is_some() {
        return Err(replicates(into.store()));
    }
    let Place::Own { key_path: Some(key_path), .. } = into else { return Ok(Some(record)) };
    let key = match &record.body {
        Body::Clear(payload) if payload.field(system::RESERVED).is_none() => key_path.extract(payload),
        // Sealed to its key: it opens under no other, and nothing else of it can be read.
        Body::Sealed(_) if keys == Keys::Same && fits(key_path, &record.key) => Some(record.key.clone()),
        Body::Clear(_) | Body::Sealed(_) => None,
    };
    Ok(key.filter(|key| keys == Keys::Own || *key == record.key).map(|key| Record { key, ..record }))
}

fn fits(key_path: &KeyPath, key: &Key) -> bool {
    match (key_path, key) {
        (KeyPath::Single(_), _) => true,
        (KeyPath::Compound(paths), Key::Array(parts)) => paths.len() == parts.len(),
        (KeyPath::Compound(_), _) => false,
    }
}

fn replicates(collection: &str) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "records that replicate cannot change their keys, which name them at the endpoint; nothing was changed: declare \
         the earlier keyPath, or copy the records to a new collection",
    )
    .with("collection", collection)
}

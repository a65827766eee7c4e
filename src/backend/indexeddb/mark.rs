//! A mark of every transaction that writes, so that one whose end nobody saw can be told from one that never happened.
//!
//! When a connection is lost while a commit is under way, it may have landed. Writing it again would count versions
//! twice, overwrite what others wrote in between, and find `ALREADY_EXISTS` where it meets itself. So each transaction
//! leaves its number under the name of its connection, and whoever repeats one looks there first, in the transaction
//! that is to write. `docs/adr/0004-a-mark-of-every-commit.md` weighs the cost.

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbRequest, IdbTransaction};

use super::api::{answer, begin, options};
use super::error::from_js;
use super::identity::random_name;
use crate::error::Result;
use crate::model::Durability;
use crate::platform::now;

/// The object store of marks: `{number, at}` under the name of the connection.
///
/// INVARIANT: every transaction that writes has it in its scope, so that no two of a database are under way at once. Killed
/// with two of them, Chromium deletes every database of the origin: `docs/adr/0009-what-a-kill-leaves-in-chromium.md`.
pub(super) const COMMITS: &str = "tidekeep:commits";
/// How long a mark is kept, milliseconds: far longer than any commit is repeated.
const KEPT_MS: f64 = 86_400_000.0;

/// The marks of one connection.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    connection: String,
    pub(super) number: u32,
    pub(super) marking: Marking,
}

/// Whether a mark is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marking {
    Marked,
    /// It is not: a transaction that only deletes, on a full disk. If its connection is lost it is made once more, and
    /// deletes what is gone already.
    Unmarked,
}

impl Mark {
    pub(super) fn first() -> Result<Self> {
        Ok(Self { connection: random_name()?, number: 0, marking: Marking::Marked })
    }

    /// The mark of the next transaction.
    pub(super) fn next(&self) -> Self {
        Self { connection: self.connection.clone(), number: self.number.wrapping_add(1), marking: Marking::Marked }
    }

    /// Leaves the mark.
    pub(super) fn leave(&self, transaction: &IdbTransaction) -> Result<()> {
        if self.marking == Marking::Unmarked {
            return Ok(());
        }
        let row = options([("number", JsValue::from_f64(f64::from(self.number))), ("at", JsValue::from_f64(now()))]);
        let store = transaction.object_store(COMMITS).map_err(|thrown| from_js(&thrown))?;
        store.put_with_key(&row, &JsValue::from_str(&self.connection)).map(drop).map_err(|thrown| from_js(&thrown))
    }

    /// Asks for the last mark of the connection.
    pub(super) fn look(&self, transaction: &IdbTransaction) -> Result<IdbRequest> {
        let store = transaction.object_store(COMMITS).map_err(|thrown| from_js(&thrown))?;
        store.get(&JsValue::from_str(&self.connection)).map_err(|thrown| from_js(&thrown))
    }
}

/// The number that was found by [`Mark::look`].
pub(super) fn number_of(found: &JsValue) -> Option<f64> {
    property(found, "number")
}

fn property(row: &JsValue, name: &str) -> Option<f64> {
    Reflect::get(row, &name.into()).ok()?.as_f64()
}

/// Deletes the marks of connections that wrote nothing for a day.
pub(super) async fn sweep(database: &IdbDatabase) -> Result<()> {
    let store = |write: Option<Durability>| {
        begin(database, &[COMMITS], write)?.object_store(COMMITS).map_err(|thrown| from_js(&thrown))
    };
    let marks = store(None)?;
    let keys = super::api::asked(marks.get_all_keys())?;
    let rows = Array::from(&answer(marks.get_all()).await?);
    let keys = Array::from(&keys.finished().await?);
    let over = now() - KEPT_MS;
    let old: Array =
        keys.iter().zip(rows.iter()).filter(|(_, row)| property(row, "at") < Some(over)).map(|(key, _)| key).collect();
    if old.length() == 0 {
        return Ok(());
    }
    let marks = store(Some(Durability::Relaxed))?;
    for key in old.iter() {
        marks.delete(&key).map_err(|thrown| from_js(&thrown))?;
    }
    Ok(())
}

//! Minds the keys that the seal works with: counts what is sealed under them, and reads those that came since.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use super::turns::Turns;
use crate::backend::{Backend, LocalFuture, Row, Scan};
use crate::crypto::{KeyId, KeyRecord, Keyring, MAX_SEALS};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, ToJson};
use crate::model::{
    Body, CommitReceipt, Content, Durability, Key, Precondition, Put, Record, Schema, Secrecy, WriteBatch, WriteOp,
    system,
};
use crate::platform::now;
use crate::sync::{row_body, row_content, row_object};

/// How many seals a session sets aside at first, and at most, before it makes them. What it has set aside doubles each
/// time: so one that seals little wastes little, and one that seals much hardly ever asks.
const BLOCK: (u64, u64) = (256, 65_536);
/// How often setting aside begins again when other tabs do so too.
const MOST_RACES: usize = 16;

/// A backend around the seal.
///
/// # Behavior
///
/// - Before a value is sealed, its seal was counted for its key in a row that is this device's own and never replicates:
///   over all tabs, and in blocks, so that a crash wastes some and none is counted twice.
///   What is sealed only because it takes the place of something sealed is not counted.
/// - A device seals no more than [`MAX_SEALS`] values under one key; well before that, [`ends`](Vault::ends) says that
///   another key is wanted. What would be beyond is refused with `KEY_MISSING`.
/// - Where the seal misses a key, the records of keys are read again: another tab or device may have made it since.
/// - Commits reach the seal in the order in which they were made, and what is called after them comes after them.
pub struct Vault {
    seal: Rc<dyn Backend>,
    /// Below the seal.
    below: Rc<dyn Backend>,
    schema: Rc<Schema>,
    keyring: Rc<Keyring>,
    turns: Turns,
    most: Cell<u64>,
    block: Cell<u64>,
    /// A key whose end is in sight.
    ending: Cell<Option<KeyId>>,
    before: RefCell<Option<Rc<dyn Fn()>>>,
}

/// How many seals were set aside under a key.
struct Reserved(u64);

impl ToJson for Reserved {
    fn to_json(&self) -> String {
        row_object().whole("seals", self.0).finish()
    }
}

impl FromJson for Reserved {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self(members.required("seals", Json::whole)?))
    }
}

impl Vault {
    /// Minds the keys of `keyring` for a `seal` over `below`.
    #[must_use]
    pub fn new(seal: Rc<dyn Backend>, below: Rc<dyn Backend>, schema: Rc<Schema>, keyring: Rc<Keyring>) -> Self {
        Self {
            seal,
            below,
            schema,
            keyring,
            turns: Turns::default(),
            most: Cell::new(MAX_SEALS),
            block: Cell::new(BLOCK.0),
            ending: Cell::new(None),
            before: RefCell::default(),
        }
    }

    /// Has no more than so many values sealed under one key here; never more than [`MAX_SEALS`].
    pub fn limit(&self, most: u64) {
        self.most.set(most.min(MAX_SEALS));
    }

    /// Calls `look` before keys are used.
    pub fn look_first(&self, look: impl Fn() + 'static) {
        self.before.replace(Some(Rc::new(look)));
    }

    /// Whether the current key has come within a quarter of its end, told once.
    pub fn ends(&self) -> bool {
        self.ending.take().is_some_and(|id| self.keyring.current() == Some(id))
    }

    /// Reads the records of keys, and opens what came since; answers whether anything did.
    ///
    /// # Errors
    ///
    /// What the backend fails with.
    pub async fn learn(&self) -> Result<bool> {
        if self.keyring.is_locked() {
            return Ok(false);
        }
        let rows = self.below.scan(&Scan::all(system::KEYS)).await?;
        let records: Vec<KeyRecord> = rows.into_iter().filter_map(|row| Some(key_record(&row.record?))).collect();
        Ok(self.keyring.refresh(&records) > 0)
    }

    /// Counts so many seals under the current key, before they are made.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `KEY_MISSING` at the limit; what the backend fails with.
    pub async fn count_ahead(&self, seals: u64) -> Result<()> {
        for _ in 0..MOST_RACES {
            // Without a key, the seal says so.
            let Some(id) = self.keyring.current() else { return Ok(()) };
            if self.keyring.take(id, seals) {
                return Ok(());
            }
            self.set_aside(id, seals).await?;
        }
        Err(Error::new(ErrorKind::Timeout, "seals could not be counted, for others count all the time; try again"))
    }

    async fn set_aside(&self, id: KeyId, seals: u64) -> Result<()> {
        let key = Key::from(format!("seals/{id}").as_str());
        let found = self.below.get(system::SYNC, core::slice::from_ref(&key)).await?.into_iter().next().flatten();
        // A row that cannot be read may have said anything.
        let before = found.as_ref().map_or(Ok(Reserved(0)), |row| row_content(row, "seals"));
        let before = before.map_or(u64::MAX, |Reserved(seals)| seals);
        let (most, block) = (self.most.get(), self.block.get());
        let granted = block.max(seals).min(most.saturating_sub(before));
        if before >= most / 4 * 3 {
            self.ending.set(Some(id));
        }
        if granted < seals {
            return Err(Error::new(
                ErrorKind::KeyMissing,
                "this device has sealed as many values under the data key as it safely may; call credentials.rotate()",
            )
            .with("key", id));
        }
        let precondition = found.map_or(Precondition::Absent, |row| Precondition::Version(row.meta.version));
        let put = Put { precondition, ..Put::new(system::SYNC, key, row_body(&Reserved(before + granted))?) };
        let batch = WriteBatch { ops: vec![WriteOp::Put(put)], durability: Durability::Strict, now: now() };
        match self.below.commit(batch).await {
            Ok(_) => {
                self.block.set((block * 2).min(BLOCK.1));
                self.keyring.grant(id, granted);
                Ok(())
            }
            // Another tab was faster: there is something to look at anew.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn seals(&self, batch: &WriteBatch) -> u64 {
        let sealed = |op: &&WriteOp| match op {
            WriteOp::Put(put) => {
                let secret = put.secrecy == Secrecy::Sealed || self.schema.encrypted(&put.collection);
                secret && matches!(put.content, Content::Replace(Body::Clear(_)))
            }
            _ => false,
        };
        batch.ops.iter().filter(sealed).count() as u64
    }

    fn look(&self) {
        let look = self.before.borrow().clone();
        if let Some(look) = look {
            look();
        }
    }

    /// Counts what is to be sealed, and commits, in the order of the calls.
    async fn commit_counted(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let seals = self.seals(&batch);
        if seals > 0 {
            self.look();
        }
        let counted = seals == 0 || self.keyring.current().is_none_or(|id| self.keyring.take(id, seals));
        if counted && self.turns.are_free() {
            return self.seal.commit(batch).await;
        }
        let turn = self.turns.take().await;
        if !counted {
            self.count_ahead(seals).await.map_err(|error| error.during("commit"))?;
        }
        turn.begin(self.seal.commit(batch)).await
    }

    /// Whether a read is worth another try, since keys came that it missed.
    async fn missed(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::KeyMissing && self.learn().await.unwrap_or(false)
    }
}

/// A record of keys, as it is stored.
fn key_record(record: &Record) -> KeyRecord {
    let bytes = match &record.body {
        Body::Clear(payload) => payload.as_bytes(),
        Body::Sealed(_) => None,
    };
    // What is no bytes is told as damaged, where it is read.
    KeyRecord { name: record.key.to_text(), bytes: bytes.unwrap_or_default() }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("inner", &self.seal).finish_non_exhaustive()
    }
}

impl Backend for Vault {
    crate::delegate!(seal: facts);
    crate::delegate!(seal after turns: count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.commit_counted(batch))
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            self.look();
            self.turns.over().await;
            match self.seal.get(collection, keys).await {
                Err(error) if self.missed(&error).await => self.seal.get(collection, keys).await,
                outcome => outcome,
            }
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            self.look();
            self.turns.over().await;
            match self.seal.scan(scan).await {
                Err(error) if self.missed(&error).await => self.seal.scan(scan).await,
                outcome => outcome,
            }
        })
    }
}

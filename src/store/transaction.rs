//! Transactions: reads and writes that commit together or not at all.

use std::rc::Rc;

use super::{DataStore, Events, Inner};
use crate::backend::layer::{Isolation, Overlay};
use crate::error::Result;
use crate::model::{hex, system};
use crate::platform::random;

/// An open transaction of a store. Cloning it gives another handle on the same one.
///
/// # Behavior
///
/// - Nothing that is written in it is stored, or seen outside of read-uncommitted transactions, before it is committed.
/// - It is committed as one batch: one outbox row, and one set of changes for those who listen.
/// - Closing the store rolls it back.
///
/// # Errors
///
/// `INVALID_TRANSACTION` for every call after its end.
#[derive(Debug, Clone)]
pub struct Transaction {
    store: DataStore,
    overlay: Rc<Overlay>,
}

impl DataStore {
    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// `CLOSED`; `UNSUPPORTED` where there are no random numbers for its id.
    pub async fn begin(&self, isolation: Isolation) -> Result<Transaction> {
        // Reads nothing, but fails where the store is closed.
        self.0.stack.get(system::DEFAULT_NAMESPACE, &[]).await.map_err(|error| error.during("beginTransaction"))?;
        let (stack, schema, open) = (Rc::clone(&self.0.stack), Rc::clone(&self.0.schema), &self.0.open);
        let overlay = Rc::new(Overlay::new(stack, schema, uuid()?, isolation, open));
        open.borrow_mut().push(Rc::clone(&overlay));
        Ok(Transaction { store: self.clone(), overlay })
    }

    /// The open transaction of an id.
    ///
    /// # Errors
    ///
    /// `INVALID_TRANSACTION` where there is none.
    pub fn transaction(&self, id: &str) -> Result<Transaction> {
        let found = self.0.open.borrow().iter().find(|overlay| overlay.id() == id).cloned();
        let overlay = found.ok_or_else(|| Overlay::unknown(id))?;
        Ok(Transaction { store: self.clone(), overlay })
    }

    /// Rolls back every open transaction.
    pub(super) fn roll_back_all(&self) {
        for overlay in self.0.open.take() {
            overlay.roll_back();
        }
    }
}

impl Transaction {
    /// Its id, a UUID.
    #[must_use]
    pub fn id(&self) -> &str {
        self.overlay.id()
    }

    /// The store as the transaction sees it. What is written there is staged.
    #[must_use]
    pub fn view(&self) -> DataStore {
        DataStore(Rc::new(Inner {
            stack: Rc::clone(&self.overlay) as _,
            // What is staged has not happened yet: nobody is told.
            events: Events::default(),
            parent: Some(self.store.clone()),
            ..(*self.store.0).clone()
        }))
    }

    /// Whether what it has read has changed already, so that it can only fail.
    #[must_use]
    pub fn doomed(&self) -> bool {
        self.overlay.doomed()
    }

    /// When it was last used, milliseconds since the epoch.
    #[must_use]
    pub fn used(&self) -> f64 {
        self.overlay.used()
    }

    /// Resolves once it has ended.
    pub async fn ended(&self) {
        self.overlay.ended().await;
    }

    /// Commits what was written, once the calls under way are done; it ends, whatever comes of that.
    ///
    /// # Errors
    ///
    /// `CONFLICT`, `ALREADY_EXISTS` or `NOT_FOUND` where others have changed what it depends on; what a commit of the
    /// store fails with. Nothing is written then.
    pub async fn commit(&self) -> Result<()> {
        self.leave();
        let (ops, durability) = self.overlay.finish().await?;
        if ops.is_empty() {
            return Ok(());
        }
        let durability = durability.max(self.store.0.durability);
        self.store.commit(ops, Some(durability)).await.map(drop)
    }

    /// Drops what was written.
    pub fn roll_back(&self) -> Result<()> {
        self.leave();
        if self.overlay.roll_back() { Ok(()) } else { Err(Overlay::unknown(self.id())) }
    }

    /// Takes it off the list: whoever looks for it finds it ended.
    fn leave(&self) {
        self.store.0.open.borrow_mut().retain(|other| !Rc::ptr_eq(other, &self.overlay));
    }
}

/// A random UUID. Source: RFC 9562, version 4.
fn uuid() -> Result<String> {
    let mut bytes = [0; 16];
    random(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (at, digit) in hex(&bytes).chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_random_uuid() {
        let (one, other) = (uuid().unwrap(), uuid().unwrap());
        assert_ne!(one, other);
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]));
    }
}

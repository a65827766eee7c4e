//! Entries by collection and key, the least recently used first to go. Pure.

use std::rc::Rc;

use crate::model::{Key, Record};

/// No slot.
const NONE: u32 = u32::MAX;
/// The most chains that slots are hung into.
const MOST_CHAINS: usize = 1 << 16;
/// What an entry takes beside its value, about. Bytes.
const OVERHEAD: usize = 200;

/// What is kept under a key: a record, or that there is none.
#[derive(Debug)]
struct Entry {
    collection: Rc<str>,
    key: Key,
    record: Option<Record>,
    weight: usize,
    since: f64,
}

/// A place for an entry, hung into a chain of equal hashes and into the order of use.
#[derive(Debug)]
struct Slot {
    hash: u32,
    entry: Option<Entry>,
    /// The next in the chain; of a free slot, the next free one.
    next: u32,
    newer: u32,
    older: u32,
}

/// Entries up to a number and a weight.
///
/// # Behavior
///
/// - Past either, those that were longest not [found](Table::find) nor [kept](Table::keep) go first.
/// - What alone is too heavy is not kept.
#[derive(Debug)]
pub(super) struct Table {
    most_entries: usize,
    most_bytes: usize,
    slots: Vec<Slot>,
    chains: Vec<u32>,
    free: u32,
    newest: u32,
    oldest: u32,
    entries: usize,
    bytes: usize,
}

impl Table {
    pub(super) fn new(most_entries: usize, most_bytes: usize) -> Self {
        let chains = most_entries.clamp(16, MOST_CHAINS).next_power_of_two();
        Self {
            most_entries,
            most_bytes,
            slots: Vec::new(),
            chains: vec![NONE; chains],
            free: NONE,
            newest: NONE,
            oldest: NONE,
            entries: 0,
            bytes: 0,
        }
    }

    /// How many there are.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    /// What they weigh.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is kept under a key since `since` or later; it is used by that.
    pub(super) fn find(&mut self, hash: u32, collection: &str, key: &Key, since: f64) -> Option<&Option<Record>> {
        let at = self.position(hash, collection, key)?;
        if self.slot(at)?.entry.as_ref()?.since < since {
            self.remove(at);
            return None;
        }
        self.unlink(at);
        self.link(at);
        self.slot(at)?.entry.as_ref().map(|entry| &entry.record)
    }

    /// Whether something is kept under a key since `since` or later.
    pub(super) fn has(&self, hash: u32, collection: &str, key: &Key, since: f64) -> bool {
        let entry = self.position(hash, collection, key).and_then(|at| self.slot(at)?.entry.as_ref());
        entry.is_some_and(|entry| entry.since >= since)
    }

    /// Keeps a record, or that there is none, in the place of what was kept.
    pub(super) fn keep(&mut self, hash: u32, at: (&Rc<str>, Key), record: Option<Record>, weight: usize, since: f64) {
        let (collection, key) = at;
        self.forget(hash, collection, &key);
        let weight = weight.saturating_add(OVERHEAD);
        if weight > self.most_bytes || self.most_entries == 0 {
            return;
        }
        while self.entries >= self.most_entries || self.bytes + weight > self.most_bytes {
            self.remove(self.oldest);
        }
        let entry = Some(Entry { collection: Rc::clone(collection), key, record, weight, since });
        let chain = self.chain(hash);
        let next = self.chains.get(chain).copied().unwrap_or(NONE);
        let slot = Slot { hash, entry, next, newer: NONE, older: NONE };
        let at = self.free;
        if let Some(free) = self.slots.get_mut(at as usize) {
            self.free = free.next;
            *free = slot;
            self.hang(chain, at);
        } else {
            let Ok(at) = u32::try_from(self.slots.len()) else { return };
            self.slots.push(slot);
            self.hang(chain, at);
        }
        self.entries += 1;
        self.bytes += weight;
    }

    /// Keeps nothing under a key.
    pub(super) fn forget(&mut self, hash: u32, collection: &str, key: &Key) {
        if let Some(at) = self.position(hash, collection, key) {
            self.remove(at);
        }
    }

    /// Keeps nothing of a collection.
    pub(super) fn forget_all(&mut self, collection: &str) {
        let of_it = |(at, slot): (usize, &Slot)| {
            slot.entry.as_ref().is_some_and(|entry| &*entry.collection == collection).then(|| u32::try_from(at).ok())?
        };
        let found: Vec<u32> = self.slots.iter().enumerate().filter_map(of_it).collect();
        for at in found {
            self.remove(at);
        }
    }

    /// Keeps nothing.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most_entries, self.most_bytes);
    }

    fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)
    }

    const fn chain(&self, hash: u32) -> usize {
        hash as usize & (self.chains.len() - 1)
    }

    fn position(&self, hash: u32, collection: &str, key: &Key) -> Option<u32> {
        let mut at = self.chains.get(self.chain(hash)).copied()?;
        while let Some(slot) = self.slot(at) {
            let is_it = |entry: &Entry| &*entry.collection == collection && entry.key == *key;
            if slot.hash == hash && slot.entry.as_ref().is_some_and(is_it) {
                return Some(at);
            }
            at = slot.next;
        }
        None
    }

    fn hang(&mut self, chain: usize, at: u32) {
        if let Some(first) = self.chains.get_mut(chain) {
            *first = at;
        }
        self.link(at);
    }

    /// Makes a slot the one that was used last.
    fn link(&mut self, at: u32) {
        let before = core::mem::replace(&mut self.newest, at);
        if let Some(slot) = self.slots.get_mut(at as usize) {
            (slot.newer, slot.older) = (NONE, before);
        }
        match self.slots.get_mut(before as usize) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
    }

    /// Takes a slot out of the order of use.
    fn unlink(&mut self, at: u32) {
        let Some(&Slot { newer, older, .. }) = self.slot(at) else { return };
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    fn remove(&mut self, at: u32) {
        self.unlink(at);
        let Some(slot) = self.slots.get_mut(at as usize) else { return };
        let (hash, after) = (slot.hash, core::mem::replace(&mut slot.next, self.free));
        if let Some(entry) = slot.entry.take() {
            self.entries -= 1;
            self.bytes -= entry.weight;
        }
        self.free = at;
        let chain = self.chain(hash);
        if let Some(first) = self.chains.get_mut(chain) {
            if *first == at {
                *first = after;
                return;
            }
            let mut before = *first;
            while let Some(slot) = self.slots.get_mut(before as usize) {
                if slot.next == at {
                    slot.next = after;
                    return;
                }
                before = slot.next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Body, Meta, hash};
    use crate::platform::Payload;

    #[derive(Debug, Clone)]
    enum Step {
        Keep(u32, usize, f64),
        Find(u32, f64),
        Forget(u32),
        ForgetAll,
        Clear,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let time = (0..4u8).prop_map(f64::from);
        let step = prop_oneof![
            6 => (0..20u32, 0..300usize, time.clone()).prop_map(|(key, weight, at)| Step::Keep(key, weight, at)),
            6 => (0..20u32, time).prop_map(|(key, since)| Step::Find(key, since)),
            2 => (0..20u32).prop_map(Step::Forget),
            1 => Just(Step::ForgetAll),
            1 => Just(Step::Clear),
        ];
        prop::collection::vec(step, 0..200)
    }

    fn record(version: u64) -> Option<Record> {
        let meta = Meta { version, ..Meta::default() };
        (!version.is_multiple_of(3)).then(|| Record {
            key: Key::from(0),
            body: Body::Clear(Payload::undefined()),
            meta,
        })
    }

    fn collection(key: u32) -> Rc<str> {
        Rc::from(if key.is_multiple_of(4) { "a" } else { "b" })
    }

    proptest! {
        #[test]
        fn it_keeps_what_a_list_in_the_order_of_use_keeps(steps in steps(), most in 0..8usize, bytes in 0..2_000usize) {
            let mut table = Table::new(most, bytes);
            let mut model: Vec<(u32, Option<u64>, usize, f64)> = Vec::new();
            for (version, step) in steps.into_iter().enumerate() {
                // So few hashes that chains are long.
                let hash = |key: u32| hash(&collection(key), &Key::from(key)) % 3;
                match step {
                    Step::Keep(key, weight, since) => {
                        let kept = record(version as u64);
                        model.retain(|entry| entry.0 != key);
                        let weight = weight + OVERHEAD;
                        if weight <= bytes && most > 0 {
                            while model.len() >= most || model.iter().map(|entry| entry.2).sum::<usize>() + weight > bytes {
                                model.remove(0);
                            }
                            model.push((key, kept.as_ref().map(|record| record.meta.version), weight, since));
                        }
                        table.keep(hash(key), (&collection(key), Key::from(key)), kept, weight - OVERHEAD, since);
                    }
                    Step::Find(key, since) => {
                        let at = model.iter().position(|entry| entry.0 == key);
                        let entry = at.map(|at| model.remove(at)).filter(|entry| entry.3 >= since);
                        model.extend(entry);
                        prop_assert_eq!(table.has(hash(key), &collection(key), &Key::from(key), since), entry.is_some());
                        let found = table.find(hash(key), &collection(key), &Key::from(key), since);
                        let found = found.map(|found| found.as_ref().map(|record| record.meta.version));
                        prop_assert_eq!(found, entry.map(|entry| entry.1));
                    }
                    Step::Forget(key) => {
                        model.retain(|entry| entry.0 != key);
                        table.forget(hash(key), &collection(key), &Key::from(key));
                    }
                    Step::ForgetAll => {
                        model.retain(|entry| !entry.0.is_multiple_of(4));
                        table.forget_all("a");
                    }
                    Step::Clear => {
                        model.clear();
                        table.clear();
                    }
                }
                prop_assert_eq!(table.entries(), model.len());
                prop_assert_eq!(table.bytes(), model.iter().map(|entry| entry.2).sum::<usize>());
            }
        }
    }
}

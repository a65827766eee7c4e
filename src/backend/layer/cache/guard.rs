//! What keeps a read that races a write from leaving an older value in the cache. Pure.

use crate::model::{WriteOp, hash};

/// Keys share so many places; what is said of one is said of all that share its place.
const PLACES: usize = 256;

/// Which keys were written when, and which are being written.
///
/// # Behavior
///
/// - A value may be kept only if its key was neither written nor being written at any moment since its read began.
#[derive(Debug)]
pub(super) struct Guard {
    /// Counts the writes that were heard of.
    clock: u64,
    places: Vec<Place>,
    /// The same for all keys at once.
    everywhere: Place,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// When it was last written.
    written: u64,
    /// How many writes are under way.
    writing: u32,
}

/// When a read began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket(u64);

impl Guard {
    pub(super) fn new() -> Self {
        Self { clock: 0, places: vec![Place::default(); PLACES], everywhere: Place::default() }
    }

    /// A read begins.
    pub(super) const fn begin(&self) -> Ticket {
        Ticket(self.clock)
    }

    /// Whether what a read found under a key may be kept.
    pub(super) fn allows(&self, hash: u32, ticket: Ticket) -> bool {
        let fresh = |place: &Place| place.writing == 0 && place.written <= ticket.0;
        fresh(&self.everywhere) && self.places.get(place(hash)).is_some_and(fresh)
    }

    /// A key was written.
    pub(super) fn wrote(&mut self, hash: u32) {
        self.clock += 1;
        let clock = self.clock;
        if let Some(place) = self.places.get_mut(place(hash)) {
            place.written = clock;
        }
    }

    /// Any key may have been written.
    pub(super) fn wrote_all(&mut self) {
        self.clock += 1;
        self.everywhere.written = self.clock;
    }

    /// The write of a key begins.
    pub(super) fn writing(&mut self, target: Target) {
        if let Some(place) = self.place(target) {
            place.writing += 1;
        }
    }

    /// The write of a key is over, however it ended.
    pub(super) fn written(&mut self, target: Target) {
        if let Some(place) = self.place(target) {
            place.writing -= 1;
        }
        match target {
            Target::Key(hash) => self.wrote(hash),
            Target::All => self.wrote_all(),
        }
    }

    fn place(&mut self, target: Target) -> Option<&mut Place> {
        match target {
            Target::Key(hash) => self.places.get_mut(place(hash)),
            Target::All => Some(&mut self.everywhere),
        }
    }
}

const fn place(hash: u32) -> usize {
    hash as usize % PLACES
}

/// What an operation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The key of this hash.
    Key(u32),
    /// More than one key.
    All,
}

impl Target {
    /// None for an operation that writes nothing of an application's.
    pub(super) fn of(op: &WriteOp) -> Option<Self> {
        match op {
            WriteOp::Put(put) => Some(Self::Key(hash(&put.collection, &put.key))),
            WriteOp::Delete(delete) => Some(Self::Key(hash(&delete.collection, &delete.key))),
            WriteOp::Replicate(replicate) => Some(Self::Key(hash(&replicate.collection, &replicate.key))),
            WriteOp::Reseal(reseal) => Some(Self::Key(hash(&reseal.collection, &reseal.key))),
            WriteOp::Clear { .. } => Some(Self::All),
            WriteOp::Append { .. } | WriteOp::Verify(_) => None,
        }
    }
}

//! The inverted index: for each word, where it occurs.

mod packing;

use super::block::{Block, Posting, Progress};
use super::texts::{Texts, whole};
use super::tokens::words;
use crate::model::sorted_names;
pub(crate) use packing::Packing;

/// In the place of a slot: the record is gone.
const GONE: u32 = u32::MAX;
/// In the place of a slot: the record is there, but what it says is not known.
const UNREAD: u32 = u32::MAX - 1;

/// An index over some fields of some records.
///
/// # Behavior
///
/// - A record has one slot at a time. When it is written again it gets another, and what is listed under the old one
///   no longer counts: not for hits, not for how many records hold a word, not for how long fields are.
/// - Folding a block twice, or one that was merged from others that were folded already, changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Index {
    fields: Vec<String>,
    cleared: bool,
    pub(crate) progress: Progress,
    terms: Texts,
    /// Where each term occurs, in ascending order.
    postings: Vec<Vec<Posting>>,
    /// Terms in the order of their texts; those that are not in it yet have the numbers from its length on.
    sorted: Vec<u32>,
    keys: Texts,
    /// The slot of each key.
    slots: Vec<u32>,
    /// The key of each slot.
    owners: Vec<u32>,
    /// How many words each field of each slot has.
    lengths: Vec<u32>,
    /// The sums of the lengths of live slots, by field.
    totals: Vec<u64>,
    live: u32,
    /// How many keys are [`UNREAD`], and which; some of the list may have been read since.
    unknown: u32,
    unread: Vec<u32>,
}

/// How the numbers of a block become those of an index.
#[derive(Debug)]
pub(crate) struct Fold {
    /// The first slot of the block's records.
    base: u32,
    /// The field here of each field there.
    fields: Vec<Option<u32>>,
}

impl Index {
    /// An empty index over some fields.
    pub(crate) fn new(fields: &[String]) -> Self {
        Self { fields: sorted_names(fields.iter().cloned()), totals: vec![0; fields.len()], ..Self::default() }
    }

    /// Its fields, sorted.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// How many records are in it, read or not.
    pub(crate) fn records(&self) -> u32 {
        self.live + self.unknown
    }

    /// How many of its records it can find.
    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// Whether more of it is out of date than is not.
    pub(crate) fn is_worn(&self) -> bool {
        self.owners.len() > self.live as usize * 2 + 1024
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        let progress = core::mem::take(&mut self.progress);
        *self = Self { cleared: true, progress, ..Self::new(&self.fields) };
    }

    /// A record is gone.
    pub(crate) fn remove(&mut self, key: &str) {
        let key = self.enter_key(key);
        self.leave(key, GONE);
    }

    /// A record is there anew; gives its slot, to [list](Index::list) its words under.
    pub(crate) fn begin(&mut self, key: &str) -> u32 {
        let key = self.enter_key(key);
        let slot = whole(self.owners.len());
        self.leave(key, slot);
        self.owners.push(key);
        self.lengths.resize(self.lengths.len() + self.fields.len(), 0);
        self.live += 1;
        slot
    }

    /// Lists the words of a piece of a field under the slot that was begun last.
    pub(crate) fn list(&mut self, slot: u32, field: usize, piece: &str) {
        let at = slot * whole(self.fields.len()) + whole(field);
        words(piece, |word| {
            let term = self.terms.enter(word);
            let postings = list_of(&mut self.postings, term);
            match postings.last_mut() {
                Some(posting) if posting.at == at => posting.count += 1,
                _ => postings.push(Posting { at, count: 1 }),
            }
            if let Some(length) = self.lengths.get_mut(at as usize) {
                *length += 1;
            }
            if let Some(total) = self.totals.get_mut(field) {
                *total += 1;
            }
        });
    }

    /// Takes in what a block says of records; its [postings](Index::fold_postings) are to follow.
    pub(crate) fn fold(&mut self, block: &Block<'_>) -> Fold {
        if block.cleared {
            self.clear();
        }
        if block.progress != Progress::Unsaid {
            self.progress = block.progress.clone();
        }
        for key in &block.deleted {
            self.remove(key);
        }
        let known = |field: &String| block.fields.iter().position(|there| there == field);
        if !self.fields.iter().all(|field| known(field).is_some()) {
            for key in &block.keys {
                let key = self.enter_key(key);
                self.leave(key, UNREAD);
                self.unread.push(key);
            }
            return Fold { base: 0, fields: Vec::new() };
        }
        let base = whole(self.owners.len());
        let here = |field: &&str| self.fields.iter().position(|own| own == field).map(whole);
        let fields: Vec<Option<u32>> = block.fields.iter().map(here).collect();
        for (key, lengths) in block.keys.iter().zip(block.lengths.chunks(fields.len().max(1))) {
            let at = self.begin(key) as usize * self.fields.len();
            for (field, length) in fields.iter().zip(lengths) {
                let Some(field) = field else { continue };
                if let Some(kept) = self.lengths.get_mut(at + *field as usize) {
                    *kept = *length;
                }
                if let Some(total) = self.totals.get_mut(*field as usize) {
                    *total += u64::from(*length);
                }
            }
        }
        Fold { base, fields }
    }

    /// Takes in where a block has a word.
    pub(crate) fn fold_postings(&mut self, fold: &Fold, word: &str, postings: &[Posting]) {
        let (there, here) = (whole(fold.fields.len()), whole(self.fields.len()));
        if there == 0 {
            return;
        }
        let moved = postings.iter().filter_map(|posting| {
            let field = fold.fields.get((posting.at % there) as usize).copied().flatten()?;
            Some(Posting { at: (fold.base + posting.at / there) * here + field, count: posting.count })
        });
        let term = self.terms.enter(word);
        let list = list_of(&mut self.postings, term);
        list.reserve_exact(postings.len());
        list.extend(moved);
    }

    /// The keys, as text, of the records whose words are not known, each once.
    pub(crate) fn take_unread(&mut self) -> Vec<String> {
        let unread = core::mem::take(&mut self.unread);
        let mut keys: Vec<String> = Vec::new();
        for key in unread {
            if self.slot_of(key) == UNREAD {
                // Gone, until it is read: so it is listed once.
                self.leave(key, GONE);
                keys.push(self.keys.get(key).to_owned());
            }
        }
        keys
    }

    /// Puts terms that came since into their order.
    pub(crate) fn sort(&mut self) {
        let (old, all) = (self.sorted.len(), self.terms.len());
        let new: Vec<u32> = (whole(old)..whole(all)).collect();
        let rising = new.iter().zip(new.iter().skip(1)).all(|(a, b)| self.terms.get(*a) < self.terms.get(*b));
        let new = if rising {
            new
        } else {
            let texts = sorted_names(new.iter().map(|term| self.terms.get(*term).to_owned()));
            texts.iter().filter_map(|text| self.terms.find(text)).collect()
        };
        // From the back: what is greater moves up by as many places as terms are still to come.
        self.sorted.resize(all, 0);
        let mut end = old;
        for (left, term) in new.iter().enumerate().rev() {
            let text = self.terms.get(*term);
            let head = self.sorted.get(..end).unwrap_or_default();
            let at = head.partition_point(|before| self.terms.get(*before) < text);
            self.sorted.copy_within(at..end, at + left + 1);
            if let Some(place) = self.sorted.get_mut(at + left) {
                *place = *term;
            }
            end = at;
        }
    }

    /// The term that is this word, or with `prefix` every term that begins so, in order.
    pub(crate) fn terms_like(&self, word: &str, prefix: bool) -> Vec<u32> {
        if !prefix {
            return self.terms.find(word).into_iter().collect();
        }
        let from = self.sorted.partition_point(|term| self.terms.get(*term) < word);
        let like = self.sorted.iter().skip(from).take_while(|term| self.terms.get(**term).starts_with(word));
        like.copied().collect()
    }

    pub(super) fn term(&self, term: u32) -> &str {
        self.terms.get(term)
    }

    pub(super) fn postings(&self, term: u32) -> &[Posting] {
        self.postings.get(term as usize).map_or(&[], Vec::as_slice)
    }

    /// The number of slots, dead ones too.
    pub(super) fn slots(&self) -> usize {
        self.owners.len()
    }

    /// The slot and field of a posting, if the slot is live.
    pub(super) fn place(&self, posting: Posting) -> Option<(u32, usize)> {
        let fields = whole(self.fields.len()).max(1);
        let slot = posting.at / fields;
        self.is_live(slot).then_some((slot, (posting.at % fields) as usize))
    }

    /// The key, as text, of a slot's record.
    pub(super) fn key(&self, slot: u32) -> &str {
        self.owners.get(slot as usize).map_or("", |key| self.keys.get(*key))
    }

    pub(super) fn length(&self, posting: Posting) -> u32 {
        self.lengths.get(posting.at as usize).copied().unwrap_or(0)
    }

    /// How many words a field has, over all live records.
    pub(super) fn total(&self, field: usize) -> u64 {
        self.totals.get(field).copied().unwrap_or(0)
    }

    fn is_live(&self, slot: u32) -> bool {
        self.owners.get(slot as usize).is_some_and(|key| self.slot_of(*key) == slot)
    }

    fn slot_of(&self, key: u32) -> u32 {
        self.slots.get(key as usize).copied().unwrap_or(GONE)
    }

    fn enter_key(&mut self, key: &str) -> u32 {
        let number = self.keys.enter(key);
        if number as usize == self.slots.len() {
            self.slots.push(GONE);
        }
        number
    }

    /// Gives a key another slot, and takes the old one out of the sums.
    fn leave(&mut self, key: u32, next: u32) {
        let Some(slot) = self.slots.get_mut(key as usize) else { return };
        let old = core::mem::replace(slot, next);
        self.unknown += u32::from(next == UNREAD);
        self.unknown -= u32::from(old == UNREAD);
        if old >= UNREAD {
            return;
        }
        self.live -= 1;
        let from = old as usize * self.fields.len();
        for (total, length) in self.totals.iter_mut().zip(self.lengths.iter().skip(from)) {
            *total = total.saturating_sub(u64::from(*length));
        }
    }
}

fn list_of(postings: &mut Vec<Vec<Posting>>, term: u32) -> &mut Vec<Posting> {
    let at = term as usize;
    if at >= postings.len() {
        postings.resize_with(at + 1, Vec::new);
    }
    #[expect(clippy::indexing_slicing, reason = "it was made just before, if it was not there")]
    &mut postings[at]
}

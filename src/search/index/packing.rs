//! An index as a block.

use super::super::block::{BUILDING, BUILT, CLEARED, MAGIC, POSITION, Posting, Progress, SUITE, VERSION};
use super::super::reader::{write_number, write_text};
use super::super::texts::whole;
use super::{GONE, Index};

/// An index on its way to a block.
#[derive(Debug)]
pub(crate) struct Packing<'a> {
    index: &'a Index,
    out: Vec<u8>,
    /// The number in the block of each live slot.
    numbers: Vec<u32>,
    next: usize,
    last: Vec<u8>,
}

impl<'a> Packing<'a> {
    /// Begins to pack. With `first`, the block stands for everything: nothing that came before it counts.
    pub(crate) fn new(index: &'a mut Index, first: bool) -> Self {
        index.sort();
        let index = &*index;
        let cleared = index.cleared || first;
        let mut out = MAGIC.to_vec();
        let (building, position) = match &index.progress {
            Progress::Unsaid => (0, None),
            Progress::Building(None) => (BUILDING, None),
            Progress::Building(Some(key)) => (BUILDING | POSITION, Some(key)),
            Progress::Built => (BUILT, None),
        };
        out.extend([VERSION, SUITE, building | if cleared { CLEARED } else { 0 }]);
        if let Some(key) = position {
            write_text(&mut out, key);
        }
        write_texts(&mut out, index.fields.iter().map(String::as_str));
        let gone = (0..whole(index.keys.len())).filter(|key| !cleared && index.slot_of(*key) == GONE);
        let gone: Vec<&str> = gone.map(|key| index.keys.get(key)).collect();
        write_texts(&mut out, gone.into_iter());
        write_number(&mut out, index.live);
        let mut numbers = vec![GONE; index.slots()];
        let mut number = 0;
        for slot in (0..whole(index.slots())).filter(|slot| index.is_live(*slot)) {
            if let Some(place) = numbers.get_mut(slot as usize) {
                *place = number;
                number += 1;
            }
            write_text(&mut out, index.key(slot));
            let fields = index.fields.len();
            for length in index.lengths.iter().skip(slot as usize * fields).take(fields) {
                write_number(&mut out, *length);
            }
        }
        Self { index, out, numbers, next: 0, last: Vec::new() }
    }

    /// Packs so many words more; tells whether there are still some to come.
    pub(crate) fn step(&mut self, most: usize) -> bool {
        let fields = whole(self.index.fields.len());
        let end = self.index.sorted.len().min(self.next + most);
        for term in self.index.sorted.get(self.next..end).unwrap_or_default() {
            let live: Vec<Posting> = self
                .index
                .postings(*term)
                .iter()
                .filter_map(|posting| {
                    let number = *self.numbers.get((posting.at / fields) as usize)?;
                    (number != GONE).then(|| Posting { at: number * fields + posting.at % fields, ..*posting })
                })
                .collect();
            if !live.is_empty() {
                self.write(self.index.term(*term).as_bytes(), &live);
            }
        }
        self.next = end;
        end < self.index.sorted.len()
    }

    fn write(&mut self, text: &[u8], postings: &[Posting]) {
        let shared = self.last.iter().zip(text).take_while(|(a, b)| a == b).count();
        write_number(&mut self.out, whole(text.len() - shared));
        write_number(&mut self.out, whole(shared));
        self.out.extend(text.iter().skip(shared));
        self.last.clear();
        self.last.extend_from_slice(text);
        write_number(&mut self.out, whole(postings.len()));
        let mut next = 0;
        for posting in postings {
            let often = u32::from(posting.count != 1);
            write_number(&mut self.out, (posting.at - next) << 1 | often);
            if often == 1 {
                write_number(&mut self.out, posting.count);
            }
            next = posting.at + 1;
        }
    }

    /// The block.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        while self.step(usize::MAX / 2) {}
        self.out.push(0);
        self.out
    }
}

fn write_texts<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a str>) {
    write_number(out, whole(texts.len()));
    for text in texts {
        write_text(out, text);
    }
}

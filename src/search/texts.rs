//! Texts and numbers for them.

/// The mark of a bucket that holds nothing.
const EMPTY: u32 = u32::MAX;

/// Texts, each once, numbered from 0 in the order in which they come.
///
/// A hash table of its own, for words and keys alike: the ordered maps of the standard library would weigh some
/// kilobytes more to download, and take an allocation for each text.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// All texts, one behind the other.
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// Numbers, each in the first free place from where its text's hash points to.
    buckets: Vec<u32>,
}

impl Texts {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a number.
    pub(crate) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let to = self.ends.get(at).copied().unwrap_or(from);
        self.all.get(from as usize..to as usize).unwrap_or_default()
    }

    /// The number of a text, if it has one.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        let number = *self.buckets.get(self.bucket(text))?;
        (number != EMPTY).then_some(number)
    }

    /// The number of a text; the next one, where it has none yet.
    pub(crate) fn enter(&mut self, text: &str) -> u32 {
        if self.ends.len() * 2 >= self.buckets.len() {
            self.grow();
        }
        let bucket = self.bucket(text);
        let next = whole(self.ends.len());
        match self.buckets.get_mut(bucket) {
            Some(free) if *free == EMPTY => *free = next,
            Some(number) => return *number,
            None => return next,
        }
        self.all.push_str(text);
        self.ends.push(whole(self.all.len()));
        next
    }

    fn grow(&mut self) {
        self.buckets.clear();
        self.buckets.resize((self.ends.len() * 4).next_power_of_two().max(16), EMPTY);
        for number in 0..whole(self.ends.len()) {
            let bucket = self.bucket(self.get(number));
            if let Some(free) = self.buckets.get_mut(bucket) {
                *free = number;
            }
        }
    }

    /// Where a text is, or would be.
    fn bucket(&self, text: &str) -> usize {
        let mask = self.buckets.len().wrapping_sub(1);
        let mut at = hash(text) as usize & mask;
        while let Some(number) = self.buckets.get(at) {
            if *number == EMPTY || self.get(*number) == text {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }
}

/// Source: FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>; the high bits are mixed into the low ones.
pub(super) fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 15)
}

/// A count as it is kept. What is counted here stays far below four billion: it lies in memory.
pub(super) fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_numbered_once_in_the_order_in_which_they_come(words in prop::collection::vec("[a-c]{0,3}|.{0,6}", 0..200)) {
            let mut texts = Texts::default();
            let mut model = BTreeMap::new();
            for word in &words {
                let next = u32::try_from(model.len()).unwrap();
                prop_assert_eq!(texts.find(word), model.get(word).copied());
                prop_assert_eq!(texts.enter(word), *model.entry(word.clone()).or_insert(next));
            }
            prop_assert_eq!(texts.len(), model.len());
            for (word, number) in model {
                prop_assert_eq!(texts.get(number), word);
            }
        }
    }
}

//! What one result has that another has not.

use std::collections::BinaryHeap;
use std::rc::Rc;

use super::Row;
use crate::model::Key;

/// What tells a result from the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The keys that are new in it, in its order.
    pub added: Vec<Key>,
    /// The keys whose records are other than before, in its order.
    pub changed: Vec<Key>,
    /// The keys that are in it no longer, in the order of the one before.
    pub removed: Vec<Key>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// The difference between two results, whose common rows are the same `Rc`s.
    pub(super) fn between<T>(before: &[Rc<Row<T>>], after: &[Rc<Row<T>>]) -> Self {
        for row in before {
            row.mark.set(true);
        }
        // What stays is marked no longer.
        let fresh: Vec<&Key> = after.iter().filter(|row| !row.mark.replace(false)).map(|row| row.key()).collect();
        let gone: Vec<&Key> = before.iter().filter(|row| row.mark.replace(false)).map(|row| row.key()).collect();
        let (fresh_keys, gone_keys) = (sorted(&fresh), sorted(&gone));
        let mut difference = Self::default();
        for key in fresh {
            let side =
                if gone_keys.binary_search(&key).is_ok() { &mut difference.changed } else { &mut difference.added };
            side.push(key.clone());
        }
        difference.removed = gone.into_iter().filter(|key| fresh_keys.binary_search(key).is_err()).cloned().collect();
        difference
    }
}

fn sorted<'a>(keys: &[&'a Key]) -> Vec<&'a Key> {
    keys.iter().copied().collect::<BinaryHeap<_>>().into_sorted_vec()
}

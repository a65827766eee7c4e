//! Who was used when: which entries go first where a collection may hold so many and no more.

use std::collections::BinaryHeap;

use litemap::LiteMap;

use crate::json::{FromJson, Json, Malformed, Members, Object, ToJson, array, quoted};
use crate::model::Key;

/// A moment of use: microseconds since the epoch, so that each use of a tab has one of its own.
pub type Moment = u64;

/// Of how many entries of a collection it is known when they were read. Of the others, when they were written is.
const MOST: usize = 16_384;
/// The format of the packed row.
const FORMAT: u64 = 1;

/// When the entries of one collection were used.
///
/// # Behavior
///
/// - Each use is later than every one before it, also within a millisecond and with a clock that was set back.
/// - What is known is bounded: past `MOST` entries, the older half of it is forgotten.
#[derive(Debug, Default)]
pub struct Recency {
    last: Moment,
    used: LiteMap<Key, Moment>,
    changed: bool,
}

/// The moment of a time, in milliseconds since the epoch.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time, and 0 at the least")]
pub fn moment(ms: f64) -> Moment {
    (ms.max(0.0) * 1000.0) as Moment
}

impl Recency {
    /// Notes a use.
    pub fn touch(&mut self, key: &Key, now: f64) {
        self.last = moment(now).max(self.last + 1);
        self.changed = true;
        match self.used.get_mut(key) {
            Some(used) => *used = self.last,
            None => drop(self.used.insert(key.clone(), self.last)),
        }
        self.bound();
    }

    /// Forgets an entry that is gone.
    pub fn forget(&mut self, key: &Key) {
        self.used.remove(key);
    }

    /// When an entry was used last, given when it was written.
    #[must_use]
    pub fn of(&self, key: &Key, modified: f64) -> Moment {
        self.used.get(key).copied().unwrap_or(0).max(moment(modified))
    }

    /// Whether something was noted since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Adds what another knows.
    pub fn merge(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        for (key, moment) in other.used {
            match self.used.get_mut(&key) {
                Some(used) => *used = moment.max(*used),
                None => drop(self.used.insert(key, moment)),
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.used.len() <= MOST {
            return;
        }
        let mean = self.used.values().sum::<Moment>() / self.used.len() as Moment;
        self.used = core::mem::take(&mut self.used).into_iter().filter(|(_, used)| *used >= mean).collect();
    }
}

impl ToJson for Recency {
    fn to_json(&self) -> String {
        let used = self.used.iter().map(|(key, used)| array([quoted(&key.to_text()), used.to_string()]));
        Object::new().whole("v", FORMAT).json("used", &array(used)).finish()
    }
}

impl FromJson for Recency {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        let entry = |json: Json<'_>| match json.items()?.as_slice() {
            [key, used] => Some((Key::from_text(&key.string()?).ok()?, used.whole()?)),
            _ => None,
        };
        let read = |json: Json<'_>| json.items()?.into_iter().map(entry).collect::<Option<LiteMap<_, _>>>();
        // A newer release's is as good as none: it is about what goes first, not about what is there.
        let known = members.required("v", Json::whole)? == FORMAT;
        let used = if known { members.required("used", read)? } else { LiteMap::new() };
        Ok(Self { last: used.values().copied().max().unwrap_or(0), used, changed: false })
    }
}

/// Finds the entries that were used least recently, in one pass over all of them.
///
/// Uses only get later. So what it finds stays what goes first, in order, but for what is used meanwhile; and the pass
/// need not be made again before it is used up.
#[derive(Debug)]
pub struct Survey {
    most: usize,
    oldest: BinaryHeap<(Moment, Key)>,
}

impl Survey {
    /// A pass that remembers so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, oldest: BinaryHeap::new() }
    }

    /// Meets an entry that may go.
    pub fn meet(&mut self, used: Moment, key: &Key) {
        let full = self.oldest.len() >= self.most;
        if full && self.oldest.peek().is_none_or(|(latest, _)| used >= *latest) {
            return;
        }
        self.oldest.push((used, key.clone()));
        if full {
            self.oldest.pop();
        }
    }

    /// What was found; the one to go first is the last.
    #[must_use]
    pub fn finish(self) -> Vec<(Moment, Key)> {
        let mut found = self.oldest.into_sorted_vec();
        found.reverse();
        found
    }
}

/// How many entries a pass over a collection is to find: enough that passes are rare, given what is to go now.
#[must_use]
pub fn survey_size(max_entries: u64, excess: u64) -> usize {
    let share = (max_entries / 8).clamp(64, 4096);
    usize::try_from(share.max(excess.min(8 * 4096))).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    #[test]
    fn uses_have_an_order_within_a_millisecond_and_with_a_clock_that_goes_back() {
        let mut recency = Recency::default();
        for (key, now) in [("a", 5.0), ("b", 5.0), ("c", 4.0), ("a", 1.0)] {
            recency.touch(&Key::from(key), now);
        }
        let of = |key: &str| recency.of(&Key::from(key), 0.0);
        assert!(of("b") < of("c") && of("c") < of("a"));
        assert_eq!(recency.of(&Key::from("never read"), 3.0), 3_000);
    }

    #[test]
    fn what_is_known_is_bounded_and_the_latest_is_kept() {
        let mut recency = Recency::default();
        for key in 0..20_000_u32 {
            recency.touch(&Key::from(key), f64::from(key));
        }
        assert!(recency.used.len() <= MOST);
        assert!(recency.of(&Key::from(19_999), 0.0) > 0 && recency.of(&Key::from(0), 0.0) == 0);
    }

    #[test]
    fn what_is_packed_is_read_again_and_merged_by_the_later_use() {
        let mut here = Recency::default();
        here.touch(&Key::from("a"), 1.0);
        here.touch(&Key::Array(vec![Key::from(1)]), 2.0);
        let mut there: Recency = json::read(&here.to_json()).unwrap();
        there.touch(&Key::from("a"), 9.0);
        here.merge(there);
        assert_eq!(here.of(&Key::from("a"), 0.0), 9_000);
        assert_eq!(here.of(&Key::Array(vec![Key::from(1)]), 0.0), 2_000);
        let newer: Recency = json::read(r#"{"v":2,"used":"otherwise"}"#).unwrap();
        assert!(newer.used.is_empty());
    }

    proptest! {
        #[test]
        fn a_survey_finds_the_oldest_in_order(uses in prop::collection::vec(0_u64..50, 0..40), most in 1_usize..10) {
            let mut survey = Survey::new(most);
            for (at, used) in uses.iter().enumerate() {
                survey.meet(*used, &Key::from(u32::try_from(at).unwrap()));
            }
            let mut found: Vec<u64> = survey.finish().into_iter().map(|(used, _)| used).collect();
            found.reverse();
            let mut sorted = uses;
            sorted.sort_unstable();
            sorted.truncate(most);
            prop_assert_eq!(found, sorted);
        }
    }
}

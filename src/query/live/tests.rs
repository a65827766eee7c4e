use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::model::{Body, Meta, distinct};
use crate::platform::Payload;
use crate::query::{Field, Operator, Order, sort_records};

/// What happens to one record.
#[derive(Debug, Clone)]
enum Act {
    Put {
        a: u8,
        b: u8,
        ends_in: Option<u8>,
    },
    Delete,
    /// Deleted and written anew, at the same moment and so with the same state.
    Again {
        a: u8,
    },
}

#[derive(Debug, Clone)]
enum Step {
    /// A commit, told key by key.
    Commit(Vec<(u8, Act)>),
    /// Commits that nobody told of.
    Missed(Vec<(u8, Act)>),
    Time(u8),
}

fn acts() -> impl Strategy<Value = Vec<(u8, Act)>> {
    let act = prop_oneof![
        6 => (0..4u8, 0..3u8, prop::option::weighted(0.2, 1..6u8)).prop_map(|(a, b, ends_in)| Act::Put { a, b, ends_in }),
        3 => Just(Act::Delete),
        1 => (0..4u8).prop_map(|a| Act::Again { a }),
    ];
    prop::collection::vec((0..24u8, act), 1..5)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => acts().prop_map(Step::Commit),
        1 => acts().prop_map(Step::Missed),
        1 => (1..4u8).prop_map(Step::Time),
    ];
    prop::collection::vec(step, 1..24)
}

fn windows() -> impl Strategy<Value = Window> {
    let sort = (select(vec!["a", "b", "$key"]), any::<bool>()).prop_map(|(field, up)| Sort {
        field: Field::parse(field).unwrap(),
        order: if up { Order::Ascending } else { Order::Descending },
    });
    let filter =
        (select(vec!["a", "b"]), select(vec!["gte", "lt", "ne"]), 0..4u8).prop_map(|(field, operator, value)| {
            let value = Payload::from_wire(&value.to_string()).unwrap();
            Filter::compare_with(Field::parse(field).unwrap(), Operator::parse(operator).unwrap(), &value).unwrap()
        });
    (prop::option::of(filter), prop::collection::vec(sort, 0..3), 0..4usize, prop::option::weighted(0.7, 0..9usize))
        .prop_map(|(filter, sort, offset, limit)| Window { filter, sort, offset, limit })
}

fn record(key: u8, a: u8, b: u8, meta: Meta) -> Record {
    let body = if b == 0 { format!(r#"{{"a":{a}}}"#) } else { format!(r#"{{"a":{a},"b":{b}}}"#) };
    Record { key: Key::from(u32::from(key)), body: Body::Clear(Payload::from_wire(&body).unwrap()), meta }
}

/// A collection, the plainest there can be.
#[derive(Default)]
struct World {
    records: Vec<Record>,
    now: f64,
}

impl World {
    fn act(&mut self, acts: &[(u8, Act)]) {
        for (key, act) in acts {
            let at = self.records.iter().position(|record| record.key == Key::from(u32::from(*key)));
            let before = at.map(|at| self.records.remove(at));
            match act {
                Act::Delete => {}
                Act::Put { a, b, ends_in } => {
                    let (version, created) = before.map_or((0, self.now), |old| (old.meta.version, old.meta.created));
                    let expires = ends_in.map(|ends_in| self.now + f64::from(ends_in));
                    let meta = Meta { version: version + 1, created, modified: self.now, expires, ..Meta::default() };
                    self.records.push(record(*key, *a, *b, meta));
                }
                Act::Again { a } => {
                    let meta = before.map_or_else(|| Meta { version: 1, ..Meta::default() }, |old| old.meta);
                    self.records.push(record(*key, *a, 1, meta));
                }
            }
        }
    }

    fn get(&self, key: &Key) -> Option<Record> {
        self.records.iter().find(|record| record.key == *key).cloned()
    }

    /// The rows of a window, found without what is tested here; of the first ones, so many.
    fn first(&self, window: &Window, most: Option<usize>) -> Vec<Record> {
        let live = |record: &&Record| {
            !record.meta.expired(self.now) && window.filter.as_ref().is_none_or(|filter| matches(filter, record))
        };
        let mut found: Vec<Record> = self.records.iter().filter(live).cloned().collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        sort_records(&mut found, &window.sort);
        found.truncate(most.unwrap_or(usize::MAX));
        found
    }

    fn window(&self, window: &Window) -> Vec<Record> {
        let all = self.first(window, None).into_iter().skip(window.offset);
        all.take(window.limit.unwrap_or(usize::MAX)).collect()
    }
}

fn text(record: &Record) -> String {
    match &record.body {
        Body::Clear(payload) => format!("{} {}", record.key.to_text(), payload.to_wire().unwrap()),
        Body::Sealed(_) => unreachable!("nothing is sealed here"),
    }
}

/// What one looks like: key, state and content.
type Seen = Vec<(Key, (u64, f64), String)>;

fn seen(records: &[Record]) -> Seen {
    records.iter().map(|one| (one.key.clone(), (one.meta.version, one.meta.modified), text(one))).collect()
}

fn told(difference: &Difference, before: &Seen, after: &Seen, suspects: &[Key]) {
    let keys = |seen: &Seen| seen.iter().map(|(key, ..)| key.clone()).collect::<Vec<_>>();
    let (old, new) = (keys(before), keys(after));
    let only =
        |these: &[Key], those: &[Key]| these.iter().filter(|key| !those.contains(key)).cloned().collect::<Vec<_>>();
    assert_eq!(difference.added, only(&new, &old), "added");
    assert_eq!(difference.removed, only(&old, &new), "removed");
    let changed: Vec<Key> = after
        .iter()
        .filter(|row| before.iter().any(|old| old.0 == row.0) && (!before.contains(row) || suspects.contains(&row.0)))
        .map(|row| row.0.clone())
        .collect();
    assert_eq!(difference.changed, changed, "changed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn after_any_changes_the_result_is_that_of_a_fresh_query_and_the_difference_exact(
        first in acts(), steps in steps(), window in windows(),
    ) {
        let mut world = World::default();
        world.act(&first);
        let mut live = Live::new(window.clone());
        let never = |_: &Key| false;
        let difference = live.replace(world.first(&window, live.wanted()), never, |record| text(&record));
        let mut before = seen(&world.window(&window));
        told(&difference, &Seen::new(), &before, &[]);
        for step in steps {
            let (acts, heard) = match step {
                Step::Commit(acts) => (acts, true),
                Step::Missed(acts) => (acts, false),
                Step::Time(ms) => {
                    world.now += f64::from(ms);
                    (Vec::new(), true)
                }
            };
            let rows: Vec<Rc<Row<String>>> = live.rows().to_vec();
            world.act(&acts);
            let reborn = |key: &Key| acts.iter().any(|(of, act)| {
                Key::from(u32::from(*of)) == *key && !matches!(act, Act::Put { .. })
            });
            let keys = distinct(acts.iter().map(|(key, _)| Key::from(u32::from(*key))).collect());
            let touched = keys.iter().map(|key| Touched { key: key.clone(), reborn: reborn(key), record: world.get(key) });
            let patched = if heard { live.patch(touched.collect(), world.now, |record| text(&record)) } else { None };
            let difference = patched.unwrap_or_else(|| {
                live.replace(world.first(&window, live.wanted()), reborn, |record| text(&record))
            });
            let after = seen(&world.window(&window));
            let shown: Vec<String> = live.rows().iter().map(|row| row.made.clone()).collect();
            prop_assert_eq!(shown, after.iter().map(|(.., text)| text.clone()).collect::<Vec<_>>());
            let suspects: Vec<Key> = keys.iter().filter(|key| reborn(key)).cloned().collect();
            told(&difference, &before, &after, &suspects);
            for row in live.rows() {
                let same = rows.iter().any(|old| Rc::ptr_eq(old, row));
                let named = difference.added.contains(row.key()) || difference.changed.contains(row.key());
                prop_assert_ne!(same, named, "{:?}", row.key());
            }
            before = after;
        }
    }
}

fn window(limit: usize) -> Window {
    let sort = vec![Sort { field: Field::parse("a").unwrap(), order: Order::Ascending }];
    Window { sort, limit: Some(limit), ..Window::default() }
}

fn version(version: u64) -> Meta {
    Meta { version, ..Meta::default() }
}

fn touch(record: Record) -> Vec<Touched> {
    vec![Touched { key: record.key.clone(), reborn: false, record: Some(record) }]
}

#[test]
fn a_row_that_leaves_a_window_is_followed_by_one_that_was_kept_behind_it() {
    let mut live = Live::new(window(4));
    let rows: Vec<Record> = (0..8).map(|at| record(at, at, 0, version(1))).collect();
    assert_eq!(live.wanted(), Some(8));
    live.replace(rows, |_| false, drop);
    for gone in 0..4 {
        let touched = vec![Touched { key: Key::from(gone), reborn: false, record: None }];
        let difference = live.patch(touched, 0.0, drop).expect("it is known what follows");
        assert_eq!((difference.removed, difference.added), (vec![Key::from(gone)], vec![Key::from(gone + 4)]));
    }
    let touched = vec![Touched { key: Key::from(4), reborn: false, record: None }];
    assert_eq!(live.patch(touched, 0.0, drop), None, "what follows has to be read");
}

#[test]
fn what_happens_behind_the_window_is_told_to_nobody() {
    let mut live = Live::new(window(2));
    live.replace((0..20).map(|at| record(at, at, 0, version(1))).take(6).collect(), |_| false, drop);
    let rows = live.rows().as_ptr();
    for step in 0..100 {
        let difference = live.patch(touch(record(30 + step, 2 + step % 9, 0, version(1))), 0.0, drop);
        assert_eq!(difference, Some(Difference::default()));
    }
    assert_eq!(live.rows().as_ptr(), rows, "the list is the same one");
}

#[test]
fn a_record_made_anew_with_the_state_of_the_one_before_harms_no_order() {
    let meta = || Meta { version: 1, created: 5.0, modified: 5.0, ..Meta::default() };
    let sort = vec![Sort { field: Field::parse("a").unwrap(), order: Order::Ascending }];
    let mut live: Live<Key> = Live::new(Window { sort, ..Window::default() });
    let untold = |_: &Key| false;
    let make = |record: Record| record.key;
    live.replace(vec![record(2, 1, 0, meta())], untold, make);
    // It was deleted and written again further behind, and nobody has told of that yet.
    live.replace(vec![record(1, 2, 0, meta()), record(2, 3, 0, meta())], untold, make);
    let touched = Touched { key: Key::from(3), reborn: false, record: Some(record(3, 2, 1, meta())) };
    live.patch(vec![touched], 0.0, make).unwrap();
    let keys: Vec<Key> = live.rows().iter().map(|row| row.key().clone()).collect();
    assert_eq!(keys, [1, 3, 2].map(Key::from));
}

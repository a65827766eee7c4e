//! Whatever happened, a search finds what reading everything finds.

use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;
use tidekeep::ErrorKind;
use tidekeep::backend::Backend;
use tidekeep::model::{Body, Key, Precondition, Put, WriteBatch, WriteOp};
use tidekeep::platform::Payload;
use tidekeep::store::{Match, Prefix, SearchOptions, tidy};

use crate::faulty::Faulty;
use crate::naive::check;
use crate::steps::{Op, Step, op, step, text, write_ops};
use crate::tab::{BODY, BOTH, LOG, NONE, TITLE, Tab, body, raw, rows, tab};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    // Tabs of two versions of an application, over other fields each; commits that fail before or after they were
    // stored, in writes, merges and the building of an index; tabs that are killed; damaged blocks.
    #[test]
    fn whatever_happened_a_search_finds_what_reading_everything_finds(steps in prop::collection::vec(step(), 1..60)) {
        const FIELDS: [&[(&str, f64)]; 4] = [BOTH, BOTH, TITLE, BODY];
        let raw = raw();
        let faulty = Faulty::new(Rc::clone(&raw));
        let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
        let mut tabs = FIELDS.map(|fields| tab(&shared, fields));
        for step in &steps {
            match step {
                Step::Commit { tab, ops } => drop(tabs[*tab].commit(write_ops(ops, &raw))),
                Step::Refused { tab, ops } => {
                    let mut ops = write_ops(ops, &raw);
                    let refused = Put { precondition: Precondition::Version(999), ..Put::new("notes", Key::from(0), body("a", "a")) };
                    ops.push(WriteOp::Put(refused));
                    tabs[*tab].commit(ops).unwrap_err();
                }
                Step::Search { tab: at, text, matching, prefix } => {
                    if let Err(error) = tabs[*at].search(text, &SearchOptions::default()) {
                        prop_assert_eq!(error.kind(), ErrorKind::ConnectionLost);
                        tabs[*at] = tab(&shared, FIELDS[*at]);
                    }
                    faulty.fails.set(None);
                    check(&raw, &tabs[*at], FIELDS[*at], (text, *matching, *prefix))?;
                }
                Step::Tidy => drop(block_on(tidy(&*shared, "notes"))),
                Step::Reload(at) => tabs[*at] = tab(&shared, FIELDS[*at]),
                Step::Break(after, kept) => faulty.fails.set(Some((*after, *kept))),
                Step::Damage(at) => {
                    let blocks = rows(&raw, LOG);
                    if let Some(block) = blocks.get(*at) {
                        let mut bytes = match &block.body { Body::Clear(payload) => payload.as_bytes().unwrap(), Body::Sealed(_) => unreachable!() };
                        bytes.truncate(bytes.len() / 2);
                        let put = Put::new(LOG, block.key.clone(), Body::Clear(Payload::bytes(&bytes)));
                        block_on(raw.commit(WriteBatch { ops: vec![WriteOp::Put(put)], ..WriteBatch::default() })).unwrap();
                        for at in 0..4 {
                            tabs[at] = tab(&shared, FIELDS[at]);
                        }
                    }
                }
                Step::Unkept(ops) => {
                    let mut ops = write_ops(ops, &raw);
                    ops.push(WriteOp::Clear { collection: LOG.to_owned() });
                    block_on(raw.commit(WriteBatch { ops, now: 6.0, ..WriteBatch::default() })).unwrap();
                }
                Step::Reindex(at) => {
                    if block_on(tabs[*at].store.collection("notes").unwrap().reindex(&|_, _| ())).is_err() {
                        tabs[*at] = tab(&shared, FIELDS[*at]);
                    }
                }
            }
        }
        faulty.fails.set(None);
        for (tab, fields) in tabs.iter().zip(FIELDS) {
            check(&raw, tab, fields, ("a sea", Match::Any, Prefix::Every))?;
        }
    }

    // Between any two calls that a tab makes of its backend, another one commits, or merges.
    #[test]
    fn writes_of_other_tabs_come_between_any_two_steps_of_a_search(
        before in prop::collection::vec(prop::collection::vec(op(), 1..4), 0..20),
        between in prop::collection::vec((0..4usize, prop::collection::vec(op(), 1..3)), 1..12),
        declared in any::<bool>(),
        text in text(),
    ) {
        let raw = raw();
        let others: [Tab; 4] = [BOTH, BOTH, TITLE, BODY].map(|fields| tab(&raw, fields));
        let first = tab(&raw, if declared { BOTH } else { NONE });
        for ops in &before {
            first.commit(write_ops(ops, &raw)).unwrap();
        }
        let faulty = Faulty::new(Rc::clone(&raw));
        let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
        let searching = tab(&shared, BOTH);
        for (other, ops) in &between {
            let puts: Vec<Op> = ops.iter().filter(|op| !matches!(op, Op::Touch(_))).cloned().collect();
            let batch = WriteBatch { ops: write_ops(&puts, &raw), now: 7.0, ..WriteBatch::default() };
            faulty.meddling.borrow_mut().push_back((Rc::clone(&others[*other].backend), batch));
        }
        searching.search(&text, &SearchOptions::default()).unwrap();
        faulty.meddling.borrow_mut().clear();
        check(&raw, &searching, BOTH, (&text, Match::Any, Prefix::Every))?;
        block_on(tidy(&*raw, "notes")).unwrap();
        check(&raw, &tab(&raw, BOTH), BOTH, (&text, Match::All, Prefix::None))?;
    }
}

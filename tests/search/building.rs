//! How an index comes to be, and lasts.

use std::cell::RefCell;
use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::ErrorKind;
use tidekeep::backend::Backend;
use tidekeep::model::{Delete, Key, WriteBatch, WriteOp};
use tidekeep::store::{SearchOptions, tidy};

use crate::faulty::Faulty;
use crate::tab::{BODY, BOTH, LOG, NONE, TITLE, Tab, put, raw, rows, tab};

#[test]
fn an_index_that_is_declared_later_is_built_in_slices_with_progress_and_goes_on_after_a_kill() {
    let raw = raw();
    let undeclared = tab(&raw, NONE);
    for chunk in (0..1300u32).collect::<Vec<_>>().chunks(400) {
        undeclared.commit(chunk.iter().map(|key| put(*key, &format!("note w{key}"), "sea")).collect()).unwrap();
    }
    let faulty = Faulty::new(Rc::clone(&raw));
    let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
    // The second slice is not stored.
    faulty.fails.set(Some((2, false)));
    let killed = tab(&shared, BOTH).search("note", &SearchOptions::default()).unwrap_err();
    assert_eq!(killed.kind(), ErrorKind::ConnectionLost);
    let told = RefCell::new(Vec::new());
    let next = tab(&shared, BOTH);
    let notes = next.store.collection("notes").unwrap();
    let progress = |done, total| told.borrow_mut().push((done, total));
    let found = block_on(notes.search("w1299", &SearchOptions::default(), &progress)).unwrap();
    assert_eq!(found.hits.len(), 1);
    assert_eq!(*told.borrow(), [(512, 1300), (1024, 1300), (1300, 1300)]);
    assert_eq!(next.keys("note").len(), 1300);
}

#[test]
fn what_a_tab_writes_while_another_builds_the_index_is_neither_lost_nor_covered() {
    let raw = raw();
    let undeclared = tab(&raw, NONE);
    undeclared.commit((0..1300u32).map(|key| put(key, "old", "sea")).collect()).unwrap();
    let faulty = Faulty::new(Rc::clone(&raw));
    let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
    let other = tab(&raw, BOTH);
    for at in 0..40u32 {
        let ops = vec![put(at * 31, "new", "sea"), WriteOp::Delete(Delete::new("notes", Key::from(at * 31 + 1)))];
        let batch = WriteBatch { ops, now: 9.0, ..WriteBatch::default() };
        faulty.meddling.borrow_mut().push_back((Rc::clone(&other.backend), batch));
    }
    let building = tab(&shared, BOTH);
    building.search("old", &SearchOptions::default()).unwrap();
    assert!(faulty.meddling.borrow().is_empty(), "the building was over before the writes were");
    for tab in [&building, &other, &tab(&raw, BOTH)] {
        assert_eq!((tab.keys("new").len(), tab.keys("old").len()), (40, 1220));
    }
}

#[test]
fn two_tabs_that_build_at_once_come_to_the_same() {
    let raw = raw();
    tab(&raw, NONE).commit((0..1300u32).map(|key| put(key, "old", "sea")).collect()).unwrap();
    let (one, two) = (tab(&raw, BOTH), tab(&raw, BOTH));
    let options = SearchOptions { limit: Some(1), ..SearchOptions::default() };
    let search = |tab: &Tab| {
        let (notes, options) = (tab.store.collection("notes").unwrap(), options.clone());
        async move { notes.search("old", &options, &|_, _| ()).await.unwrap().hits.len() }
    };
    let both = block_on(futures_util::future::join(search(&one), search(&two)));
    assert_eq!(both, (1, 1));
    assert_eq!((one.keys("sea").len(), two.keys("old").len()), (1300, 1300));
}

#[test]
fn rows_of_a_version_that_does_not_declare_the_index_are_found_at_the_next_opening() {
    let raw = raw();
    tab(&raw, BOTH).put(1, "first", "");
    tab(&raw, NONE).put(2, "second", "");
    assert_eq!(tab(&raw, BOTH).keys("second"), ["~2"]);
    // As many as before: over IndexedDB the log would have been emptied; else this is what reindex() is for.
    tab(&raw, NONE).commit(vec![WriteOp::Delete(Delete::new("notes", Key::from(2))), put(3, "third", "")]).unwrap();
    let open = tab(&raw, BOTH);
    assert!(open.keys("third").is_empty());
    block_on(open.store.collection("notes").unwrap().reindex(&|_, _| ())).unwrap();
    assert_eq!(open.keys("third"), ["~3"]);
    assert!(open.keys("second").is_empty());
}

#[test]
fn a_log_that_was_emptied_is_made_anew_even_where_it_has_gone_on_since() {
    let raw = raw();
    let empty = || {
        let ops = vec![WriteOp::Clear { collection: LOG.to_owned() }];
        block_on(raw.commit(WriteBatch { ops, ..WriteBatch::default() })).unwrap();
    };
    let (open, other) = (tab(&raw, BOTH), tab(&raw, BOTH));
    for key in 0..10 {
        open.put(key, "first", "");
    }
    assert_eq!(open.keys("first").len(), 10);
    for merged in [false, true] {
        tab(&raw, NONE).put(3, "changed", "");
        empty();
        for key in 4..(if merged { 14 } else { 5 }) {
            other.put(key, "first", "");
        }
        if merged {
            block_on(tidy(&*raw, "notes")).unwrap();
        }
        assert_eq!(open.keys("changed"), ["~3"], "{merged}");
        assert_eq!(other.keys("first"), open.keys("first"), "{merged}");
    }
}

#[test]
fn versions_over_other_fields_build_once_and_then_share_the_index() {
    let raw = raw();
    let old = tab(&raw, TITLE);
    old.commit((0..600u32).map(|key| put(key, "title", "text")).collect()).unwrap();
    assert_eq!(tab(&raw, BOTH).keys("text").len(), 600);
    let built = rows(&raw, LOG).last().unwrap().key.clone();
    // Neither the older version nor one over other fields still builds anything.
    assert_eq!(tab(&raw, TITLE).keys("title").len(), 600);
    assert_eq!(tab(&raw, BODY).keys("text").len(), 600);
    assert_eq!(rows(&raw, LOG).last().unwrap().key, built);
}

#[test]
fn logs_stay_short() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for round in 0..400u32 {
        open.put(round % 50, &format!("round{round}"), "sea");
        if round % 32 == 31 {
            block_on(tidy(&*raw, "notes")).unwrap();
        }
    }
    assert!(rows(&raw, LOG).len() < 40, "{}", rows(&raw, LOG).len());
    assert_eq!(tab(&raw, BOTH).keys("sea").len(), 50);
    assert_eq!(open.keys("round399"), ["~49"]);
    assert!(open.keys("round349").is_empty());
    open.commit(vec![WriteOp::Clear { collection: "notes".to_owned() }]).unwrap();
    for round in 0..8u32 {
        open.put(round, "after", "");
    }
    block_on(tidy(&*raw, "notes")).unwrap();
    assert_eq!(rows(&raw, LOG).len(), 1);
    assert_eq!((open.keys("after").len(), open.keys("sea").len()), (8, 0));
}

#[test]
fn a_database_that_was_emptied_behind_our_back_is_searched_anew() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    open.put(1, "gone", "");
    assert_eq!(open.keys("gone"), ["~1"]);
    let clear = |name: &str| WriteOp::Clear { collection: name.to_owned() };
    let batch = WriteBatch { ops: vec![clear("notes"), clear(LOG)], ..WriteBatch::default() };
    block_on(raw.commit(batch)).unwrap();
    assert!(open.keys("gone").is_empty());
}

//! What is said at run time: switched on and off, followed by every tab, and asked of one round.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tidekeep::ErrorKind;
use tidekeep::sync::{Direction, Extent, SyncConfig, SyncReport};
use tidekeep::transport::loopback::{Fault, Route};

use crate::device::{Device, documents};
use crate::pair::{Pair, pair};

impl Device {
    fn prefer(&self, collection: &str, on: bool) {
        let (sync, wish) = (self.tabs[0].sync.clone(), [(collection.to_owned(), on)]);
        let said = self.world.finish(async move { sync.set_preferences(&wish).await }, 1_000.0);
        said.unwrap().unwrap();
    }

    fn run_of(&self, extent: Extent) -> tidekeep::Result<SyncReport> {
        let sync = self.tabs[0].sync.clone();
        self.world.finish(async move { sync.run(extent).await }, 60_000.0).expect("a round ends")
    }

    /// Counts the requests from here on.
    pub fn count(&self) -> Rc<RefCell<Vec<Route>>> {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&asked);
        *self.faults.borrow_mut() = Rc::new(move |route| {
            seen.borrow_mut().push(route);
            Fault::None
        });
        asked
    }
}

fn of(collection: &str) -> Extent {
    Extent { collections: Some(vec![collection.to_owned()]), ..Extent::default() }
}

fn ids(documents: &std::collections::BTreeMap<(String, String), String>) -> Vec<&str> {
    documents.keys().map(|(_, id)| id.as_str()).collect()
}

#[test]
fn what_is_switched_off_is_neither_sent_nor_taken_waits_and_goes_when_it_is_on_again() {
    let Pair { world, endpoint, a, b, .. } = pair();
    a.prefer("places", false);
    a.write("places", "mine", "1");
    a.write("notes", "note", "1");
    b.write("places", "theirs", "2");
    b.run().unwrap();
    a.run().unwrap();
    world.pass(60_000.0);
    assert_eq!(ids(&documents(&endpoint)), ["note", "theirs"]);
    assert_eq!(a.value("places", "theirs"), None);
    assert_eq!(a.status().pending, 1);
    assert_eq!(a.status().preferences, [("notes".to_owned(), true), ("places".to_owned(), false)]);

    a.prefer("places", true);
    world.pass(5_000.0);
    assert_eq!(a.records(), documents(&endpoint));
    assert_eq!(a.records().len(), 3);
    assert_eq!(a.status().pending, 0);
}

#[test]
fn a_request_that_was_frozen_goes_without_what_was_switched_off_since() {
    let Pair { world, endpoint, a, .. } = pair();
    a.on(Route::Push, Fault::DropRequest);
    a.write("places", "secret", "1");
    a.write("notes", "note", "1");
    a.run().unwrap_err();
    a.prefer("places", false);
    a.all(Fault::None);
    a.run().unwrap();
    assert_eq!(ids(&documents(&endpoint)), ["note"]);
    assert_eq!(a.status().pending, 1);
    a.prefer("places", true);
    world.pass(5_000.0);
    assert_eq!(a.records(), documents(&endpoint));
    assert_eq!(a.status().pending, 0);
}

#[test]
fn what_one_tab_says_the_others_follow_and_the_next_start_too() {
    let Pair { world, endpoint, mut a, b, .. } = pair();
    a.open();
    world.pass(1_000.0);
    a.prefer("places", false);
    let (first, second) = (a.tabs[0].sync.clone(), a.tabs[1].sync.clone());
    world.finish(async move { first.set_interval(5_000.0).await }, 1_000.0).unwrap().unwrap();
    second.said_elsewhere();
    world.pass(1_000.0);
    a.kill(0);
    b.write("places", "theirs", "2");
    b.write("notes", "note", "2");
    b.run().unwrap();
    let asked = a.count();
    world.pass(11_000.0);
    assert_eq!(*asked.borrow(), [Route::Changes, Route::Changes]);
    assert_eq!((a.value("places", "theirs"), a.value("notes", "note").as_deref()), (None, Some("2")));
    a.kill(0);
    a.open();
    let status = a.status();
    assert_eq!(status.interval.to_bits(), 5_000f64.to_bits());
    assert_eq!(status.preferences[1], ("places".to_owned(), false));
    a.prefer("places", true);
    world.pass(5_000.0);
    assert_eq!(a.records(), documents(&endpoint));
}

#[test]
fn while_sync_is_off_no_request_leaves_whichever_tab_said_so() {
    let Pair { world, endpoint, mut a, .. } = pair();
    a.open();
    world.pass(1_000.0);
    let sync = a.tabs[1].sync.clone();
    world.finish(async move { sync.enable(false).await }, 1_000.0).unwrap().unwrap();
    let asked = a.count();
    a.write("notes", "note", "1");
    world.pass(120_000.0);
    assert_eq!(asked.borrow().len(), 0);
    assert!(!a.status().enabled);
    assert_eq!(a.status().pending, 1);
    let sync = a.tabs[1].sync.clone();
    world.finish(async move { sync.enable(true).await }, 1_000.0).unwrap().unwrap();
    world.pass(1_000.0);
    assert_eq!(ids(&documents(&endpoint)), ["note"]);
}

#[test]
fn a_round_of_one_collection_sends_and_takes_that_one_and_the_others_miss_nothing() {
    let Pair { world, endpoint, mut a, b, .. } = pair();
    b.write("places", "theirs", "2");
    b.write("notes", "theirs", "2");
    b.run().unwrap();
    a.kill(0);
    a.open_with(SyncConfig { enabled: false, ..Device::config() });
    a.write("places", "mine", "1");
    a.write("notes", "mine", "1");
    let report = a.run_of(of("notes")).unwrap();
    assert_eq!((report.pushed, report.pulled), (1, 1));
    assert_eq!(a.value("places", "theirs"), None);
    assert_eq!(documents(&endpoint).len(), 3);
    let report = a.run_of(Extent { direction: Direction::Push, ..of("places") }).unwrap();
    assert_eq!((report.pushed, report.pulled), (1, 0));
    let sync = a.tabs[0].sync.clone();
    world.finish(async move { sync.enable(true).await }, 1_000.0).unwrap().unwrap();
    world.pass(1_000.0);
    assert_eq!(a.records(), documents(&endpoint));
    assert_eq!(a.records().len(), 4);
    assert_eq!(a.run_of(of("other")).unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[test]
fn a_round_with_nothing_new_is_one_pull_and_no_push_even_the_first_after_opening() {
    let Pair { world, mut a, .. } = pair();
    a.write("notes", "note", "1");
    a.run().unwrap();
    a.run().unwrap();
    a.kill(0);
    let asked = a.count();
    a.open_with(SyncConfig { enabled: false, ..Device::config() });
    world.pass(1_000.0);
    for rounds in 1..3 {
        a.run().unwrap();
        assert_eq!(*asked.borrow(), vec![Route::Changes; rounds]);
    }
}

#[test]
fn a_round_that_is_called_off_ends_after_what_it_has_begun() {
    let Pair { world, endpoint, mut a, .. } = pair();
    a.kill(0);
    a.open_with(SyncConfig { enabled: false, ..Device::config() });
    a.write("notes", "note", "1");
    let off = Rc::new(Cell::new(false));
    let asked = Rc::new(RefCell::new(Vec::new()));
    let (seen, calls_off) = (Rc::clone(&asked), Rc::clone(&off));
    *a.faults.borrow_mut() = Rc::new(move |route| {
        seen.borrow_mut().push(route);
        calls_off.set(route == Route::Push);
        Fault::None
    });
    let called_off: Rc<dyn Fn() -> bool> = Rc::new(move || off.get());
    let error = a.run_of(Extent { called_off: Some(called_off), ..Extent::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Aborted);
    world.pass(60_000.0);
    assert_eq!(*asked.borrow(), [Route::Status, Route::Push], "what was sent is settled, and nothing else is asked");
    assert_eq!(documents(&endpoint).len(), 1);
    assert_eq!(a.status().pending, 0);
    assert!(!a.status().running);
}

#[test]
fn keys_that_stay_on_the_device_are_neither_sent_nor_taken() {
    let Pair { world, endpoint, mut a, b, .. } = pair();
    a.kill(0);
    let local = vec![("notes".to_owned(), vec!["private_*".to_owned()])];
    a.open_with(SyncConfig { local, ..Device::config() });
    b.write("notes", "private_theirs", "2");
    b.write("notes", "open", "2");
    b.run().unwrap();
    a.run().unwrap();
    world.pass(60_000.0);
    assert_eq!(ids(&a.records()), ["open"]);
    assert_eq!(documents(&endpoint).len(), 2);
}

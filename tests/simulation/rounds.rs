//! How often a request is tried, and what goes first.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::backend::Scan;
use tidekeep::model::system;
use tidekeep::sync::protocol::Limits;
use tidekeep::sync::{EntryState, Priority, Retry, SyncConfig};
use tidekeep::transport::Answer;
use tidekeep::transport::loopback::{Fault, Route};

use crate::device::{Device, documents, put};
use crate::pair::{Pair, pair, pair_within};

/// Lets every request of a route have this fault, and notes when each was.
fn failing(device: &Device, on: Route, fault: Fault) -> Rc<RefCell<Vec<(Route, f64)>>> {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let (seen, clock) = (Rc::clone(&asked), device.world.clock());
    *device.faults.borrow_mut() = Rc::new(move |route| {
        seen.borrow_mut().push((route, clock()));
        if route == on { fault.clone() } else { Fault::None }
    });
    asked
}

fn of(asked: &Rc<RefCell<Vec<(Route, f64)>>>, route: Route) -> Vec<f64> {
    asked.borrow().iter().filter(|(other, _)| *other == route).map(|(_, at)| *at).collect()
}

fn answer(status: u16, code: &str, retry_after: Option<f64>) -> Fault {
    let body = format!(r#"{{"code":"{code}","message":"made up"}}"#);
    Fault::Answer(Answer { retry_after, ..Answer::json(status, body) })
}

/// A device that knows the endpoint, goes by itself, and rarely pulls.
fn device(retry: Retry) -> Pair {
    let mut pair = pair();
    pair.a.write("notes", "first", "1");
    pair.a.run().unwrap();
    pair.a.kill(0);
    pair.a.open_with(SyncConfig { retry, interval: 3_600_000.0, ..Device::config() });
    pair.world.pass(1_000.0);
    pair
}

const LONG: Retry =
    Retry { base_delay: 500.0, max_delay: 3_600_000.0, growth: tidekeep::sync::Growth::Fixed, attempts: 3 };

#[test]
fn a_request_is_tried_three_times_unless_told_otherwise_and_again_when_there_is_a_reason() {
    for (attempts, fault) in [
        (3, Fault::DropRequest),
        (3, answer(500, "internal", None)),
        (3, answer(503, "unavailable", None)),
        (3, answer(408, "timeout", None)),
        (3, answer(425, "early", None)),
        (1, Fault::DropRequest),
        (5, Fault::DropRequest),
    ] {
        assert_eq!(Retry::default().attempts, 3);
        let Pair { world, endpoint, a, .. } = device(Retry { attempts, ..LONG });
        let asked = failing(&a, Route::Push, fault.clone());
        a.write("notes", "k", "1");
        world.pass(600_000.0);
        assert_eq!(of(&asked, Route::Push).len(), attempts as usize, "{fault:?}");
        assert_eq!(a.states(), [("notes/k".to_owned(), EntryState::Sending)]);
        a.write("notes", "l", "1");
        world.pass(600_000.0);
        assert_eq!(of(&asked, Route::Push).len(), 2 * attempts as usize, "a write is a reason: {fault:?}");
        a.all(Fault::None);
        a.tabs[0].sync.visible();
        world.pass(1_000.0);
        assert_eq!(a.records(), documents(&endpoint));
        assert_eq!(a.states(), []);
    }
}

#[test]
fn the_longest_wait_is_a_reason_too_so_nothing_sticks() {
    let Pair { world, endpoint, a, .. } = device(Retry { max_delay: 30_000.0, ..LONG });
    let asked = failing(&a, Route::Push, Fault::DropRequest);
    a.write("notes", "k", "1");
    world.pass(95_000.0);
    assert_eq!(of(&asked, Route::Push).len(), 4 * 3);
    a.all(Fault::None);
    world.pass(31_000.0);
    assert_eq!(a.records(), documents(&endpoint));
}

#[test]
fn what_is_refused_is_not_repeated_unchanged() {
    for status in [400, 404, 405, 410, 451] {
        let Pair { world, a, .. } = device(LONG);
        let asked = failing(&a, Route::Push, answer(status, "no", None));
        a.write("notes", "k", "1");
        world.pass(600_000.0);
        assert_eq!(of(&asked, Route::Push).len(), 1, "{status}");
        assert_eq!(a.status().failed, 0, "{status}");
        assert_eq!(a.status().pending, 1, "{status}");
    }
}

#[test]
fn an_endpoint_that_asks_for_time_is_left_alone_for_as_long() {
    for status in [429, 503] {
        let Pair { world, a, .. } = device(LONG);
        let asked = failing(&a, Route::Push, answer(status, "busy", Some(20_000.0)));
        a.write("notes", "k", "1");
        world.pass(50_000.0);
        let times = of(&asked, Route::Push);
        assert_eq!(times.len(), 3, "{status}");
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 20_000.0), "{status}: {times:?}");
    }
}

#[test]
fn nobody_is_left_alone_for_a_year() {
    let Pair { world, endpoint, a, .. } = device(LONG);
    failing(&a, Route::Push, answer(503, "busy", Some(365.25 * 86_400_000.0)));
    a.write("notes", "k", "1");
    world.pass(10_000.0);
    assert_eq!(a.run().unwrap_err().kind(), tidekeep::ErrorKind::NetworkError);
    a.all(Fault::None);
    world.pass(3_600_000.0);
    assert_eq!(a.records(), documents(&endpoint));
}

#[test]
fn a_token_that_is_refused_is_asked_for_once_more_and_then_waited_for() {
    let Pair { world, endpoint, a, .. } = device(LONG);
    *endpoint.token.borrow_mut() = Some("new".to_owned());
    let asked = failing(&a, Route::Push, answer(401, "unauthorized", None));
    a.write("notes", "k", "1");
    world.pass(600_000.0);
    assert_eq!(asked.borrow().len(), 2);
    a.token.replace(Some("new".to_owned()));
    a.all(Fault::None);
    a.tabs[0].sync.visible();
    world.pass(1_000.0);
    assert_eq!(a.records(), documents(&endpoint));
}

#[test]
fn what_has_a_high_priority_goes_first_and_leaves_a_share_of_each_request_to_the_rest() {
    let Pair { world, endpoint, mut a, .. } = pair_within(Limits { max_ops: 8, ..Limits::default() });
    a.kill(0);
    let priority = vec![("notes".to_owned(), Priority::Low), ("places".to_owned(), Priority::High)];
    a.open_with(SyncConfig { priority, enabled: false, ..Device::config() });
    for n in 0..16 {
        let ops = vec![put("notes", &format!("low{n:02}"), "1"), put("places", &format!("high{n:02}"), "1")];
        world.finish(a.commit(0, ops), 1_000.0).unwrap().unwrap();
    }
    a.run().unwrap();
    let mut all = endpoint.documents();
    all.sort_by_key(|change| change.seq);
    let requests: Vec<Vec<String>> = all.chunks(8).map(|ops| ops.iter().map(|op| op.id.clone()).collect()).collect();
    let numbers =
        |kind: &str, range: core::ops::Range<usize>| range.map(|n| format!("{kind}{n:02}")).collect::<Vec<_>>();
    assert_eq!(requests[0], [numbers("high", 0..6), numbers("low", 0..2)].concat());
    assert_eq!(requests[1], [numbers("high", 6..12), numbers("low", 2..4)].concat());
    assert_eq!(requests[2], [numbers("high", 12..16), numbers("low", 4..8)].concat());
    assert_eq!(requests[3], numbers("low", 8..16));
    assert_eq!(a.status().pending, 0);
    let rows = a.disk.scan(&Scan::all(system::OUTBOX)).now_or_never().unwrap().unwrap();
    assert!(rows.is_empty(), "no row is left behind");
}

#[test]
fn an_empty_device_takes_pages_tells_how_far_it_is_and_goes_on_after_a_kill_where_it_was() {
    let Pair { world, endpoint, mut a, b, .. } = pair();
    for from in (0..3_000).step_by(500) {
        let ops = (from..from + 500).map(|n| put("notes", &format!("n{n:04}"), "1")).collect();
        world.finish(b.commit(0, ops), 1_000.0).unwrap().unwrap();
    }
    b.delete("notes", "n0000");
    b.run().unwrap();
    a.kill(0);
    let mut fresh = Device::new(&world, &endpoint, &Rc::default(), &a.random);
    let asked = failing(&fresh, Route::Snapshot, Fault::DropRequest);
    fresh.open();
    while of(&asked, Route::Changes).len() < 3 {
        world.pass(1.0);
    }
    let progress = fresh.status().progress.unwrap();
    assert!(progress.0 >= 500 && progress.0 < progress.1 && progress.1 == 3_000, "{progress:?}");
    fresh.kill(0);
    let before = fresh.records().len();
    assert!((500..3_000).contains(&before), "{before}");
    fresh.open();
    while fresh.records().len() < 2_999 {
        world.pass(1.0);
    }
    // 3 000 changes are 6 pages; the one that the kill cut off was asked for twice, and the last request waits for more.
    assert!(of(&asked, Route::Changes).len() <= 8, "{:?}", asked.borrow());
    world.pass(5_000.0);
    assert_eq!(fresh.records(), documents(&endpoint));
    assert_eq!(of(&asked, Route::Snapshot).len(), 0);
    assert_eq!(fresh.status().progress, None);
    assert_eq!(fresh.status().pending, 0);
}

#[test]
fn a_history_that_began_anew_is_noticed_by_a_device_that_took_pages() {
    let Pair { world, endpoint, a, b, .. } = pair();
    b.write("notes", "kept", "1");
    b.write("notes", "lost", "1");
    b.run().unwrap();
    let mut fresh = Device::new(&world, &endpoint, &Rc::default(), &a.random);
    fresh.open();
    world.pass(1_000.0);
    assert_eq!(fresh.records().len(), 2);
    endpoint.begin_anew(|change| change.id == "kept");
    fresh.run().unwrap();
    assert_eq!(fresh.records().len(), 2, "what the endpoint lost is offered again");
    assert_eq!(documents(&endpoint), fresh.records());
}

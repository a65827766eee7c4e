//! Changes as they happen: by a stream, by requests that are held, at the interval.

use std::cell::RefCell;
use std::rc::Rc;

use tidekeep::sync::{Direction, SyncConfig};
use tidekeep::transport::Answer;
use tidekeep::transport::loopback::{Fault, Route};

use crate::device::{Device, documents};
use crate::pair::{Pair, pair_within};

/// Two devices whose endpoint offers this, at an interval that no test waits for.
fn pair(features: &[&str]) -> Pair {
    let mut pair = pair_within(tidekeep::sync::protocol::Limits::default());
    *pair.endpoint.features.borrow_mut() = features.iter().map(|&name| name.to_owned()).collect();
    for device in [&mut pair.a, &mut pair.b] {
        device.kill(0);
        device.open_with(SyncConfig { interval: 3_600_000.0, ..Device::config() });
    }
    pair.world.pass(1_000.0);
    pair
}

fn live() -> Pair {
    pair(&["live", "long-poll"])
}

/// Counts requests, and lets `fault` decide what happens to them.
fn watch(device: &Device, fault: impl Fn(Route, usize) -> Fault + 'static) -> Rc<RefCell<Vec<Route>>> {
    let asked: Rc<RefCell<Vec<Route>>> = Rc::default();
    let counted = Rc::clone(&asked);
    *device.faults.borrow_mut() = Rc::new(move |route| {
        counted.borrow_mut().push(route);
        let before = counted.borrow().iter().filter(|one| **one == route).count();
        fault(route, before)
    });
    asked
}

fn pulls(asked: &RefCell<Vec<Route>>) -> usize {
    asked.borrow().iter().filter(|route| **route == Route::Changes).count()
}

/// Fails unless what one writes is soon at the other.
fn told_within(pair: &Pair, key: &str, patience: f64) {
    pair.a.write("notes", key, r#""told""#);
    pair.world.pass(patience);
    assert_eq!(pair.b.value("notes", key).as_deref(), Some(r#""told""#), "{key} is not told");
}

#[test]
fn a_change_is_told_within_a_second_and_taken_without_a_request() {
    let pair = live();
    let asked = watch(&pair.b, |_, _| Fault::None);
    for round in 0..20 {
        told_within(&pair, &format!("n{round}"), 500.0);
    }
    assert_eq!(pulls(&asked), 0, "{asked:?}");
    assert_eq!(pair.b.tabs[0].heard.applied.borrow().len(), 20);
}

#[test]
fn what_a_device_did_itself_is_not_told_to_its_listeners() {
    let pair = live();
    for round in 0..10 {
        pair.a.write("notes", &format!("n{round}"), "1");
        pair.world.pass(500.0);
    }
    assert_eq!(pair.a.tabs[0].heard.applied.borrow().len(), 0);
    assert_eq!(pair.a.tabs[0].heard.errors.borrow().len(), 0);
}

#[test]
fn what_is_missing_between_two_events_is_pulled() {
    let pair = live();
    // Of each two events the first is lost on its way.
    let asked = watch(&pair.b, |route, before| match route {
        Route::Live if before % 2 == 1 => Fault::DropResponse,
        _ => Fault::None,
    });
    pair.a.write("notes", "lost", "1");
    pair.world.pass(500.0);
    assert_eq!(pair.b.value("notes", "lost"), None);
    told_within(&pair, "next", 1_000.0);
    assert_eq!(pair.b.value("notes", "lost").as_deref(), Some("1"));
    assert!(pulls(&asked) > 0);
}

#[test]
fn a_stream_that_falls_silent_is_begun_anew_after_45_seconds() {
    let pair = live();
    let asked = watch(&pair.b, |route, before| match route {
        Route::Live if before == 1 => Fault::Hang,
        _ => Fault::None,
    });
    pair.a.write("notes", "n", "1");
    pair.world.pass(40_000.0);
    assert_eq!(pair.b.value("notes", "n"), None, "the stream stands still");
    pair.world.pass(10_000.0);
    assert_eq!(pair.b.value("notes", "n").as_deref(), Some("1"));
    told_within(&pair, "after", 1_000.0);
    assert!(asked.borrow().contains(&Route::Live));
}

#[test]
fn a_stream_that_ends_is_begun_anew() {
    let pair = live();
    watch(&pair.b, |route, before| if route == Route::Live && before < 3 { Fault::DropRequest } else { Fault::None });
    pair.a.write("notes", "n", "1");
    pair.world.pass(20_000.0);
    told_within(&pair, "after", 1_000.0);
}

#[test]
fn where_there_is_no_stream_requests_are_held() {
    let page = Answer { content_type: Some("text/html".to_owned()), ..Answer::json(200, "<html>".to_owned()) };
    let refusals = [Fault::Answer(Answer::json(404, "{}".to_owned())), Fault::Answer(page), Fault::Hang];
    for refusal in refusals {
        let mut pair = live();
        pair.b.kill(0);
        let (refused, name) = (refusal.clone(), format!("{refusal:?}"));
        let asked = watch(&pair.b, move |route, _| if route == Route::Live { refused.clone() } else { Fault::None });
        pair.b.open_with(SyncConfig { interval: 3_600_000.0, ..Device::config() });
        // One that hangs is found out by silence, thrice.
        pair.world.pass(400_000.0);
        told_within(&pair, "told", 1_000.0);
        let before = pulls(&asked);
        pair.world.pass(100_000.0);
        assert!((2..=6).contains(&(pulls(&asked) - before)), "{name}: {} held requests", pulls(&asked) - before);
    }
}

#[test]
fn an_endpoint_that_says_it_has_no_stream_is_not_asked_for_one() {
    let pair = pair(&["long-poll"]);
    let asked = watch(&pair.b, |_, _| Fault::None);
    told_within(&pair, "told", 1_000.0);
    pair.world.pass(100_000.0);
    assert!(!asked.borrow().contains(&Route::Live));
}

#[test]
fn where_neither_works_changes_are_pulled_at_the_interval() {
    let mut pair = live();
    pair.b.kill(0);
    let asked = watch(&pair.b, |route, _| match route {
        Route::Live => Fault::Answer(Answer::json(404, "{}".to_owned())),
        _ => Fault::None,
    });
    // It answers at once, whatever it is asked to wait.
    *pair.endpoint.features.borrow_mut() = vec!["live".to_owned()];
    pair.b.open_with(SyncConfig { interval: 20_000.0, ..Device::config() });
    pair.world.pass(60_000.0);
    let before = pulls(&asked);
    pair.world.pass(100_000.0);
    assert!((4..=6).contains(&(pulls(&asked) - before)), "{} pulls in 100 seconds", pulls(&asked) - before);
    told_within(&pair, "told", 21_000.0);
}

#[test]
fn nothing_is_heard_while_nobody_sees_it_and_everything_once_someone_does() {
    let pair = live();
    pair.b.tabs[0].sync.set_seen(false);
    pair.world.pass(100.0);
    let asked = watch(&pair.b, |_, _| Fault::None);
    pair.a.write("notes", "n", "1");
    pair.world.pass(100_000.0);
    assert_eq!(pair.b.value("notes", "n"), None);
    assert!(asked.borrow().is_empty(), "{asked:?}");
    pair.b.tabs[0].sync.set_seen(true);
    pair.b.tabs[0].sync.visible();
    pair.world.pass(500.0);
    assert_eq!(pair.b.value("notes", "n").as_deref(), Some("1"));
    told_within(&pair, "after", 500.0);
}

#[test]
fn an_endpoint_that_is_gone_for_long_is_heard_again_when_it_is_back() {
    let pair = live();
    watch(&pair.b, |route, _| if route == Route::Live { Fault::DropRequest } else { Fault::None });
    pair.a.write("notes", "first", "1");
    pair.world.pass(100.0);
    pair.b.all(Fault::DropRequest);
    pair.world.pass(1_000_000.0);
    pair.b.all(Fault::None);
    pair.world.pass(400_000.0);
    assert_eq!(pair.b.value("notes", "first").as_deref(), Some("1"));
    told_within(&pair, "after", 1_000.0);
}

#[test]
fn a_token_that_is_no_longer_good_is_asked_for_again() {
    let pair = live();
    *pair.endpoint.token.borrow_mut() = Some("new".to_owned());
    *pair.b.token.borrow_mut() = Some("new".to_owned());
    *pair.a.token.borrow_mut() = Some("new".to_owned());
    watch(&pair.b, |route, before| if route == Route::Live && before == 1 { Fault::DropRequest } else { Fault::None });
    pair.a.write("notes", "n", "1");
    pair.world.pass(10_000.0);
    assert_eq!(pair.b.value("notes", "n").as_deref(), Some("1"));
    told_within(&pair, "after", 1_000.0);
}

#[test]
fn what_is_told_and_what_is_pulled_meet_in_any_order_and_come_to_the_same() {
    for seed in 0..40u64 {
        let pair = live();
        let random = crate::world::Random::new(seed);
        let chance = random.clone();
        watch(&pair.b, move |_, _| match chance.below(8) {
            0 => Fault::DropResponse,
            1 => Fault::DropRequest,
            2 => Fault::Delay(chance.below(3_000) as f64),
            _ => Fault::None,
        });
        for step in 0..60 {
            let device = if random.chance(60) { &pair.a } else { &pair.b };
            device.write("notes", &format!("n{}", random.below(8)), &step.to_string());
            if random.chance(20) {
                let sync = pair.b.tabs[0].sync.clone();
                drop(pair.world.finish(async move { sync.run(Direction::Both).await }, random.below(500) as f64));
            }
            pair.world.pass(random.below(2_000) as f64);
        }
        pair.b.all(Fault::None);
        // After so long even better means that failed too often are tried again.
        pair.world.pass(700_000.0);
        assert_eq!(pair.b.records(), documents(&pair.endpoint), "seed {seed}");
        assert_eq!(pair.a.records(), documents(&pair.endpoint), "seed {seed}");
        assert_eq!(pair.endpoint.violations(), Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn an_endpoint_that_asks_for_time_in_a_call_is_left_alone_by_all() {
    for feature in ["live", "long-poll"] {
        let pair = pair(&[feature]);
        let asked: Rc<RefCell<Vec<f64>>> = Rc::default();
        let (seen, clock) = (Rc::clone(&asked), pair.world.clock());
        // The first call that follows is refused.
        *pair.b.faults.borrow_mut() = Rc::new(move |route| {
            seen.borrow_mut().push(clock());
            let call = route == if feature == "live" { Route::Live } else { Route::Changes };
            let busy = Answer { retry_after: Some(40_000.0), ..Answer::json(503, "{}".to_owned()) };
            if call && seen.borrow().len() < 3 { Fault::Answer(busy) } else { Fault::None }
        });
        pair.b.tabs[0].sync.set_online(false);
        pair.world.pass(1_000.0);
        pair.b.tabs[0].sync.set_online(true);
        pair.world.pass(300_000.0);
        let gaps: Vec<f64> = asked.borrow().windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps.iter().any(|gap| *gap >= 40_000.0), "{feature}: {gaps:?}");
        told_within(&pair, "n", 60_000.0);
    }
}

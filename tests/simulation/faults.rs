//! Fault by fault: what is tried again, what is set aside, and that nothing is lost or left pending.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::ErrorKind;
use tidekeep::backend::Backend as _;
use tidekeep::backend::layer::{Journal, Replicated};
use tidekeep::model::{WriteBatch, WriteOp};
use tidekeep::sync::protocol::Limits;
use tidekeep::sync::{Clock, Direction, EntryState};
use tidekeep::transport::Answer;
use tidekeep::transport::loopback::{Fault, Route};

use crate::device::{Device, delete, documents, put};
use crate::pair::{Pair, pair, pair_within};

fn html() -> Answer {
    Answer { content_type: Some("text/html".into()), ..Answer::json(200, "<html>sign in</html>".into()) }
}

#[test]
fn whatever_the_endpoint_answers_a_round_ends_with_a_typed_error_and_the_write_arrives_later() {
    let busy = Answer { retry_after: Some(5_000.0), ..Answer::json(429, "{}".into()) };
    let cases = [
        (Fault::DropRequest, ErrorKind::NetworkError),
        (Fault::DropResponse, ErrorKind::NetworkError),
        (Fault::Hang, ErrorKind::Timeout),
        (Fault::Answer(html()), ErrorKind::NetworkError),
        (Fault::Answer(Answer::json(200, "{}".into())), ErrorKind::NetworkError),
        (Fault::Answer(Answer::json(200, "[".into())), ErrorKind::NetworkError),
        (Fault::Answer(Answer::json(401, String::new())), ErrorKind::AuthenticationFailed),
        (Fault::Answer(Answer::json(403, String::new())), ErrorKind::AccessDenied),
        (Fault::Answer(Answer::json(404, String::new())), ErrorKind::NetworkError),
        (Fault::Answer(Answer::json(500, "oops".into())), ErrorKind::NetworkError),
        (Fault::Answer(busy), ErrorKind::NetworkError),
    ];
    for (fault, kind) in cases {
        let Pair { world, endpoint, a, .. } = pair();
        a.on(Route::Push, fault.clone());
        a.write("notes", "k", "1");
        assert_eq!(a.run().unwrap_err().kind(), kind, "{fault:?}");
        assert_eq!(a.status().pending, 1, "{fault:?}");
        a.all(Fault::None);
        world.pass(700_000.0);
        assert_eq!(documents(&endpoint).len(), 1, "{fault:?}");
        assert_eq!((a.status().pending, a.status().failed), (0, 0), "{fault:?}");
        assert_eq!(endpoint.violations(), Vec::<String>::new());
    }
}

#[test]
fn an_endpoint_that_asks_for_time_gets_it_even_from_a_round_that_is_asked_for() {
    let Pair { world, a, .. } = pair();
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    *a.faults.borrow_mut() = Rc::new(move |_| {
        count.set(count.get() + 1);
        Fault::Answer(Answer { retry_after: Some(30_000.0), ..Answer::json(503, "{}".into()) })
    });
    a.write("notes", "k", "1");
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::NetworkError);
    let before = asked.get();
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::NetworkError);
    world.pass(29_000.0);
    assert_eq!(asked.get(), before);
    world.pass(600_000.0);
    assert!(asked.get() > before);
}

#[test]
fn a_token_that_is_refused_is_asked_for_again_once_and_then_waited_for() {
    let Pair { world, endpoint, a, .. } = pair();
    *endpoint.token.borrow_mut() = Some("fresh".into());
    a.write("notes", "k", "1");
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::AuthenticationFailed);
    *a.token.borrow_mut() = Some("fresh".into());
    a.tabs[0].sync.visible();
    world.pass(1_000.0);
    assert_eq!(a.status().pending, 0);
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_a_document_that_is_too_large_is_set_aside() {
    let Pair { world, endpoint, a, .. } = pair();
    endpoint.limits.set(Limits { max_ops: 3, ..Limits::default() });
    let ops = (0..20).map(|n| put("notes", &format!("k{n}"), "1")).collect();
    world.finish(a.commit(0, ops), 1_000.0).unwrap().unwrap();
    a.run().unwrap();
    assert_eq!(documents(&endpoint).len(), 20);
    assert_eq!(endpoint.violations(), Vec::<String>::new());
    endpoint.limits.set(Limits { max_bytes: 2_000, ..Limits::default() });
    a.write("notes", "large", &format!("\"{}\"", "x".repeat(3_000)));
    a.write("notes", "small", "2");
    assert_eq!(a.run().unwrap().failed, 1);
    assert_eq!(a.states(), [("notes/large".to_owned(), EntryState::Dead)]);
    assert!(endpoint.document("notes", "small").is_some());
}

#[test]
fn a_refused_document_holds_up_only_itself_and_can_be_retried_written_anew_or_discarded() {
    let Pair { endpoint, a, .. } = pair();
    let refused = ("notes".to_owned(), "bad".to_owned());
    endpoint.refused.borrow_mut().insert(refused.clone());
    a.write("notes", "bad", "1");
    a.write("notes", "good", "1");
    let report = a.run().unwrap();
    let [failure] = report.failures.as_slice() else { panic!("{report:?}") };
    assert_eq!((report.failed, failure.id.as_str()), (1, "notes/bad"));
    assert_eq!(*a.tabs[0].heard.rejected.borrow(), ["notes/bad"]);
    assert!(endpoint.document("notes", "good").is_some());
    assert_eq!(a.states(), [("notes/bad".to_owned(), EntryState::Dead)]);
    assert_eq!(a.run().unwrap().failed, 0, "it is not sent again by itself");
    a.retry("notes/bad").unwrap();
    a.run().unwrap();
    assert_eq!(a.states(), [("notes/bad".to_owned(), EntryState::Dead)]);
    endpoint.refused.borrow_mut().clear();
    a.write("notes", "bad", "2");
    a.run().unwrap();
    assert_eq!(a.states(), []);
    assert_eq!(documents(&endpoint)[&refused], "2");
    assert_eq!(a.retry("notes/bad").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(a.discard("notes/nothing").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_refused_document_is_not_sent_again_with_the_rest_of_its_commit() {
    let Pair { world, endpoint, a, .. } = pair_within(Limits { max_ops: 3, ..Limits::default() });
    endpoint.refused.borrow_mut().insert(("notes".to_owned(), "bad".to_owned()));
    let ops = ["bad", "k1", "k2", "k3", "k4"].map(|key| put("notes", key, "1")).into();
    world.finish(a.commit(0, ops), 1_000.0).unwrap().unwrap();
    assert_eq!(a.run().unwrap().failed, 1);
    assert_eq!(documents(&endpoint).len(), 4);
    assert_eq!(a.states(), [("notes/bad".to_owned(), EntryState::Dead)]);
}

/// Commits at the worst moment: after sync has read what it is about to write.
fn meanwhile(device: &Device, batches: Vec<Vec<WriteOp>>) {
    let (disk, now) = (Rc::clone(&device.disk), (device.now())());
    let replicated = Replicated::new(["notes".to_owned()]);
    let journal = Journal::new(disk, replicated, Rc::new(RefCell::new(Clock::new(5))), Rc::new(|| {}));
    *device.interrupt.borrow_mut() = Some(Box::new(move || {
        for ops in batches {
            journal.commit(WriteBatch { ops, now, ..WriteBatch::default() }).now_or_never().unwrap().unwrap();
        }
    }));
}

#[test]
fn a_write_between_the_answer_and_its_settling_is_sent() {
    let again = vec![vec![put("notes", "k", "2")]];
    let anew = vec![vec![delete("notes", "k")], vec![put("notes", "k", "2")]];
    for batches in [again, anew] {
        let Pair { endpoint, a, b, .. } = pair();
        a.write("notes", "k", "1");
        meanwhile(&a, batches);
        a.run().unwrap();
        assert!(a.interrupt.borrow().is_none());
        a.run().unwrap();
        b.run().unwrap();
        assert_eq!(documents(&endpoint)[&("notes".to_owned(), "k".to_owned())], "2");
        assert_eq!((a.records(), b.records()), (documents(&endpoint), documents(&endpoint)));
    }
}

#[test]
fn a_write_between_a_change_and_its_storing_is_not_overwritten() {
    let again = vec![vec![put("notes", "k", "3")]];
    let anew = vec![vec![delete("notes", "k")], vec![put("notes", "k", "3")]];
    for batches in [again, anew] {
        let Pair { world, endpoint, a, b, .. } = pair();
        a.write("notes", "k", "1");
        a.run().unwrap();
        b.run().unwrap();
        b.write("notes", "k", "2");
        b.run().unwrap();
        world.pass(10.0);
        meanwhile(&a, batches);
        a.run().unwrap();
        assert!(a.interrupt.borrow().is_none());
        a.run().unwrap();
        b.run().unwrap();
        assert_eq!(documents(&endpoint)[&("notes".to_owned(), "k".to_owned())], "3");
        assert_eq!((a.records(), b.records()), (documents(&endpoint), documents(&endpoint)));
    }
}

#[test]
fn what_is_left_of_a_halved_batch_still_counts_as_waiting() {
    let Pair { world, endpoint, a, .. } = pair();
    a.write("notes", "first", "1");
    a.run().unwrap();
    // From now on it takes less than it has said.
    endpoint.limits.set(Limits { max_ops: 2, ..Limits::default() });
    let pushes = Cell::new(0);
    *a.faults.borrow_mut() = Rc::new(move |route| {
        pushes.set(pushes.get() + u32::from(route == Route::Push));
        if pushes.get() > 2 { Fault::DropRequest } else { Fault::None }
    });
    let ops = (0..4).map(|n| put("notes", &format!("k{n}"), "1")).collect();
    world.finish(a.commit(0, ops), 1_000.0).unwrap().unwrap();
    a.run().unwrap_err();
    assert_eq!((a.status().pending, documents(&endpoint).len()), (2, 3));
}

#[test]
fn a_snapshot_takes_nothing_away_that_came_after_it() {
    let Pair { world, endpoint, mut a, b, .. } = pair();
    a.open();
    a.write("notes", "k", "1");
    a.run().unwrap();
    b.run().unwrap();
    b.write("notes", "away", "1");
    b.delete("notes", "away");
    b.run().unwrap();
    endpoint.collect_tombstones();
    a.on(Route::Snapshot, Fault::Delay(3_000.0));
    let sync = a.tabs[0].sync.clone();
    (world.spawn())(Box::pin(async move { drop(sync.run(Direction::Both).await) }));
    world.pass(4_000.0);
    // The snapshot is made and on its way; another tab writes and sends meanwhile.
    world.finish(a.commit(1, vec![put("notes", "late", "2")]), 1_000.0).unwrap().unwrap();
    world.pass(500.0);
    assert_eq!(documents(&endpoint).len(), 2);
    world.pass(10_000.0);
    a.run().unwrap();
    assert_eq!(a.value("notes", "late").as_deref(), Some("2"));
    assert_eq!(a.records(), documents(&endpoint));
}

#[test]
fn a_discarded_change_gives_way_to_what_the_endpoint_has() {
    let Pair { endpoint, a, b, .. } = pair();
    a.write("notes", "k", "1");
    a.run().unwrap();
    a.tabs[0].sync.set_online(false);
    a.write("notes", "k", "2");
    a.write("notes", "new", "3");
    a.discard("notes/k").unwrap();
    a.discard("notes/new").unwrap();
    assert_eq!(a.value("notes", "new"), None);
    a.tabs[0].sync.set_online(true);
    a.run().unwrap();
    assert_eq!(a.value("notes", "k").as_deref(), Some("1"));
    b.run().unwrap();
    assert_eq!(b.records(), documents(&endpoint));
    assert_eq!(a.records(), b.records());
}

#[test]
fn a_change_that_may_have_arrived_cannot_be_discarded() {
    let Pair { a, .. } = pair();
    a.on(Route::Push, Fault::DropResponse);
    a.write("notes", "k", "1");
    a.run().unwrap_err();
    assert_eq!(a.states(), [("notes/k".to_owned(), EntryState::Sending)]);
    assert_eq!(a.discard("notes/k").unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn while_offline_nothing_is_tried_and_a_round_says_so() {
    let Pair { world, endpoint, a, .. } = pair();
    a.tabs[0].sync.set_online(false);
    a.write("notes", "k", "1");
    world.pass(100_000.0);
    assert_eq!(endpoint.documents().len(), 0);
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::NetworkError);
    a.tabs[0].sync.set_online(true);
    world.pass(5_000.0);
    assert_eq!(endpoint.documents().len(), 1);
}

#[test]
fn switched_off_it_stays_off_after_a_restart_but_for_rounds_that_are_asked_for() {
    let Pair { world, endpoint, mut a, .. } = pair();
    let sync = a.tabs[0].sync.clone();
    world.finish(async move { sync.enable(false).await }, 1_000.0).unwrap().unwrap();
    a.kill(0);
    a.open();
    a.write("notes", "k", "1");
    world.pass(100_000.0);
    assert_eq!(endpoint.documents().len(), 0);
    assert!(!a.status().enabled);
    a.run().unwrap();
    assert_eq!(endpoint.documents().len(), 1);
}

#[test]
fn applied_changes_are_told_and_a_write_is_sent_without_being_asked() {
    let Pair { world, a, b, .. } = pair();
    a.write("notes", "k", "1");
    world.pass(1_000.0);
    assert_eq!(a.status().pending, 0);
    b.run().unwrap();
    let applied = b.tabs[0].heard.applied.borrow();
    assert_eq!(applied.iter().map(|change| change.key.to_text()).collect::<Vec<_>>(), ["k"]);
    assert!(a.tabs[0].heard.applied.borrow().is_empty(), "one's own write is no news");
}

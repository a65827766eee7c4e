//! Wrong clocks, lost histories, unreadable documents, damaged rows, writes at the worst moment.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::FutureExt;
use serde_json::value::RawValue;
use tidekeep::ErrorKind;
use tidekeep::backend::Scan;
use tidekeep::model::{Body, Key, Put, WriteBatch, WriteOp, system};
use tidekeep::platform::Payload;
use tidekeep::sync::protocol::Change;
use tidekeep::sync::{Direction, Hlc};
use tidekeep::transport::Answer;
use tidekeep::transport::loopback::{Endpoint, Fault, Route};

use crate::device::{Device, documents};
use crate::pair::{Pair, pair};
use crate::world::{Random, START, World};

#[test]
fn a_clock_ten_years_off_loses_nothing() {
    for skew in [10.0, -10.0] {
        let Pair { endpoint, a, b, .. } = pair();
        b.write("notes", "shared", "1");
        b.run().unwrap();
        a.skew.set(skew * 365.25 * 86_400_000.0);
        a.write("notes", "mine", "2");
        a.run().unwrap();
        a.write("notes", "shared", "3");
        a.run().unwrap();
        a.write("notes", "shared", "4");
        a.run().unwrap();
        b.run().unwrap();
        assert_eq!(a.records(), documents(&endpoint));
        assert_eq!(b.records(), a.records());
        assert_eq!(b.value("notes", "shared").as_deref(), Some("4"));
        assert_eq!(b.value("notes", "mine").as_deref(), Some("2"));
        assert_eq!(a.states(), []);
        assert!(a.tabs[0].heard.errors.borrow().iter().any(|error| error.message().contains("clock")));
    }
}

#[test]
fn an_endpoint_restored_from_a_backup_is_given_back_what_it_lost() {
    let Pair { endpoint, a, b, .. } = pair();
    for (device, key) in [(&a, "a"), (&b, "b")] {
        device.write("notes", key, "1");
        device.run().unwrap();
    }
    a.run().unwrap();
    a.write("notes", "pending", "2");
    endpoint.begin_anew(|change| change.id == "b");
    a.run().unwrap();
    b.run().unwrap();
    assert_eq!(documents(&endpoint).len(), 3);
    assert_eq!(a.records(), documents(&endpoint));
    assert_eq!(b.records(), documents(&endpoint));
}

#[test]
fn a_deletion_that_the_endpoint_has_forgotten_still_reaches_who_was_away() {
    let Pair { endpoint, a, b, .. } = pair();
    a.write("notes", "k", "1");
    a.write("notes", "other", "1");
    a.run().unwrap();
    b.run().unwrap();
    b.tabs[0].sync.set_online(false);
    b.write("notes", "mine", "5");
    a.delete("notes", "k");
    a.run().unwrap();
    endpoint.collect_tombstones();
    b.tabs[0].sync.set_online(true);
    b.run().unwrap();
    assert_eq!(b.value("notes", "k"), None);
    assert_eq!(b.records(), documents(&endpoint));
    assert_eq!(b.records().len(), 2);
}

#[test]
fn what_was_written_before_its_collection_replicated_is_sent() {
    let Pair { endpoint, mut a, .. } = pair();
    a.kill(0);
    let write = Put::new("notes", Key::from("old"), Body::Clear(Payload::from_wire("7").unwrap()));
    let batch = WriteBatch { ops: vec![WriteOp::Put(write)], now: START, ..WriteBatch::default() };
    let fresh = Device::new(&a.world, &endpoint, &Rc::default(), &a.random);
    fresh.disk.commit(batch).now_or_never().unwrap().unwrap();
    let mut fresh = fresh;
    fresh.open();
    fresh.run().unwrap();
    assert_eq!(documents(&endpoint)[&("notes".to_owned(), "old".to_owned())], "7");
}

fn plant(endpoint: &Endpoint, id: &str, body: Option<&str>) {
    let body = body.map(|body| RawValue::from_string(body.to_owned()).unwrap());
    let hlc = Hlc::new(START as u64, 0, 99);
    endpoint.plant(Change { c: "notes".into(), id: id.into(), seq: 0, rev: 0, hlc, del: false, body });
}

#[test]
fn a_document_that_cannot_be_read_is_set_aside_and_holds_up_no_other() {
    let Pair { endpoint, a, .. } = pair();
    plant(&endpoint, "bad", Some(r#"{"neither":1}"#));
    plant(&endpoint, "~{", Some(r#"{"value":1}"#));
    plant(&endpoint, "good", Some(r#"{"value":1}"#));
    let report = a.run().unwrap();
    assert_eq!((report.pulled, report.failed), (1, 2));
    assert_eq!(a.value("notes", "good").as_deref(), Some("1"));
    assert_eq!(a.status().failed, 2);
    plant(&endpoint, "bad", Some(r#"{"value":2}"#));
    a.run().unwrap();
    assert_eq!(a.value("notes", "bad").as_deref(), Some("2"));
    assert_eq!(a.status().failed, 1);
}

#[test]
fn an_endpoint_writes_to_no_collection_that_does_not_replicate() {
    let Pair { endpoint, a, .. } = pair();
    for collection in [system::SYNC, system::OUTBOX, "private"] {
        let body = Some(RawValue::from_string(r#"{"value":1}"#.into()).unwrap());
        let hlc = Hlc::new(START as u64, 0, 99);
        endpoint.plant(Change { c: collection.into(), id: "client".into(), seq: 0, rev: 0, hlc, del: false, body });
    }
    let changes: Vec<String> = endpoint.documents().iter().map(|c| serde_json::to_string(c).unwrap()).collect();
    let body =
        format!(r#"{{"changes":[{}],"cursor":"0.9","more":false,"head":9,"serverTime":{START}}}"#, changes.join(","));
    a.on(Route::Changes, Fault::Answer(Answer::json(200, body)));
    a.run().unwrap();
    a.all(Fault::None);
    a.run().unwrap();
    let stray = a.disk.scan(&Scan::all("private")).now_or_never().unwrap().unwrap();
    assert!(stray.is_empty());
}

#[test]
fn a_snapshot_that_was_cut_is_not_believed() {
    let (world, random) = (World::new(), Random::new(7));
    let endpoint = Rc::new(Endpoint::new(world.clock()));
    plant(&endpoint, "k", Some(r#"{"value":1}"#));
    // From the beginning there is nothing but the snapshot.
    endpoint.collect_tombstones();
    let mut a = Device::new(&world, &endpoint, &Rc::default(), &random);
    let head = format!(r#"{{"epoch":"0","head":1,"cursor":"0.1","serverTime":{START}}}"#);
    for cut in [head.clone(), format!("{head}\n{{\"count\":5}}"), String::new()] {
        let answer = Answer { content_type: Some("application/x-ndjson".into()), ..Answer::json(200, cut) };
        a.on(Route::Snapshot, Fault::Answer(answer));
        if a.tabs.is_empty() {
            a.open();
        }
        assert_eq!(a.run().unwrap_err().kind(), ErrorKind::NetworkError);
    }
    a.all(Fault::None);
    a.run().unwrap();
    assert_eq!(a.value("notes", "k").as_deref(), Some("1"));
}

#[test]
fn damaged_rows_are_typed_errors_and_cost_no_other_write() {
    for row in ["client", "flight", "replica"] {
        let Pair { endpoint, a, .. } = pair();
        a.all(Fault::DropRequest);
        a.write("notes", "k", "1");
        a.run().unwrap_err();
        let damage =
            Put::new(system::SYNC, Key::from(row), Body::Clear(Payload::from_wire("{\"v\":1,\"x\":[]}").unwrap()));
        let batch = WriteBatch { ops: vec![WriteOp::Put(damage)], ..WriteBatch::default() };
        a.disk.commit(batch).now_or_never().unwrap().unwrap();
        a.all(Fault::None);
        assert_eq!(a.run().unwrap_err().kind(), ErrorKind::Corrupted, "{row}");
        assert_eq!(a.value("notes", "k").as_deref(), Some("1"));
        assert_eq!(endpoint.documents().len(), 0);
    }
    let Pair { endpoint, a, .. } = pair();
    let body = Body::Clear(Payload::from_wire("\"nonsense\"").unwrap());
    let op = WriteOp::Append { collection: system::OUTBOX.into(), body };
    a.disk.commit(WriteBatch { ops: vec![op], ..WriteBatch::default() }).now_or_never().unwrap().unwrap();
    a.write("notes", "k", "1");
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::Corrupted);
    assert_eq!(documents(&endpoint).len(), 1, "a damaged row holds up no other");
}

#[test]
fn stopping_ends_a_round_whose_request_hangs() {
    let Pair { world, a, .. } = pair();
    a.all(Fault::Hang);
    a.write("notes", "k", "1");
    let outcome = Rc::new(RefCell::new(None));
    let (sync, slot) = (a.tabs[0].sync.clone(), Rc::clone(&outcome));
    (world.spawn())(Box::pin(async move {
        let result = sync.run(Direction::Both).await;
        slot.borrow_mut().replace(result);
    }));
    world.pass(500.0);
    assert!(outcome.borrow().is_none());
    a.tabs[0].sync.stop();
    world.pass(0.0);
    assert_eq!(outcome.take().unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(a.run().unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_request_under_way_is_given_up_for_a_snapshot_for_that_tells_of_no_deletion() {
    let Pair { endpoint, a, b, .. } = pair();
    a.write("notes", "old", "1");
    a.run().unwrap();
    b.run().unwrap();
    b.delete("notes", "old");
    b.run().unwrap();
    endpoint.collect_tombstones();
    a.on(Route::Snapshot, Fault::DropRequest);
    a.run().unwrap_err();
    // It is taken, which is not heard of, and deleted by another device.
    *a.faults.borrow_mut() = Rc::new(|route| match route {
        Route::Push => Fault::DropResponse,
        _ => Fault::DropRequest,
    });
    a.write("notes", "k", "1");
    a.run().unwrap_err();
    assert!(endpoint.document("notes", "k").is_some());
    b.run().unwrap();
    b.delete("notes", "k");
    b.run().unwrap();
    a.on(Route::Push, Fault::Answer(Answer::json(500, "{}".into())));
    a.run().unwrap_err();
    a.all(Fault::None);
    a.run().unwrap();
    assert_eq!(a.value("notes", "k"), None);
    assert_eq!(a.records(), documents(&endpoint));
}

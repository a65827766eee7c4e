//! An endpoint that lies: it keeps the protocol's form, and not its word.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use tidekeep::ErrorKind;
use tidekeep::backend::LocalFuture;
use tidekeep::sync::protocol::{Change, Limits};
use tidekeep::sync::{EntryState, Sleep, SyncConfig};
use tidekeep::transport::loopback::{Endpoint, Fault, Route};
use tidekeep::transport::{Answer, ChangesQuery, Encoding, Hear, NoStream, Transport};

use crate::cloud::Cloud;
use crate::device::{Device, documents};
use crate::world::{Random, World};

/// Alters what the endpoint answers on a route.
type Lie = dyn Fn(Route, &mut Value);

/// A true endpoint behind one that lies.
struct Liar {
    truth: Rc<Endpoint>,
    lie: RefCell<Rc<Lie>>,
    asked: RefCell<Vec<Route>>,
}

/// The way to it.
#[derive(Clone)]
struct Way {
    liar: Rc<Liar>,
    way: Rc<dyn Transport>,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Way")
    }
}

impl Way {
    fn altered(&self, route: Route, answer: Answer) -> Answer {
        self.liar.asked.borrow_mut().push(route);
        let Ok(mut body) = serde_json::from_str(&answer.body) else { return answer };
        let lie = Rc::clone(&self.liar.lie.borrow());
        lie(route, &mut body);
        Answer { body: body.to_string(), ..answer }
    }
}

impl Transport for Way {
    fn status<'a>(&'a self, token: Option<&'a str>) -> LocalFuture<'a, tidekeep::Result<Answer>> {
        Box::pin(async move { Ok(self.altered(Route::Status, self.way.status(token).await?)) })
    }

    fn push<'a>(
        &'a self,
        token: Option<&'a str>,
        body: &'a str,
        encoding: Encoding,
    ) -> LocalFuture<'a, tidekeep::Result<Answer>> {
        Box::pin(async move { Ok(self.altered(Route::Push, self.way.push(token, body, encoding).await?)) })
    }

    fn changes<'a>(
        &'a self,
        token: Option<&'a str>,
        query: &'a ChangesQuery,
    ) -> LocalFuture<'a, tidekeep::Result<Answer>> {
        Box::pin(async move { Ok(self.altered(Route::Changes, self.way.changes(token, query).await?)) })
    }

    fn snapshot<'a>(
        &'a self,
        token: Option<&'a str>,
        collections: &'a [String],
    ) -> LocalFuture<'a, tidekeep::Result<Answer>> {
        Box::pin(async move { Ok(self.altered(Route::Snapshot, self.way.snapshot(token, collections).await?)) })
    }

    fn live<'a>(
        &'a self,
        token: Option<&'a str>,
        query: &'a ChangesQuery,
        hear: Hear,
    ) -> LocalFuture<'a, tidekeep::Result<Option<NoStream>>> {
        self.way.live(token, query, hear)
    }
}

impl Cloud for Liar {
    fn way(self: Rc<Self>, sleep: Sleep, faults: Rc<dyn Fn(Route) -> Fault>) -> Rc<dyn Transport> {
        let way = Rc::clone(&self.truth).way(sleep, faults);
        Rc::new(Way { liar: self, way })
    }

    fn documents(&self) -> Vec<Change> {
        self.truth.documents()
    }

    fn epoch(&self) -> String {
        self.truth.epoch()
    }

    fn effects(&self) -> Vec<((String, u64), u64)> {
        self.truth.effects()
    }

    fn violations(&self) -> Vec<String> {
        self.truth.violations()
    }

    fn expect_token(&self, token: &str) {
        self.truth.expect_token(token);
    }

    fn refuse(&self, document: Option<(String, String)>) {
        self.truth.refuse(document);
    }

    fn narrow(&self, limits: Limits, page: usize) {
        self.truth.narrow(limits, page);
    }

    fn collect(&self) {
        self.truth.collect();
    }

    fn restore(&self, keep: &dyn Fn(&Change) -> bool) {
        self.truth.restore(keep);
    }
}

struct Setting {
    world: Rc<World>,
    liar: Rc<Liar>,
    device: Device,
    other: Device,
}

/// Two devices that know `notes/old` in its second revision, before the endpoint begins to lie to the first.
fn setting() -> Setting {
    let (world, random) = (World::new(), Random::new(7));
    let truth = Rc::new(Endpoint::new(world.clock()));
    let liar =
        Rc::new(Liar { truth: Rc::clone(&truth), lie: RefCell::new(Rc::new(|_, _| ())), asked: RefCell::default() });
    let mut device = Device::new(&world, &liar, &Rc::default(), &random);
    let mut other = Device::new(&world, &truth, &Rc::default(), &random);
    for device in [&mut device, &mut other] {
        device.open_with(SyncConfig { live: false, ..Device::config() });
    }
    device.write("notes", "old", "1");
    device.run().unwrap();
    device.write("notes", "old", "2");
    device.run().unwrap();
    other.run().unwrap();
    Setting { world, liar, device, other }
}

impl Setting {
    fn lie(&self, lie: impl Fn(Route, &mut Value) + 'static) {
        *self.liar.lie.borrow_mut() = Rc::new(lie);
        self.liar.asked.borrow_mut().clear();
    }

    fn asked(&self, route: Route) -> usize {
        self.liar.asked.borrow().iter().filter(|asked| **asked == route).count()
    }

    fn has(&self, key: &str) -> Option<String> {
        self.device.value("notes", key)
    }

    fn sent(&self, key: &str) -> bool {
        self.liar.truth.document("notes", key).is_some()
    }

    /// The endpoint tells the truth again: everything arrives, each once, and all have the same.
    fn ends_well(&self) {
        self.lie(|_, _| ());
        self.world.pass(120_000.0);
        self.other.tabs[0].sync.visible();
        self.world.pass(5_000.0);
        let there = documents(&self.liar.truth);
        assert_eq!(self.device.records(), there);
        assert_eq!(self.other.records(), there);
        assert_eq!(self.device.states(), []);
        assert!(self.liar.truth.effects().iter().all(|(_, count)| *count == 1));
        assert_eq!(self.device.status().last_error.map(|error| error.to_string()), None);
    }
}

/// A list of an answer; an empty one where it is a failure.
fn list<'a>(answer: &'a mut Value, name: &str) -> &'a mut Vec<Value> {
    if !answer[name].is_array() {
        answer[name] = json!([]);
    }
    answer[name].as_array_mut().unwrap()
}

#[test]
fn what_a_push_answer_leaves_out_is_sent_again_and_holds_up_nothing() {
    let setting = setting();
    let leaves_out = |pushed: usize| {
        move |route: Route, answer: &mut Value| {
            if route == Route::Push && list(answer, "results").len() > pushed {
                list(answer, "results").remove(pushed);
            }
        }
    };
    // The one that comes first is never answered for, whatever it is.
    setting.lie(leaves_out(0));
    for key in ["a", "b", "c"] {
        setting.device.write("notes", key, "1");
    }
    setting.other.write("notes", "theirs", "1");
    setting.other.run().unwrap();
    assert_eq!(setting.device.run().unwrap_err().kind(), ErrorKind::NetworkError);
    assert_eq!(setting.has("theirs").as_deref(), Some("1"), "what comes in does not wait");
    assert!(["a", "b", "c"].iter().all(|key| setting.sent(key)));
    setting.device.write("notes", "d", "1");
    setting.device.run().unwrap_err();
    assert!(setting.sent("d"), "what came since does not wait");
    assert!(setting.device.states().len() <= 1, "{:?}", setting.device.states());
    assert!(setting.asked(Route::Push) < 20, "{}", setting.asked(Route::Push));
    setting.ends_well();
}

#[test]
fn a_push_answer_that_says_nothing_of_what_was_sent_costs_nothing() {
    for results in [
        json!([]),
        json!([{ "mid": 4711, "status": "ok", "seq": 1, "rev": 1 }]),
        json!([{ "mid": 4711, "status": "rejected", "code": "too_large", "message": "made up" }]),
        json!([7, null, { "status": "ok" }, { "mid": -1, "status": "ok" }]),
    ] {
        let setting = setting();
        let told = results.clone();
        setting.lie(move |route, answer| {
            if route == Route::Push {
                answer["results"] = told.clone();
            }
        });
        setting.device.write("notes", "a", "1");
        assert_eq!(setting.device.run().unwrap_err().kind(), ErrorKind::NetworkError, "{results}");
        // What it did is told by what comes in.
        assert_eq!(setting.device.states(), [], "{results}");
        setting.ends_well();
    }
}

#[test]
fn results_that_were_not_asked_for_and_come_twice_change_nothing() {
    let setting = setting();
    setting.lie(|route, answer| {
        if route == Route::Push {
            let results = list(answer, "results");
            let mut twice = results.clone();
            twice[0]["status"] = json!("rejected");
            results.extend(twice);
            let rejected = json!({ "mid": 9_000_000, "status": "rejected", "code": "x", "message": "x" });
            results.push(rejected);
        }
    });
    setting.device.write("notes", "a", "1");
    let report = setting.device.run().unwrap();
    assert_eq!((report.pushed, report.failed), (1, 0));
    setting.ends_well();
}

#[test]
fn a_result_of_an_unknown_kind_holds_up_only_its_own_document() {
    let setting = setting();
    setting.lie(|route, answer| {
        if route == Route::Push {
            list(answer, "results")[0]["status"] = json!("pondered");
        }
    });
    setting.device.write("notes", "a", "1");
    setting.device.write("notes", "b", "1");
    setting.device.run().unwrap_err();
    assert!(setting.sent("b"));
    assert_eq!(setting.device.states(), []);
    setting.ends_well();
}

#[test]
fn an_older_revision_overwrites_nothing_however_it_comes() {
    let older = |rev: u64| {
        let hlc = "ffffffff0000ffff-00000000000000ff";
        json!({ "c": "notes", "id": "old", "seq": rev, "rev": rev, "hlc": hlc, "body": { "value": "older" } })
    };
    // As a change, of a document that is clean and of one that waits.
    for pending in [false, true] {
        let setting = setting();
        setting.lie(move |route, answer| {
            if route == Route::Changes {
                list(answer, "changes").push(older(1));
                answer["cursor"] = json!(format!("{}", answer["head"]));
            }
        });
        if pending {
            setting.device.write("notes", "old", "3");
        }
        drop(setting.device.run());
        assert_eq!(setting.has("old").as_deref(), Some(if pending { "3" } else { "2" }));
        setting.ends_well();
    }
    // As what is in the way of a change of ours.
    for status in ["conflict", "superseded"] {
        let setting = setting();
        setting.lie(move |route, answer| {
            if route == Route::Push {
                for result in list(answer, "results").iter_mut().take(1) {
                    *result = json!({ "mid": result["mid"], "status": status, "current": older(1) });
                }
            }
        });
        setting.device.write("notes", "old", "3");
        setting.device.write("notes", "b", "1");
        setting.other.write("notes", "theirs", "1");
        setting.other.run().unwrap();
        drop(setting.device.run());
        assert_eq!(setting.has("old").as_deref(), Some("3"), "{status}");
        assert_eq!(setting.has("theirs").as_deref(), Some("1"), "{status}: what comes in does not wait");
        assert!(setting.sent("b"), "{status}");
        setting.ends_well();
    }
}

#[test]
fn another_document_than_was_sent_is_no_answer() {
    let setting = setting();
    setting.lie(|route, answer| {
        if route == Route::Push {
            let result = &mut list(answer, "results")[0];
            let current = json!({ "c": "places", "id": "x", "seq": 9, "rev": 9,
                "hlc": "ffffffff0000ffff-00000000000000ff", "body": { "value": "not asked for" } });
            *result = json!({ "mid": result["mid"], "status": "superseded", "current": current });
        }
    });
    setting.device.write("notes", "a", "1");
    drop(setting.device.run());
    assert_eq!(setting.has("a").as_deref(), Some("1"));
    assert_eq!(setting.device.value("places", "x"), None);
    assert_eq!(setting.device.states(), [("notes/a".to_owned(), EntryState::Dead)]);
}

#[test]
fn a_cursor_that_the_endpoint_does_not_know_is_given_up_for_a_snapshot() {
    for cursor in ["nonsense", "-1", "99999999999999999999"] {
        let setting = setting();
        setting.lie(move |route, answer| {
            if route == Route::Changes && answer["cursor"].is_string() {
                answer["cursor"] = json!(cursor);
            }
        });
        setting.other.write("notes", "theirs", "1");
        setting.other.run().unwrap();
        drop(setting.device.run());
        setting.device.write("notes", "a", "1");
        setting.ends_well();
    }
}

#[test]
fn a_cursor_of_a_mebibyte_is_not_taken() {
    let setting = setting();
    setting.lie(|route, answer| {
        if route == Route::Changes {
            answer["cursor"] = json!("9".repeat(1 << 20));
        }
    });
    assert_eq!(setting.device.run().unwrap_err().kind(), ErrorKind::NetworkError);
    setting.ends_well();
}

#[test]
fn pages_that_come_again_and_again_end_and_what_is_written_meanwhile_is_sent() {
    for moves in [false, true] {
        for told in [false, true] {
            let setting = setting();
            let count = std::cell::Cell::new(0);
            setting.lie(move |route, answer| {
                if route == Route::Changes {
                    count.set(count.get() + 1);
                    answer["more"] = json!(true);
                    if told {
                        let again = json!({ "c": "notes", "id": "old", "seq": 2, "rev": 2,
                            "hlc": "000000000001ffff-00000000000000ff", "body": { "value": "2" } });
                        *list(answer, "changes") = vec![again];
                    }
                    if moves {
                        // In circles.
                        answer["cursor"] = json!(format!("{}", 1 + count.get() % 2));
                    }
                }
            });
            assert_eq!(setting.device.run().unwrap_err().kind(), ErrorKind::NetworkError, "{moves} {told}");
            assert!(setting.asked(Route::Changes) <= 202, "{}", setting.asked(Route::Changes));
            assert_eq!(setting.has("old").as_deref(), Some("2"));
            setting.device.write("notes", "a", "1");
            drop(setting.device.run());
            assert!(setting.sent("a"));
            setting.ends_well();
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_stored_and_unknown_fields_change_nothing() {
    let setting = setting();
    setting.lie(|route, answer| {
        answer["unheard of"] = json!({ "deep": [[[]]] });
        if route == Route::Changes {
            for (seq, c) in (10..).zip(["strangers", "tidekeep:keys", "tidekeep:outbox", "tidekeep:sync", ""]) {
                let change = json!({ "c": c, "id": "x", "seq": seq, "rev": seq, "tenant": "other",
                    "hlc": "000000000001ffff-00000000000000ff", "body": { "value": "not asked for" } });
                list(answer, "changes").push(change);
            }
        }
    });
    let rows = |setting: &Setting| -> Vec<usize> {
        use futures_util::FutureExt as _;
        let all = ["strangers", "tidekeep:keys", "tidekeep:dead", ""];
        let scan = |name: &&str| setting.device.disk.scan(&tidekeep::backend::Scan::all(*name)).now_or_never().unwrap();
        all.iter().map(|name| scan(name).map_or(0, |rows| rows.len())).collect()
    };
    setting.device.write("notes", "a", "1");
    let report = setting.device.run().unwrap();
    assert_eq!((report.pushed, report.failed), (1, 0));
    assert_eq!(rows(&setting), [0, 0, 0, 0]);
    setting.ends_well();
}

#[test]
fn a_time_out_of_this_world_is_no_lasting_harm() {
    for time in [0.0, 1e15, 1e300] {
        let setting = setting();
        setting.lie(move |_, answer| answer["serverTime"] = json!(time));
        setting.device.write("notes", "a", "1");
        drop(setting.device.run());
        setting.device.write("notes", "old", "3");
        assert_eq!(setting.has("old").as_deref(), Some("3"), "{time}");
        setting.ends_well();
        assert_eq!(setting.has("old").as_deref(), Some("3"), "{time}");
    }
}

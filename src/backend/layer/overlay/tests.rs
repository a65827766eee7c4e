mod programs;

use std::rc::Rc;

use futures_util::FutureExt as _;

use super::*;
use crate::backend::Direction;
use crate::backend::memory::MemoryBackend;
use crate::model::{Body, Collection, Delete, Index, KeyPath, Precondition, Put, Seen, Verify};
use crate::platform::Payload;

fn schema() -> Rc<Schema> {
    let mut schema = Schema::default();
    let indexes = ["n", "*tags", "&mail", "[n+mail]"].map(|text| Index::parse(text).unwrap());
    let people =
        Collection { key_path: Some(KeyPath::Single("id".into())), indexes: indexes.to_vec(), ..Collection::default() };
    schema.declare("people", people).unwrap();
    Rc::new(schema)
}

fn memory() -> Rc<dyn Backend> {
    Rc::new(MemoryBackend::new("test", schema(), 10_000))
}

fn overlay(over: &Rc<dyn Backend>, isolation: Isolation, open: &Open) -> Rc<Overlay> {
    let made = Rc::new(Overlay::new(Rc::clone(over), schema(), "id".into(), isolation, open));
    open.borrow_mut().push(Rc::clone(&made));
    made
}

fn now_or<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn commit(backend: &dyn Backend, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
    now_or(backend.commit(WriteBatch { ops, now: 5.0, ..WriteBatch::default() }))
}

fn flush(overlay: &Overlay, base: &dyn Backend) -> Result<CommitReceipt> {
    let (ops, _) = now_or(overlay.finish())?;
    commit(base, ops)
}

fn put(collection: &str, key: &str, text: &str) -> WriteOp {
    WriteOp::Put(Put::new(collection, Key::from(key), Body::Clear(Payload::from_wire(text).unwrap())))
}

fn delete(collection: &str, key: &str) -> WriteOp {
    WriteOp::Delete(Delete::new(collection, Key::from(key)))
}

fn value(backend: &dyn Backend, collection: &str, key: &str) -> Option<String> {
    let record = now_or(backend.get(collection, &[Key::from(key)])).unwrap().remove(0)?;
    match record.body {
        Body::Clear(payload) => Some(payload.to_wire().unwrap()),
        Body::Sealed(_) => None,
    }
}

fn keys(backend: &dyn Backend, scan: &Scan) -> Vec<String> {
    now_or(backend.scan(scan)).unwrap().into_iter().map(|row| row.key.to_text()).collect()
}

#[test]
fn what_is_staged_is_stored_only_once_it_is_committed() {
    let base = memory();
    let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
    commit(&*transaction, vec![put("box", "a", "1")]).unwrap();
    assert_eq!(value(&*transaction, "box", "a").as_deref(), Some("1"));
    assert_eq!(value(&*base, "box", "a"), None);
    flush(&transaction, &*base).unwrap();
    assert_eq!(value(&*base, "box", "a").as_deref(), Some("1"));
}

#[test]
fn after_the_end_every_call_is_refused() {
    let base = memory();
    for roll_back in [true, false] {
        let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
        commit(&*transaction, vec![put("box", "a", "1")]).unwrap();
        if roll_back {
            assert!(transaction.roll_back());
        } else {
            now_or(transaction.finish()).unwrap();
        }
        let kind = |error: Error| error.kind();
        let invalid = Some(ErrorKind::InvalidTransaction);
        assert_eq!(commit(&*transaction, vec![]).map_err(kind).err(), invalid);
        assert_eq!(now_or(transaction.get("box", &[])).map_err(kind).err(), invalid);
        assert_eq!(now_or(transaction.scan(&Scan::all("box"))).map_err(kind).err(), invalid);
        assert_eq!(now_or(transaction.count("box", &Source::Primary, &KeyRange::all())).map_err(kind).err(), invalid);
        assert_eq!(now_or(transaction.namespaces()).map_err(kind).err(), invalid);
        assert_eq!(now_or(transaction.finish()).map_err(kind).err(), invalid);
        assert!(!transaction.roll_back());
    }
}

#[test]
fn read_committed_sees_what_others_commit_and_not_what_they_stage() {
    let (base, open) = (memory(), Open::default());
    let (one, two) = (overlay(&base, Isolation::ReadCommitted, &open), overlay(&base, Isolation::ReadCommitted, &open));
    commit(&*two, vec![put("box", "a", "2")]).unwrap();
    assert_eq!(value(&*one, "box", "a"), None);
    flush(&two, &*base).unwrap();
    assert_eq!(value(&*one, "box", "a").as_deref(), Some("2"));
}

#[test]
fn read_uncommitted_sees_what_others_stage_in_the_order_of_their_beginning() {
    let (base, open) = (memory(), Open::default());
    commit(&*base, vec![put("box", "a", "0"), put("box", "z", "0")]).unwrap();
    let [first, reader, last] = [Isolation::ReadCommitted, Isolation::ReadUncommitted, Isolation::Serializable]
        .map(|isolation| overlay(&base, isolation, &open));
    commit(&*last, vec![put("box", "a", "3"), put("box", "b", "3")]).unwrap();
    commit(&*first, vec![put("box", "a", "1"), delete("box", "z"), put("box", "c", "1")]).unwrap();
    assert_eq!(value(&*reader, "box", "a").as_deref(), Some("3"));
    assert_eq!(keys(&*reader, &Scan::all("box")), ["a", "b", "c"]);
    commit(&*reader, vec![put("box", "a", "2"), delete("box", "c")]).unwrap();
    assert_eq!(value(&*reader, "box", "a").as_deref(), Some("2"));
    assert_eq!(keys(&*reader, &Scan { limit: Some(1), direction: Direction::Backward, ..Scan::all("box") }), ["b"]);
    assert_eq!(value(&*first, "box", "a").as_deref(), Some("1"));
    let taken = WriteOp::Put(Put { precondition: Precondition::Absent, ..as_put(put("box", "b", "2")) });
    assert_eq!(commit(&*reader, vec![taken]).unwrap_err().kind(), ErrorKind::AlreadyExists);
    open.borrow_mut().retain(|other| !Rc::ptr_eq(other, &last));
    assert_eq!(value(&*reader, "box", "b"), None);
}

fn as_put(op: WriteOp) -> Put {
    let WriteOp::Put(put) = op else { unreachable!() };
    put
}

#[test]
fn a_precondition_on_what_others_may_write_is_checked_again_in_the_commit() {
    let base = memory();
    commit(&*base, vec![put("box", "a", "0")]).unwrap();
    let when = |precondition| {
        let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
        let key = if precondition == Precondition::Absent { "b" } else { "a" };
        commit(&*transaction, vec![WriteOp::Put(Put { precondition, ..as_put(put("box", key, "1")) })]).unwrap();
        transaction
    };
    let (absent, version) = (when(Precondition::Absent), when(Precondition::Version(1)));
    commit(&*base, vec![put("box", "a", "2"), put("box", "b", "2")]).unwrap();
    assert_eq!(flush(&absent, &*base).unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(flush(&version, &*base).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(value(&*base, "box", "b").as_deref(), Some("2"));
}

#[test]
fn a_precondition_on_its_own_write_is_settled_whatever_others_do() {
    let base = memory();
    let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
    let receipt = commit(&*transaction, vec![put("box", "a", "1")]).unwrap();
    let next = Put { precondition: Precondition::Version(receipt.ops[0].version), ..as_put(put("box", "a", "2")) };
    commit(&*transaction, vec![WriteOp::Put(next)]).unwrap();
    commit(&*transaction, vec![delete("box", "a")]).unwrap();
    let anew = Put { precondition: Precondition::Absent, ..as_put(put("box", "a", "3")) };
    commit(&*transaction, vec![WriteOp::Put(anew)]).unwrap();
    commit(&*base, vec![put("box", "a", "9"), put("box", "a", "9")]).unwrap();
    flush(&transaction, &*base).unwrap();
    assert_eq!(value(&*base, "box", "a").as_deref(), Some("3"));
}

#[test]
fn a_batch_that_is_refused_stages_nothing_of_itself() {
    let base = memory();
    let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
    commit(&*transaction, vec![put("box", "a", "1")]).unwrap();
    let bad = WriteOp::Put(Put { precondition: Precondition::Present, ..as_put(put("box", "none", "1")) });
    let batch = vec![put("box", "a", "2"), WriteOp::Clear { collection: "box".into() }, put("box", "b", "2"), bad];
    assert_eq!(commit(&*transaction, batch).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(keys(&*transaction, &Scan::all("box")), ["a"]);
    assert_eq!(value(&*transaction, "box", "a").as_deref(), Some("1"));
    commit(&*base, vec![put("box", "z", "1")]).unwrap();
    assert_eq!(keys(&*transaction, &Scan::all("box")), ["a", "z"]);
    assert_eq!(flush(&transaction, &*base).unwrap().ops.len(), 1);
}

#[test]
fn a_read_that_contradicts_an_earlier_one_is_a_conflict_at_once_and_for_good() {
    for (change, again) in [
        (put("box", "a", "2"), Scan::all("box")),
        (put("box", "b", "2"), Scan { range: KeyRange::only(Key::from("b")), ..Scan::all("box") }),
        (delete("box", "a"), Scan { range: KeyRange::only(Key::from("a")), ..Scan::all("box") }),
    ] {
        let base = memory();
        commit(&*base, vec![put("box", "a", "1")]).unwrap();
        let transaction = overlay(&base, Isolation::Serializable, &Open::default());
        assert_eq!(keys(&*transaction, &Scan::all("box")), ["a"]);
        commit(&*base, vec![change]).unwrap();
        assert_eq!(now_or(transaction.scan(&again)).unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(now_or(transaction.get("other", &[Key::from("x")])).unwrap_err().kind(), ErrorKind::Conflict);
        assert!(transaction.doomed());
        assert_eq!(now_or(transaction.finish()).unwrap_err().kind(), ErrorKind::Conflict);
    }
}

#[test]
fn a_limited_read_is_no_condition_on_what_it_did_not_reach() {
    let base = memory();
    commit(&*base, ["a", "b", "c", "d"].map(|key| put("box", key, "1")).to_vec()).unwrap();
    let read = |direction| {
        let transaction = overlay(&base, Isolation::Serializable, &Open::default());
        keys(&*transaction, &Scan { limit: Some(2), direction, ..Scan::all("box") });
        now_or(transaction.finish()).unwrap().0
    };
    let (first, last) = (read(Direction::Forward), read(Direction::Backward));
    commit(&*base, vec![put("box", "c", "2")]).unwrap();
    commit(&*base, first.clone()).unwrap();
    assert_eq!(commit(&*base, last).unwrap_err().kind(), ErrorKind::Conflict);
    commit(&*base, vec![put("box", "aa", "2")]).unwrap();
    assert_eq!(commit(&*base, first).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn writing_without_looking_makes_no_condition() {
    let base = memory();
    commit(&*base, vec![put("box", "a", "1")]).unwrap();
    let transaction = overlay(&base, Isolation::Serializable, &Open::default());
    commit(&*transaction, vec![put("box", "a", "2")]).unwrap();
    assert_eq!(value(&*transaction, "box", "a").as_deref(), Some("2"));
    commit(&*base, vec![put("box", "a", "9")]).unwrap();
    flush(&transaction, &*base).unwrap();
    assert_eq!(value(&*base, "box", "a").as_deref(), Some("2"));
}

#[test]
fn a_refusal_that_the_body_was_told_of_is_something_it_has_seen() {
    let base = memory();
    commit(&*base, vec![put("box", "a", "1")]).unwrap();
    let transaction = overlay(&base, Isolation::Serializable, &Open::default());
    let taken = WriteOp::Put(Put { precondition: Precondition::Absent, ..as_put(put("box", "a", "2")) });
    assert_eq!(commit(&*transaction, vec![taken]).unwrap_err().kind(), ErrorKind::AlreadyExists);
    commit(&*transaction, vec![put("box", "b", "1")]).unwrap();
    commit(&*base, vec![delete("box", "a")]).unwrap();
    assert_eq!(flush(&transaction, &*base).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn secrets_are_no_part_of_a_transaction() {
    let base = memory();
    let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
    for op in [put("credentials", "a", "1"), WriteOp::Clear { collection: "credentials".into() }] {
        assert_eq!(commit(&*transaction, vec![op]).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}

#[test]
fn a_condition_of_its_own_is_checked_in_the_commit() {
    let base = memory();
    commit(&*base, vec![put("box", "a", "1")]).unwrap();
    let transaction = overlay(&base, Isolation::ReadCommitted, &Open::default());
    let range = KeyRange::all();
    let row = Seen { key: Key::from("a"), version: 1, modified: 5.0 };
    let condition = Verify { collection: "box".into(), source: Source::Primary, range, rows: vec![row] };
    commit(&*transaction, vec![WriteOp::Verify(condition), put("box", "b", "1")]).unwrap();
    commit(&*base, vec![put("box", "a", "2")]).unwrap();
    assert_eq!(flush(&transaction, &*base).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_limited_read_goes_on_where_what_is_hidden_lies_in_an_index_many_times() {
    let person = |key: &str, tags: &str| put("people", key, &format!(r#"{{"id":"{key}","tags":[{tags}]}}"#));
    let base = memory();
    commit(&*base, vec![person("0", r#""a","b","c""#), person("1", r#""d""#)]).unwrap();
    for isolation in [Isolation::ReadCommitted, Isolation::Serializable] {
        let transaction = overlay(&base, isolation, &Open::default());
        commit(&*transaction, vec![delete("people", "0"), person("2", r#""e""#)]).unwrap();
        let scan = Scan { source: Source::Index("tags".into()), limit: Some(1), ..Scan::all("people") };
        assert_eq!(keys(&*transaction, &scan), ["1"]);
    }
}

use std::rc::Rc;

use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;
use crate::ErrorKind;
use crate::backend::Source;
use crate::backend::memory::MemoryBackend;
use crate::crypto::{AdditionalData, Envelope};
use crate::model::{Collection, KeyRange};
use crate::platform::{Bytes, Payload};
use crate::testing::stack::open_keyring;

struct Fixture {
    raw: Rc<dyn Backend>,
    sealed: Seal,
    keyring: Rc<Keyring>,
}

fn keyring() -> Rc<Keyring> {
    futures_executor::block_on(open_keyring()).unwrap()
}

fn fixture(keyring: &Rc<Keyring>) -> Fixture {
    let mut schema = Schema::default();
    schema.declare("safe", Collection { encrypted: true, ..Collection::default() }).unwrap();
    let schema = Rc::new(schema);
    let raw: Rc<dyn Backend> = Rc::new(MemoryBackend::new("test", Rc::clone(&schema), 10_000));
    let sealed = Seal::new(Rc::clone(&raw), schema, Rc::clone(keyring));
    Fixture { raw, sealed, keyring: Rc::clone(keyring) }
}

fn put(key: &str, wire: &str) -> WriteOp {
    WriteOp::Put(Put::new("safe", Key::from(key), Body::Clear(Payload::from_wire(wire).unwrap())))
}

fn batch(ops: Vec<WriteOp>) -> WriteBatch {
    WriteBatch { ops, now: 5.0, ..WriteBatch::default() }
}

fn text(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

impl Fixture {
    fn wire(&self, key: &str) -> String {
        let keys = [Key::from(key)];
        let found = futures_executor::block_on(self.sealed.get("safe", &keys)).unwrap();
        match &found[0].as_ref().unwrap().body {
            Body::Clear(payload) => payload.to_wire().unwrap(),
            Body::Sealed(_) => panic!("it is sealed"),
        }
    }

    fn envelope(&self, key: &str) -> Bytes {
        let keys = [Key::from(key)];
        let found = futures_executor::block_on(self.raw.get("safe", &keys)).unwrap();
        match &found[0].as_ref().unwrap().body {
            Body::Sealed(envelope) => envelope.clone(),
            Body::Clear(_) => panic!("it is clear"),
        }
    }

    /// What is sealed, opened by the cipher alone.
    fn plaintext(&self, key: &str) -> Vec<u8> {
        let additional = AdditionalData { database: "test", collection: "safe", key, field: "" };
        self.keyring.open(&additional, &self.envelope(key).to_vec()).unwrap().to_vec()
    }
}

#[test]
fn writes_of_one_key_keep_their_order_however_long_sealing_takes() {
    let fixture = fixture(&keyring());
    for lengths in [[10, 1_000_000, 10], [1_000_000, 10, 20], [1_000_000, 5_000, 4_999]] {
        let commits = lengths.map(|length| fixture.sealed.commit(batch(vec![put("k", &text(length))])));
        let receipts = futures_executor::block_on(join_all(commits));
        let versions: Vec<u64> = receipts.into_iter().map(|receipt| receipt.unwrap().ops[0].version).collect();
        assert_eq!(versions[1] - versions[0], 1);
        assert_eq!(versions[2] - versions[1], 1);
        assert_eq!(fixture.wire("k"), text(lengths[2]));
    }
}

#[test]
fn what_is_asked_after_a_write_sees_it_however_long_sealing_takes() {
    let fixture = fixture(&keyring());
    let (keys, all) = ([Key::from("k")], KeyRange::all());
    let (commit, scan) = (fixture.sealed.commit(batch(vec![put("k", &text(1_000_000))])), Scan::all("safe"));
    let reads = futures_util::future::join3(
        fixture.sealed.get("safe", &keys),
        fixture.sealed.scan(&scan),
        fixture.sealed.count("safe", &Source::Primary, &all),
    );
    let (committed, (got, scanned, counted)) = futures_executor::block_on(futures_util::future::join(commit, reads));
    committed.unwrap();
    assert!(got.unwrap()[0].is_some());
    assert_eq!((scanned.unwrap().len(), counted.unwrap()), (1, 1));

    let commit = fixture.sealed.commit(batch(vec![put("k", &text(1_000_000))]));
    let (committed, ()) = futures_executor::block_on(futures_util::future::join(commit, fixture.sealed.close()));
    committed.unwrap();
}

#[test]
fn a_value_that_cannot_be_sealed_holds_up_nobody() {
    let fixture = fixture(&keyring());
    fixture.keyring.lock();
    let refused = futures_executor::block_on(fixture.sealed.commit(batch(vec![put("k", &text(1_000_000))])));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    let clear = WriteOp::Put(Put::new("other", Key::from("a"), Body::Clear(Payload::undefined())));
    futures_executor::block_on(fixture.sealed.commit(batch(vec![clear]))).unwrap();
    let all = KeyRange::all();
    assert_eq!(futures_executor::block_on(fixture.raw.count("safe", &Source::Primary, &all)).unwrap(), 0);
}

#[test]
fn what_is_opened_while_the_keys_are_locked_is_nobodys() {
    let fixture = fixture(&keyring());
    futures_executor::block_on(fixture.sealed.commit(batch(vec![put("k", &text(1_000_000))]))).unwrap();
    let keys = [Key::from("k")];
    let reading = fixture.sealed.get("safe", &keys);
    let locking = async {
        fixture.keyring.lock();
    };
    let (found, ()) = futures_executor::block_on(futures_util::future::join(reading, locking));
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Locked);
}

#[test]
fn one_by_one_many_at_once_and_large_ones_are_sealed_alike() {
    let fixture = fixture(&keyring());
    let wires = [text(3), text(5_000), "[1,2]".to_owned(), text(100_000)];
    for (at, wire) in wires.iter().enumerate() {
        let alone = format!("alone {at}");
        futures_executor::block_on(fixture.sealed.commit(batch(vec![put(&alone, wire)]))).unwrap();
    }
    let many = (0..40).map(|at| put(&format!("many {at}"), &wires[at % 4])).collect();
    futures_executor::block_on(fixture.sealed.commit(batch(many))).unwrap();
    for at in 0..40 {
        let (alone, many) = (format!("alone {}", at % 4), format!("many {at}"));
        assert_eq!(fixture.plaintext(&alone), fixture.plaintext(&many));
        assert_eq!(fixture.wire(&alone), fixture.wire(&many));
        let envelope = fixture.envelope(&many).to_vec();
        assert_eq!(envelope.len(), fixture.plaintext(&many).len() + Envelope::OVERHEAD);
    }
}

#[test]
fn of_many_that_are_read_the_one_that_was_changed_is_named() {
    let fixture = fixture(&keyring());
    let many = (0..20).map(|at| put(&format!("k{at:02}"), &text(100))).collect();
    futures_executor::block_on(fixture.sealed.commit(batch(many))).unwrap();
    let mut bytes = fixture.envelope("k07").to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = WriteOp::Put(Put::new("safe", Key::from("k07"), Body::Sealed(bytes.into())));
    futures_executor::block_on(fixture.raw.commit(batch(vec![damaged]))).unwrap();
    let error = futures_executor::block_on(fixture.sealed.scan(&Scan::all("safe"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DecryptionFailed);
    assert!(error.context().iter().any(|(name, value)| *name == "key" && value == "k07"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_packed_is_unpacked(short in ".{0,20}", long in "[a-z\u{e9}\u{1F600}]{4090,4200}", bytes in proptest::collection::vec(any::<u8>(), 3000..9000)) {
        let binary = Payload::bytes(&bytes).to_wire().unwrap();
        let (short, long) = (serde_json::to_string(&short).unwrap(), serde_json::to_string(&long).unwrap());
        let wire = format!("{{\"a\":[{long},{binary},{short}],\"b\":{{\"$\":\"map\",\"v\":[[{short},{binary}]]}}}}");
        let value = Payload::from_wire(&wire).unwrap();
        for large in [0, usize::MAX] {
            let packed = match value.to_plaintext(large).unwrap() {
                crate::platform::Plaintext::Small(bytes) => bytes,
                crate::platform::Plaintext::Large(bytes) => bytes.to_vec(),
            };
            prop_assert!(packed.len() < 2 * bytes.len() + 3 * long.len() + 200, "bytes are not blown up");
            prop_assert_eq!(&Payload::from_plaintext(&packed).unwrap(), &value);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_value_or_one_and_never_a_panic(length in 0_u32..80, head: Vec<u8>, tail: Vec<u8>) {
        let _ = Payload::from_plaintext(&head);
        let parted = [&[1][..], &length.to_le_bytes(), &head, &tail].concat();
        let _ = Payload::from_plaintext(&parted);
        let lying = br#"{"$":"part","v":["bytes",1,4294967295]}"#;
        let parted = [&[1][..], &u32::try_from(lying.len()).unwrap().to_le_bytes(), lying, &tail].concat();
        prop_assert!(Payload::from_plaintext(&parted).is_err());
    }
}

fn said(key: &str, wire: &str, secrecy: Secrecy) -> WriteOp {
    let body = Body::Clear(Payload::from_wire(wire).unwrap());
    WriteOp::Put(Put { secrecy, ..Put::new("box", Key::from(key), body) })
}

impl Fixture {
    fn commit(&self, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        futures_executor::block_on(self.sealed.commit(batch(ops)))
    }

    /// What is stored: whether it is sealed, and, opened, its value and whether it is told to be a secret.
    fn entry(&self, key: &str) -> (bool, String, bool) {
        let keys = [Key::from(key)];
        let stored = futures_executor::block_on(self.raw.get("box", &keys)).unwrap();
        let sealed = matches!(stored[0].as_ref().unwrap().body, Body::Sealed(_));
        let found = futures_executor::block_on(self.sealed.get("box", &keys)).unwrap().remove(0).unwrap();
        let Body::Clear(payload) = found.body else { panic!("it is sealed") };
        (sealed, payload.to_wire().unwrap(), found.meta.secret)
    }
}

#[test]
fn an_entry_that_is_sealed_stays_so_until_it_is_said_otherwise() {
    let fixture = fixture(&keyring());
    let written = |secrecy, wire: &str| fixture.commit(vec![said("k", wire, secrecy)]).unwrap().ops[0].version;
    assert_eq!(written(Secrecy::Kept, "1"), 1);
    assert_eq!(fixture.entry("k"), (false, "1".into(), false));
    assert_eq!(written(Secrecy::Sealed, "2"), 2);
    assert_eq!(fixture.entry("k"), (true, "2".into(), true));
    assert_eq!(written(Secrecy::Kept, "3"), 3);
    assert_eq!(written(Secrecy::Kept, "4"), 4);
    assert_eq!(fixture.entry("k"), (true, "4".into(), true));
    assert_eq!(written(Secrecy::Clear, "5"), 5);
    assert_eq!(fixture.entry("k"), (false, "5".into(), false));
    assert_eq!(written(Secrecy::Kept, "6"), 6);
    assert_eq!(fixture.entry("k"), (false, "6".into(), false));
}

#[test]
fn of_a_batch_each_write_follows_those_before_it() {
    let fixture = fixture(&keyring());
    fixture.commit(vec![said("a", "1", Secrecy::Sealed), said("b", "1", Secrecy::Kept)]).unwrap();
    let delete = WriteOp::Delete(crate::model::Delete::new("box", Key::from("a")));
    fixture.commit(vec![said("a", "2", Secrecy::Kept), said("b", "2", Secrecy::Kept)]).unwrap();
    assert_eq!((fixture.entry("a").0, fixture.entry("b").0), (true, false));
    fixture
        .commit(vec![said("b", "3", Secrecy::Sealed), said("b", "4", Secrecy::Kept), said("a", "3", Secrecy::Kept)])
        .unwrap();
    assert_eq!((fixture.entry("a").0, fixture.entry("b")), (true, (true, "4".into(), true)));
    fixture.commit(vec![delete, said("a", "5", Secrecy::Kept), said("b", "5", Secrecy::Clear)]).unwrap();
    assert_eq!((fixture.entry("a").0, fixture.entry("b").0), (false, false));
}

#[test]
fn while_locked_a_sealed_entry_is_neither_read_nor_written_over_in_the_clear() {
    let fixture = fixture(&keyring());
    fixture.commit(vec![said("k", "1", Secrecy::Sealed), said("open", "1", Secrecy::Kept)]).unwrap();
    fixture.keyring.lock();
    for secrecy in [Secrecy::Kept, Secrecy::Sealed] {
        assert_eq!(fixture.commit(vec![said("k", "2", secrecy)]).unwrap_err().kind(), ErrorKind::Locked);
    }
    fixture.commit(vec![said("open", "2", Secrecy::Kept)]).unwrap();
    let read = |key: &str| futures_executor::block_on(fixture.sealed.get("box", &[Key::from(key)]));
    assert_eq!(read("k").unwrap_err().kind(), ErrorKind::Locked);
    assert!(read("open").unwrap()[0].is_some());
    fixture.commit(vec![said("k", "3", Secrecy::Clear)]).unwrap();
    assert_eq!(fixture.entry("k"), (false, "3".into(), false));
}

#[test]
fn writes_that_follow_one_that_is_sealed_again_keep_their_order() {
    let fixture = fixture(&keyring());
    fixture.commit(vec![said("k", "0", Secrecy::Sealed)]).unwrap();
    fixture.commit(vec![said("k", "1", Secrecy::Kept)]).unwrap();
    for round in 0..4 {
        let large = text(1_000_000);
        let ops = [
            ("2", Secrecy::Kept),
            (large.as_str(), Secrecy::Sealed),
            ("4", Secrecy::Kept),
            ("5", Secrecy::Sealed),
            ("6", Secrecy::Kept),
        ];
        let commits = ops.map(|(wire, secrecy)| fixture.sealed.commit(batch(vec![said("k", wire, secrecy)])));
        for receipt in futures_executor::block_on(join_all(commits)) {
            receipt.unwrap();
        }
        assert_eq!(fixture.entry("k"), (true, "6".into(), true), "round {round}");
    }
}

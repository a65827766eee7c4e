use std::cell::Cell;

use futures_util::FutureExt;

use super::tests::{HERE, adopt, empty, open, quick, seeded, unlock, with};
use super::*;
use crate::crypto::{Answer, KeyRecord, Passphrase, Secret, Unlocker, still_opens_without};

fn follow(keyring: &Keyring, records: &[KeyRecord], passphrase: &[u8], seed: u64) -> Result<Succession> {
    keyring.next_store_key(records, Some(&with(passphrase)), &[], &mut seeded(seed)).now_or_never().unwrap()
}

/// The records after the change, and those of before and after together, as whoever kept an old copy has them.
fn applied(keyring: &Keyring, before: &[KeyRecord], next: Succession, passphrase: &[u8]) -> [Vec<KeyRecord>; 2] {
    let gone: Vec<String> = next.replaced.iter().map(|id| format!("unlocker/{id}")).collect();
    let new = adopt(keyring, next.new, Some(passphrase)).unwrap();
    let stay = before.iter().filter(|record| !gone.contains(&record.name)).cloned();
    [stay.chain(new.clone()).collect(), before.iter().cloned().chain(new).collect()]
}

fn seal(keyring: &Keyring, text: &[u8], seed: u64) -> Vec<u8> {
    keyring.seal(&HERE, text, &mut seeded(seed)).unwrap()
}

#[test]
fn a_former_secret_opens_what_was_sealed_before_and_nothing_since() {
    let (keyring, mut before) = open(b"kept", 1);
    let other = keyring.add(&with(b"removed"), "theirs", &mut seeded(2)).now_or_never().unwrap().unwrap();
    before.extend(adopt(&keyring, other, Some(b"removed")).unwrap());
    let old = seal(&keyring, b"old", 3);
    let next = follow(&keyring, &before, b"kept", 4).unwrap();
    assert_eq!((next.replaced.len(), next.removed.len()), (2, 1));
    let [after, both] = applied(&keyring, &before, next, b"kept");
    let new = seal(&keyring, b"new", 5);
    assert_eq!(*keyring.open(&HERE, &old).unwrap(), b"old");

    let kept = empty();
    unlock(&kept, &after, b"kept").unwrap();
    assert_eq!(kept.current(), keyring.current());
    assert_eq!((&**kept.open(&HERE, &old).unwrap(), &**kept.open(&HERE, &new).unwrap()), (&b"old"[..], &b"new"[..]));
    unlock(&empty(), &after, b"removed").unwrap_err();

    let thief = empty();
    unlock(&thief, &both, b"removed").unwrap();
    assert_eq!(*thief.open(&HERE, &old).unwrap(), b"old");
    assert_eq!(thief.open(&HERE, &new).unwrap_err().kind(), ErrorKind::KeyMissing);
    assert!(thief.is_followed());
    assert_eq!(thief.sealing(&mut seeded(6)).unwrap_err().kind(), ErrorKind::KeyMissing);
    assert_eq!(thief.next_data_key(&mut seeded(7)).unwrap_err().kind(), ErrorKind::KeyMissing);
    assert!(thief.link(&both, &mut seeded(8)).is_err(), "nothing leads from a former key to its follower");
}

#[test]
fn a_data_key_that_arrives_late_under_a_former_store_key_opens_and_never_seals() {
    let (keyring, before) = open(b"kept", 1);
    let (late, mut theirs) = (empty(), Vec::new());
    unlock(&late, &before, b"kept").unwrap();
    for seed in 10..13 {
        theirs.extend(adopt(&late, late.next_data_key(&mut seeded(seed)).unwrap(), None).unwrap());
    }
    let sealed = seal(&late, b"late", 14);
    let next = follow(&keyring, &before, b"kept", 4).unwrap();
    let [mut after, _] = applied(&keyring, &before, next, b"kept");
    let current = keyring.current();
    after.extend(theirs);
    assert_eq!(keyring.refresh(&after), 3);
    assert_eq!(*keyring.open(&HERE, &sealed).unwrap(), b"late");
    assert_eq!(keyring.current(), current, "however high their generation");
    assert_eq!(late.refresh(&after), 0);
    assert!(late.is_followed() && !keyring.is_followed());
    let anew = empty();
    unlock(&anew, &after, b"kept").unwrap();
    assert_eq!((anew.current(), anew.open(&HERE, &sealed).is_ok()), (current, true));
}

#[test]
fn two_devices_that_follow_apart_end_with_keys_that_open_everything() {
    let (one, before) = open(b"kept", 1);
    let two = empty();
    unlock(&two, &before, b"kept").unwrap();
    let [ones, _] = applied(&one, &before, follow(&one, &before, b"kept", 20).unwrap(), b"kept");
    let [twos, _] = applied(&two, &before, follow(&two, &before, b"kept", 30).unwrap(), b"kept");
    let sealed = [seal(&one, b"one", 21), seal(&two, b"two", 31)];
    let mut merged = ones.clone();
    merged.extend(twos.into_iter().filter(|record| !ones.contains(record)));
    let both = empty();
    unlock(&both, &merged, b"kept").unwrap();
    merged.extend(adopt(&both, both.link(&merged, &mut seeded(40)).unwrap().unwrap(), None).unwrap());
    let anew = empty();
    unlock(&anew, &merged, b"kept").unwrap();
    assert!(!anew.is_followed() && sealed.iter().all(|envelope| anew.open(&HERE, envelope).is_ok()));
    assert_eq!(anew.link(&merged, &mut seeded(41)).unwrap().map(|new| new.records().len()), None);
}

#[test]
fn a_new_store_key_needs_what_opens_the_one_before() {
    let (keyring, records) = open(b"kept", 1);
    assert_eq!(follow(&keyring, &records, b"wrong", 2).unwrap_err().kind(), ErrorKind::AuthenticationFailed);
    let none = keyring.next_store_key(&records, None, &[], &mut seeded(3)).now_or_never().unwrap();
    assert_eq!(none.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(follow(&empty(), &records, b"kept", 4).unwrap_err().kind(), ErrorKind::Locked);
}

#[test]
fn the_last_unlocker_of_a_new_store_key_is_the_last_of_all() {
    let (keyring, before) = open(b"kept", 1);
    let [after, _] = applied(&keyring, &before, follow(&keyring, &before, b"kept", 2).unwrap(), b"kept");
    let unlocker = after.iter().find(|record| {
        unlock(&empty(), &[(*record).clone()], b"kept")
            .is_err_and(|error| error.kind() == ErrorKind::KeyMissing && error.message().contains("no data key"))
    });
    let id = unlocker.and_then(|record| record.name.strip_prefix("unlocker/")).unwrap();
    assert!(!still_opens_without(&after, id));
}

#[test]
fn a_new_passphrase_is_derived_once() {
    thread_local!(static DERIVED: Cell<u32> = const { Cell::new(0) });
    fn counted<'a>(passphrase: &'a [u8], salt: &'a [u8], iterations: u32) -> Answer<'a, Secret> {
        DERIVED.set(DERIVED.get() + 1);
        quick(passphrase, salt, iterations)
    }
    let (keyring, unlocker) = (empty(), Passphrase::new(b"passphrase", counted));
    let new = keyring.create(&unlocker, "", &mut seeded(1)).now_or_never().unwrap().unwrap();
    let stored = new.records().to_vec();
    keyring.adopt(new, &stored, &[&unlocker as &dyn Unlocker], &mut seeded(2)).now_or_never().unwrap().unwrap();
    assert_eq!((DERIVED.get(), keyring.is_locked()), (1, false));
    let again = Passphrase::new(b"passphrase", counted);
    empty().unlock(&stored, &again).now_or_never().unwrap().unwrap();
    assert_eq!(DERIVED.get(), 2, "what opens later is not remembered from before");
}

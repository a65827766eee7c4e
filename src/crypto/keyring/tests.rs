use std::cell::Cell;

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::crypto::{Answer, KeyRecord, Method, Passphrase, Secret, Unlocker, still_opens_without};

pub(super) const HERE: AdditionalData<'_> =
    AdditionalData { database: "fieldbook", collection: "credentials", key: "maps", field: "value" };

/// A derivation without the work, so that tests take no time. The real one is in `tests/sealing.rs`.
pub(super) fn quick<'a>(passphrase: &'a [u8], salt: &'a [u8], iterations: u32) -> Answer<'a, Secret> {
    let digest = Sha256::new().chain_update(iterations.to_le_bytes()).chain_update(salt).chain_update(passphrase);
    Box::pin(core::future::ready(Ok(Zeroizing::new(digest.finalize().into()))))
}

pub(super) fn with(passphrase: &[u8]) -> Passphrase {
    Passphrase::new(passphrase, quick)
}

/// An unlocker of passphrases that does something else before it answers.
struct Meddled<F>(F);

impl<F: Fn() -> LocalBoxFuture<'static, Result<Option<[u8; 32]>>>> Unlocker for Meddled<F> {
    fn method<'a>(&'a self, id: KeyId, random: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(async move { with(b"passphrase").method(id, random).await })
    }

    fn secret<'a>(&'a self, id: KeyId, method: &'a Method) -> Answer<'a, Option<Secret>> {
        let meddling = (self.0)();
        Box::pin(async move {
            match meddling.await? {
                Some(secret) => Ok(Some(Zeroizing::new(secret))),
                None => with(b"passphrase").secret(id, method).await,
            }
        })
    }
}

/// A generator that a seed determines.
pub(super) fn seeded(seed: u64) -> impl FnMut(&mut [u8]) -> Result<()> {
    let mut counter = 0_u64;
    move |bytes| {
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(counter.to_le_bytes()).finalize();
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            counter += 1;
        }
        Ok(())
    }
}

fn made(keyring: &Keyring, passphrase: &[u8], seed: u64) -> NewKeys {
    keyring.create(&with(passphrase), "", &mut seeded(seed)).now_or_never().unwrap().unwrap()
}

pub(super) fn adopt(keyring: &Keyring, new: NewKeys, passphrase: Option<&[u8]>) -> Result<Vec<KeyRecord>> {
    let stored = new.records().to_vec();
    let with = passphrase.map(with);
    let unlocker = with.as_ref().map(|with| with as &dyn Unlocker);
    keyring.adopt(new, &stored, unlocker.as_slice(), &mut seeded(99)).now_or_never().unwrap().map(|()| stored)
}

/// An open keyring, and the records of its keys.
pub(super) fn open(passphrase: &[u8], seed: u64) -> (Keyring, Vec<KeyRecord>) {
    let keyring = Keyring::new("fieldbook");
    let stored = adopt(&keyring, made(&keyring, passphrase, seed), Some(passphrase)).unwrap();
    (keyring, stored)
}

pub(super) fn empty() -> Keyring {
    Keyring::new("fieldbook")
}

pub(super) fn unlock(keyring: &Keyring, records: &[KeyRecord], passphrase: &[u8]) -> Result<Unlocked> {
    keyring.unlock(records, &with(passphrase)).now_or_never().unwrap()
}

/// Changes a byte of the record that wraps a store key.
fn changed(records: &[KeyRecord], at: usize, to: impl Fn(u8) -> u8) -> Vec<KeyRecord> {
    let mut records = records.to_vec();
    let unlocker = records.iter_mut().find(|record| record.name.starts_with("unlocker/")).unwrap();
    unlocker.bytes[at] = to(unlocker.bytes[at]);
    records
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(|_| ()).unwrap_err().kind()
}

#[test]
fn a_new_key_seals_only_when_storage_gives_it_back() {
    let keyring = empty();
    let new = made(&keyring, b"passphrase", 1);
    assert_eq!(kind(keyring.seal(&HERE, b"secret", &mut seeded(2))), ErrorKind::Locked);
    let mut lost = new.records().to_vec();
    lost.pop();
    let adopted = keyring.adopt(new, &lost, &[&with(b"passphrase")], &mut seeded(3)).now_or_never().unwrap();
    assert_eq!(kind(adopted), ErrorKind::Corrupted);
    assert!(keyring.is_locked());

    let (keyring, _) = open(b"passphrase", 1);
    assert!(!keyring.is_locked());
    let sealed = keyring.seal(&HERE, b"secret", &mut seeded(2)).unwrap();
    assert_eq!(keyring.open(&HERE, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn a_locked_keyring_neither_seals_nor_opens_nor_makes_keys() {
    let (keyring, stored) = open(b"passphrase", 1);
    let sealed = keyring.seal(&HERE, b"secret", &mut seeded(2)).unwrap();
    keyring.lock();
    assert!(keyring.is_locked() && keyring.current().is_none() && keyring.open_keys().is_empty());
    assert!(keyring.unlocked_by().is_empty());
    assert_eq!(kind(keyring.seal(&HERE, b"secret", &mut seeded(3))), ErrorKind::Locked);
    assert_eq!(kind(keyring.open(&HERE, &sealed)), ErrorKind::Locked);
    assert_eq!(kind(keyring.next_data_key(&mut seeded(3))), ErrorKind::Locked);
    assert_eq!(kind(keyring.link(&stored, &mut seeded(3))), ErrorKind::Locked);
    let added = keyring.add(&with(b"more"), "", &mut seeded(3)).now_or_never().unwrap();
    assert_eq!(kind(added), ErrorKind::Locked);
    let rewrapped = keyring.rewrap(&[&stored[0]], &with(b"more"), &mut seeded(3)).now_or_never().unwrap();
    assert_eq!(kind(rewrapped), ErrorKind::Locked);
    assert_eq!(keyring.refresh(&stored), 0);

    unlock(&keyring, &stored, b"passphrase").unwrap();
    assert_eq!(keyring.open(&HERE, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn a_wrong_passphrase_is_an_authentication_failure() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    assert_eq!(kind(unlock(&keyring, &stored, b"Passphrase")), ErrorKind::AuthenticationFailed);
    assert_eq!(kind(unlock(&keyring, &stored, b"")), ErrorKind::AuthenticationFailed);
    assert!(keyring.is_locked());
}

#[test]
fn an_empty_passphrase_wraps_nothing() {
    let failed = empty().create(&with(b""), "", &mut seeded(1)).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::InvalidConfig);
    let (keyring, stored) = open(b"passphrase", 1);
    assert_eq!(kind(keyring.add(&with(b""), "", &mut seeded(2)).now_or_never().unwrap()), ErrorKind::InvalidConfig);
    let rewrapped = keyring.rewrap(&[&stored[0]], &with(b""), &mut seeded(2)).now_or_never().unwrap();
    assert_eq!(kind(rewrapped), ErrorKind::InvalidConfig);
}

#[test]
fn what_is_missing_is_told_from_what_is_wrong() {
    let (_, stored) = open(b"passphrase", 1);
    let only =
        |prefix: &str| stored.iter().filter(|record| record.name.starts_with(prefix)).cloned().collect::<Vec<_>>();
    assert_eq!(kind(unlock(&empty(), &[], b"passphrase")), ErrorKind::KeyMissing);
    assert_eq!(kind(unlock(&empty(), &only("data/"), b"passphrase")), ErrorKind::KeyMissing);
    assert_eq!(kind(unlock(&empty(), &only("unlocker/"), b"passphrase")), ErrorKind::KeyMissing);
    assert_eq!(kind(unlock(&empty(), &only("unlocker/"), b"another")), ErrorKind::AuthenticationFailed);
}

#[test]
fn records_of_another_database_or_under_another_name_do_not_open() {
    let (_, stored) = open(b"passphrase", 1);
    assert_eq!(kind(unlock(&Keyring::new("other"), &stored, b"passphrase")), ErrorKind::DecryptionFailed);
    let mut swapped = stored.clone();
    let name = std::mem::take(&mut swapped[0].name);
    swapped[0].name = std::mem::replace(&mut swapped[1].name, name);
    assert_eq!(kind(unlock(&empty(), &swapped, b"passphrase")), ErrorKind::DecryptionFailed);
}

#[test]
fn two_devices_that_each_made_keys_read_each_other_and_agree_which_one_seals() {
    let (a, wrapped_a) = open(b"passphrase", 1);
    let (b, wrapped_b) = open(b"passphrase", 2);
    let from_a = a.seal(&HERE, b"from a", &mut seeded(3)).unwrap();
    let from_b = b.seal(&HERE, b"from b", &mut seeded(4)).unwrap();
    assert_eq!(kind(a.open(&HERE, &from_b)), ErrorKind::KeyMissing);

    let both = [wrapped_a.clone(), wrapped_b.clone()].concat();
    let reversed = [wrapped_b, wrapped_a].concat();
    for (keyring, both) in [(&a, &both), (&b, &reversed)] {
        let unlocked = unlock(keyring, both, b"passphrase").unwrap();
        assert_eq!((unlocked.opened.len(), unlocked.by.len(), unlocked.refused.len()), (2, 2, 0));
        assert_eq!(keyring.open(&HERE, &from_a).unwrap().as_slice(), b"from a");
        assert_eq!(keyring.open(&HERE, &from_b).unwrap().as_slice(), b"from b");
    }
    assert_eq!(a.current(), b.current());
}

#[test]
fn once_two_store_keys_were_open_together_whatever_opens_one_opens_all() {
    let (a, wrapped_a) = open(b"passphrase of a", 1);
    let (b, wrapped_b) = open(b"passphrase of b", 2);
    let sealed = [(&a, 3), (&b, 4)].map(|(keyring, seed)| keyring.seal(&HERE, b"mine", &mut seeded(seed)).unwrap());
    let mut all = [wrapped_a, wrapped_b].concat();
    unlock(&a, &all, b"passphrase of b").unwrap();
    let link = a.link(&all, &mut seeded(5)).unwrap().unwrap();
    assert_eq!(link.data_key(), None);
    all.extend(adopt(&a, link, None).unwrap());
    assert!(a.link(&all, &mut seeded(6)).unwrap().is_none(), "nothing is missing");

    let later = adopt(&a, a.next_data_key(&mut seeded(7)).unwrap(), None).unwrap();
    all.extend(later);
    let by_a = a.seal(&HERE, b"later", &mut seeded(8)).unwrap();
    for passphrase in [b"passphrase of a", b"passphrase of b"] {
        let keyring = empty();
        unlock(&keyring, &all, passphrase).unwrap();
        assert_eq!(keyring.current(), a.current());
        for sealed in sealed.iter().chain([&by_a]) {
            keyring.open(&HERE, sealed).unwrap();
        }
    }
}

#[test]
fn a_data_key_made_later_seals_from_then_on_and_the_earlier_one_still_opens() {
    let (keyring, mut stored) = open(b"passphrase", 1);
    let sealed = keyring.seal(&HERE, b"earlier", &mut seeded(3)).unwrap();
    let elsewhere = empty();
    unlock(&elsewhere, &stored, b"passphrase").unwrap();
    for seed in 10..20 {
        let new = keyring.next_data_key(&mut seeded(seed)).unwrap();
        let id = new.data_key();
        stored.extend(adopt(&keyring, new, None).unwrap());
        assert_eq!(keyring.current(), id);
        assert_eq!(elsewhere.refresh(&stored), 1, "no secret is asked for");
        assert_eq!(elsewhere.current(), id);

        let other = empty();
        unlock(&other, &stored, b"passphrase").unwrap();
        assert_eq!(other.current(), id);
        assert_eq!(other.open(&HERE, &sealed).unwrap().as_slice(), b"earlier");
    }
    assert_eq!(keyring.open_keys().len(), 11);
}

#[test]
fn an_unlocker_that_is_added_opens_the_same_data_and_one_that_is_rewrapped_no_longer() {
    let (keyring, mut stored) = open(b"one", 1);
    let sealed = keyring.seal(&HERE, b"secret", &mut seeded(3)).unwrap();
    let added = keyring.add(&with(b"two"), "second", &mut seeded(4)).now_or_never().unwrap().unwrap();
    stored.extend(adopt(&keyring, added, Some(b"two")).unwrap());
    assert_eq!(keyring.unlocked_by().len(), 2);

    let first = stored[0].clone();
    let rewrapped = keyring.rewrap(&[&first], &with(b"three"), &mut seeded(5)).now_or_never().unwrap().unwrap();
    stored[0] = adopt(&keyring, rewrapped, Some(b"three")).unwrap()[0].clone();
    assert_eq!((stored[0].name == first.name, stored[0].bytes == first.bytes), (true, false));
    for (passphrase, opens) in [(b"one".as_slice(), false), (b"two", true), (b"three", true)] {
        let other = empty();
        assert_eq!(unlock(&other, &stored, passphrase).is_ok(), opens);
        assert_eq!(other.open(&HERE, &sealed).is_ok(), opens);
    }
}

#[test]
fn the_last_way_to_what_is_sealed_is_known() {
    let (keyring, mut stored) = open(b"one", 1);
    let id = |record: &KeyRecord| record.name.strip_prefix("unlocker/").unwrap().to_owned();
    let first = id(&stored[0]);
    assert!(!still_opens_without(&stored, &first));
    let added = keyring.add(&with(b"two"), "", &mut seeded(4)).now_or_never().unwrap().unwrap();
    stored.extend(adopt(&keyring, added, Some(b"two")).unwrap());
    assert!(still_opens_without(&stored, &first) && still_opens_without(&stored, &id(&stored[2])));
    let mut damaged = stored.clone();
    damaged[2].bytes[70] ^= 1;
    assert!(!still_opens_without(&damaged, &first), "what cannot be read opens nothing");

    // Another device's store key, which nothing leads to from here.
    let (other, theirs) = open(b"other", 2);
    let mut all = [stored.clone(), theirs.clone()].concat();
    assert!(!still_opens_without(&all, &id(&theirs[0])), "the data key of the other is lost without it");
    unlock(&other, &all, b"one").unwrap();
    let link = other.link(&all, &mut seeded(5)).unwrap().unwrap();
    all.extend(adopt(&other, link, None).unwrap());
    for record in [&stored[0], &stored[2], &theirs[0]] {
        assert!(still_opens_without(&all, &id(record)), "once they are linked, any of them may go");
    }
}

#[test]
fn unlocking_opens_what_it_can_and_names_what_it_cannot() {
    let (mine, stored) = open(b"passphrase", 1);
    let foreign = open(b"another", 2).1;
    let damaged = changed(&open(b"passphrase", 3).1, 100, |byte| byte ^ 1);
    let newer = changed(&open(b"passphrase", 4).1, 4, |_| 2);
    mine.lock();

    let all = [foreign.clone(), damaged.clone(), newer, stored].concat();
    let unlocked = unlock(&mine, &all, b"passphrase").unwrap();
    assert_eq!(unlocked.opened, mine.open_keys());
    assert_eq!(unlocked.by, mine.unlocked_by());
    let kinds: Vec<ErrorKind> = unlocked.refused.iter().map(Error::kind).collect();
    assert_eq!(kinds, [ErrorKind::Corrupted, ErrorKind::VersionError, ErrorKind::AuthenticationFailed]);

    let none = empty();
    assert_eq!(
        kind(unlock(&none, &[damaged.clone(), foreign].concat(), b"passphrase")),
        ErrorKind::AuthenticationFailed
    );
    assert_eq!(kind(unlock(&none, &damaged, b"passphrase")), ErrorKind::Corrupted);
}

#[test]
fn a_platform_that_cannot_derive_opens_nothing() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    let insecure =
        Meddled(|| core::future::ready(Err(Error::new(ErrorKind::InsecureContext, "no Web Crypto"))).boxed_local());
    assert_eq!(kind(keyring.unlock(&stored, &insecure).now_or_never().unwrap()), ErrorKind::InsecureContext);
    let failed = keyring.create(&insecure, "", &mut seeded(1)).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::InsecureContext);
    assert!(keyring.is_locked());
}

#[test]
fn an_unlocker_that_does_not_repeat_itself_makes_no_key() {
    let keyring = empty();
    let calls = Cell::new(0);
    let unsteady = Meddled(|| {
        calls.set(calls.get() + 1);
        core::future::ready(Ok(Some([calls.get(); 32]))).boxed_local()
    });
    let new = keyring.create(&unsteady, "", &mut seeded(1)).now_or_never().unwrap().unwrap();
    let stored = new.records().to_vec();
    let adopted = keyring.adopt(new, &stored, &[&unsteady], &mut seeded(2)).now_or_never().unwrap();
    assert_eq!(kind(adopted), ErrorKind::Corrupted);
    assert!(keyring.is_locked());
}

#[test]
fn a_lock_during_an_unlocking_wins() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    let (finish, finished) = oneshot::channel::<()>();
    let finished = Cell::new(Some(finished));
    let slow = Meddled(|| {
        let finished = finished.take().unwrap();
        async move {
            finished.await.unwrap();
            Ok(None)
        }
        .boxed_local()
    });
    let mut unlocking = Box::pin(keyring.unlock(&stored, &slow));
    assert!(unlocking.as_mut().now_or_never().is_none());
    keyring.lock();
    finish.send(()).unwrap();
    assert_eq!(kind(unlocking.now_or_never().unwrap()), ErrorKind::Aborted);
    assert!(keyring.is_locked());
}

#[test]
fn a_key_made_before_a_lock_is_not_taken_up_after_it() {
    let keyring = empty();
    let new = made(&keyring, b"passphrase", 1);
    let stored = new.records().to_vec();
    keyring.lock();
    assert_eq!(kind(adopt(&keyring, new, Some(b"passphrase"))), ErrorKind::Locked);
    assert!(keyring.is_locked());
    unlock(&keyring, &stored, b"passphrase").unwrap();
}

#[test]
fn one_unlocking_tries_so_many_unlockers_and_no_more() {
    let (keyring, mut stored) = open(b"passphrase", 1);
    for seed in 0..u64::try_from(MAX_UNLOCKERS).unwrap() + 2 {
        let added = keyring.add(&with(b"passphrase"), "", &mut seeded(100 + seed)).now_or_never().unwrap().unwrap();
        stored.extend(added.records().to_vec());
    }
    let tries = Cell::new(0);
    let counting = Meddled(|| {
        tries.set(tries.get() + 1);
        core::future::ready(Ok(None)).boxed_local()
    });
    let unlocked = keyring.unlock(&stored, &counting).now_or_never().unwrap().unwrap();
    assert_eq!((tries.get(), unlocked.refused.len()), (MAX_UNLOCKERS, 3));
}

#[test]
fn a_key_that_sealed_its_fill_seals_no_more_even_after_a_lock() {
    let (keyring, stored) = open(b"passphrase", 1);
    let id = keyring.current().unwrap();
    keyring.state.borrow_mut().sealed.insert(id, MAX_SEALS - 1);
    let mut random = seeded(2);
    let last = keyring.seal(&HERE, b"last", &mut random).unwrap();
    assert_eq!(kind(keyring.seal(&HERE, b"more", &mut random)), ErrorKind::KeyMissing);
    keyring.lock();
    unlock(&keyring, &stored, b"passphrase").unwrap();
    assert_eq!(kind(keyring.seal(&HERE, b"more", &mut random)), ErrorKind::KeyMissing);
    assert_eq!(keyring.open(&HERE, &last).unwrap().as_slice(), b"last");

    adopt(&keyring, keyring.next_data_key(&mut seeded(9)).unwrap(), None).unwrap();
    keyring.seal(&HERE, b"more", &mut random).unwrap();
}

#[test]
fn a_generator_that_repeats_itself_seals_once() {
    let (keyring, _) = open(b"passphrase", 1);
    let mut stuck = |bytes: &mut [u8]| {
        bytes.fill(7);
        Ok(())
    };
    keyring.seal(&HERE, b"one", &mut stuck).unwrap();
    assert_eq!(kind(keyring.seal(&HERE, b"two", &mut stuck)), ErrorKind::Unsupported);
}

#[test]
fn a_generator_may_use_the_keyring() {
    let (keyring, _) = open(b"passphrase", 1);
    let mut inner = seeded(2);
    let mut random = |bytes: &mut [u8]| {
        keyring.lock();
        inner(bytes)
    };
    let sealed = keyring.seal(&HERE, b"one", &mut random).unwrap();
    assert_eq!(kind(keyring.open(&HERE, &sealed)), ErrorKind::Locked);
}

#[test]
fn nothing_secret_is_shown() {
    let (keyring, _) = open(b"correct horse", 1);
    let new = made(&keyring, b"correct horse", 2);
    let shown = format!("{keyring:?} {new:?} {:?}", with(b"correct horse"));
    assert!(
        shown.contains("Cipher(redacted)") && shown.contains("StoreKey(redacted)") && !shown.contains("correct horse")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_sealed_value_opens_at_its_place_only(seed: u64, plaintext: Vec<u8>, here: [String; 4], there: [String; 4]) {
        let place = |[database, collection, key, field]: &[String; 4]| {
            AdditionalData { database, collection, key, field }.to_bytes().unwrap()
        };
        prop_assume!(place(&here) != place(&there));
        let [database, collection, key, field] = &here;
        let here = AdditionalData { database, collection, key, field };
        let [database, collection, key, field] = &there;
        let there = AdditionalData { database, collection, key, field };
        let (keyring, _) = open(b"passphrase", seed);
        let sealed = keyring.seal(&here, &plaintext, &mut seeded(seed ^ 1)).unwrap();
        prop_assert_eq!(&*keyring.open(&here, &sealed).unwrap(), &plaintext);
        prop_assert_eq!(kind(keyring.open(&there, &sealed)), ErrorKind::DecryptionFailed);
    }

    #[test]
    fn arbitrary_records_unlock_nothing(records: Vec<(String, Vec<u8>)>) {
        let records: Vec<KeyRecord> = records.into_iter().map(|(name, bytes)| KeyRecord { name, bytes }).collect();
        prop_assert!(unlock(&empty(), &records, b"passphrase").is_err());
    }
}

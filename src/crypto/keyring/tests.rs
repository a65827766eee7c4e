use std::cell::Cell;

use futures_channel::oneshot;
use futures_util::FutureExt;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

const HERE: AdditionalData<'_> =
    AdditionalData { database: "fieldbook", collection: "credentials", key: "maps", field: "value" };

/// A derivation without the work, so that tests take no time. The real one is in `tests/sealing.rs`.
async fn quick(passphrase: &[u8], salt: &[u8], iterations: u32) -> Result<Secret> {
    let digest = Sha256::new().chain_update(iterations.to_le_bytes()).chain_update(salt).chain_update(passphrase);
    Ok(Zeroizing::new(digest.finalize().into()))
}

/// A generator that a seed determines.
fn seeded(seed: u64) -> impl FnMut(&mut [u8]) -> Result<()> {
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

fn made(keyring: &Keyring, passphrase: &[u8], seed: u64) -> NewKey {
    keyring.create(passphrase, &mut seeded(seed), &quick).now_or_never().unwrap().unwrap()
}

/// An open keyring, and the bytes its key is stored as.
fn open(passphrase: &[u8], seed: u64) -> (Keyring, Vec<u8>) {
    let keyring = Keyring::new();
    let new = made(&keyring, passphrase, seed);
    let stored = new.wrapped().to_vec();
    keyring.adopt(new, &stored).unwrap();
    (keyring, stored)
}

fn unlock(keyring: &Keyring, wrapped: &[Vec<u8>], passphrase: &[u8]) -> Result<Unlocked> {
    keyring.unlock(wrapped, passphrase, &quick).now_or_never().unwrap()
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(|_| ()).unwrap_err().kind()
}

#[test]
fn a_new_key_seals_only_when_storage_gives_it_back() {
    let keyring = Keyring::new();
    let new = made(&keyring, b"passphrase", 1);
    assert_eq!(kind(keyring.seal(&HERE, b"secret", &mut seeded(2))), ErrorKind::Locked);
    assert_eq!(kind(keyring.adopt(new, b"")), ErrorKind::Corrupted);
    assert!(keyring.is_locked());

    let (keyring, _) = open(b"passphrase", 1);
    assert!(!keyring.is_locked());
    let sealed = keyring.seal(&HERE, b"secret", &mut seeded(2)).unwrap();
    assert_eq!(keyring.open(&HERE, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn a_locked_keyring_neither_seals_nor_opens() {
    let (keyring, stored) = open(b"passphrase", 1);
    let sealed = keyring.seal(&HERE, b"secret", &mut seeded(2)).unwrap();
    keyring.lock();
    assert!(keyring.is_locked() && keyring.current().is_none() && keyring.open_keys().is_empty());
    assert_eq!(kind(keyring.seal(&HERE, b"secret", &mut seeded(3))), ErrorKind::Locked);
    assert_eq!(kind(keyring.open(&HERE, &sealed)), ErrorKind::Locked);

    unlock(&keyring, &[stored], b"passphrase").unwrap();
    assert_eq!(keyring.open(&HERE, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn a_wrong_passphrase_is_an_authentication_failure() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    assert_eq!(kind(unlock(&keyring, std::slice::from_ref(&stored), b"Passphrase")), ErrorKind::AuthenticationFailed);
    assert_eq!(kind(unlock(&keyring, &[stored], b"")), ErrorKind::AuthenticationFailed);
    assert!(keyring.is_locked());
}

#[test]
fn an_empty_passphrase_wraps_nothing() {
    let failed = Keyring::new().create(b"", &mut seeded(1), &quick).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::InvalidConfig);
}

#[test]
fn without_a_wrapped_key_there_is_nothing_to_unlock() {
    assert_eq!(kind(unlock(&Keyring::new(), &[], b"passphrase")), ErrorKind::KeyMissing);
}

#[test]
fn two_devices_that_each_made_a_key_read_each_other_and_agree_which_one_seals() {
    let (a, wrapped_a) = open(b"passphrase", 1);
    let (b, wrapped_b) = open(b"passphrase", 2);
    let from_a = a.seal(&HERE, b"from a", &mut seeded(3)).unwrap();
    let from_b = b.seal(&HERE, b"from b", &mut seeded(4)).unwrap();
    assert_eq!(kind(a.open(&HERE, &from_b)), ErrorKind::KeyMissing);

    for (keyring, both) in [(&a, [wrapped_a.clone(), wrapped_b.clone()]), (&b, [wrapped_b, wrapped_a])] {
        let unlocked = unlock(keyring, &both, b"passphrase").unwrap();
        assert_eq!((unlocked.opened.len(), unlocked.refused.len()), (2, 0));
        assert_eq!(keyring.open(&HERE, &from_a).unwrap().as_slice(), b"from a");
        assert_eq!(keyring.open(&HERE, &from_b).unwrap().as_slice(), b"from b");
    }
    assert_eq!(a.current(), b.current());
}

#[test]
fn a_key_made_later_seals_from_then_on_and_the_earlier_one_still_opens() {
    let (keyring, first) = open(b"passphrase", 1);
    let sealed = keyring.seal(&HERE, b"earlier", &mut seeded(3)).unwrap();
    for seed in 10..20 {
        let new = made(&keyring, b"passphrase", seed);
        let stored = new.wrapped().to_vec();
        let id = keyring.adopt(new, &stored).unwrap();
        assert_eq!(keyring.current(), Some(id));

        let other = Keyring::new();
        unlock(&other, &[stored, first.clone()], b"passphrase").unwrap();
        assert_eq!(other.current(), Some(id));
        assert_eq!(other.open(&HERE, &sealed).unwrap().as_slice(), b"earlier");
    }
}

#[test]
fn unlocking_opens_what_it_can_and_names_what_it_cannot() {
    let (mine, stored) = open(b"passphrase", 1);
    let (_, foreign) = open(b"another", 2);
    let mut damaged = open(b"passphrase", 3).1;
    damaged[100] ^= 1;
    let mut newer = open(b"passphrase", 4).1;
    newer[4] = 2;
    mine.lock();

    let unlocked = unlock(&mine, &[foreign.clone(), damaged.clone(), newer, stored], b"passphrase").unwrap();
    assert_eq!(unlocked.opened, mine.open_keys());
    let kinds: Vec<ErrorKind> = unlocked.refused.iter().map(Error::kind).collect();
    assert_eq!(kinds, [ErrorKind::AuthenticationFailed, ErrorKind::Corrupted, ErrorKind::Unsupported]);

    let none = Keyring::new();
    assert_eq!(kind(unlock(&none, &[damaged.clone(), foreign], b"passphrase")), ErrorKind::AuthenticationFailed);
    assert_eq!(kind(unlock(&none, &[damaged], b"passphrase")), ErrorKind::Corrupted);
}

#[test]
fn a_platform_that_cannot_derive_opens_nothing() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    let insecure = async |_: &[u8], _: &[u8], _: u32| Err(Error::new(ErrorKind::InsecureContext, "no Web Crypto"));
    let failed = keyring.unlock(&[stored], b"passphrase", &insecure).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::InsecureContext);
    let failed = keyring.create(b"passphrase", &mut seeded(1), &insecure).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::InsecureContext);
    assert!(keyring.is_locked());
}

#[test]
fn a_derivation_that_does_not_repeat_itself_makes_no_key() {
    let calls = Cell::new(0);
    let unsteady = async |_: &[u8], _: &[u8], _: u32| {
        calls.set(calls.get() + 1);
        Ok(Zeroizing::new([calls.get(); 32]))
    };
    let failed = Keyring::new().create(b"passphrase", &mut seeded(1), &unsteady).now_or_never().unwrap();
    assert_eq!(kind(failed), ErrorKind::AuthenticationFailed);
}

#[test]
fn a_lock_during_an_unlocking_wins() {
    let (keyring, stored) = open(b"passphrase", 1);
    keyring.lock();
    let (finish, finished) = oneshot::channel::<()>();
    let finished = Cell::new(Some(finished));
    let slow = async |passphrase: &[u8], salt: &[u8], iterations: u32| {
        finished.take().unwrap().await.unwrap();
        quick(passphrase, salt, iterations).await
    };
    let wrapped = [stored];
    let mut unlocking = Box::pin(keyring.unlock(&wrapped, b"passphrase", &slow));
    assert!(unlocking.as_mut().now_or_never().is_none());
    keyring.lock();
    finish.send(()).unwrap();
    assert_eq!(kind(unlocking.now_or_never().unwrap()), ErrorKind::Aborted);
    assert!(keyring.is_locked());
}

#[test]
fn a_key_made_before_a_lock_is_not_taken_up_after_it() {
    let keyring = Keyring::new();
    let new = made(&keyring, b"passphrase", 1);
    let stored = new.wrapped().to_vec();
    keyring.lock();
    assert_eq!(kind(keyring.adopt(new, &stored)), ErrorKind::Locked);
    assert!(keyring.is_locked());
    unlock(&keyring, &[stored], b"passphrase").unwrap();
}

#[test]
fn one_unlocking_tries_so_many_wrapped_keys_and_no_more() {
    let (keyring, stored) = open(b"passphrase", 1);
    let tries = Cell::new(0);
    let counting = async |passphrase: &[u8], salt: &[u8], iterations: u32| {
        tries.set(tries.get() + 1);
        quick(passphrase, salt, iterations).await
    };
    let many = vec![stored; MAX_WRAPPED_KEYS + 3];
    let unlocked = keyring.unlock(&many, b"passphrase", &counting).now_or_never().unwrap().unwrap();
    assert_eq!((tries.get(), unlocked.refused.len()), (MAX_WRAPPED_KEYS, 3));
}

#[test]
fn a_key_that_sealed_its_fill_seals_no_more_even_after_a_lock() {
    let (keyring, stored) = open(b"passphrase", 1);
    let id = keyring.current().unwrap();
    keyring.0.borrow_mut().sealed.insert(id, MAX_SEALS - 1);
    let mut random = seeded(2);
    let last = keyring.seal(&HERE, b"last", &mut random).unwrap();
    assert_eq!(kind(keyring.seal(&HERE, b"more", &mut random)), ErrorKind::KeyMissing);
    keyring.lock();
    unlock(&keyring, &[stored], b"passphrase").unwrap();
    assert_eq!(kind(keyring.seal(&HERE, b"more", &mut random)), ErrorKind::KeyMissing);
    assert_eq!(keyring.open(&HERE, &last).unwrap().as_slice(), b"last");

    let new = made(&keyring, b"passphrase", 9);
    let stored = new.wrapped().to_vec();
    keyring.adopt(new, &stored).unwrap();
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
    let shown = format!("{keyring:?} {new:?}");
    assert!(shown.contains("Cipher(redacted)") && !shown.contains("correct horse"));
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
    fn arbitrary_bytes_unlock_nothing(bytes: Vec<Vec<u8>>) {
        prop_assert!(unlock(&Keyring::new(), &bytes, b"passphrase").is_err());
    }
}

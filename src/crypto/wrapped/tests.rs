use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::crypto::derive::Derivation;
use crate::crypto::method::{Keeper, Wrapper};
use crate::crypto::wrapping::mend;

const DATABASE: &str = "fieldbook";
/// Where things are in the bytes of [`wrapped`], which has a label of two bytes.
const KIND: usize = 38;
const ITERATIONS: usize = 40;
const COMMITMENT: usize = 66;

fn secret(of: u8) -> Secret {
    Zeroizing::new([of; 32])
}

fn with(method: Method, label: &str) -> Result<WrappedKey> {
    WrappedKey::wrap(&StoreKey::new(&[3; 32]), (KeyId([9; 16]), method, label), &secret(1), DATABASE, Nonce([4; 12]))
}

fn wrapped() -> WrappedKey {
    with(Method::Passphrase(Derivation::new(600_000, [5; 16]).unwrap()), "me").unwrap()
}

fn mended(at: usize, to: &[u8]) -> Result<WrappedKey> {
    let mut bytes = wrapped().to_bytes();
    bytes[at..at + to.len()].copy_from_slice(to);
    mend(&mut bytes);
    WrappedKey::parse(&bytes)
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.map(drop).unwrap_err().kind()
}

fn every_method() -> Vec<Method> {
    let outside = |wrapper| Method::Outside { wrapper, wrapped: vec![7; 60] };
    vec![
        Method::Passphrase(Derivation::new(600_000, [5; 16]).unwrap()),
        Method::Key { keeper: Keeper::Device, salt: [5; 16] },
        Method::Key { keeper: Keeper::Application, salt: [5; 16] },
        outside(Wrapper::Provider),
        outside(Wrapper::AesGcm),
        outside(Wrapper::AesKw),
        Method::Passkey { credential: vec![8; 20], salt: [5; 16] },
        Method::Store(KeyId([6; 16])),
        Method::Follower(KeyId([7; 16])),
    ]
}

#[test]
fn a_wrapped_key_of_every_kind_survives_its_bytes_and_unwraps() {
    for method in every_method() {
        let wrapped = with(method.clone(), "Ann’s laptop").unwrap();
        let read = WrappedKey::parse(&wrapped.to_bytes()).unwrap();
        assert_eq!(read, wrapped);
        assert_eq!((read.method(), read.label(), read.id()), (&method, "Ann’s laptop", KeyId([9; 16])));
        assert_eq!(read.unwrap(&secret(1), DATABASE).unwrap().bytes(), &[3; 32]);
        assert_eq!(kind(read.unwrap(&secret(2), DATABASE)), ErrorKind::AuthenticationFailed);
    }
}

#[test]
fn a_wrong_secret_is_told_from_a_changed_key_and_from_another_database() {
    assert_eq!(kind(wrapped().unwrap(&secret(2), DATABASE)), ErrorKind::AuthenticationFailed);
    assert_eq!(kind(wrapped().unwrap(&secret(1), "other")), ErrorKind::DecryptionFailed);
    let sealed = COMMITMENT + 32 + 12;
    assert_eq!(kind(mended(sealed, &[0; 4]).unwrap().unwrap(&secret(1), DATABASE)), ErrorKind::DecryptionFailed);
}

#[test]
fn every_flipped_bit_is_seen_before_any_work_is_spent() {
    let bytes = wrapped().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let newer = matches!(bit / 8, 4 | 5) && changed[bit / 8] != 0;
        let wanted = if newer { ErrorKind::VersionError } else { ErrorKind::Corrupted };
        assert_eq!(kind(WrappedKey::parse(&changed)), wanted, "bit {bit}");
    }
}

#[test]
fn every_flipped_bit_under_a_mended_checksum_is_refused() {
    for method in every_method() {
        let bytes = with(method, "me").unwrap().to_bytes();
        for bit in 0..(bytes.len() - 8) * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            mend(&mut changed);
            // The secret here does not depend on the salt, so only the tag can notice that it is another.
            assert!(WrappedKey::parse(&changed).and_then(|key| key.unwrap(&secret(1), DATABASE)).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_cut_or_prolonged_wrapped_key_is_corrupted() {
    let bytes = wrapped().to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(kind(WrappedKey::parse(&bytes[..length])), ErrorKind::Corrupted, "{length}");
        let mut mended = bytes[..length].to_vec();
        if length >= 14 {
            mend(&mut mended);
            assert_eq!(kind(WrappedKey::parse(&mended)), ErrorKind::Corrupted, "{length}, mended");
        }
    }
    let mut longer = [bytes, vec![0]].concat();
    assert_eq!(kind(WrappedKey::parse(&longer)), ErrorKind::Corrupted);
    mend(&mut longer);
    assert_eq!(kind(WrappedKey::parse(&longer)), ErrorKind::Corrupted);
}

#[test]
fn lowered_and_raised_work_is_refused_whatever_the_checksum() {
    let of = |iterations: u32| kind(mended(ITERATIONS, &iterations.to_le_bytes()));
    assert_eq!([of(0), of(1), of(599_999)], [ErrorKind::Corrupted; 3]);
    assert_eq!([of(10_000_001), of(u32::MAX)], [ErrorKind::Unsupported; 2]);
    // What is within bounds is read, and then does not open: the number is authenticated.
    assert_eq!(
        kind(mended(ITERATIONS, &600_001_u32.to_le_bytes()).unwrap().unwrap(&secret(1), DATABASE)),
        ErrorKind::DecryptionFailed
    );
}

#[test]
fn another_way_to_unlock_is_not_guessed_at() {
    let of = |bytes: [u8; 2]| kind(mended(KIND, &bytes));
    assert_eq!([of([0, 1]), of([1, 0]), of([0, 0])], [ErrorKind::Corrupted; 3]);
    assert_eq!(of([2, 1]), ErrorKind::Unsupported, "Argon2id is reserved");
    assert_eq!([of([7, 1]), of([1, 2]), of([3, 3]), of([255, 255])], [ErrorKind::VersionError; 4]);
}

#[test]
fn labels_and_foreign_bytes_have_a_most() {
    let derivation = Method::Passphrase(Derivation::new(600_000, [5; 16]).unwrap());
    assert_eq!(with(derivation.clone(), &"x".repeat(MAX_LABEL)).unwrap().label().len(), MAX_LABEL);
    assert_eq!(kind(with(derivation, &"x".repeat(MAX_LABEL + 1))), ErrorKind::InvalidConfig);
    let outside = |length| Method::Outside { wrapper: Wrapper::Provider, wrapped: vec![1; length] };
    WrappedKey::parse(&with(outside(MAX_OPAQUE), "").unwrap().to_bytes()).unwrap();
    assert_eq!(kind(with(outside(MAX_OPAQUE + 1), "")), ErrorKind::InvalidConfig);
}

#[test]
fn a_store_key_under_another_keys_name_is_refused() {
    let mut forged = wrapped();
    forged.store = StoreKey::new(&[8; 32]).id();
    let head = forged.head();
    let by = secret(1);
    let place = Place { domain: DOMAIN, database: DATABASE, head: &head };
    forged.wrapped = Wrapped::wrap(&[3; 32], &Wrapping::new(&by, Tier::Unlocker), Nonce([4; 12]), &place).unwrap();
    assert_eq!(kind(forged.unwrap(&secret(1), DATABASE)), ErrorKind::DecryptionFailed);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        prop_assert!(WrappedKey::parse(&bytes).is_err());
        let mut longer = [MAGIC.as_slice(), &[VERSION, SUITE], &bytes, &[0; 8]].concat();
        prop_assert!(WrappedKey::parse(&longer).is_err());
        mend(&mut longer);
        prop_assert!(WrappedKey::parse(&longer).and_then(|key| key.unwrap(&secret(1), DATABASE)).is_err());
    }

    #[test]
    fn whatever_is_wrapped_unwraps(key: [u8; 32], by: [u8; 32], label in ".{0,20}", opaque: Vec<u8>, database: String) {
        let method = Method::Passkey { credential: opaque, salt: [2; 16] };
        let by = Zeroizing::new(by);
        let wrapped = WrappedKey::wrap(&StoreKey::new(&key), (KeyId([1; 16]), method, &label), &by, &database, Nonce([4; 12])).unwrap();
        let read = WrappedKey::parse(&wrapped.to_bytes()).unwrap();
        let opened = read.unwrap(&by, &database).unwrap();
        prop_assert_eq!(opened.bytes(), &key);
    }
}

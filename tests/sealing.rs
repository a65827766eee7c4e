//! Sealed values and wrapped keys, as an application's data meets them.
#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

use std::sync::OnceLock;

use futures_util::FutureExt;
use serde::Deserialize;
use tidekeep::crypto::{AdditionalData, DataKey, Envelope, Keyring, MIN_ITERATIONS, Nonce, WrappedKey};
use tidekeep::platform::{pbkdf2_sha256, random};
use tidekeep::{ErrorKind, Result};

const PASSPHRASE: &[u8] = b"correct horse battery staple";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    envelopes: Vec<SealedVector>,
    wrapped_keys: Vec<WrappedVector>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedVector {
    name: String,
    data_key: String,
    key_id: String,
    nonce: String,
    database: String,
    collection: String,
    key: String,
    field: String,
    additional_data: String,
    plaintext: String,
    ciphertext: String,
    envelope: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrappedVector {
    name: String,
    passphrase: String,
    iterations: u32,
    salt: String,
    generation: u32,
    key_id: String,
    record: String,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    kind: String,
    bytes: String,
    code: String,
}

impl SealedVector {
    fn place(&self) -> AdditionalData<'_> {
        AdditionalData { database: &self.database, collection: &self.collection, key: &self.key, field: &self.field }
    }
}

fn vectors() -> &'static Vectors {
    static VECTORS: OnceLock<Vectors> = OnceLock::new();
    VECTORS.get_or_init(|| serde_json::from_str(include_str!("vectors/sealing-v1.json")).unwrap())
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn unlock(keyring: &Keyring, wrapped: &[Vec<u8>], passphrase: &[u8]) -> Result<Vec<String>> {
    let unlocked = keyring.unlock(wrapped, passphrase, &pbkdf2_sha256).now_or_never().unwrap()?;
    Ok(unlocked.opened.iter().map(ToString::to_string).collect())
}

/// A keyring that holds the keys of the vectors.
fn golden_keyring() -> Keyring {
    let keyring = Keyring::new();
    for vector in &vectors().wrapped_keys {
        let opened = unlock(&keyring, &[unhex(&vector.record)], vector.passphrase.as_bytes()).unwrap();
        assert_eq!(opened, std::slice::from_ref(&vector.key_id), "{}", vector.name);
    }
    keyring
}

/// A keyring with a new key, made and taken up as an application does.
fn new_keyring() -> Keyring {
    let keyring = Keyring::new();
    let new = keyring.create(PASSPHRASE, &mut random, &pbkdf2_sha256).now_or_never().unwrap().unwrap();
    let stored = new.wrapped().to_vec();
    keyring.adopt(new, &stored).unwrap();
    keyring
}

#[test]
fn what_an_earlier_release_sealed_still_opens() {
    let keyring = golden_keyring();
    for vector in &vectors().envelopes {
        let opened = keyring.open(&vector.place(), &unhex(&vector.envelope)).unwrap();
        assert_eq!(*opened, unhex(&vector.plaintext), "{}", vector.name);
    }
    for vector in &vectors().refused {
        let first = &vectors().envelopes[0];
        let error = match vector.kind.as_str() {
            "envelope" => keyring.open(&first.place(), &unhex(&vector.bytes)).unwrap_err(),
            "wrappedKey" => unlock(&Keyring::new(), &[unhex(&vector.bytes)], PASSPHRASE).unwrap_err(),
            other => panic!("no such kind: {other}"),
        };
        assert_eq!(error.kind().code(), vector.code, "{}", vector.name);
    }
}

#[test]
fn the_parts_of_an_envelope_are_those_web_crypto_computed() {
    for vector in &vectors().envelopes {
        let key = DataKey::from_slice(&unhex(&vector.data_key)).unwrap();
        let nonce = Nonce::from_slice(&unhex(&vector.nonce)).unwrap();
        let additional = vector.place().to_bytes().unwrap();
        assert_eq!(key.id().to_string(), vector.key_id, "{}", vector.name);
        assert_eq!(additional, unhex(&vector.additional_data), "{}", vector.name);
        let sealed = key.cipher().seal(&nonce, &additional, &unhex(&vector.plaintext)).unwrap();
        assert_eq!(sealed, unhex(&vector.ciphertext), "{}", vector.name);
        let bytes = unhex(&vector.envelope);
        let envelope = Envelope::parse(&bytes).unwrap();
        assert_eq!((envelope.key_id, envelope.nonce, envelope.ciphertext), (key.id(), nonce, sealed.as_slice()));
    }
}

#[test]
fn the_parts_of_a_wrapped_key_are_those_web_crypto_computed() {
    for vector in &vectors().wrapped_keys {
        let wrapped = WrappedKey::parse(&unhex(&vector.record)).unwrap();
        assert_eq!(wrapped.key_id().to_string(), vector.key_id, "{}", vector.name);
        assert_eq!(wrapped.generation(), vector.generation, "{}", vector.name);
        assert_eq!(wrapped.derivation().iterations(), vector.iterations, "{}", vector.name);
        assert_eq!(wrapped.derivation().salt().as_slice(), unhex(&vector.salt), "{}", vector.name);
        assert_eq!(wrapped.to_bytes(), unhex(&vector.record), "{}", vector.name);
    }
}

#[test]
fn a_passphrase_opens_on_another_device_what_it_sealed_here() {
    let here = Keyring::new();
    let place = vectors().envelopes[0].place();
    let new = here.create(PASSPHRASE, &mut random, &pbkdf2_sha256).now_or_never().unwrap().unwrap();
    let stored = new.wrapped().to_vec();
    assert_eq!(WrappedKey::parse(&stored).unwrap().derivation().iterations(), MIN_ITERATIONS);
    here.adopt(new, &stored).unwrap();
    let sealed = here.seal(&place, b"secret", &mut random).unwrap();

    let there = Keyring::new();
    let wrong = unlock(&there, std::slice::from_ref(&stored), b"correct horse battery stable").unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::AuthenticationFailed);
    assert_eq!(there.open(&place, &sealed).unwrap_err().kind(), ErrorKind::Locked);
    unlock(&there, &[stored], PASSPHRASE).unwrap();
    assert_eq!(there.open(&place, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn every_flipped_bit_every_cut_and_every_swap_is_refused() {
    let keyring = new_keyring();
    let refused = [ErrorKind::Corrupted, ErrorKind::Unsupported, ErrorKind::KeyMissing, ErrorKind::DecryptionFailed];
    let (mut flips, mut cuts, mut swaps) = (0, 0, 0);
    for case in 0..1000 {
        let key = format!("key {case}");
        let place = AdditionalData { database: "fieldbook", collection: "credentials", key: &key, field: "value" };
        let mut sealed = keyring.seal(&place, &vec![7; case % 20], &mut random).unwrap();
        for bit in 0..sealed.len() * 8 {
            sealed[bit / 8] ^= 1 << (bit % 8);
            let kind = keyring.open(&place, &sealed).unwrap_err().kind();
            assert!(refused.contains(&kind), "case {case}, bit {bit}: {kind:?}");
            sealed[bit / 8] ^= 1 << (bit % 8);
            flips += 1;
        }
        for length in 0..sealed.len() {
            let kind = keyring.open(&place, &sealed[..length]).unwrap_err().kind();
            let whole = length >= Envelope::OVERHEAD;
            assert_eq!(kind, if whole { ErrorKind::DecryptionFailed } else { ErrorKind::Corrupted });
            cuts += 1;
        }
        for elsewhere in [
            AdditionalData { database: "other", ..place },
            AdditionalData { collection: "notes", ..place },
            AdditionalData { key: "key", ..place },
            AdditionalData { field: "body", ..place },
        ] {
            assert_eq!(keyring.open(&elsewhere, &sealed).unwrap_err().kind(), ErrorKind::DecryptionFailed);
            swaps += 1;
        }
        assert_eq!(*keyring.open(&place, &sealed).unwrap(), vec![7; case % 20]);
    }
    println!("refused: {flips} flipped bits, {cuts} cuts, {swaps} swaps");
}

#[test]
fn two_seals_of_one_value_share_no_nonce() {
    let keyring = new_keyring();
    let place = vectors().envelopes[0].place();
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..20_000 {
        let sealed = keyring.seal(&place, b"secret", &mut random).unwrap();
        assert!(nonces.insert(Envelope::parse(&sealed).unwrap().nonce.as_bytes().to_owned()));
    }
    println!("nonces: {} drawn, 0 repeated", nonces.len());
}

//! Sealed values and wrapped keys, as an application's data meets them.
#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

use std::sync::OnceLock;

use futures_util::FutureExt;
use serde::Deserialize;
use tidekeep::crypto::{
    AdditionalData, Answer, DataKey, Envelope, Keeper, KeyId, KeyRecord, Keyring, MIN_ITERATIONS, Method, Nonce,
    Random, Secret, Unlocked, Unlocker, WrappedDataKey, WrappedKey, Wrapper,
};
use tidekeep::platform::{pbkdf2_sha256, random};
use tidekeep::{Error, ErrorKind, Result, store};

const PASSPHRASE: &[u8] = b"correct horse battery staple";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    envelopes: Vec<SealedVector>,
    unlockers: Vec<UnlockerVector>,
    data_keys: Vec<DataKeyVector>,
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
struct UnlockerVector {
    name: String,
    kind: u8,
    variant: u8,
    passphrase: Option<String>,
    #[serde(default)]
    iterations: u32,
    salt: String,
    label: String,
    opaque: String,
    secret: String,
    id: String,
    store_key_id: String,
    record_key: String,
    record: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DataKeyVector {
    name: String,
    generation: u32,
    store_key_id: String,
    key_id: String,
    record_key: String,
    record: String,
}

#[derive(Deserialize)]
struct Refused {
    name: String,
    kind: String,
    bytes: String,
    code: String,
}

/// The secret of a vector, whatever it comes from.
struct Given(Secret);

impl Unlocker for Given {
    fn method<'a>(&'a self, _: KeyId, _: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(std::future::ready(Err(Error::new(ErrorKind::Unsupported, "nothing is wrapped"))))
    }

    fn secret<'a>(&'a self, _: KeyId, _: &'a Method) -> Answer<'a, Option<Secret>> {
        Box::pin(std::future::ready(Ok(Some(self.0.clone()))))
    }
}

impl UnlockerVector {
    fn record(&self) -> KeyRecord {
        KeyRecord { name: self.record_key.clone(), bytes: unhex(&self.record) }
    }

    fn given(&self) -> Given {
        Given(Secret::new(unhex(&self.secret).try_into().unwrap()))
    }
}

impl DataKeyVector {
    fn record(&self) -> KeyRecord {
        KeyRecord { name: self.record_key.clone(), bytes: unhex(&self.record) }
    }
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

fn unlock(keyring: &Keyring, records: &[KeyRecord], passphrase: &[u8]) -> Result<Unlocked> {
    keyring.unlock(records, &store::passphrase(passphrase)).now_or_never().unwrap()
}

/// Every record of the vectors.
fn golden_records() -> Vec<KeyRecord> {
    let unlockers = vectors().unlockers.iter().map(UnlockerVector::record);
    unlockers.chain(vectors().data_keys.iter().map(DataKeyVector::record)).collect()
}

/// A keyring that holds the keys of the vectors.
fn golden_keyring() -> Keyring {
    let keyring = Keyring::new("fieldbook");
    unlock(&keyring, &golden_records(), PASSPHRASE).unwrap();
    keyring
}

/// A keyring with new keys, made and taken up as an application does, and the records of them.
fn new_keyring() -> (Keyring, Vec<KeyRecord>) {
    let keyring = Keyring::new("fieldbook");
    let unlocker = store::passphrase(PASSPHRASE);
    let new = keyring.create(&unlocker, "", &mut random).now_or_never().unwrap().unwrap();
    let stored = new.records().to_vec();
    keyring.adopt(new, &stored, &[&unlocker], &mut random).now_or_never().unwrap().unwrap();
    (keyring, stored)
}

#[test]
fn what_an_earlier_release_sealed_still_opens() {
    let keyring = golden_keyring();
    for vector in &vectors().envelopes {
        let opened = keyring.open(&vector.place(), &unhex(&vector.envelope)).unwrap();
        assert_eq!(*opened, unhex(&vector.plaintext), "{}", vector.name);
    }
    let [unlocker, data_key] = [vectors().unlockers[0].record(), vectors().data_keys[0].record()];
    for vector in &vectors().refused {
        let bytes = unhex(&vector.bytes);
        let error = match vector.kind.as_str() {
            "envelope" => keyring.open(&vectors().envelopes[0].place(), &bytes).unwrap_err(),
            "wrappedKey" => {
                let id = format!("{:032x}", u128::from_be_bytes(bytes[6..22].try_into().unwrap()));
                let record = KeyRecord { name: format!("unlocker/{id}"), bytes };
                unlock(&Keyring::new("fieldbook"), &[record, data_key.clone()], PASSPHRASE).unwrap_err()
            }
            "wrappedDataKey" => {
                let record = KeyRecord { bytes, ..data_key.clone() };
                unlock(&Keyring::new("fieldbook"), &[unlocker.clone(), record], PASSPHRASE).unwrap_err()
            }
            other => panic!("no such kind: {other}"),
        };
        assert_eq!(error.kind().code(), vector.code, "{}", vector.name);
    }
}

#[test]
fn every_unlocker_of_the_vectors_opens_what_it_wraps() {
    for vector in &vectors().unlockers {
        let wrapped = WrappedKey::parse(&unhex(&vector.record)).unwrap();
        assert_eq!(wrapped.id().to_string(), vector.id, "{}", vector.name);
        assert_eq!(wrapped.store().to_string(), vector.store_key_id, "{}", vector.name);
        assert_eq!(wrapped.label(), vector.label, "{}", vector.name);
        assert_eq!(wrapped.to_bytes(), unhex(&vector.record), "{}", vector.name);
        let salt = unhex(&vector.salt);
        let (kind, variant, opaque) = match wrapped.method() {
            Method::Passphrase(derivation) => {
                assert_eq!((derivation.iterations(), derivation.salt().as_slice()), (vector.iterations, &*salt));
                let passphrase = vector.passphrase.as_ref().unwrap().as_bytes();
                let secret = pbkdf2_sha256(passphrase, &salt, vector.iterations).now_or_never().unwrap().unwrap();
                assert_eq!(secret.as_slice(), unhex(&vector.secret), "{}", vector.name);
                (1, 1, Vec::new())
            }
            Method::Key { keeper, salt: found } => {
                assert_eq!(found.as_slice(), salt, "{}", vector.name);
                (3, if *keeper == Keeper::Device { 1 } else { 2 }, Vec::new())
            }
            Method::Outside { wrapper: Wrapper::Provider, wrapped } => (4, 1, wrapped.clone()),
            Method::Passkey { credential, .. } => (5, 1, credential.clone()),
            Method::Store(by) => (6, 1, by.as_bytes().to_vec()),
            Method::Outside { .. } | Method::Follower(_) => panic!("none of the vectors"),
        };
        assert_eq!((kind, variant, opaque), (vector.kind, vector.variant, unhex(&vector.opaque)), "{}", vector.name);
        if !matches!(wrapped.method(), Method::Store(_)) {
            let keyring = Keyring::new("fieldbook");
            let mut records = vec![vector.record()];
            records.extend(vectors().data_keys.iter().map(DataKeyVector::record));
            let unlocked = keyring.unlock(&records, &vector.given()).now_or_never().unwrap().unwrap();
            assert_eq!(unlocked.by, [wrapped.id()], "{}", vector.name);
        }
    }
}

#[test]
fn a_store_key_of_the_vectors_opens_its_data_keys_and_the_store_key_that_it_unlocks() {
    let second = &vectors().unlockers[1];
    let keyring = Keyring::new("fieldbook");
    let unlocked = unlock(&keyring, &golden_records(), second.passphrase.as_ref().unwrap().as_bytes()).unwrap();
    assert_eq!(unlocked.by.len(), 1);
    assert_eq!(keyring.open_keys().len(), 2, "the first data key opens through the link only");
    assert_eq!(keyring.current().unwrap().to_string(), vectors().data_keys[1].key_id, "the highest generation seals");
    for vector in &vectors().data_keys {
        let wrapped = WrappedDataKey::parse(&unhex(&vector.record)).unwrap();
        assert_eq!(wrapped.id().to_string(), vector.key_id, "{}", vector.name);
        assert_eq!(wrapped.store().to_string(), vector.store_key_id, "{}", vector.name);
        assert_eq!(wrapped.generation(), vector.generation, "{}", vector.name);
        assert_eq!(wrapped.name(), vector.record_key, "{}", vector.name);
        assert_eq!(wrapped.to_bytes(), unhex(&vector.record), "{}", vector.name);
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
fn a_passphrase_opens_on_another_device_what_it_sealed_here() {
    let (here, stored) = new_keyring();
    let place = vectors().envelopes[0].place();
    let derivation = WrappedKey::parse(&stored[0].bytes).map(|wrapped| wrapped.method().clone());
    assert!(matches!(derivation, Ok(Method::Passphrase(derivation)) if derivation.iterations() == MIN_ITERATIONS));
    let sealed = here.seal(&place, b"secret", &mut random).unwrap();

    let there = Keyring::new("fieldbook");
    let wrong = unlock(&there, &stored, b"correct horse battery stable").unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::AuthenticationFailed);
    assert_eq!(there.open(&place, &sealed).unwrap_err().kind(), ErrorKind::Locked);
    unlock(&there, &stored, PASSPHRASE).unwrap();
    assert_eq!(there.open(&place, &sealed).unwrap().as_slice(), b"secret");
}

#[test]
fn every_flipped_bit_every_cut_and_every_swap_is_refused() {
    let (keyring, _) = new_keyring();
    let refused = [ErrorKind::Corrupted, ErrorKind::VersionError, ErrorKind::KeyMissing, ErrorKind::DecryptionFailed];
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
    println!("figure: refused: {flips} flipped bits, {cuts} cuts, {swaps} swaps");
}

#[test]
fn two_seals_of_one_value_share_no_nonce() {
    let (keyring, _) = new_keyring();
    let place = vectors().envelopes[0].place();
    let mut nonces = std::collections::HashSet::new();
    let number = std::env::var("TIDEKEEP_NONCES").ok().and_then(|number| number.parse().ok()).unwrap_or(200_000);
    for _ in 0..number {
        let sealed = keyring.seal(&place, b"secret", &mut random).unwrap();
        assert!(nonces.insert(Envelope::parse(&sealed).unwrap().nonce.as_bytes().to_owned()));
    }
    println!("figure: nonces: {} drawn, 0 repeated", nonces.len());
}

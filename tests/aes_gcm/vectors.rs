//! The vectors of Project Wycheproof and of NIST, as `tests/vectors/aes-gcm.json` has them.

use std::sync::OnceLock;

use serde::Deserialize;
use tidekeep::ErrorKind;
use tidekeep::crypto::{Cipher, DataKey, Nonce};

/// Key, nonce, additional data, plaintext or none where the tag is false, ciphertext and tag; all in hexadecimal.
#[derive(Deserialize)]
pub(crate) struct Case(pub String, pub String, pub String, pub Option<String>, pub String);

/// The same behind its number.
#[derive(Deserialize)]
pub(crate) struct Numbered(pub usize, pub String, pub String, pub String, pub Option<String>, pub String);

/// Number, key and nonce of a case of other parameters than ours.
#[derive(Deserialize)]
pub(crate) struct Other(pub usize, pub String, pub String);

#[derive(Deserialize)]
pub(crate) struct Vectors {
    pub wycheproof: Wycheproof,
    pub cavp: Cavp,
}

#[derive(Deserialize)]
pub(crate) struct Wycheproof {
    pub cases: Vec<Numbered>,
    pub others: Vec<Other>,
}

#[derive(Deserialize)]
pub(crate) struct Cavp {
    pub encrypt: Vec<Case>,
    pub decrypt: Vec<Case>,
}

/// A case as bytes.
pub(crate) struct Parts {
    pub about: String,
    pub key: Vec<u8>,
    pub nonce: Vec<u8>,
    pub additional: Vec<u8>,
    /// None where the tag is false.
    pub plaintext: Option<Vec<u8>>,
    /// Ciphertext and tag.
    pub sealed: Vec<u8>,
}

pub(crate) fn vectors() -> &'static Vectors {
    static VECTORS: OnceLock<Vectors> = OnceLock::new();
    VECTORS.get_or_init(|| serde_json::from_str(include_str!("../vectors/aes-gcm.json")).unwrap())
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

impl Parts {
    fn of(about: String, Case(key, nonce, additional, plaintext, sealed): &Case) -> Self {
        Self {
            about,
            key: unhex(key),
            nonce: unhex(nonce),
            additional: unhex(additional),
            plaintext: plaintext.as_deref().map(unhex),
            sealed: unhex(sealed),
        }
    }
}

/// The cases of Project Wycheproof with our parameters.
pub(crate) fn wycheproof() -> impl Iterator<Item = Parts> {
    vectors().wycheproof.cases.iter().map(|Numbered(number, key, nonce, additional, plaintext, sealed)| {
        let case = Case(key.clone(), nonce.clone(), additional.clone(), plaintext.clone(), sealed.clone());
        Parts::of(format!("Wycheproof {number}"), &case)
    })
}

/// The cases of NIST with our parameters.
pub(crate) fn cavp() -> impl Iterator<Item = Parts> {
    let Cavp { encrypt, decrypt } = &vectors().cavp;
    let named = |what: &'static str| {
        move |(at, case): (usize, &Case)| Parts::of(format!("CAVP {what}, the {at}th from 0"), case)
    };
    encrypt.iter().enumerate().map(named("encrypt")).chain(decrypt.iter().enumerate().map(named("decrypt")))
}

/// Looks whether the crate's cipher says what a case says; answers whether its tag is true.
fn held(case: &Parts) -> bool {
    let Parts { about, key, nonce, additional, plaintext, sealed } = case;
    let cipher: Cipher = DataKey::from_slice(key).unwrap().cipher();
    let nonce = Nonce::from_slice(nonce).unwrap();
    let opened = cipher.open(&nonce, additional, sealed);
    let Some(plaintext) = plaintext else {
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::DecryptionFailed, "{about}");
        return false;
    };
    assert_eq!(&*opened.unwrap(), plaintext, "{about}");
    assert_eq!(&cipher.seal(&nonce, additional, plaintext).unwrap(), sealed, "{about}");
    true
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test::wasm_bindgen_test)]
fn every_published_vector_of_our_parameters_is_kept() {
    let valid = |cases: &mut dyn Iterator<Item = Parts>| {
        cases.fold((0, 0), |(all, valid), case| (all + 1, valid + usize::from(held(&case))))
    };
    assert_eq!(valid(&mut wycheproof()), (66, 39));
    assert_eq!(valid(&mut cavp()), (750, 559));
    println!("figure: AES-GCM: 66 of 66 Wycheproof cases, 750 of 750 of NIST CAVP");
}

#[cfg_attr(not(target_family = "wasm"), test)]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test::wasm_bindgen_test)]
fn every_published_vector_of_other_parameters_is_refused() {
    for Other(number, key, nonce) in &vectors().wycheproof.others {
        let taken = DataKey::from_slice(&unhex(key)).and_then(|_| Nonce::from_slice(&unhex(nonce)));
        assert_eq!(taken.unwrap_err().kind(), ErrorKind::InvalidValue, "Wycheproof {number}");
    }
    assert_eq!(vectors().wycheproof.others.len(), 250);
}

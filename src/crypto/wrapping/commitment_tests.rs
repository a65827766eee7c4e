//! Ciphertexts that plain GCM opens under two keys, and wrapped keys do not.
//!
//! The construction is that of Dodis, Grubbs, Ristenpart and Woodage, “Fast Message Franking” (2018): GHASH is linear in
//! the ciphertext, so one block can be solved for such that both keys give the same tag.

use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use sha2::{Digest, Sha256};

use super::*;
use crate::crypto::cipher::DataKey;

/// Multiplication in GF(2^128) as GCM orders its bits. Source: NIST SP 800-38D, 6.3.
fn multiply(x: u128, mut v: u128) -> u128 {
    let mut product = 0;
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            product ^= v;
        }
        v = (v >> 1) ^ if v & 1 == 1 { 0xE1 << 120 } else { 0 };
    }
    product
}

/// The inverse, as the power 2^128 - 2.
fn inverse(x: u128) -> u128 {
    let (mut result, mut square) = (1 << 127, x);
    for _ in 1..128 {
        square = multiply(square, square);
        result = multiply(result, square);
    }
    result
}

fn encrypted(key: &[u8; 32], block: [u8; 16]) -> u128 {
    let mut block = block.into();
    Aes256::new(key.into()).encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

fn ghash(h: u128, additional: &[u8], ciphertext: &[u8]) -> u128 {
    let bits = |bytes: &[u8]| u128::try_from(bytes.len() * 8).unwrap();
    let blocks = additional.chunks(16).chain(ciphertext.chunks(16)).map(|chunk| {
        let mut block = [0; 16];
        block[..chunk.len()].copy_from_slice(chunk);
        u128::from_be_bytes(block)
    });
    blocks.chain([bits(additional) << 64 | bits(ciphertext)]).fold(0, |y, block| multiply(y ^ block, h))
}

/// Ciphertext and tag, of the length of a wrapped key, that open under both keys.
fn two_key_ciphertext(one: &[u8; 32], two: &[u8; 32], nonce: Nonce, additional: &[u8]) -> [u8; SEALED_LEN] {
    let mut counter = [0; 16];
    counter[..12].copy_from_slice(&nonce.0);
    counter[15] = 1;
    let [h1, h2] = [one, two].map(|key| encrypted(key, [0; 16]));
    let [mask1, mask2] = [one, two].map(|key| encrypted(key, counter));
    let mut ciphertext = [0x5A; 32];
    ciphertext[16..].fill(0);
    let difference = ghash(h1, additional, &ciphertext) ^ mask1 ^ ghash(h2, additional, &ciphertext) ^ mask2;
    let block = multiply(difference, inverse(multiply(h1, h1) ^ multiply(h2, h2)));
    ciphertext[16..].copy_from_slice(&block.to_be_bytes());
    let tag = ghash(h1, additional, &ciphertext) ^ mask1;
    let mut sealed = [0; SEALED_LEN];
    sealed[..32].copy_from_slice(&ciphertext);
    sealed[32..].copy_from_slice(&tag.to_be_bytes());
    sealed
}

/// Forges, a thousand times, what plain GCM opens under two keys; tells how each of the two fares with it here.
fn refused(tier: Tier, domain: &'static str) -> usize {
    let (mut accepted_by_gcm, mut refused) = (0, 0);
    for case in 0_u32..1000 {
        let secrets =
            [1_u8, 2].map(|which| <[u8; 32]>::from(Sha256::digest([case.to_le_bytes().as_slice(), &[which]].concat())));
        let [one, two] = secrets.each_ref().map(|secret| Wrapping::new(secret, tier));
        let [key1, key2] = secrets.each_ref().map(|secret| hmac(secret, tier.wrapping_label()));
        let head = case.to_le_bytes();
        let place = Place { domain, database: "fieldbook", head: &head };
        let nonce = Nonce([9; NONCE_LEN]);

        let mut forged = Wrapped { commitment: one.commitment(), nonce, sealed: [0; SEALED_LEN] };
        let additional = forged.additional(&place).unwrap();
        forged.sealed = two_key_ciphertext(&key1, &key2, nonce, &additional);
        let opened =
            [&key1, &key2].map(|key| Cipher::new(key).open(&nonce, &additional, &forged.sealed).unwrap().to_vec());
        assert_ne!(opened[0], opened[1]);
        accepted_by_gcm += 1;

        assert_eq!(forged.unwrap(&two, &place).unwrap(), None, "another key is told by the commitment");
        // Under the key it commits to, bytes come out; but the key's name follows from them, and is another.
        let under_one = forged.unwrap(&one, &place).unwrap().unwrap();
        assert_ne!(
            DataKey::from_slice(under_one.as_slice()).unwrap().id(),
            DataKey::from_slice(&[3; 32]).unwrap().id()
        );
        refused += 1;
    }
    println!("{domain}: {accepted_by_gcm} two-key ciphertexts accepted by plain GCM, {refused} refused here");
    refused
}

#[test]
fn a_wrapped_store_key_commits_to_its_secret() {
    assert_eq!(refused(Tier::Unlocker, "tidekeep/wrapped-key/1"), 1000);
}

#[test]
fn a_wrapped_data_key_commits_to_its_store_key() {
    assert_eq!(refused(Tier::Store, "tidekeep/wrapped-data-key/1"), 1000);
}

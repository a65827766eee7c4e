//! Ciphertexts that plain GCM opens under two keys, and wrapped keys do not.
//!
//! The construction is that of Dodis, Grubbs, Ristenpart and Woodage, “Fast Message Franking” (2018): GHASH is linear in
//! the ciphertext, so one block can be solved for such that both keys give the same tag.

use aes_gcm::KeyInit;
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::*;
use crate::crypto::derive::hmac;

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

fn of_passphrase(passphrase: &[u8], derivation: &Derivation) -> PassphraseKeys {
    let quick = async |passphrase: &[u8], salt: &[u8], _: u32| {
        Ok(Zeroizing::new(Sha256::new().chain_update(salt).chain_update(passphrase).finalize().into()))
    };
    derivation.run(passphrase, &quick).now_or_never().unwrap().unwrap()
}

#[test]
fn a_wrapped_key_commits_to_its_passphrase() {
    let mut accepted_by_gcm = 0;
    for case in 0_u32..1000 {
        let mut salt = [1; SALT_LEN];
        salt[..4].copy_from_slice(&case.to_le_bytes());
        let derivation = Derivation::new(600_000, salt).unwrap();
        let one = of_passphrase(b"one", &derivation);
        let two = of_passphrase(b"two", &derivation);
        let [key1, key2] = [&one, &two].map(|keys| hmac(keys.secret(), "tidekeep/wrapping-key/1"));

        let mut forged = WrappedKey {
            key_id: DataKey::from_slice(&[3; 32]).unwrap().id(),
            generation: 1,
            derivation,
            commitment: one.commitment(),
            nonce: Nonce([9; NONCE_LEN]),
            sealed: [0; SEALED_LEN],
        };
        forged.sealed = two_key_ciphertext(&key1, &key2, forged.nonce, &forged.additional());
        let opened = [&key1, &key2]
            .map(|key| Cipher::new(key).open(&forged.nonce, &forged.additional(), &forged.sealed).unwrap().to_vec());
        assert_ne!(opened[0], opened[1]);
        accepted_by_gcm += 1;

        let read = WrappedKey::parse(&forged.to_bytes()).unwrap();
        assert_eq!(read.unwrap(&two).unwrap_err().kind(), ErrorKind::AuthenticationFailed);
        // Even under the passphrase it commits to, the key that comes out is not the one that its id names.
        assert_eq!(read.unwrap(&one).unwrap_err().kind(), ErrorKind::DecryptionFailed);
    }
    println!("two-key ciphertexts: {accepted_by_gcm} accepted by plain GCM, 0 by wrapped keys");
}

//! AES-256-GCM that answers later, as Web Crypto does, so that tests meet what that brings with it.

use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

use aes_gcm::aead::Aead as _;
use aes_gcm::aead::Payload as Message;
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};

use super::bytes::Bytes;
use super::payload::Large;
use crate::error::{Error, ErrorKind, Result};

/// What is to be sealed or opened at once, under one key: of each the head, the additional data and the rest.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>);

impl Gathered {
    /// One more to be sealed, behind a head that ends with its nonce.
    pub(crate) fn seal(&mut self, head: &[u8], additional: &[u8], plaintext: &Large) {
        self.0.push((head.to_vec(), additional.to_vec(), plaintext.to_vec().to_vec()));
    }

    /// One more to be opened, whose head is so long.
    pub(crate) fn open(&mut self, head: usize, additional: &[u8], envelope: &Bytes) {
        let mut head_and_rest = envelope.to_vec();
        let rest = head_and_rest.split_off(head.min(head_and_rest.len()));
        self.0.push((head_and_rest, additional.to_vec(), rest));
    }
}

/// A key that is used in turns of their own.
#[derive(Clone)]
pub(crate) struct SubtleKey(Box<Aes256Gcm>);

impl SubtleKey {
    /// Hands a key over.
    pub(crate) async fn import(key: &[u8; 32]) -> Option<Self> {
        later().await;
        Some(Self(Box::new(Aes256Gcm::new(key.into()))))
    }

    /// The envelopes: of each its head, then ciphertext and tag.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` where a value is too long.
    pub(crate) async fn seal_all(&self, batch: Gathered) -> Result<Vec<Bytes>> {
        later().await;
        let seal = |(head, additional, plaintext): (Vec<u8>, Vec<u8>, Vec<u8>)| {
            let message = Message { msg: &plaintext, aad: &additional };
            let sealed = nonce(&head).and_then(|nonce| self.0.encrypt(&nonce, message).ok());
            let sealed =
                sealed.ok_or_else(|| Error::new(ErrorKind::InvalidValue, "the value is too long to be sealed"))?;
            Ok(Bytes::from([head, sealed].concat()))
        };
        batch.0.into_iter().map(seal).collect()
    }

    /// The plaintexts; none of what is not authentic.
    pub(crate) async fn open_all(&self, batch: Gathered) -> Vec<Option<Large>> {
        later().await;
        let open = |(head, additional, sealed): (Vec<u8>, Vec<u8>, Vec<u8>)| {
            let message = Message { msg: &sealed, aad: &additional };
            self.0.decrypt(&nonce(&head)?, message).ok().map(Large::from)
        };
        batch.0.into_iter().map(open).collect()
    }
}

fn nonce(head: &[u8]) -> Option<Nonce<aes_gcm::aes::cipher::consts::U12>> {
    head.last_chunk::<12>().map(|nonce| (*nonce).into())
}

/// Lets others go on once.
async fn later() {
    let mut waited = false;
    poll_fn(|context| {
        if core::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl fmt::Debug for SubtleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubtleKey(redacted)")
    }
}

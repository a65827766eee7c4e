//! Values, sealed and opened: a few small ones at once, large ones and many by Web Crypto.

use std::rc::Rc;

use crate::crypto::{AdditionalData, Cipher, Envelope, KeyId, Keyring, Sealing, TAG_LEN, not_authentic};
use crate::error::{Error, Result};
use crate::platform::{Bytes, Gathered, Payload, Plaintext, random};

/// From how many bytes on a value is sealed by Web Crypto, which is faster and works in other threads, but takes its
/// time to begin with. Where the two meet is in `docs/evidence.md`.
const LARGE: usize = 1024;
/// From how many values on all of them are: the beginning is then theirs together.
const MANY: usize = 8;
/// How many random bytes are asked for at once.
const POOL: usize = 12 * 256;

const _: () = assert!(LARGE > Envelope::HEADER + TAG_LEN, "what is large has room for every part of an envelope");

/// From how many bytes on each of so many values goes to Web Crypto.
const fn large(values: usize) -> usize {
    if values < MANY { LARGE } else { 0 }
}

/// Seals values, each for the one place that its additional data say. Of a few small ones, nothing is waited for.
pub(super) async fn seal_all(keyring: &Keyring, values: &[(Vec<u8>, &Payload)]) -> Result<Vec<Bytes>> {
    let mut random = pooled(values.len());
    let mut sealed = Vec::with_capacity(values.len());
    let mut gathered: Vec<(Rc<Cipher>, Gathered, Vec<usize>)> = Vec::new();
    for (at, (additional, value)) in values.iter().enumerate() {
        let plaintext = value.to_plaintext(large(values.len()))?;
        let Sealing { id, cipher, nonce } = keyring.sealing(&mut random)?;
        let header = Envelope::header(id, &nonce);
        match plaintext {
            Plaintext::Small(plaintext) => {
                sealed.push(Some(cipher.seal_after(&header, &nonce, additional, &plaintext)?.into()));
            }
            Plaintext::Large(plaintext) if cipher.subtle().await.is_none() => {
                sealed.push(Some(cipher.seal_after(&header, &nonce, additional, &plaintext.to_vec())?.into()));
            }
            Plaintext::Large(plaintext) => {
                sealed.push(None);
                let (_, batch, places) = of_key(&mut gathered, &cipher);
                batch.seal(&header, additional, &plaintext);
                places.push(at);
            }
        }
    }
    for (cipher, batch, places) in gathered {
        let Some(subtle) = cipher.subtle().await else { continue };
        for (place, envelope) in places.into_iter().zip(subtle.seal_all(batch).await?) {
            if let Some(sealed) = sealed.get_mut(place) {
                *sealed = Some(envelope);
            }
        }
    }
    Ok(sealed.into_iter().flatten().collect())
}

/// Opens values that were sealed for the places that their additional data say. For a few small ones, nothing is waited
/// for. On failure, the place of the value that does not open.
pub(super) async fn open_all(
    keyring: &Keyring,
    envelopes: &[(Vec<u8>, &Bytes)],
) -> core::result::Result<Vec<Payload>, (usize, Error)> {
    let large = large(envelopes.len());
    let mut opened = Vec::with_capacity(envelopes.len());
    let mut gathered: Vec<(Rc<Cipher>, Gathered, Vec<usize>)> = Vec::new();
    let mut ids: Vec<KeyId> = Vec::new();
    for (at, (additional, envelope)) in envelopes.iter().enumerate() {
        let failed = |error| (at, error);
        let head = if envelope.len() < large { None } else { envelope.first::<{ Envelope::HEADER }>() };
        let gathering = match head {
            Some(head) => {
                let id = Envelope::parse_head(&head).map_err(failed)?.key_id;
                let cipher = keyring.opening(id).map_err(failed)?;
                cipher.subtle().await.map(|_| (id, cipher))
            }
            None => None,
        };
        if let Some((id, cipher)) = gathering {
            opened.push(None);
            let (_, batch, places) = of_key(&mut gathered, &cipher);
            batch.open(Envelope::HEADER, additional, envelope);
            places.push(at);
            ids.push(id);
        } else {
            opened.push(Some(open_small(keyring, additional, &envelope.to_vec()).map_err(failed)?));
        }
    }
    for (cipher, batch, places) in gathered {
        let Some(subtle) = cipher.subtle().await else { continue };
        for (place, plaintext) in places.into_iter().zip(subtle.open_all(batch).await) {
            let value = plaintext.ok_or_else(not_authentic).and_then(|plaintext| Payload::from_large(&plaintext));
            if let Some(opened) = opened.get_mut(place) {
                *opened = Some(value.map_err(|error| (place, error))?);
            }
        }
    }
    // Where it was locked meanwhile, what was opened is nobody's any more.
    ids.into_iter().try_for_each(|id| keyring.opening(id).map(drop)).map_err(|error| (0, error))?;
    Ok(opened.into_iter().flatten().collect())
}

fn open_small(keyring: &Keyring, additional: &[u8], envelope: &[u8]) -> Result<Payload> {
    let envelope = Envelope::parse(envelope)?;
    let cipher = keyring.opening(envelope.key_id)?;
    Payload::from_plaintext(&cipher.open(&envelope.nonce, additional, envelope.ciphertext)?)
}

fn of_key<'a>(
    gathered: &'a mut Vec<(Rc<Cipher>, Gathered, Vec<usize>)>,
    cipher: &Rc<Cipher>,
) -> &'a mut (Rc<Cipher>, Gathered, Vec<usize>) {
    let at = gathered.iter().position(|(known, _, _)| Rc::ptr_eq(known, cipher));
    let at = at.unwrap_or_else(|| {
        gathered.push((Rc::clone(cipher), Gathered::default(), Vec::new()));
        gathered.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "it was found there, or put there")]
    &mut gathered[at]
}

/// The system's random bytes for so many nonces, asked for many at a time.
fn pooled(values: usize) -> impl FnMut(&mut [u8]) -> Result<()> {
    let (size, mut pool) = (POOL.min(12 * values), Vec::new());
    move |bytes: &mut [u8]| {
        if pool.len() < bytes.len() {
            pool = vec![0; size.max(bytes.len())];
            random(&mut pool)?;
        }
        let rest = pool.len() - bytes.len();
        bytes.iter_mut().zip(pool.drain(rest..)).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

/// Where a value is: the bytes of its additional data.
pub(super) fn place(database: &str, collection: &str, key: &str) -> Result<Vec<u8>> {
    // All of a record is sealed, and no field by itself.
    AdditionalData { database, collection, key, field: "" }.to_bytes()
}

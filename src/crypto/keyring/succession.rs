//! A store key that takes the place of the ones before it.

use std::rc::Rc;

use super::opening::why_none;
use super::{Keyring, NewKeys};
use crate::crypto::Random;
use crate::crypto::cipher::{KeyId, Nonce};
use crate::crypto::method::{Keeper, Method};
use crate::crypto::record::{KeyRecord, Parsed};
use crate::crypto::store_key::StoreKey;
use crate::crypto::unlocker::Unlocker;
use crate::crypto::wrapped::WrappedKey;
use crate::error::{Error, ErrorKind, Result};

/// A new store key, and what becomes of the unlockers that there were.
#[derive(Debug)]
pub struct Succession {
    /// What is to be stored, in one commit.
    pub new: NewKeys,
    /// The unlockers that have to go in that commit: each of those that wrapped a former store key.
    pub replaced: Vec<KeyId>,
    /// Those among them that were not wrapped anew, since their secrets were not at hand.
    pub removed: Vec<KeyId>,
}

impl Keyring {
    /// Makes a store key that follows those that are open, with a data key of its own, and wraps it for each unlocker whose
    /// secret one of `unlockers` yields.
    ///
    /// # Behavior
    ///
    /// - Each gets a new name, so that of two devices that do this apart neither overwrites what the other has made. Its
    ///   label stays. The key of a device is made anew, since a copy of the profile holds the former one.
    /// - The former store keys are wrapped under the new one: it opens what they sealed, also what arrives late. No secret
    ///   of theirs opens the new one.
    /// - Unlockers of store keys that are not open here are left alone.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open store key; where the secret of the `wanted` one opens nothing, or none is at hand, why;
    /// what `random` fails with.
    pub async fn next_store_key(
        &self,
        records: &[KeyRecord],
        wanted: Option<&dyn Unlocker>,
        unlockers: &[&dyn Unlocker],
        random: &mut Random<'_>,
    ) -> Result<Succession> {
        self.primary()?;
        let (former, locks) = (self.state.borrow().latest().map(Rc::clone).collect::<Vec<_>>(), self.locks());
        let store = StoreKey::generate(random)?;
        let (mut kept, mut replaced, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        let (mut fits, mut refused) = (false, Vec::new());
        for record in records {
            let Ok(Parsed::Unlocker(old)) = record.parse() else { continue };
            if old.method().by_store().is_some() || !former.iter().any(|key| key.id() == old.store()) {
                continue;
            }
            replaced.push(old.id());
            let mut again = None;
            if let Some(wanted) = wanted {
                match self.wrap_again(&store, &old, wanted, random).await {
                    Ok(wrapped) => again = wrapped,
                    Err(error) => refused.push(error),
                }
                fits |= again.is_some();
            }
            for unlocker in unlockers {
                if again.is_none() {
                    // What is not at hand is told by its absence.
                    again = self.wrap_again(&store, &old, *unlocker, random).await.unwrap_or_default();
                }
            }
            match again {
                Some(wrapped) => kept.push(KeyRecord::from(&wrapped)),
                None => removed.push(old.id()),
            }
        }
        if wanted.is_some() && !fits {
            return Err(why_none(&refused));
        }
        if kept.is_empty() {
            return Err(Error::new(
                ErrorKind::AccessDenied,
                "no unlocker is at hand that the new store key could be wrapped for; give one, such as the passphrase",
            ));
        }
        let (data, key) = self.data_key(&store, random)?;
        kept.push(KeyRecord::from(&data));
        for key in &former {
            let head = (KeyId::generate(random)?, Method::Follower(store.id()), "");
            let wrapped = WrappedKey::wrap(key, head, &store.as_secret(), &self.database, Nonce::generate(random)?)?;
            kept.push(KeyRecord::from(&wrapped));
        }
        Ok(Succession { new: NewKeys { records: kept, made: Some(key), locks }, replaced, removed })
    }

    /// Wraps a store key for an unlocker that wrapped another; none where its secret is not this one's.
    async fn wrap_again(
        &self,
        store: &StoreKey,
        old: &WrappedKey,
        unlocker: &dyn Unlocker,
        random: &mut Random<'_>,
    ) -> Result<Option<WrappedKey>> {
        let Some(secret) = unlocker.secret(old.id(), old.method()).await? else { return Ok(None) };
        old.unwrap(&secret, &self.database)?;
        let id = KeyId::generate(random)?;
        if matches!(old.method(), Method::Key { keeper: Keeper::Device, .. }) {
            return self.wrap(store, id, unlocker, old.label(), random).await.map(Some);
        }
        let head = (id, old.method().clone(), old.label());
        WrappedKey::wrap(store, head, &secret, &self.database, Nonce::generate(random)?).map(Some)
    }
}

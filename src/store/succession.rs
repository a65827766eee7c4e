//! A new store key: what unlocks from now on, and everything sealed again under what it wraps.

use super::keys::{device_row, put, without};
use super::rotation::{mark, unmark};
use super::{Credentials, Gate, Rotated, UnlockerInfo};
use crate::crypto::{Unlocker, WrappedKey};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Delete, Key, Put, WriteOp, system};
use crate::platform::random;

impl Credentials {
    /// Makes a new store key and a data key under it, wraps it for the unlockers that are at hand, removes the others, and
    /// seals everything again. Answers those that were removed.
    ///
    /// # Behavior
    ///
    /// - `wanted` has to open the store; `at_hand` are what may. One that is wrapped anew has a new name.
    /// - The keys change in one strict commit, together with the mark of a rotation, and are read back and used. From then
    ///   on it goes like [`rotate`](Credentials::rotate): what is stopped goes on once keys are open.
    /// - What a former secret opens, in this database or in an old copy of it, is not what is sealed from then on.
    /// - What other devices sealed under former keys meanwhile opens here. Keys that are open elsewhere seal no more.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `AUTHENTICATION_FAILED` or `KEY_MISSING` where `wanted` opens nothing; `ACCESS_DENIED` where nothing is at
    /// hand; `CONFLICT` where others change keys at the same time; those of [`rotate`](Credentials::rotate).
    pub async fn rotate_store_key(
        &self,
        wanted: Option<&dyn Unlocker>,
        at_hand: &[&dyn Unlocker],
        told: &dyn Fn(Rotated),
        gate: &Gate,
    ) -> Result<Vec<UnlockerInfo>> {
        let rotating = async {
            gate.pass()?;
            if self.locked() {
                return Err(Error::new(ErrorKind::Locked, "the keys are locked; unlock them first"));
            }
            self.learn_keys().await?;
            let removed = self.follow(wanted, at_hand).await?;
            self.seal_again(told, gate).await?;
            Ok(removed)
        };
        rotating.await.map_err(|error: Error| error.during("rotate"))
    }

    /// Whether another tab or device has made a store key that is not open here.
    #[must_use]
    pub fn followed(&self) -> bool {
        self.store.0.keyring.is_followed()
    }

    async fn follow(&self, wanted: Option<&dyn Unlocker>, at_hand: &[&dyn Unlocker]) -> Result<Vec<UnlockerInfo>> {
        let (keys, mut listed) = (self.store.keys().await?, self.unlockers().await?);
        let keyring = &self.store.0.keyring;
        let next = keyring.next_store_key(&keys.records, wanted, at_hand, &mut |bytes| random(bytes)).await?;
        let (mut others, mut undo) = (vec![keys.unchanged(), mark()?], without(&next.new));
        if !self.rotating().await? {
            undo.push(unmark());
        }
        for id in next.replaced.iter().map(ToString::to_string) {
            let (name, device) = (WrappedKey::name_of(&id), device_row(&id));
            undo.extend(keys.records.iter().filter(|record| record.name == name).map(put));
            if let Some(key) = self.store.of_device(device.clone()).await? {
                undo.push(WriteOp::Put(Put::new(system::DEVICE, device.clone(), Body::Clear(key))));
            }
            others.push(WriteOp::Delete(Delete::new(system::KEYS, Key::from(name.as_str()))));
            others.push(WriteOp::Delete(Delete::new(system::DEVICE, device)));
        }
        let unlockers: Vec<&dyn Unlocker> = wanted.into_iter().chain(at_hand.iter().copied()).collect();
        self.store.keep(next.new, others, &unlockers, undo).await?;
        listed.retain(|unlocker| next.removed.iter().any(|id| id.to_string() == unlocker.id));
        Ok(listed)
    }
}

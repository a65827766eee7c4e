//! What is to be sealed, as the user says at run time: remembered, and followed by every tab.

use super::{Collection, Credentials, DataStore, EntryOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, ToJson};
use crate::model::{Durability, Key, Put, Schema, WriteBatch, WriteOp, check_name, fits, system};
use crate::platform::now;
use crate::sync::{row_body, row_content, row_object};

/// The row of [`system::DEVICE`] that remembers them.
const ROW: &str = "sealing";

/// What is to be sealed of what need not be.
///
/// # Behavior
///
/// - Secrets and encrypted collections are sealed in any case, and what a write says of itself comes first. Then what is
///   said of its collection counts, then its key, and then what is said of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Whether every entry is sealed.
    pub all: bool,
    /// Collections and namespaces whose entries are sealed.
    pub sealed: Vec<String>,
    /// Collections and namespaces whose entries are not.
    pub clear: Vec<String>,
    /// Patterns of keys whose entries are sealed, in the place of the application's; its own, without.
    pub sensitive: Option<Vec<String>>,
}

impl Preferences {
    fn seals(&self, collection: &str, key: &Key, schema: &Schema) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name == collection);
        let sensitive = match &self.sensitive {
            Some(patterns) => patterns.iter().any(|pattern| fits(pattern, key)),
            None => schema.sensitive(key),
        };
        named(&self.sealed) || (!named(&self.clear) && (sensitive || self.all))
    }

    fn check(&self, schema: &Schema) -> Result<()> {
        let refused = |name: &String| {
            let message = "secrets and encrypted collections are sealed in any case; name others";
            Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name))
        };
        if let Some(name) = self.clear.iter().find(|name| schema.encrypted(name)) {
            return refused(name);
        }
        for name in self.sealed.iter().chain(&self.clear).filter(|name| *name != system::CREDENTIALS) {
            check_name(name)?;
        }
        Schema::default().seal_keys(self.sensitive.clone().unwrap_or_default())
    }
}

impl ToJson for Preferences {
    fn to_json(&self) -> String {
        row_object()
            .flag("all", self.all)
            .texts("sealed", &self.sealed)
            .texts("clear", &self.clear)
            .maybe(self.sensitive.as_ref(), |row, patterns| row.texts("sensitive", patterns))
            .finish()
    }
}

impl FromJson for Preferences {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self {
            all: members.required("all", Json::flag)?,
            sealed: members.required("sealed", Json::strings)?,
            clear: members.required("clear", Json::strings)?,
            sensitive: members.optional("sensitive", Json::strings)?,
        })
    }
}

impl Collection {
    /// Whether a write under this key seals its entry alone: since it says so, or since the user or the application does.
    #[must_use]
    pub fn seals(&self, key: &Key, options: &EntryOptions) -> bool {
        let inner = &self.store.0;
        let preferred = || inner.preferences.borrow().seals(self.name(), key, &inner.schema);
        options.encrypt.unwrap_or_else(|| !self.encrypted() && preferred())
    }
}

impl Credentials {
    /// What is to be sealed, as it was said last.
    #[must_use]
    pub fn preferences(&self) -> Preferences {
        self.store.0.preferences.borrow().clone()
    }

    /// Says what is to be sealed from now on; what is sealed stays so, and what lies in the clear is sealed by its next
    /// write. It is remembered before this resolves.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for what is no pattern, and where secrets or an encrypted collection are to lie in the clear;
    /// `INVALID_NAMESPACE` for what is no name; what storage fails with.
    pub async fn set_preferences(&self, preferences: Preferences) -> Result<()> {
        let said = async {
            preferences.check(&self.store.0.schema)?;
            let put = Put::new(system::DEVICE, Key::from(ROW), row_body(&preferences)?);
            let batch = WriteBatch { ops: vec![WriteOp::Put(put)], durability: Durability::Strict, now: now() };
            self.store.0.backend.commit(batch).await.map(drop)
        };
        said.await.map_err(|error| error.during("setPreferences"))?;
        self.store.0.preferences.replace(preferences);
        Ok(())
    }
}

impl DataStore {
    /// Reads what was said is to be sealed, here or in another tab.
    ///
    /// # Errors
    ///
    /// `CORRUPTED`, `VERSION_ERROR` for what cannot be read; what storage fails with.
    pub async fn read_preferences(&self) -> Result<()> {
        let row = self.0.backend.get(system::DEVICE, &[Key::from(ROW)]).await?.into_iter().next().flatten();
        let preferences = row.map_or(Ok(Preferences::default()), |row| row_content(&row, ROW))?;
        self.0.preferences.replace(preferences);
        Ok(())
    }
}

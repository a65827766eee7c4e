//! Which documents replicate, and how their conflicts are decided.

use crate::model::{Key, fits, sorted_names};
use crate::sync::Policies;

/// Which documents replicate, and how their conflicts are decided.
///
/// # Behavior
///
/// - A collection replicates as a whole, but for keys that are to stay on the device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicated {
    collections: Vec<String>,
    local: Vec<(String, Vec<String>)>,
    policies: Policies,
}

impl Replicated {
    /// These, the system's own among them where they do.
    #[must_use]
    pub fn new(collections: impl IntoIterator<Item = String>) -> Self {
        Self { collections: sorted_names(collections), ..Self::default() }
    }

    /// The same without some keys: of each of these collections, those that one of its patterns fits.
    ///
    /// A pattern is a key that is a text, or the beginning of one before `*`, or the end of one after it.
    #[must_use]
    pub fn keeping(self, local: &[(String, Vec<String>)]) -> Self {
        Self { local: local.to_vec(), ..self }
    }

    /// The same, their conflicts decided so: what is needed for that is kept beside each write.
    #[must_use]
    pub fn decided_by(self, policies: Policies) -> Self {
        Self { policies, ..self }
    }

    /// How their conflicts are decided.
    #[must_use]
    pub const fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The same, of these collections alone.
    #[must_use]
    pub fn among(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let collections = self.collections.iter().filter(|name| wanted(name)).cloned().collect();
        Self { collections, local: self.local.clone(), policies: self.policies.clone() }
    }

    /// Whether this collection does.
    #[must_use]
    pub fn contains(&self, collection: &str) -> bool {
        self.collections.iter().any(|name| name == collection)
    }

    /// Whether this document does.
    #[must_use]
    pub fn takes(&self, collection: &str, key: &Key) -> bool {
        self.contains(collection) && !self.stays(collection, key)
    }

    fn stays(&self, collection: &str, key: &Key) -> bool {
        let mut patterns = self.local.iter().filter(|(name, _)| name == collection).flat_map(|(_, patterns)| patterns);
        patterns.any(|pattern| fits(pattern, key))
    }

    /// Their names, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.collections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_replicates_but_for_the_keys_that_stay() {
        let local = [("settings".to_owned(), ["api_keys", "private_*", "*_key"].map(str::to_owned).to_vec())];
        let replicated = Replicated::new(["settings", "notes"].map(str::to_owned)).keeping(&local);
        let takes = |collection: &str, key: &str| replicated.takes(collection, &Key::from(key));
        for key in ["api_keys", "private_", "private_thing", "map_key", "_key"] {
            assert!(!takes("settings", key), "{key}");
            assert!(takes("notes", key), "{key}");
        }
        for key in ["theme", "api_keys2", "my_private_thing", "keys"] {
            assert!(takes("settings", key), "{key}");
        }
        assert!(replicated.takes("settings", &Key::from(7)));
        assert!(!takes("other", "theme"));
        assert_eq!(replicated.among(|name| name == "notes").names(), ["notes"]);
    }
}

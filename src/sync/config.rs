//! How sync is to be done.

use super::{Policies, Priority, Retry};
use crate::backend::layer::Replicated;

/// How sync is to be done.
#[derive(Debug, Clone)]
pub struct SyncConfig {
    /// The endpoint and space. Another name is another history: everything is offered to it anew.
    pub endpoint: String,
    /// The collections that replicate, the system's own among them. Nothing else is written by the endpoint.
    pub collections: Vec<String>,
    /// How conflicts are decided.
    pub policies: Policies,
    /// How failures are retried.
    pub retry: Retry,
    /// How often changes are pulled without any other reason, milliseconds.
    pub interval: f64,
    /// How long writes gather before they are sent, milliseconds.
    pub debounce: f64,
    /// How long the endpoint, and the token provider, may take to answer, milliseconds.
    pub timeout: f64,
    /// Whether changes are heard of as they happen, in the tab that leads, while the page is seen.
    pub live: bool,
    /// Whether rounds go by themselves, until [`Sync::enable`](super::Sync::enable) says otherwise.
    pub enabled: bool,
    /// Which of the collections are on or off, until [`Sync::set_preferences`](super::Sync::set_preferences) says otherwise. On, where not named.
    pub preferences: Vec<(String, bool)>,
    /// Which collections go before or after others.
    pub priority: Vec<(String, Priority)>,
    /// Of each collection, the keys that stay on this device: [`Replicated::keeping`].
    pub local: Vec<(String, Vec<String>)>,
}

impl SyncConfig {
    /// The usual ways for an endpoint and collections.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, collections: Vec<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            collections,
            policies: Policies::default(),
            retry: Retry::default(),
            interval: 60_000.0,
            debounce: 100.0,
            timeout: 60_000.0,
            live: true,
            enabled: true,
            preferences: Vec::new(),
            priority: Vec::new(),
            local: Vec::new(),
        }
    }

    /// Which documents replicate, unless their collection is switched off.
    #[must_use]
    pub fn replicated(&self) -> Replicated {
        let replicated = Replicated::new(self.collections.iter().cloned()).keeping(&self.local);
        replicated.decided_by(self.policies.clone())
    }
}

//! What sync goes by: what was said at run time, and the options where nothing was.

use super::SyncConfig;
use crate::backend::layer::Replicated;

/// What was said at run time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Said {
    /// Whether rounds go by themselves.
    pub(crate) enabled: Option<bool>,
    /// How often changes are pulled without any other reason, milliseconds.
    pub(crate) interval: Option<f64>,
    /// Which collections are switched on and off.
    pub(crate) preferences: Vec<(String, bool)>,
}

impl Said {
    /// Switches collections on or off; the others stay as they are.
    pub(crate) fn prefer(&mut self, preferences: &[(String, bool)]) {
        self.preferences.retain(|(name, _)| !preferences.iter().any(|(other, _)| other == name));
        self.preferences.extend_from_slice(preferences);
    }
}

/// What sync goes by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) enabled: bool,
    /// Milliseconds.
    pub(crate) interval: f64,
    /// What is sent and taken: what can replicate, and is not switched off.
    pub(crate) replicated: Replicated,
}

impl Wishes {
    /// What the options say where nothing was said at run time.
    pub(crate) fn of(config: &SyncConfig, said: &Said) -> Self {
        let switch =
            |list: &[(String, bool)], name: &str| list.iter().find(|(other, _)| other == name).map(|(_, on)| *on);
        let on =
            |name: &str| switch(&said.preferences, name).or_else(|| switch(&config.preferences, name)).unwrap_or(true);
        Self {
            enabled: said.enabled.unwrap_or(config.enabled),
            interval: said.interval.unwrap_or(config.interval),
            replicated: config.replicated().among(on),
        }
    }
}

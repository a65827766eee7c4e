//! How conflicts are decided, and where.

use super::protocol::Mode;
use crate::model::system;

/// How a conflict is decided: a document was changed here, and the endpoint has another state that this change was not
/// made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// The later stamp of the hybrid logical clock wins. The endpoint decides so too.
    #[default]
    Latest,
    /// Field by field, against the state that both changes were made on; of a field that both changed, and of what are no
    /// plain objects, the later stamp wins. A deletion gives way to a change.
    Merge,
    /// What was changed on the device that meets the conflict wins.
    Local,
    /// What the endpoint has wins.
    Remote,
    /// It is listed until someone decides.
    Manual,
    /// The application's function decides.
    Ask,
}

impl Policy {
    /// How operations are to be sent under this policy.
    ///
    /// Where the endpoint can decide as we would, it does, and saves a round; other policies compare and set.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::Latest => Mode::Lww,
            Self::Merge | Self::Local | Self::Remote | Self::Manual | Self::Ask => Mode::Cas,
        }
    }

    /// What this policy is called where it is written down.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Merge => "merge",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Manual => "manual",
            Self::Ask => "function",
        }
    }

    const fn keeps_base(self) -> bool {
        matches!(self, Self::Merge | Self::Manual | Self::Ask)
    }
}

/// How conflicts are decided, collection by collection.
///
/// # Behavior
///
/// - Of the system's own collections, secrets and keys among them, the latest wins whatever is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    default: Policy,
    others: Vec<(String, Policy)>,
}

impl Policies {
    /// This one everywhere.
    #[must_use]
    pub const fn new(default: Policy) -> Self {
        Self { default, others: Vec::new() }
    }

    /// This one for a collection.
    #[must_use]
    pub fn with(mut self, collection: &str, policy: Policy) -> Self {
        self.others.push((collection.to_owned(), policy));
        self
    }

    /// The one of a collection.
    #[must_use]
    pub fn of(&self, collection: &str) -> Policy {
        if system::is_own(collection) {
            return Policy::Latest;
        }
        let own = self.others.iter().find(|(name, _)| name == collection);
        own.map_or(self.default, |(_, policy)| *policy)
    }

    /// The collections that have one of their own.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the endpoint decides everywhere as we would.
    pub(crate) fn are_latest(&self) -> bool {
        self.default == Policy::Latest && self.others.iter().all(|(_, policy)| *policy == Policy::Latest)
    }

    /// Whether a write keeps beside it what the endpoint has.
    pub(crate) fn keeps_base(&self, collection: &str) -> bool {
        self.of(collection).keeps_base()
    }

    /// Whether another envelope of the same content must be told from a change.
    pub(crate) fn tells_reseals(&self, collection: &str) -> bool {
        !matches!(self.of(collection), Policy::Latest | Policy::Remote)
    }
}

impl From<Policy> for Policies {
    fn from(policy: Policy) -> Self {
        Self::new(policy)
    }
}

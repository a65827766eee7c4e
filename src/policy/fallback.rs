//! Which backend serves.

use crate::error::{Error, ErrorKind, Result};

/// The backends to try, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates(Vec<String>);

impl Candidates {
    /// Reads the options `platform`, `type`, `primary` and `fallbacks`.
    ///
    /// # Behavior
    ///
    /// - `platform: "auto"`, or nothing, is IndexedDB and then memory.
    /// - `type` is that one backend and no other.
    /// - `primary` is that one, then its `fallbacks` in order.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where more than one way of saying it is used, or a platform that is not known.
    pub fn of(
        platform: Option<&str>,
        kind: Option<&str>,
        primary: Option<&str>,
        fallbacks: Option<&[String]>,
    ) -> Result<Self> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidConfig, message));
        match (platform, kind, primary, fallbacks) {
            (None | Some("auto"), None, None, None) => Ok(Self(vec!["indexeddb".to_owned(), "memory".to_owned()])),
            (None, Some(kind), None, None) => Ok(Self(vec![kind.to_owned()])),
            (None, None, Some(primary), fallbacks) => {
                let fallbacks = fallbacks.unwrap_or_default().iter().cloned();
                Ok(Self(core::iter::once(primary.to_owned()).chain(fallbacks).collect()))
            }
            (None, None, None, Some(_)) => refuse("“fallbacks” needs a “primary”"),
            (Some(platform), None, None, None) => {
                Err(Error::new(ErrorKind::InvalidConfig, "the only platform is “auto”; name a backend with “type”")
                    .with("platform", platform))
            }
            _ => refuse("give one of “platform”, “type” and “primary”"),
        }
    }

    /// The backends, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Whether a backend that fails to open so may be replaced by the next.
///
/// What the application or another tab can mend is told, not hidden behind an empty store.
#[must_use]
pub const fn falls_back(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Unsupported
            | ErrorKind::Timeout
            | ErrorKind::ConnectionLost
            | ErrorKind::Aborted
            | ErrorKind::QuotaExceeded
            | ErrorKind::Corrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(candidates: Result<Candidates>) -> Vec<String> {
        candidates.unwrap().iter().map(str::to_owned).collect()
    }

    #[test]
    fn auto_is_indexeddb_and_then_memory() {
        assert_eq!(names(Candidates::of(None, None, None, None)), ["indexeddb", "memory"]);
        assert_eq!(names(Candidates::of(Some("auto"), None, None, None)), ["indexeddb", "memory"]);
    }

    #[test]
    fn a_named_type_has_no_fallback() {
        assert_eq!(names(Candidates::of(None, Some("indexeddb"), None, None)), ["indexeddb"]);
    }

    #[test]
    fn a_primary_comes_before_its_fallbacks_in_order() {
        let fallbacks = ["memory".to_owned(), "other".to_owned()];
        assert_eq!(names(Candidates::of(None, None, Some("cloud"), Some(&fallbacks))), ["cloud", "memory", "other"]);
    }

    #[test]
    fn two_ways_of_saying_it_are_refused() {
        for candidates in [
            Candidates::of(Some("auto"), Some("memory"), None, None),
            Candidates::of(None, Some("memory"), Some("memory"), None),
            Candidates::of(None, None, None, Some(&[])),
            Candidates::of(Some("desktop"), None, None, None),
        ] {
            assert_eq!(candidates.unwrap_err().kind(), ErrorKind::InvalidConfig);
        }
    }

    #[test]
    fn a_mistake_is_told_and_not_hidden_behind_an_empty_store() {
        for kind in [ErrorKind::VersionError, ErrorKind::InvalidConfig, ErrorKind::Blocked, ErrorKind::InvalidNamespace]
        {
            assert!(!falls_back(kind));
        }
        assert!(falls_back(ErrorKind::Unsupported));
    }
}

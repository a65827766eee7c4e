//! Patterns of keys: a key, the beginning of one before `*`, or the end of one after it.

use super::Key;
use crate::error::{Error, ErrorKind, Result};

/// Whether a key fits a pattern. Only texts do.
pub(crate) fn fits(pattern: &str, key: &Key) -> bool {
    let Key::String(key) = key else { return false };
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => key.ends_with(end),
        (None, Some(beginning)) => key.starts_with(beginning),
        (None, None) => key == pattern,
    }
}

/// Refuses what is no pattern, or fits every key.
pub(super) fn check(pattern: &str) -> Result<()> {
    let rest = pattern.strip_prefix('*').or(pattern.strip_suffix('*')).unwrap_or(pattern);
    if rest.is_empty() || rest.contains('*') {
        let message = "a pattern of keys is a key, “beginning*” or “*end”; to seal everything, declare the collection \
                       encrypted";
        return Err(Error::new(ErrorKind::InvalidConfig, message).with("pattern", pattern));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_a_key_a_beginning_or_an_end() {
        for (pattern, key, wanted) in [
            ("api_keys", "api_keys", true),
            ("api_keys", "api_keys2", false),
            ("private_*", "private_", true),
            ("private_*", "my_private_", false),
            ("*_key", "map_key", true),
            ("*_key", "keys", false),
        ] {
            assert_eq!(fits(pattern, &Key::from(key)), wanted, "{pattern} {key}");
        }
        assert!(!fits("7", &Key::from(7)));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "*", "**", "a*b", "*a*", "a**"] {
            assert_eq!(check(pattern).unwrap_err().kind(), ErrorKind::InvalidConfig, "{pattern:?}");
        }
        for pattern in ["a", "a*", "*a"] {
            check(pattern).unwrap();
        }
    }
}

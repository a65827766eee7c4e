//! The endpoint's time.

/// Milliseconds since the epoch.
pub(crate) fn now() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and whole")]
    let millis = tidekeep::platform::now() as u64;
    millis
}

/// Milliseconds as a double, the form that stamps compare with.
pub(crate) fn as_double(millis: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time fits a double exactly for 200 000 years")]
    let double = millis as f64;
    double
}

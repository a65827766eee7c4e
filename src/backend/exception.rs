//! What browsers throw, in our words: one table.

use crate::error::ErrorKind;

/// The kind for the name of a `DOMException`.
///
/// Source: Web IDL, “`DOMException`”, and the Indexed Database API's use of it.
#[must_use]
pub fn kind_of(name: &str, message: &str) -> ErrorKind {
    if let Some(kind) = kind_by_message(name, message) {
        return kind;
    }
    match name {
        "ConstraintError" => ErrorKind::AlreadyExists,
        "DataError" => ErrorKind::InvalidKey,
        "DataCloneError" => ErrorKind::InvalidValue,
        "QuotaExceededError" => ErrorKind::QuotaExceeded,
        "VersionError" | "NotFoundError" => ErrorKind::VersionError,
        "AbortError" => ErrorKind::Aborted,
        "TimeoutError" => ErrorKind::Timeout,
        "NotReadableError" => ErrorKind::Corrupted,
        "InvalidStateError" | "UnknownError" | "TransactionInactiveError" => ErrorKind::ConnectionLost,
        // SecurityError, NotAllowedError, NotSupportedError, ReadOnlyError, InvalidAccessError and whatever comes:
        // the platform does not let us.
        _ => ErrorKind::Unsupported,
    }
}

/// What engines say under names that say something else: the names, a part of the message, and what it is.
const SAID: &[(&[&str], &str, ErrorKind)] = &[
    // Chromium, with its own numbers for what it means; on a full disk it says so in the message only.
    (&["AbortError", "UnknownError"], "quota", ErrorKind::QuotaExceeded),
    (&["AbortError", "UnknownError"], "full disk", ErrorKind::QuotaExceeded),
    (&["AbortError", "UnknownError"], "not enough space", ErrorKind::QuotaExceeded),
    (&["AbortError"], "connection", ErrorKind::ConnectionLost),
    (&["AbortError"], "closing", ErrorKind::ConnectionLost),
    (&["AbortError"], "backing store", ErrorKind::ConnectionLost),
    (&["AbortError"], "internal error", ErrorKind::ConnectionLost),
    // Chromium keeps large values in files of their own, and these get lost.
    (&["DataError", "UnknownError"], "failed to read large", ErrorKind::Corrupted),
    // WebKit in a private window, which has nowhere to keep one.
    (&["UnknownError"], "blob/file data", ErrorKind::InvalidValue),
    // Firefox in a private window of old.
    (&["InvalidStateError"], "did not allow mutations", ErrorKind::Unsupported),
    // WebKit, on whatever it was that was asked when its storage process ended.
    (&["DataError", "NotFoundError", "TimeoutError"], "indexed database server", ErrorKind::ConnectionLost),
];

fn kind_by_message(name: &str, message: &str) -> Option<ErrorKind> {
    let names = |names: &[&str]| names.contains(&name);
    if !SAID.iter().any(|(under, ..)| names(under)) {
        return None;
    }
    let message = message.to_ascii_lowercase();
    SAID.iter().find(|(under, part, _)| names(under) && message.contains(part)).map(|(.., kind)| *kind)
}

/// What to do about it.
#[must_use]
pub const fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AlreadyExists => "another record has this value in a unique index; choose another value",
        ErrorKind::InvalidKey => {
            "the browser refuses the key; use a string, a number, a Date, bytes or an array of such"
        }
        ErrorKind::InvalidValue => "the browser cannot store the value; functions, symbols and handles have no copy",
        ErrorKind::QuotaExceeded => "the browser's storage is full; delete data or ask the user for room",
        ErrorKind::VersionError => "the database is of another version than this code; reload the application",
        ErrorKind::Timeout => "the browser's storage did not answer in time; try again",
        ErrorKind::Corrupted => "the browser cannot read what it stored; restore from the endpoint or a backup",
        ErrorKind::ConnectionLost => "the browser lost the database; it is opened again at the next call",
        ErrorKind::Aborted => "the browser called the transaction off; try again",
        _ => "the browser does not allow it here; storage may be disabled or the page embedded without it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every name that Web IDL lists and IndexedDB may use.
    const TABLE: &[(&str, &str, ErrorKind)] = &[
        ("ConstraintError", "", ErrorKind::AlreadyExists),
        ("DataError", "", ErrorKind::InvalidKey),
        ("DataCloneError", "", ErrorKind::InvalidValue),
        ("QuotaExceededError", "", ErrorKind::QuotaExceeded),
        ("VersionError", "", ErrorKind::VersionError),
        ("NotFoundError", "", ErrorKind::VersionError),
        ("NotReadableError", "", ErrorKind::Corrupted),
        ("TimeoutError", "", ErrorKind::Timeout),
        ("TransactionInactiveError", "", ErrorKind::ConnectionLost),
        ("AbortError", "The transaction was aborted, so the request cannot be fulfilled.", ErrorKind::Aborted),
        // Seen in the field: Chromium.
        (
            "InvalidStateError",
            "Failed to execute 'transaction' on 'IDBDatabase': The database connection is closing.",
            ErrorKind::ConnectionLost,
        ),
        ("UnknownError", "Internal error opening backing store for indexedDB.open.", ErrorKind::ConnectionLost),
        ("UnknownError", "Internal error.", ErrorKind::ConnectionLost),
        ("UnknownError", "Internal error committing transaction.", ErrorKind::ConnectionLost),
        ("AbortError", "Connection is closing.", ErrorKind::ConnectionLost),
        ("AbortError", "Internal error committing transaction.", ErrorKind::ConnectionLost),
        ("AbortError", "Current transaction exceeded its quota limitations.", ErrorKind::QuotaExceeded),
        (
            "UnknownError",
            "Encountered full disk while opening backing store for indexedDB.open.",
            ErrorKind::QuotaExceeded,
        ),
        ("AbortError", "Encountered full disk while committing transaction.", ErrorKind::QuotaExceeded),
        ("DataError", "Failed to read large IndexedDB value", ErrorKind::Corrupted),
        (
            "NotReadableError",
            "Data lost due to missing file. Affected record should be considered irrecoverable",
            ErrorKind::Corrupted,
        ),
        // WebKit.
        (
            "UnknownError",
            "Connection to Indexed Database server lost. Refresh the page to try again",
            ErrorKind::ConnectionLost,
        ),
        ("UnknownError", "An internal error was encountered in the Indexed Database server", ErrorKind::ConnectionLost),
        (
            "UnknownError",
            "Attempt to get all index records from database without an in-progress transaction",
            ErrorKind::ConnectionLost,
        ),
        ("UnknownError", "Database deleted by request of the user", ErrorKind::ConnectionLost),
        ("QuotaExceededError", "Exceeded storage quota", ErrorKind::QuotaExceeded),
        // Firefox.
        (
            "UnknownError",
            "The operation failed for reasons unrelated to the database itself and not covered by any other error code.",
            ErrorKind::ConnectionLost,
        ),
        (
            "InvalidStateError",
            "A mutation operation was attempted on a database that did not allow mutations.",
            ErrorKind::Unsupported,
        ),
        ("SecurityError", "", ErrorKind::Unsupported),
        ("NotAllowedError", "", ErrorKind::Unsupported),
        ("NotSupportedError", "", ErrorKind::Unsupported),
        ("ReadOnlyError", "", ErrorKind::Unsupported),
        ("InvalidAccessError", "", ErrorKind::Unsupported),
        ("SomethingNew", "", ErrorKind::Unsupported),
    ];

    #[test]
    fn every_exception_has_its_kind() {
        for (name, message, kind) in TABLE {
            assert_eq!(kind_of(name, message), *kind, "{name}: {message}");
        }
    }
}

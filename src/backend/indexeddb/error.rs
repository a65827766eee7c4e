//! What browsers throw, in our words: one table.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

use crate::error::{Error, ErrorKind};
use crate::platform::said;

/// The kind for the name of a `DOMException`.
///
/// Source: Web IDL, “`DOMException`”, and the Indexed Database API's use of it.
fn kind_of(name: &str, message: &str) -> ErrorKind {
    match name {
        "ConstraintError" => ErrorKind::AlreadyExists,
        "DataError" => ErrorKind::InvalidKey,
        "DataCloneError" => ErrorKind::InvalidValue,
        "QuotaExceededError" => ErrorKind::QuotaExceeded,
        "VersionError" | "NotFoundError" => ErrorKind::VersionError,
        "AbortError" => aborted(message),
        "TimeoutError" => ErrorKind::Timeout,
        "NotReadableError" => ErrorKind::Corrupted,
        "InvalidStateError" | "UnknownError" | "TransactionInactiveError" => ErrorKind::ConnectionLost,
        // SecurityError, NotAllowedError, NotSupportedError, ReadOnlyError, InvalidAccessError and whatever comes:
        // the platform does not let us.
        _ => ErrorKind::Unsupported,
    }
}

/// Some browsers abort with the cause in the message alone.
fn aborted(message: &str) -> ErrorKind {
    let message = message.to_ascii_lowercase();
    if message.contains("quota") || message.contains("full disk") {
        ErrorKind::QuotaExceeded
    } else if message.contains("connection") || message.contains("closing") || message.contains("backing store") {
        ErrorKind::ConnectionLost
    } else {
        ErrorKind::Aborted
    }
}

const fn advice(kind: ErrorKind) -> &'static str {
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

/// The error for whatever a browser threw or handed over, null included.
pub(super) fn from_js(thrown: &JsValue) -> Error {
    let (name, message) = match (thrown.dyn_ref::<DomException>(), thrown.dyn_ref::<js_sys::Error>()) {
        (Some(exception), _) => (exception.name(), exception.message()),
        (None, Some(error)) => (String::from(error.name()), String::from(error.message())),
        (None, None) => ("UnknownError".to_owned(), String::new()),
    };
    let kind = kind_of(&name, &message);
    Error::new(kind, advice(kind)).caused_by(said(thrown))
}

/// The error behind one of rexie's.
pub(super) fn from_rexie(error: &rexie::Error) -> Error {
    // rexie says only "idb error"; the exception is in the error inside, as text.
    let said = match error {
        rexie::Error::IdbError(inner) => inner.to_string(),
        other => other.to_string(),
    };
    let name =
        ["VersionError", "QuotaExceededError", "ConstraintError", "AbortError", "InvalidStateError", "UnknownError"]
            .into_iter()
            .find(|name| said.contains(name))
            .unwrap_or("UnknownError");
    let kind = kind_of(name, &said);
    Error::new(kind, advice(kind)).caused_by(said)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

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
        ("InvalidStateError", "The database connection is closing.", ErrorKind::ConnectionLost),
        (
            "UnknownError",
            "Connection to Indexed Database server lost. Refresh the page to try again",
            ErrorKind::ConnectionLost,
        ),
        ("UnknownError", "Internal error opening backing store for indexedDB.open.", ErrorKind::ConnectionLost),
        ("TransactionInactiveError", "", ErrorKind::ConnectionLost),
        ("AbortError", "The transaction was aborted, so the request cannot be fulfilled.", ErrorKind::Aborted),
        ("AbortError", "Current transaction exceeded its quota limitations.", ErrorKind::QuotaExceeded),
        ("AbortError", "Encountered full disk while opening backing store", ErrorKind::QuotaExceeded),
        ("AbortError", "Connection is closing.", ErrorKind::ConnectionLost),
        ("SecurityError", "", ErrorKind::Unsupported),
        ("NotAllowedError", "", ErrorKind::Unsupported),
        ("NotSupportedError", "", ErrorKind::Unsupported),
        ("ReadOnlyError", "", ErrorKind::Unsupported),
        ("InvalidAccessError", "", ErrorKind::Unsupported),
        ("SomethingNew", "", ErrorKind::Unsupported),
    ];

    #[wasm_bindgen_test]
    fn every_exception_has_its_kind() {
        for (name, message, kind) in TABLE {
            let thrown = DomException::new_with_message_and_name(message, name).unwrap();
            assert_eq!(from_js(&thrown).kind(), *kind, "{name}: {message}");
        }
    }

    #[wasm_bindgen_test]
    fn an_error_that_is_null_is_a_lost_connection() {
        assert_eq!(from_js(&JsValue::NULL).kind(), ErrorKind::ConnectionLost);
    }
}

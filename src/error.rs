//! The one error of the crate: what happened, to what, and what to do.

use core::fmt;

/// A result whose error is [`Error`].
pub type Result<T> = core::result::Result<T, Error>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident;)*) => {
        /// What went wrong. Its [`code`](ErrorKind::code) is the public, stable name that applications match on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind { $($(#[$doc])* $name,)* }

        impl ErrorKind {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The public code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether the same call may succeed later, unchanged.
            #[must_use]
            pub const fn status(self) -> ErrorStatus {
                match self { $(Self::$name => ErrorStatus::$status,)* }
            }
        }
    };
}

kinds! {
    /// A required entry is not there.
    NotFound = "NOT_FOUND", Permanent;
    /// The key, or the unique value of an index, is taken.
    AlreadyExists = "ALREADY_EXISTS", Permanent;
    /// A key is of a type that cannot be a key, or is missing.
    InvalidKey = "INVALID_KEY", Permanent;
    /// A value cannot be stored.
    InvalidValue = "INVALID_VALUE", Permanent;
    /// A namespace or collection name is empty, reserved or unknown.
    InvalidNamespace = "INVALID_NAMESPACE", Permanent;
    /// A filter, sort or cursor makes no sense.
    InvalidQuery = "INVALID_QUERY", Permanent;
    /// An option is unknown or has a wrong value.
    InvalidConfig = "INVALID_CONFIG", Permanent;
    /// A transaction is unknown or over.
    InvalidTransaction = "INVALID_TRANSACTION", Permanent;
    /// A namespace still holds entries.
    NotEmpty = "NOT_EMPTY", Permanent;
    /// What was read has changed in the meantime.
    Conflict = "CONFLICT", Permanent;
    /// A record does not fit its schema.
    ValidationFailed = "VALIDATION_FAILED", Permanent;
    /// There is no room.
    QuotaExceeded = "QUOTA_EXCEEDED", Permanent;
    /// The rules do not allow it.
    AccessDenied = "ACCESS_DENIED", Permanent;
    /// A passphrase or token is wrong.
    AuthenticationFailed = "AUTHENTICATION_FAILED", Permanent;
    /// The keys are locked.
    Locked = "LOCKED", Permanent;
    /// The data key is not on this device.
    KeyMissing = "KEY_MISSING", Permanent;
    /// A ciphertext was changed, moved or cut.
    DecryptionFailed = "DECRYPTION_FAILED", Permanent;
    /// The page has no secure context, and so no Web Crypto.
    InsecureContext = "INSECURE_CONTEXT", Permanent;
    /// Stored bytes are not what was written.
    Corrupted = "CORRUPTED", Permanent;
    /// The endpoint did not answer, or not in the protocol.
    NetworkError = "NETWORK_ERROR", Temporary;
    /// Something took longer than it may.
    Timeout = "TIMEOUT", Temporary;
    /// A value has no serialised form.
    SerializationError = "SERIALIZATION_ERROR", Permanent;
    /// This backend or platform cannot do it.
    Unsupported = "UNSUPPORTED", Permanent;
    /// The database was made by a newer schema.
    VersionError = "VERSION_ERROR", Permanent;
    /// Another tab holds the database in an older version.
    Blocked = "BLOCKED", Temporary;
    /// The browser lost its database connection.
    ConnectionLost = "CONNECTION_LOST", Temporary;
    /// The store is closed.
    Closed = "CLOSED", Permanent;
    /// The caller, or the browser, called it off.
    Aborted = "ABORTED", Temporary;
}

/// What a retry is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorStatus {
    /// The same call fails again.
    Permanent,
    /// The same call may succeed later.
    Temporary,
}

/// A failed operation.
///
/// # Behavior
///
/// - [`kind`](Error::kind) is what a program matches on; the message is for people.
/// - The context names what was concerned, and never holds a value or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    status: ErrorStatus,
    operation: &'static str,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<String>,
}

impl Error {
    /// An error of `kind` with a message that says what happened and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            status: kind.status(),
            operation: "",
            message: message.into(),
            context: Vec::new(),
            source: None,
        }))
    }

    /// Names the operation that failed. The outermost is the last to say so: what the caller called.
    #[must_use]
    pub fn during(mut self, operation: &'static str) -> Self {
        self.0.operation = operation;
        self
    }

    /// Adds what was concerned: a collection, a key, a size. Never a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Keeps what a browser or library said.
    #[must_use]
    pub fn caused_by(mut self, source: impl fmt::Display) -> Self {
        self.0.source = Some(source.to_string());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What a retry is worth.
    #[must_use]
    pub fn status(&self) -> ErrorStatus {
        self.0.status
    }

    /// The operation that failed, in the words of the public interface.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The message without its context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was concerned, as names and values.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// What a browser or library said.
    #[must_use]
    pub fn source_text(&self) -> Option<&str> {
        self.0.source.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if !self.0.context.is_empty() {
            let parts: Vec<String> = self.0.context.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            write!(f, " ({})", parts.join(", "))?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_upper_case_and_distinct() {
        let mut codes: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }

    #[test]
    fn a_message_says_what_happened_and_to_what() {
        let error =
            Error::new(ErrorKind::AlreadyExists, "the key is taken").with("collection", "notes").with("key", "a");
        assert_eq!(error.to_string(), "the key is taken (collection: notes, key: a)");
    }

    #[test]
    fn the_operation_is_what_the_caller_called() {
        let error = Error::new(ErrorKind::Closed, "closed").during("commit").during("set");
        assert_eq!(error.operation(), "set");
    }
}

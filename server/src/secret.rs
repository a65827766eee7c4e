//! The secret that tokens are signed with.

use core::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::private_file;

/// HS256 asks for a key of at least its output. Source: RFC 7518, section 3.2.
const MIN_BYTES: usize = 32;

/// A signing secret. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of these bytes.
    ///
    /// # Errors
    ///
    /// Where there are fewer than 32 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ConfigError> {
        let bytes = bytes.into();
        if bytes.len() < MIN_BYTES {
            return Err(ConfigError::new("the token secret is too short; give at least 32 bytes"));
        }
        Ok(Self(bytes))
    }

    /// Reads a secret from a file; white space around it does not count.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or holds too little.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read(path).map_err(|error| cannot("read", path, &error))?;
        Self::new(text.trim_ascii())
    }

    /// The secret of development mode, beside the database: made at the first start, the same ever after.
    ///
    /// # Errors
    ///
    /// Where the file can be neither read nor made.
    pub fn beside(database: &Path) -> Result<Self, ConfigError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".secret");
        let path = PathBuf::from(name);
        if path.exists() {
            return Self::from_file(&path);
        }
        let mut bytes = [0_u8; 32];
        tidekeep::platform::random(&mut bytes).map_err(|error| ConfigError::new(error.to_string()))?;
        let text = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let written = private_file::create_new(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        match written {
            Ok(()) => Self::new(text),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::from_file(&path),
            Err(error) => Err(cannot("write", &path, &error)),
        }
    }

    /// The bytes, for signing and checking only.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::new(format!("cannot {verb} the token secret at {}: {error}", path.display()))
}

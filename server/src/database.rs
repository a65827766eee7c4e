//! Which database keeps the documents.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

/// Which database keeps the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file, for one instance.
    Sqlite(PathBuf),
    /// A PostgreSQL database, for any number of instances.
    Postgres(PostgresUrl),
}

impl Database {
    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for Database {
    type Err = core::convert::Infallible;

    /// A URL of PostgreSQL, or else the name of a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            Self::Postgres(PostgresUrl(text.to_owned()))
        } else {
            Self::Sqlite(PathBuf::from(text))
        })
    }
}

/// The URL of a PostgreSQL database. It may hold a password, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_postgres_is_told_from_a_file_and_its_password_is_not_shown() {
        let url: Database = "postgres://me:word@host/base".parse().unwrap();
        assert!(url.file().is_none());
        assert!(!format!("{url:?}").contains("word"));
        for file in ["tidekeep.sqlite", "/var/lib/postgres/x", "postgres"] {
            assert_eq!(file.parse::<Database>().unwrap().file(), Some(Path::new(file)));
        }
    }
}

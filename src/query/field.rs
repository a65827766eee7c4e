//! Fields: what of a record a filter or sort looks at.

use core::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::model::system;

/// What of a record a filter or sort looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The record's key: `$key`.
    Key,
    /// The list of its tags: `$tags`.
    Tags,
    /// When it was first written, a date: `$created`.
    Created,
    /// When it was last written, a date: `$modified`.
    Modified,
    /// When it ends, a date; missing where it does not: `$expires`.
    Expires,
    /// How often it was written, a number: `$version`.
    Version,
    /// A dotted path into the application's metadata: `$meta.path`.
    Metadata(String),
    /// A dotted path into the value.
    Value(String),
}

impl Field {
    /// Reads the public form.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where the text is empty, has an empty name between dots, or begins with `$` and is none of those
    /// above.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidQuery, message).with("field", text));
        let field = match text {
            "" => return refuse("a field needs a name: a property, a path like “address.city”, or “$key”"),
            "$key" => Self::Key,
            system::TAGS => Self::Tags,
            "$created" => Self::Created,
            "$modified" => Self::Modified,
            "$expires" => Self::Expires,
            "$version" => Self::Version,
            _ => match text.strip_prefix(system::METADATA) {
                Some(path) => Self::Metadata(path.to_owned()),
                None if text.starts_with('$') => {
                    return refuse(
                        "of the fields with “$” there are $key, $tags, $created, $modified, $expires, $version and $meta.name",
                    );
                }
                None => Self::Value(text.to_owned()),
            },
        };
        match &field {
            Self::Metadata(path) | Self::Value(path) if path.split('.').any(str::is_empty) => {
                refuse("a path is property names joined with single dots")
            }
            _ => Ok(field),
        }
    }
}

impl Field {
    /// What a path of an index looks at.
    pub(super) fn indexed(path: &str) -> Self {
        match path.strip_prefix(system::METADATA) {
            Some(path) => Self::Metadata(path.to_owned()),
            None if path == system::TAGS => Self::Tags,
            None => Self::Value(path.to_owned()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("$key"),
            Self::Tags => f.write_str(system::TAGS),
            Self::Created => f.write_str("$created"),
            Self::Modified => f.write_str("$modified"),
            Self::Expires => f.write_str("$expires"),
            Self::Version => f.write_str("$version"),
            Self::Metadata(path) => write!(f, "$meta.{path}"),
            Self::Value(path) => f.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_written_as_it_was_read() {
        for text in [
            "$key",
            "$tags",
            "$created",
            "$modified",
            "$expires",
            "$version",
            "$meta.author",
            "$meta.a.b",
            "name",
            "address.city",
            "first-name",
            "straße",
        ] {
            assert_eq!(Field::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Field::parse("$meta.author").unwrap(), Field::Metadata("author".to_owned()));
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for text in ["", ".", ".a", "a.", "a..b", "$", "$meta", "$meta.", "$meta..a", "$other", "$keys"] {
            assert_eq!(Field::parse(text).unwrap_err().kind(), ErrorKind::InvalidQuery, "{text:?}");
        }
    }
}

//! Operators and their public names.

use crate::error::{Error, ErrorKind, Result};

/// How a field is compared. The [module](super) says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// There, and not equal.
    Ne,
    /// Above.
    Gt,
    /// Above or equal.
    Gte,
    /// Below.
    Lt,
    /// Below or equal.
    Lte,
    /// Equal to one of a list.
    In,
    /// There, and equal to none of a list.
    Nin,
    /// From the first to the second, both included.
    Between,
    /// An array with such an element, or a string with such a part.
    Contains,
    /// What [`Contains`](Self::Contains) becomes on a field with a multi-entry index: an array with such an element,
    /// or that value by itself. It has no name of its own.
    Member,
    /// A string that begins so.
    StartsWith,
    /// A string that ends so.
    EndsWith,
    /// There, or missing.
    Exists,
}

const NAMED: [Operator; 13] = [
    Operator::Eq,
    Operator::Ne,
    Operator::Gt,
    Operator::Gte,
    Operator::Lt,
    Operator::Lte,
    Operator::In,
    Operator::Nin,
    Operator::Between,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
    Operator::Exists,
];

impl Operator {
    /// Reads the public name.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for any other text; the message lists the names.
    pub fn parse(text: &str) -> Result<Self> {
        NAMED.into_iter().find(|operator| operator.name() == text).ok_or_else(|| {
            let names: Vec<&str> = NAMED.iter().map(|operator| operator.name()).collect();
            Error::new(ErrorKind::InvalidQuery, format!("there is no such operator; use one of {}", names.join(" ")))
                .with("operator", text)
        })
    }

    /// The public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::In => "in",
            Self::Nin => "nin",
            Self::Between => "between",
            Self::Contains | Self::Member => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Exists => "exists",
        }
    }

    /// Whether its operand is a list: of `in`, `nin` and `between`.
    #[must_use]
    pub const fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Nin | Self::Between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for operator in NAMED {
            assert_eq!(Operator::parse(operator.name()).unwrap(), operator);
        }
    }

    #[test]
    fn an_unknown_operator_is_refused_with_the_names_that_there_are() {
        for text in ["", "EQ", "==", "starts_with", "like", "eq "] {
            let error = Operator::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{text:?}");
            assert!(error.message().contains("startsWith"));
        }
    }
}

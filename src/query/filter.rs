//! Filters: conditions on fields, joined.

use super::{Field, Operator};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Collection, Fields, Key, KeyPath, Scalar};

/// Which records are wanted. The [module](super) says what it means.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// A condition on one field. [`Filter::compare`] makes one that makes sense; any other matches nothing.
    Compare {
        /// What is looked at.
        field: Field,
        /// How it is compared.
        operator: Operator,
        /// With what.
        value: Operand,
    },
    /// All of these.
    And(Vec<Self>),
    /// One of these at least.
    Or(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A value.
    One(Scalar),
    /// A list of values, for the operators that [take a list](Operator::takes_list).
    Many(Vec<Scalar>),
}

impl Filter {
    /// A condition on one field.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where the operand is not one for the operator; the message says what would be.
    pub fn compare(field: Field, operator: Operator, value: Operand) -> Result<Self> {
        match fault(operator, &value) {
            None => Ok(Self::Compare { field, operator, value }),
            Some(message) => {
                Err(Error::new(ErrorKind::InvalidQuery, message).with("field", field).with("operator", operator.name()))
            }
        }
    }

    /// A condition on one field whose operand is a value of the application's.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where the operand is not one for the operator; the message says what would be.
    pub fn compare_with(field: Field, operator: Operator, value: &impl Fields) -> Result<Self> {
        let list = if operator.takes_list() { value.elements() } else { None };
        let operand = match list {
            Some(elements) => Operand::Many(elements.iter().map(Fields::scalar).collect()),
            None => Operand::One(value.scalar()),
        };
        Self::compare(field, operator, operand)
    }

    /// The filter as it is meant for a collection: `contains` on a field with a multi-entry index is
    /// [membership](Operator::Member).
    #[must_use]
    pub fn normalised(&self, collection: Option<&Collection>) -> Self {
        let each = |filters: &[Self]| filters.iter().map(|filter| filter.normalised(collection)).collect();
        match self {
            Self::Compare { field, operator: Operator::Contains, value }
                if collection.is_some_and(|collection| has_multi_entry(collection, field)) =>
            {
                Self::Compare { field: field.clone(), operator: Operator::Member, value: value.clone() }
            }
            Self::Compare { .. } => self.clone(),
            Self::And(filters) => Self::And(each(filters)),
            Self::Or(filters) => Self::Or(each(filters)),
            Self::Not(filter) => Self::Not(Box::new(filter.normalised(collection))),
        }
    }

    /// The conditions that all must hold.
    pub(super) fn into_conjuncts(self) -> Vec<Self> {
        match self {
            Self::And(filters) => filters.into_iter().flat_map(Self::into_conjuncts).collect(),
            Self::Or(mut filters) if filters.len() == 1 => filters.pop().map(Self::into_conjuncts).unwrap_or_default(),
            other => vec![other],
        }
    }
}

fn has_multi_entry(collection: &Collection, field: &Field) -> bool {
    let over = |key_path: &KeyPath| matches!(key_path, KeyPath::Single(path) if Field::indexed(path) == *field);
    collection.indexes.iter().any(|index| index.multi_entry && over(&index.key_path))
}

/// What is wrong with an operand, if anything is.
fn fault(operator: Operator, value: &Operand) -> Option<&'static str> {
    const COMPARABLE: &str = "an order needs a number, date, string, bytes or an array of such to compare with";
    match (operator, value) {
        (Operator::In | Operator::Nin, Operand::Many(list)) => list.iter().find_map(no_value),
        (Operator::In | Operator::Nin, Operand::One(_)) => Some("this operator needs a list of values"),
        (Operator::Between, Operand::Many(list)) => match list.as_slice() {
            [Scalar::Key(from), Scalar::Key(to)] if !from.is_valid() || !to.is_valid() => Some(INVALID_DATE),
            [Scalar::Key(from), Scalar::Key(to)] if from.same_type(to) => None,
            [Scalar::Key(_), Scalar::Key(_)] => Some("between needs two values of one type"),
            [_, _] => Some(COMPARABLE),
            _ => Some("between needs a list of exactly two values: the least and the greatest"),
        },
        (Operator::Between, Operand::One(_)) => {
            Some("between needs a list of exactly two values: the least and the greatest")
        }
        (_, Operand::Many(_)) => Some("this operator takes one value; a list is for in, nin and between"),
        (Operator::Eq | Operator::Ne | Operator::Contains | Operator::Member, Operand::One(value)) => no_value(value),
        (Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte, Operand::One(value)) => match value {
            Scalar::Key(key) => (!key.is_valid()).then_some(INVALID_DATE),
            Scalar::Missing | Scalar::Null | Scalar::Boolean(_) | Scalar::Other => Some(COMPARABLE),
        },
        (Operator::StartsWith | Operator::EndsWith, Operand::One(value)) => match value {
            Scalar::Key(Key::String(_)) => None,
            _ => Some("this operator needs a string"),
        },
        (Operator::Exists, Operand::One(value)) => match value {
            Scalar::Boolean(_) => None,
            _ => Some("exists needs true or false"),
        },
    }
}

const INVALID_DATE: &str = "there is no such date or number";

/// Why something is no value to compare with, if it is none.
fn no_value(value: &Scalar) -> Option<&'static str> {
    match value {
        Scalar::Null | Scalar::Boolean(_) => None,
        Scalar::Key(key) => (!key.is_valid()).then_some(INVALID_DATE),
        Scalar::Missing => Some("undefined equals nothing; to ask whether a field is there, use exists"),
        Scalar::Other => Some(
            "objects, NaN, and arrays with such in them cannot be compared; name the field inside, like “address.city”",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Payload;

    fn made(operator: &str, json: &str) -> Result<Filter> {
        let payload = Payload::from_wire(json).unwrap();
        Filter::compare_with(Field::parse("a").unwrap(), Operator::parse(operator).unwrap(), &payload)
    }

    #[test]
    fn operands_that_make_sense_are_taken() {
        for (operator, json) in [
            ("eq", "null"),
            ("eq", "true"),
            ("eq", "[1,\"a\"]"),
            ("ne", r#"{"$":"date","v":0}"#),
            ("gt", "1"),
            ("lte", "\"a\""),
            ("gte", "[]"),
            ("in", "[]"),
            ("in", "[null,true,1,[1]]"),
            ("nin", "[1]"),
            ("between", "[1,2]"),
            ("between", "[2,1]"),
            ("contains", "true"),
            ("contains", "\"a\""),
            ("startsWith", "\"\""),
            ("endsWith", "\"a\""),
            ("exists", "false"),
        ] {
            assert!(made(operator, json).is_ok(), "{operator} {json}");
        }
    }

    #[test]
    fn operands_that_make_none_are_refused() {
        for (operator, json) in [
            ("eq", r#"{"$":"undefined"}"#),
            ("eq", "{}"),
            ("ne", "[{}]"),
            ("eq", r#"{"$":"number","v":"NaN"}"#),
            ("eq", r#"{"$":"date","v":1e300}"#),
            ("gt", "null"),
            ("gte", "true"),
            ("lt", "{}"),
            ("lte", r#"{"$":"undefined"}"#),
            ("in", "1"),
            ("nin", "\"a\""),
            ("in", "[{}]"),
            ("in", r#"[{"$":"undefined"}]"#),
            ("between", "1"),
            ("between", "[1]"),
            ("between", "[1,2,3]"),
            ("between", "[1,\"a\"]"),
            ("between", "[null,null]"),
            ("contains", "{}"),
            ("startsWith", "1"),
            ("endsWith", "[\"a\"]"),
            ("exists", "1"),
            ("exists", "null"),
        ] {
            let error = made(operator, json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{operator} {json}");
            assert!(error.to_string().contains(&format!("operator: {operator}")), "{error}");
        }
        assert!(made("eq", r#"{"$":"undefined"}"#).unwrap_err().message().contains("exists"));
    }

    #[test]
    fn one_value_is_not_taken_for_a_list() {
        let list = Operand::Many(vec![Scalar::Null]);
        let refused = Filter::compare(Field::Key, Operator::Eq, list).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
    }
}

//! What cannot be asked of a field that has a blind index.

use super::{Field, Filter, Operator, Sort};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Collection;

/// Refuses what asks for the order of a field with a blind index. Only the equality of its values is known where they
/// lie; to answer would be to open every record, which is what the index was declared to avoid.
///
/// # Errors
///
/// `INVALID_QUERY`, with the field and what to do.
pub fn check_blind(filter: Option<&Filter>, sort: &[Sort], collection: Option<&Collection>) -> Result<()> {
    let Some(collection) = collection.filter(|collection| collection.blind().next().is_some()) else { return Ok(()) };
    if let Some(sort) = sort.iter().find(|sort| is_blind(&sort.field, collection)) {
        let message = "a field with a blind index has no order; sort the rows once they are read, or by another field";
        return Err(Error::new(ErrorKind::InvalidQuery, message).with("field", &sort.field));
    }
    filter.map_or(Ok(()), |filter| check(filter, collection))
}

fn check(filter: &Filter, collection: &Collection) -> Result<()> {
    match filter {
        Filter::Compare { field, operator, .. } if asks_for_order(*operator) && is_blind(field, collection) => {
            let message = "of a field with a blind index it can be asked what is equal; use “eq” or “in”, and compare \
                           the rows once they are read";
            Err(Error::new(ErrorKind::InvalidQuery, message).with("field", field).with("operator", operator.name()))
        }
        Filter::Compare { .. } => Ok(()),
        Filter::And(filters) | Filter::Or(filters) => filters.iter().try_for_each(|filter| check(filter, collection)),
        Filter::Not(filter) => check(filter, collection),
    }
}

fn is_blind(field: &Field, collection: &Collection) -> bool {
    matches!(field, Field::Value(path) if collection.blind_over(path).is_some())
}

const fn asks_for_order(operator: Operator) -> bool {
    match operator {
        Operator::Gt
        | Operator::Gte
        | Operator::Lt
        | Operator::Lte
        | Operator::Between
        | Operator::StartsWith
        | Operator::EndsWith => true,
        Operator::Eq
        | Operator::Ne
        | Operator::In
        | Operator::Nin
        | Operator::Contains
        | Operator::Member
        | Operator::Exists => false,
    }
}

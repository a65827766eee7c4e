//! What a plan says of itself.

use core::ops::Bound;

use super::Filter;
use crate::json::quoted;
use crate::model::{Key, KeyRange};

/// More ranges than this are counted, not written.
const MOST_WRITTEN: usize = 4;

/// A condition by its fields and operators; never by its operands.
pub(super) fn outline(filter: &Filter) -> String {
    let joined = |filters: &[Filter], word: &str| {
        let parts: Vec<String> = filters.iter().map(outline).collect();
        format!("({})", parts.join(word))
    };
    match filter {
        Filter::Compare { field, operator, .. } => format!("{field} {}", operator.name()),
        Filter::And(filters) => joined(filters, " and "),
        Filter::Or(filters) => joined(filters, " or "),
        Filter::Not(filter) => format!("not {}", outline(filter)),
    }
}

/// Ranges, as intervals: a square bracket for an end that is in, a round one for an end that is not.
pub(super) fn intervals(ranges: &[KeyRange]) -> String {
    match ranges {
        [] => "nothing".to_owned(),
        _ if ranges.len() > MOST_WRITTEN => format!("{} ranges", ranges.len()),
        _ => ranges.iter().map(interval).collect::<Vec<_>>().join(", "),
    }
}

fn interval(range: &KeyRange) -> String {
    if let Some(key) = range.single() {
        return format!("[{}]", text(key));
    }
    let lower = match &range.lower {
        Bound::Included(key) => format!("[{}", text(key)),
        Bound::Excluded(key) => format!("({}", text(key)),
        Bound::Unbounded => "(".to_owned(),
    };
    let upper = match &range.upper {
        Bound::Included(key) => format!("{}]", text(key)),
        Bound::Excluded(key) => format!("{})", text(key)),
        Bound::Unbounded => ")".to_owned(),
    };
    if *range == KeyRange::all() { "all".to_owned() } else { format!("{lower} .. {upper}") }
}

/// A key as JSON has it, and what JSON lacks as the text of keys has it.
fn text(key: &Key) -> String {
    match key {
        Key::String(text) => quoted(text),
        Key::Number(_) | Key::Date(_) | Key::Binary(_) | Key::Array(_) => {
            key.to_text().trim_start_matches('~').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Field, Operand, Operator};

    #[test]
    fn an_outline_names_fields_and_operators_and_no_values() {
        let condition = |field: &str, operator| Filter::Compare {
            field: Field::parse(field).unwrap(),
            operator,
            value: Operand::Many(Vec::new()),
        };
        let or = Filter::Or(vec![condition("a.b", Operator::Gte), condition("$key", Operator::In)]);
        assert_eq!(outline(&Filter::Not(Box::new(or))), "not (a.b gte or $key in)");
    }

    #[test]
    fn ranges_are_written_as_intervals() {
        assert_eq!(intervals(&[KeyRange::all()]), "all");
        assert_eq!(intervals(&[]), "nothing");
        assert_eq!(intervals(&[KeyRange::prefix("Ber")]), r#"["Ber" .. "Bes")"#);
        assert_eq!(intervals(&[KeyRange::only(Key::from(1)), KeyRange::only(Key::from("~"))]), r#"[1], ["~"]"#);
        assert_eq!(intervals(&[(); 5].map(|()| KeyRange::all())), "5 ranges");
    }
}

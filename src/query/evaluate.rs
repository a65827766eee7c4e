//! Whether a record matches.

use super::{Field, Filter, Operand, Operator};
use crate::model::{Body, Fields, Key, Record, Scalar};
use crate::platform::Payload;

/// Whether a record matches a filter, by the rules of the [module](super).
///
/// # Behavior
///
/// - `contains` is read as it stands: for a collection with multi-entry indexes, give the
///   [normalised](Filter::normalised) filter.
/// - It fails for no filter and no record.
#[must_use]
pub fn matches(filter: &Filter, record: &Record) -> bool {
    match filter {
        Filter::Compare { field, operator, value } => compares(&Found::of(field, record), *operator, value),
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, record)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, record)),
        Filter::Not(filter) => !matches(filter, record),
    }
}

/// What a record has in a field, converted no further than is asked for.
pub(super) enum Found {
    Payload(Payload),
    Scalar(Scalar),
}

impl Found {
    pub(super) fn of(field: &Field, record: &Record) -> Self {
        let found = match field {
            Field::Key => return Self::Scalar(Scalar::Key(record.key.clone())),
            Field::Tags => {
                let tags = record.meta.tags.iter().map(|tag| Key::from(tag.as_str())).collect();
                return Self::Scalar(Scalar::Key(Key::Array(tags)));
            }
            Field::Created => return Self::Scalar(Scalar::Key(Key::Date(record.meta.created))),
            Field::Modified => return Self::Scalar(Scalar::Key(Key::Date(record.meta.modified))),
            Field::Expires => {
                return Self::Scalar(record.meta.expires.map_or(Scalar::Missing, |at| Scalar::Key(Key::Date(at))));
            }
            #[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
            Field::Version => return Self::Scalar(Scalar::Key(Key::Number(record.meta.version as f64))),
            Field::Metadata(path) => record.meta.metadata.as_ref().and_then(|metadata| metadata.at(path)),
            Field::Value(_) if record.meta.secret => None,
            Field::Value(path) => match &record.body {
                Body::Clear(payload) => payload.at(path),
                Body::Sealed(_) => None,
            },
        };
        found.map_or(Self::Scalar(Scalar::Missing), Self::Payload)
    }

    pub(super) fn scalar(&self) -> Scalar {
        match self {
            Self::Payload(payload) => payload.scalar(),
            Self::Scalar(scalar) => scalar.clone(),
        }
    }

    /// Whether this is an array with such an element; none where it is no array.
    fn has_element(&self, wanted: &Scalar) -> Option<bool> {
        match self {
            Self::Payload(payload) => Some(payload.elements()?.iter().any(|element| equal(&element.scalar(), wanted))),
            Self::Scalar(Scalar::Key(Key::Array(items))) => match wanted {
                Scalar::Key(key) => Some(items.contains(key)),
                _ => Some(false),
            },
            Self::Scalar(_) => None,
        }
    }
}

/// Equality of what can be compared: the missing and objects equal nothing.
fn equal(found: &Scalar, wanted: &Scalar) -> bool {
    !matches!(found, Scalar::Missing | Scalar::Other) && found == wanted
}

fn compares(found: &Found, operator: Operator, operand: &Operand) -> bool {
    match (operator, operand) {
        (Operator::Exists, Operand::One(Scalar::Boolean(wanted))) => (found.scalar() != Scalar::Missing) == *wanted,
        (Operator::Contains, Operand::One(wanted)) => found
            .has_element(wanted)
            .unwrap_or_else(|| texts(&found.scalar(), wanted).is_some_and(|(text, part)| text.contains(part))),
        (Operator::Member, Operand::One(wanted)) => {
            found.has_element(wanted).unwrap_or_else(|| equal(&found.scalar(), wanted))
        }
        (_, Operand::One(wanted)) => one(&found.scalar(), operator, wanted),
        (_, Operand::Many(list)) => many(&found.scalar(), operator, list),
    }
}

fn one(found: &Scalar, operator: Operator, wanted: &Scalar) -> bool {
    let same_type = match (found, wanted) {
        (Scalar::Key(found), Scalar::Key(wanted)) if found.same_type(wanted) => Some(found.cmp(wanted)),
        _ => None,
    };
    match operator {
        Operator::Eq => equal(found, wanted),
        Operator::Ne => *found != Scalar::Missing && !equal(found, wanted),
        Operator::Gt => same_type.is_some_and(core::cmp::Ordering::is_gt),
        Operator::Gte => same_type.is_some_and(core::cmp::Ordering::is_ge),
        Operator::Lt => same_type.is_some_and(core::cmp::Ordering::is_lt),
        Operator::Lte => same_type.is_some_and(core::cmp::Ordering::is_le),
        Operator::StartsWith => texts(found, wanted).is_some_and(|(text, start)| text.starts_with(start)),
        Operator::EndsWith => texts(found, wanted).is_some_and(|(text, end)| text.ends_with(end)),
        Operator::In | Operator::Nin | Operator::Between | Operator::Contains | Operator::Member | Operator::Exists => {
            false
        }
    }
}

fn many(found: &Scalar, operator: Operator, list: &[Scalar]) -> bool {
    match (operator, list) {
        (Operator::In, _) => list.iter().any(|wanted| equal(found, wanted)),
        (Operator::Nin, _) => *found != Scalar::Missing && !list.iter().any(|wanted| equal(found, wanted)),
        (Operator::Between, [from, to]) => one(found, Operator::Gte, from) && one(found, Operator::Lte, to),
        _ => false,
    }
}

fn texts<'a>(found: &'a Scalar, wanted: &'a Scalar) -> Option<(&'a str, &'a str)> {
    match (found, wanted) {
        (Scalar::Key(Key::String(found)), Scalar::Key(Key::String(wanted))) => Some((found, wanted)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Meta;

    fn record(json: &str) -> Record {
        let meta = Meta {
            tags: vec!["x".to_owned(), "y".to_owned()],
            metadata: Some(Payload::from_wire(r#"{"author":{"name":"Ann"}}"#).unwrap()),
            ..Meta::default()
        };
        Record { key: Key::from("k1"), body: Body::Clear(Payload::from_wire(json).unwrap()), meta }
    }

    fn condition(field: &str, operator: &str, json: &str) -> Filter {
        let value = Payload::from_wire(json).unwrap();
        Filter::compare_with(Field::parse(field).unwrap(), Operator::parse(operator).unwrap(), &value).unwrap()
    }

    /// Which of the values, as the field `a`, match.
    fn hits(operator: &str, json: &str, values: &[&str]) -> String {
        let filter = condition("a", operator, json);
        let hit = |value: &&&str| matches(&filter, &record(&format!(r#"{{"a":{value}}}"#)));
        values.iter().filter(hit).copied().collect::<Vec<_>>().join(" ")
    }

    const UNDEFINED: &str = r#"{"$":"undefined"}"#;
    const EPOCH: &str = r#"{"$":"date","v":0}"#;

    #[test]
    fn equality_is_deep_and_typed() {
        let values = ["1", "\"1\"", "true", "null", "[1,[2]]", "{}", EPOCH, UNDEFINED];
        assert_eq!(hits("eq", "1", &values), "1");
        assert_eq!(hits("eq", "null", &values), "null");
        assert_eq!(hits("eq", "true", &values), "true");
        assert_eq!(hits("eq", "[1,[2]]", &values), "[1,[2]]");
        assert_eq!(hits("eq", EPOCH, &values), EPOCH);
        assert_eq!(hits("in", "[null,\"1\",7]", &values), "\"1\" null");
        assert_eq!(hits("in", "[]", &values), "");
    }

    #[test]
    fn ne_and_nin_match_what_is_there_only() {
        let values = ["1", "2", "null", "{}", UNDEFINED];
        assert_eq!(hits("ne", "1", &values), "2 null {}");
        assert_eq!(hits("ne", "null", &values), "1 2 {}");
        assert_eq!(hits("nin", "[1,null]", &values), "2 {}");
        assert_eq!(hits("nin", "[]", &values), "1 2 null {}");
        assert!(!matches(&condition("b", "ne", "1"), &record("{}")));
    }

    #[test]
    fn an_order_holds_within_one_type() {
        let values = ["1", "2", "3", "\"2\"", "true", "null", "[2]", EPOCH, UNDEFINED];
        assert_eq!(hits("gt", "1", &values), "2 3");
        assert_eq!(hits("gte", "2", &values), "2 3");
        assert_eq!(hits("lt", "2", &values), "1");
        assert_eq!(hits("lte", "2", &values), "1 2");
        assert_eq!(hits("between", "[2,3]", &values), "2 3");
        assert_eq!(hits("between", "[3,2]", &values), "");
        assert_eq!(hits("gt", "[1]", &values), "[2]");
        assert_eq!(hits("lte", EPOCH, &values), EPOCH);
        assert_eq!(hits("gte", "\"\"", &values), "\"2\"");
    }

    #[test]
    fn contains_is_membership_in_arrays_and_substring_in_strings() {
        let values = ["\"abc\"", "[\"b\"]", "[\"abc\"]", "[{},\"b\"]", "[[\"b\"]]", "\"x\"", "7", UNDEFINED];
        assert_eq!(hits("contains", "\"b\"", &values), r#""abc" ["b"] [{},"b"]"#);
        assert_eq!(hits("contains", "[\"b\"]", &values), "[[\"b\"]]");
        assert_eq!(hits("contains", "null", &["[null]", "null", "[]"]), "[null]");
        assert_eq!(hits("contains", "7", &["7", "[7]", "\"7\""]), "[7]");
    }

    #[test]
    fn prefixes_and_suffixes_are_of_strings_only() {
        let values = ["\"abc\"", "\"b\"", "[\"abc\"]", "7", UNDEFINED];
        assert_eq!(hits("startsWith", "\"a\"", &values), "\"abc\"");
        assert_eq!(hits("endsWith", "\"c\"", &values), "\"abc\"");
        assert_eq!(hits("startsWith", "\"\"", &values), "\"abc\" \"b\"");
    }

    #[test]
    fn null_is_there_and_undefined_is_missing() {
        let values = ["null", "{}", "false", UNDEFINED];
        assert_eq!(hits("exists", "true", &values), "null {} false");
        assert_eq!(hits("exists", "false", &values), UNDEFINED);
        assert!(matches(&condition("b.c", "exists", "false"), &record("{\"b\":1}")));
    }

    #[test]
    fn not_matches_what_is_missing() {
        let not = Filter::Not(Box::new(condition("b", "eq", "1")));
        assert!(matches(&not, &record("{}")));
        assert!(matches(&Filter::And(vec![]), &record("{}")) && !matches(&Filter::Or(vec![]), &record("{}")));
    }

    #[test]
    fn key_tags_and_metadata_are_fields() {
        let record = record("{}");
        assert!(matches(&condition("$key", "startsWith", "\"k\""), &record));
        assert!(matches(&condition("$tags", "contains", "\"y\""), &record));
        assert!(!matches(&condition("$tags", "contains", "\"z\""), &record));
        assert!(matches(&condition("$meta.author.name", "eq", "\"Ann\""), &record));
    }

    #[test]
    fn a_sealed_body_has_no_fields() {
        let sealed = Record { body: Body::Sealed(vec![1].into()), ..record("{\"a\":1}") };
        assert!(matches(&condition("a", "exists", "false"), &sealed));
        assert!(matches(&condition("$key", "eq", "\"k1\""), &sealed));
    }

    #[test]
    fn a_member_may_stand_alone_but_a_part_of_it_is_none() {
        let member = |json: &str| Filter::Compare {
            field: Field::Value("a".to_owned()),
            operator: Operator::Member,
            value: Operand::One(Payload::from_wire(json).unwrap().scalar()),
        };
        assert!(matches(&member("\"b\""), &record("{\"a\":\"b\"}")));
        assert!(matches(&member("\"b\""), &record("{\"a\":[{},\"b\"]}")));
        assert!(!matches(&member("\"b\""), &record("{\"a\":\"abc\"}")));
    }
}

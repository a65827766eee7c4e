//! Cursors: where a page ended, as a text that applications hand back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Filter, Operand, Order, Plan, Sort};
use crate::backend::{Direction, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Json, array, quoted};
use crate::model::{Key, Scalar};

/// The version of this format, its first byte.
const VERSION: u8 = 1;
/// Where the place begins, behind version, fingerprint and checksum.
const HEAD: usize = 17;

/// A place among the rows of a query: behind this record, which may be gone by now.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What the record has in the fields of the sort; where the scan gives the order, its index key, and in a union of
    /// several the number of the branch before it.
    pub fields: Vec<Scalar>,
    /// Its key.
    pub key: Key,
}

impl Mark {
    /// The cursor of this place in a query; `docs/formats.md` has the bytes.
    #[must_use]
    pub fn to_cursor(&self, query: Fingerprint) -> String {
        let fields = self.fields.iter().map(|field| quoted(&text_of(field)));
        let place = array(fields.chain([quoted(&self.key.to_text())]));
        let mut bytes = vec![VERSION];
        bytes.extend(query.0.to_le_bytes());
        bytes.extend(checksum(query, &place).to_le_bytes());
        bytes.extend(place.into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads the cursor of a query.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for one that is of another query, or was changed, or never was a cursor; the message says which.
    pub fn from_cursor(text: &str, query: Fingerprint) -> Result<Self> {
        let refuse = |message: &str| Error::new(ErrorKind::InvalidQuery, message);
        let broken = || refuse("the cursor is damaged; hand back `next` of the page before, as it is");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        let (head, place) = bytes.split_at_checked(HEAD).ok_or_else(broken)?;
        let place = core::str::from_utf8(place).map_err(|_| broken())?;
        let number = |from: usize| -> Option<u64> {
            Some(u64::from_le_bytes(head.get(from..from + 8)?.first_chunk().copied()?))
        };
        if head.first() != Some(&VERSION) {
            return Err(refuse("the cursor is damaged, or of another version; begin with the first page"));
        }
        let made_for = number(1).map(Fingerprint).ok_or_else(broken)?;
        if number(9) != Some(checksum(made_for, place)) {
            return Err(broken());
        }
        if made_for != query {
            return Err(refuse(
                "the cursor is of another query; go on with the same filter and sort, or begin with the first page",
            ));
        }
        Self::read(place).ok_or_else(broken)
    }

    fn read(place: &str) -> Option<Self> {
        let mut texts = Json::parse(place).ok()?.strings()?;
        let key = Key::from_text(&texts.pop()?).ok()?;
        let fields = texts.iter().map(|text| scalar_of(text)).collect::<Option<_>>()?;
        Some(Self { fields, key })
    }
}

fn text_of(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Missing => "-".to_owned(),
        Scalar::Null => "0".to_owned(),
        Scalar::Boolean(false) => "f".to_owned(),
        Scalar::Boolean(true) => "t".to_owned(),
        Scalar::Other => "o".to_owned(),
        Scalar::Key(key) => format!("k{}", key.to_text()),
    }
}

fn scalar_of(text: &str) -> Option<Scalar> {
    Some(match text {
        "-" => Scalar::Missing,
        "0" => Scalar::Null,
        "f" => Scalar::Boolean(false),
        "t" => Scalar::Boolean(true),
        "o" => Scalar::Other,
        _ => Scalar::Key(Key::from_text(text.strip_prefix('k')?).ok()?),
    })
}

/// Tells queries apart: their collections, filters, sorts, and what serves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a question to a collection and of the plan that answers it.
    #[must_use]
    pub fn of(collection: &str, filter: Option<&Filter>, sort: &[Sort], plan: &Plan) -> Self {
        let mut told = Told(BASIS);
        told.text(collection);
        for branch in &plan.branches {
            told.text(match &branch.source {
                Source::Primary => "",
                Source::Index(name) => name,
                Source::Expiring => "$",
            });
        }
        told.byte(match plan.direction {
            Direction::Forward => b'>',
            Direction::Backward => b'<',
        });
        for Sort { field, order } in sort {
            told.text(&field.to_string());
            told.byte(match order {
                Order::Ascending => b'+',
                Order::Descending => b'-',
            });
        }
        if let Some(filter) = filter {
            told.filter(filter);
        }
        Self(told.0)
    }
}

fn checksum(Fingerprint(query): Fingerprint, place: &str) -> u64 {
    let mut told = Told(BASIS ^ query);
    told.text(place);
    told.0
}

/// FNV-1a: it tells accidents, not attacks. A cursor gives nobody anything that a query does not.
struct Told(u64);

const BASIS: u64 = 0xCBF2_9CE4_8422_2325;

impl Told {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.byte(byte));
        self.byte(0xFF); // no text has it
    }

    fn filter(&mut self, filter: &Filter) {
        match filter {
            Filter::Compare { field, operator, value } => {
                self.text(&field.to_string());
                self.text(operator.name());
                let many = match value {
                    Operand::One(one) => core::slice::from_ref(one),
                    Operand::Many(many) => many,
                };
                for scalar in many {
                    self.text(&text_of(scalar));
                }
                self.byte(b'.');
            }
            Filter::And(filters) => self.several(b'&', filters),
            Filter::Or(filters) => self.several(b'|', filters),
            Filter::Not(filter) => self.several(b'!', core::slice::from_ref(filter)),
        }
    }

    fn several(&mut self, kind: u8, filters: &[Filter]) {
        self.byte(kind);
        for filter in filters {
            self.filter(filter);
        }
        self.byte(b';');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::{Extent, Field, Operator, plan};

    fn fingerprint(collection: &str, filter: Option<&Filter>, sort: &[Sort]) -> Fingerprint {
        Fingerprint::of(collection, filter, sort, &plan(filter, sort, None, Extent::Page))
    }

    fn is(field: &str, value: u32) -> Filter {
        let value = Operand::One(Scalar::Key(Key::from(value)));
        Filter::compare(Field::parse(field).unwrap(), Operator::Eq, value).unwrap()
    }

    fn mark() -> Mark {
        let fields = [Scalar::Missing, Scalar::Null, Scalar::Boolean(true), Scalar::Boolean(false), Scalar::Other];
        let mut fields = fields.to_vec();
        fields.extend([Key::from("~k\u{1F600}\"\\"), Key::Date(5.0), Key::Array(vec![Key::from(1)])].map(Scalar::Key));
        Mark { fields, key: Key::Binary(vec![0, 255]) }
    }

    #[test]
    fn a_cursor_is_read_back() {
        let query = fingerprint("c", None, &[]);
        let cursor = mark().to_cursor(query);
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(Mark::from_cursor(&cursor, query).unwrap(), mark());
    }

    #[test]
    fn queries_that_differ_have_different_fingerprints() {
        let by = |field: &str, order| vec![Sort { field: Field::parse(field).unwrap(), order }];
        let several = |kind: fn(Vec<Filter>) -> Filter| kind(vec![is("a", 1), is("b", 2)]);
        let told = [
            fingerprint("c", None, &[]),
            fingerprint("d", None, &[]),
            fingerprint("c", None, &by("a", Order::Ascending)),
            fingerprint("c", None, &by("a", Order::Descending)),
            fingerprint("c", None, &by("b", Order::Ascending)),
            fingerprint("c", Some(&is("a", 1)), &[]),
            fingerprint("c", Some(&is("a", 2)), &[]),
            fingerprint("c", Some(&several(Filter::And)), &[]),
            fingerprint("c", Some(&several(Filter::Or)), &[]),
            fingerprint("c", Some(&Filter::Not(Box::new(is("a", 1)))), &[]),
        ];
        for (at, one) in told.iter().enumerate() {
            assert_eq!(told.iter().position(|other| other == one), Some(at), "{at}");
        }
    }

    #[test]
    fn a_cursor_of_another_query_says_so() {
        let cursor = mark().to_cursor(fingerprint("c", None, &[]));
        let error = Mark::from_cursor(&cursor, fingerprint("d", None, &[])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        assert!(error.message().contains("another query"));
    }

    proptest! {
        #[test]
        fn no_change_of_a_cursor_goes_unnoticed(at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_-]") {
            let query = fingerprint("c", None, &[]);
            let cursor = mark().to_cursor(query);
            let at = at.index(cursor.len());
            let mut changed = cursor.clone();
            changed.replace_range(at..=at, &letter);
            prop_assert!(changed == cursor || Mark::from_cursor(&changed, query).is_err());
            prop_assert!(Mark::from_cursor(&cursor[..at], query).is_err());
        }

        #[test]
        fn what_is_no_cursor_is_refused(text in ".{0,60}") {
            prop_assert!(Mark::from_cursor(&text, fingerprint("c", None, &[])).is_err());
        }
    }
}

//! Questions to a collection: what a filter means, which way of access answers it, and how rows are sorted. Pure.
//!
//! # What a filter means
//!
//! It means the same on every backend, whether an index answers it or not.
//!
//! **Fields.** `name` and `address.city` are own properties of the value; `$key` is the record's key; `$tags` is the
//! list of its tags, empty where it has none; `$meta.x` is a property of the application's metadata; `$created`,
//! `$modified` and `$expires` are dates, `$version` counts writes. A sealed body has no fields of its own. Nothing falls
//! back from the value to the metadata: `docs/adr/0005-metadata-is-asked-for-by-its-name.md`.
//!
//! **Missing.** A field that is not there, or is undefined, is *missing*. Nothing matches it but `exists: false` and a
//! `Not`; so `ne` and `nin` do not match records that lack the field. Null is a value like others and is there.
//!
//! **Operators.**
//!
//! | operator | operand | matches where the field |
//! |---|---|---|
//! | `eq` | a value | is equal: dates by their time, bytes and arrays by their content |
//! | `ne` | a value | is there and is not equal |
//! | `gt` `gte` `lt` `lte` | a number, date, string, bytes or array | is of the same type and compares so |
//! | `between` | two of these, of one type | is of that type and lies between them, both ends included |
//! | `in` | a list | equals one of them |
//! | `nin` | a list | is there and equals none of them |
//! | `contains` | a value | is an array with an element that is equal, or a string with that string in it |
//! | `startsWith` `endsWith` | a string | is a string that does |
//! | `exists` | true or false | is there, or is missing |
//!
//! - Types never mix: a number is neither above nor below a string. Order within a type is that of
//!   [`Key`](crate::model::Key); strings compare by code unit.
//! - A `between` whose ends are the wrong way round matches nothing.
//! - Objects, and arrays that hold such, equal nothing; they do match `exists`, `ne` and `nin`.
//! - On a field with a multi-entry index, `contains` is membership only, and a lone value counts as an array of one.
//!   [`Filter::normalised`] says so in the filter itself; [`plan()`] does it for its residual.
//! - `And` of nothing matches everything, `Or` of nothing matches nothing.
//!
//! # What an order means
//!
//! Keys come first, in the order of [`Key`](crate::model::Key), and what is missing comes last, whichever way the order
//! goes; in between null, false, true, and everything else. `desc` turns around the keys among themselves, and what is
//! in between. So what an index holds comes before what it leaves out, and the first page is read from the index alone.
//! Records that are equal in every field of the sort come by key, in the direction of the last field.
//!
//! Of a field with a blind index there is no order: [`check_blind`] refuses to compare and to sort by it.
//!
//! A plan never changes which rows come, nor their order where a sort is asked for. Without a sort, rows come in the
//! order of what serves the query.

mod access;
mod blind;
mod constraint;
mod cursor;
mod evaluate;
mod explain;
mod field;
mod filter;
mod live;
mod operator;
mod plan;
mod sort;
mod union;

pub use blind::check_blind;
pub use cursor::{Fingerprint, Mark};
pub use evaluate::matches;
pub use field::Field;
pub use filter::{Filter, Operand};
pub use live::{Difference, Live, Row, Touched, Window};
pub use operator::Operator;
pub use plan::{Branch, Extent, OrderedBy, Plan, plan};
pub use sort::{Best, Order, Sort, compare, sort_records};

//! Full-text search: words, the index, and how hits are ranked. Pure.
//!
//! The index lies in memory. What outlives the page is a log of [blocks](block), each of which says what one commit, or
//! several that were merged, made of some records; folded in order, they are the index.

mod block;
mod enter;
mod index;
mod rank;
mod reader;
#[cfg(test)]
mod tests;
mod texts;
mod tokens;

pub(crate) use block::{Block, Progress};
pub(crate) use enter::{Pace, enter};
pub(crate) use index::{Index, Packing};
pub use rank::{Match, Prefix};
pub(crate) use rank::{Place, Ranked, Request, search};
pub(crate) use reader::damaged;
pub(crate) use texts::Texts;

//! Queries over random records: plans, pages and counts give what reading everything gives.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the report")]

mod counts;
mod pages;
mod plans;
mod strategies;

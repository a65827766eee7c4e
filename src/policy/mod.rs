//! Decisions given facts: pure.

mod fallback;

pub use fallback::{Candidates, falls_back};

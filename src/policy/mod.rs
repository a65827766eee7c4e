//! Decisions given facts: pure.

mod fallback;
mod upgrade;

pub use fallback::{Candidates, falls_back};
pub use upgrade::{Occasion, Step, StoreShape, plan};

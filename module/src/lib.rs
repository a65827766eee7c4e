//! The module that applications download: what `tidekeep` exports to JavaScript, and nothing else.

pub use tidekeep::*;

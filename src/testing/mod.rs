//! For tests, and for authors of backends: the behaviour suite.

pub mod behaviour;

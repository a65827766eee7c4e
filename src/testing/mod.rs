//! For tests, and for authors of backends: the behaviour suite, and stacks to run it on.

pub mod behaviour;
pub mod mutant;
pub mod slow;
pub mod stack;
mod transacted;

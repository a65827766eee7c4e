//! Replication under faults: simulated from seeds, and fault by fault.
//!
//! `TIDEKEEP_SEEDS` says how many seeds, or with `from..to` which; a failing seed is printed.

#![allow(unreachable_pub, missing_debug_implementations, reason = "the modules of a test have no other users")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and choices of a simulation are small"
)]

mod cloud;
mod conflicts;
mod device;
mod fault;
mod faults;
mod flaky;
mod history;
mod lies;
mod live;
mod mutants;
mod oracle;
mod outcome;
mod pair;
mod recovery;
mod rounds;
mod said;
mod seeds;
#[path = "../common/split_mix.rs"]
mod split_mix;
mod world;

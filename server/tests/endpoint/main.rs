//! The endpoint as clients meet it: over HTTP, in this process or as the program that is shipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test that cannot go on should stop"
)]

mod auth;
mod changes;
mod crash;
mod dev;
mod documents;
mod hostile;
mod idempotency;
mod limits;
mod log;
mod long_poll;
mod merge;
mod origins;
mod snapshot;
mod static_files;
mod support;
mod tenants;

//! The endpoint as clients meet it, over SQLite: over HTTP, in this process or as the program that is shipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    dead_code,
    unused_imports,
    reason = "a test that cannot go on should stop; a part of the helpers is for PostgreSQL alone"
)]

mod auth;
mod changes;
mod crash;
mod dev;
mod documents;
mod figures;
mod fuzz;
mod hostile;
mod idempotency;
mod limits;
mod live;
mod load;
mod log;
mod long_poll;
mod merge;
mod metrics;
mod order;
mod origins;
mod restore;
mod retention;
mod shutdown;
mod snapshot;
mod static_files;
mod support;
mod tenants;

/// Over which database this run of the suite is.
const KIND: support::Kind = support::Kind::Sqlite;

//! The endpoint over PostgreSQL: the suite that SQLite passes, and what only a shared database can do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    dead_code,
    unused_imports,
    reason = "a test that cannot go on should stop; a part of the helpers is for SQLite alone"
)]

#[path = "../endpoint/auth.rs"]
mod auth;
#[path = "../endpoint/changes.rs"]
mod changes;
#[path = "../endpoint/figures.rs"]
mod figures;
#[path = "../endpoint/fuzz.rs"]
mod fuzz;
#[path = "../endpoint/idempotency.rs"]
mod idempotency;
#[path = "../endpoint/limits.rs"]
mod limits;
#[path = "../endpoint/live.rs"]
mod live;
#[path = "../endpoint/load.rs"]
mod load;
#[path = "../endpoint/long_poll.rs"]
mod long_poll;
#[path = "../endpoint/merge.rs"]
mod merge;
#[path = "../endpoint/order.rs"]
mod order;
#[path = "../endpoint/restore.rs"]
mod restore;
#[path = "../endpoint/retention.rs"]
mod retention;
#[path = "../endpoint/shutdown.rs"]
mod shutdown;
#[path = "../endpoint/snapshot.rs"]
mod snapshot;
#[path = "../endpoint/support/mod.rs"]
mod support;
#[path = "../endpoint/tenants.rs"]
mod tenants;

mod away;
mod instances;
mod kill;
mod naive;
mod security;

/// Over which database this run of the suite is.
const KIND: support::Kind = support::Kind::Postgres;

//! The endpoint as clients meet it: over HTTP, in this process or as the program that is shipped.

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

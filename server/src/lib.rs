//! The reference endpoint of tidekeep: the sync protocol over HTTP, with SQLite in one file or PostgreSQL
//! behind it.
//!
//! `docs/protocol.md` is what it speaks. [`start`] runs it inside another program, such as a test; the binary
//! `tidekeep-server` is [`start`] and a command line.

mod app;
mod auth;
mod body;
mod clock;
mod config;
mod cursor;
mod database;
mod decide;
mod error;
mod limits;
mod listen;
mod log;
mod maintain;
mod metrics;
mod private_file;
mod rate;
mod routes;
mod secret;
mod start;
mod static_files;
mod store;

pub use app::{Route, RouteList, route_list};
pub use config::{Arguments, AuthOptions, Config, ConfigError, Edition};
pub use database::{Database, PostgresUrl};
pub use log::{LogLevel, init as init_log};
pub use rate::Rate;
pub use secret::Secret;
pub use start::{Running, StartError, renew, start};

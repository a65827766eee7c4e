//! Offline-first storage for web applications.
//!
//! An application sees [`store`]; below it are layers and backends of one trait, [`backend::Backend`]; beside it the
//! sync engine. What decides is pure and runs anywhere; what touches the browser is thin. `ARCHITECTURE.md` is the tour.

#[macro_use]
mod mutant;

pub mod backend;
pub mod crypto;
pub mod error;
#[cfg(target_family = "wasm")]
mod js;
mod json;
pub mod model;
pub mod platform;
pub mod policy;
pub mod query;
mod search;
pub mod store;
pub mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transport;

pub use error::{Error, ErrorKind, ErrorStatus, Result};

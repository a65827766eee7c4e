//! JSON of known shapes: the protocol's, the sync state's and the keys'.
//!
//! Only members that are asked for are read, and a part may stay text: a document's body goes through as it is. It is
//! small because it runs in every application; the endpoint reads the same shapes with serde.

mod read;
mod scan;
mod write;

pub(crate) use read::{FromJson, Json, Malformed, Members, read};
pub(crate) use write::{Object, ToJson, array, quoted};

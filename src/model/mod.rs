//! What is stored and how it is asked to change: keys, records, batches. Pure.

mod apply;
mod batch;
mod doc;
mod key;
mod key_path;
mod key_pattern;
mod range;
mod record;
mod schema;
mod value;
mod verify;

pub use apply::tombstone_key;
pub(crate) use apply::{KeyedOp, RowChange, apply, would_bare};
pub use batch::{
    Acknowledged, BaseChange, CommitReceipt, Content, Delete, Durability, Expiry, MetadataChange, OpReceipt,
    Precondition, Put, RemoteState, Replicate, Reseal, Secrecy, WriteBatch, WriteOp,
};
pub(crate) use doc::{Doc, Register, hash};
pub use key::Key;
pub(crate) use key::{distinct, hex};
pub use key_path::KeyPath;
pub(crate) use key_pattern::fits;
pub use range::KeyRange;
pub use record::{Body, Checksum, Meta, Record, Replica};
pub use schema::{Collection, Index, Schema, SearchField, system};
pub(crate) use schema::{check_name, search_log, sorted_names};
pub use value::{Fields, Scalar};
pub use verify::{Seen, Source, Verify};

//! What travels between a client and an endpoint. `docs/protocol.md` tells it in words.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Hlc;

/// The protocol's version.
pub const PROTOCOL: u32 = 1;

/// `GET /v1/{space}`: what the endpoint is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SpaceStatus {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Changes when the endpoint's history begins anew.
    pub epoch: String,
    /// The sequence of the last change.
    pub head: u64,
    /// Cursors below this sequence must take a snapshot.
    pub floor: u64,
    /// The endpoint's time, milliseconds since the epoch.
    pub server_time: u64,
    /// What it accepts.
    pub limits: Limits,
    /// What it can do beyond the least.
    pub features: Vec<String>,
}

/// What an endpoint accepts at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Operations in a push.
    pub max_ops: usize,
    /// Bytes of a push's body.
    pub max_bytes: usize,
    /// Bytes of one document's body.
    pub max_doc_bytes: usize,
    /// How deep a document's arrays and objects may nest.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_ops: 500, max_bytes: 1 << 20, max_doc_bytes: 256 << 10, max_depth: 64 }
    }
}

impl Limits {
    /// Limits that a client can work with, and no greater than it has use for.
    pub(crate) fn sensible(self) -> Self {
        let most = Self::default();
        Self {
            max_ops: self.max_ops.clamp(1, most.max_ops),
            max_bytes: self.max_bytes.clamp(4096, most.max_bytes),
            max_doc_bytes: self.max_doc_bytes.max(1024),
            max_depth: self.max_depth,
        }
    }
}

/// `POST /v1/{space}/push`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushRequest {
    /// The client: a random name that it keeps.
    pub client: String,
    /// The epoch that the client knows, if any; another is refused with `reset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The operations, by ascending `mid`.
    pub ops: Vec<PushOp>,
}

/// How an operation meets a document that has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is a conflict unless the document is at `base`.
    Cas,
    /// The later stamp wins.
    Lww,
}

/// One operation of a push.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushOp {
    /// Counts up per client, from 1; a repeat has no effect.
    pub mid: u64,
    /// The collection.
    pub c: String,
    /// The document: the text form of its key.
    pub id: String,
    /// The revision that it was made on.
    pub base: Option<u64>,
    /// When it was made.
    pub hlc: Hlc,
    /// How it meets a document that has moved on.
    pub mode: Mode,
    /// Whether it deletes.
    #[serde(default, skip_serializing_if = "is_false")]
    pub del: bool,
    /// The document, unless it deletes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// The answer to a push.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushResponse {
    /// The endpoint's epoch.
    pub epoch: String,
    /// The sequence of the last change.
    pub head: u64,
    /// The endpoint's time, milliseconds since the epoch.
    pub server_time: u64,
    /// One for each operation.
    pub results: Vec<PushResult>,
}

/// What became of one operation.
///
/// One flat object, so that a document's body passes through unparsed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushResult {
    /// Which operation.
    pub mid: u64,
    /// What became of it.
    pub status: PushStatus,
    /// `ok`: its sequence; 0 for a repeat below the watermark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// `ok`: the document's revision after it; 0 for a repeat below the watermark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
    /// `ok`: whether it had taken effect before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dup: bool,
    /// `conflict`, `superseded`: the document as it is; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Change>,
    /// `rejected`: why, one of the codes of `docs/protocol.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `rejected`: why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushStatus {
    /// It took effect, now or before.
    Ok,
    /// The document is not at `base`.
    Conflict,
    /// The document has a later stamp.
    Superseded,
    /// It is refused for good.
    Rejected,
}

/// A document as the endpoint has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// The collection.
    pub c: String,
    /// The document: the text form of its key.
    pub id: String,
    /// The sequence of its last change.
    pub seq: u64,
    /// Its revision.
    pub rev: u64,
    /// When it was last changed.
    pub hlc: Hlc,
    /// Whether it is deleted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub del: bool,
    /// The document, unless it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

/// `GET /v1/{space}/changes`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesResponse {
    /// Changes after the cursor, in the order of their sequence; of one document, the last alone.
    pub changes: Vec<Change>,
    /// Where to go on. Opaque.
    pub cursor: String,
    /// Whether there is more now.
    pub more: bool,
    /// The sequence of the last change.
    pub head: u64,
    /// The endpoint's time, milliseconds since the epoch.
    pub server_time: u64,
}

/// The first line of a snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotHead {
    /// The endpoint's epoch.
    pub epoch: String,
    /// The sequence that the snapshot is at.
    pub head: u64,
    /// Where to go on once it is applied. Opaque.
    pub cursor: String,
    /// The endpoint's time, milliseconds since the epoch.
    pub server_time: u64,
}

/// The last line of a snapshot; without it the snapshot was cut.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SnapshotEnd {
    /// How many documents came before.
    pub count: u64,
}

/// The body of every answer that is not a success.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code: `unauthorized`, `forbidden`, `reset`, `too_large`, `rate_limited`, `invalid`, `not_found`, `internal`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

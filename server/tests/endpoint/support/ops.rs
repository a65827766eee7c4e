use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{Mode, PushOp, PushRequest};

/// A stamp of device 1.
pub(crate) fn stamp(millis: u64) -> Hlc {
    Hlc::new(millis, 0, 1)
}

/// A document's body.
pub(crate) fn body(text: &str) -> Box<RawValue> {
    to_raw_value(&json!({ "value": text })).unwrap()
}

/// A write of the document `n/id`, latest wins.
pub(crate) fn op(mid: u64, id: &str, at: u64, text: &str) -> PushOp {
    PushOp {
        mid,
        c: "n".to_owned(),
        id: id.to_owned(),
        base: None,
        hlc: stamp(at),
        mode: Mode::Lww,
        del: false,
        body: Some(body(text)),
    }
}

/// A deletion of the document `n/id`, latest wins.
pub(crate) fn delete(mid: u64, id: &str, at: u64) -> PushOp {
    PushOp { del: true, body: None, ..op(mid, id, at, "") }
}

/// The bytes of a push.
pub(crate) fn push_body(client: &str, ops: &[PushOp]) -> Vec<u8> {
    serde_json::to_vec(&PushRequest { client: client.to_owned(), epoch: None, ops: ops.to_vec() }).unwrap()
}

//! The encoding of what is sealed, of `docs/formats.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// From how many bytes on a part of a value is set apart.
const APART: usize = 4096;
/// What bytes begin with whose parts are set apart.
const PARTED: u8 = 1;

/// Writes a value: as JSON, or, where parts of it are set apart, with those behind.
pub(super) fn pack(value: &Value) -> Vec<u8> {
    let mut parts = Vec::new();
    let head = parted(value, &mut parts).to_string();
    if parts.is_empty() {
        return head.into_bytes();
    }
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[PARTED], length.as_slice(), head.as_bytes(), &parts].concat()
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    let Some((&PARTED, rest)) = bytes.split_first() else { return serde_json::from_slice(bytes).ok() };
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (head, parts) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    whole(serde_json::from_slice(head).ok()?, parts)
}

fn parted(value: &Value, parts: &mut Vec<u8>) -> Value {
    match value {
        Value::String(text) if text.len() >= APART => apart("text", text.as_bytes(), parts),
        Value::Array(items) => items.iter().map(|item| parted(item, parts)).collect(),
        Value::Object(map) => match (map.get("$"), map.get("v")) {
            (Some(Value::String(tag)), Some(Value::String(text))) if tag != "bigint" && text.len() >= APART => {
                match BASE64.decode(text) {
                    Ok(bytes) => apart(tag, &bytes, parts),
                    Err(_) => value.clone(),
                }
            }
            _ => map.iter().map(|(name, value)| (name.clone(), parted(value, parts))).collect::<Map<_, _>>().into(),
        },
        other => other.clone(),
    }
}

fn apart(tag: &str, bytes: &[u8], parts: &mut Vec<u8>) -> Value {
    let at = parts.len();
    parts.extend_from_slice(bytes);
    json!({ "$": "part", "v": [tag, at, bytes.len()] })
}

fn whole(value: Value, parts: &[u8]) -> Option<Value> {
    Some(match value {
        Value::Array(items) => items.into_iter().map(|item| whole(item, parts)).collect::<Option<Vec<_>>>()?.into(),
        Value::Object(map) if map.get("$").is_some_and(|tag| tag == "part") => {
            let [Value::String(tag), at, length] = map.get("v")?.as_array()?.as_slice() else { return None };
            let (at, length) = (usize::try_from(at.as_u64()?).ok()?, usize::try_from(length.as_u64()?).ok()?);
            let bytes = parts.get(at..at.checked_add(length)?)?;
            match tag.as_str() {
                "text" => core::str::from_utf8(bytes).ok()?.into(),
                _ => json!({ "$": tag, "v": BASE64.encode(bytes) }),
            }
        }
        Value::Object(map) => {
            let each = |(name, value)| Some((name, whole(value, parts)?));
            map.into_iter().map(each).collect::<Option<Map<_, _>>>()?.into()
        }
        other => other,
    })
}

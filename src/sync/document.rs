//! A document's body as it travels.
//!
//! `{"value": …}` in the value encoding, or `{"sealed": "…"}` in base64; with `tags`, `metadata`, `expires`, `created`
//! and `modified` where there are such. Times are milliseconds since the epoch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Record, RemoteState};
use crate::platform::Payload;

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    value: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<f64>,
}

/// A `null` that is there is a value, not the absence of one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

fn raw(payload: &Payload) -> Result<Box<RawValue>> {
    RawValue::from_string(payload.to_wire()?).map_err(|error| {
        Error::new(ErrorKind::SerializationError, "the value has no encoded form; store plain data").caused_by(error)
    })
}

/// Writes a record's body.
///
/// # Errors
///
/// `SERIALIZATION_ERROR` where a value has no encoded form.
pub(crate) fn encode(record: &Record) -> Result<Box<RawValue>> {
    let (value, sealed) = match &record.body {
        Body::Clear(payload) => (Some(raw(payload)?), None),
        Body::Sealed(bytes) => (None, Some(STANDARD.encode(bytes))),
    };
    let wire = Wire {
        value,
        sealed,
        tags: record.meta.tags.clone(),
        metadata: record.meta.metadata.as_ref().map(raw).transpose()?,
        expires: record.meta.expires,
        created: Some(record.meta.created),
        modified: Some(record.meta.modified),
    };
    serde_json::value::to_raw_value(&wire).map_err(|error| {
        Error::new(ErrorKind::SerializationError, "the record has no encoded form; store plain data").caused_by(error)
    })
}

/// Reads a body; `changed` is the time of the change, for a body that tells no times.
///
/// # Errors
///
/// `SERIALIZATION_ERROR` where it is not the body of a document.
pub(crate) fn decode(body: Option<&RawValue>, changed: f64) -> Result<RemoteState> {
    let malformed = |message: &str| Error::new(ErrorKind::SerializationError, message);
    let body = body.ok_or_else(|| malformed("the endpoint sent a document without a body"))?;
    let wire: Wire = serde_json::from_str(body.get())
        .map_err(|error| malformed("the endpoint sent a document that cannot be read").caused_by(position(&error)))?;
    let body = match (wire.value, wire.sealed) {
        (Some(value), None) => Body::Clear(Payload::from_wire(value.get())?),
        (None, Some(sealed)) => Body::Sealed(
            STANDARD.decode(sealed).map_err(|_| malformed("the endpoint sent a sealed document that is not base64"))?,
        ),
        (None, None) | (Some(_), Some(_)) => {
            return Err(malformed("the endpoint sent a document with neither or both of “value” and “sealed”"));
        }
    };
    let metadata = match wire.metadata {
        Some(metadata) if metadata.get().starts_with('{') => Some(Payload::from_wire(metadata.get())?),
        Some(_) => return Err(malformed("the endpoint sent a document whose metadata is no object")),
        None => None,
    };
    Ok(RemoteState::Present {
        body,
        metadata,
        tags: wire.tags,
        expires: wire.expires,
        created: wire.created.unwrap_or(changed),
        modified: wire.modified.unwrap_or(changed),
    })
}

/// Where a text stops being JSON, without the text: it may be anyone's data.
pub(crate) fn position(error: &serde_json::Error) -> String {
    format!("{:?} at line {}, column {}", error.classify(), error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Key, Meta};

    fn record(body: Body) -> Record {
        let meta = Meta {
            version: 3,
            created: 10.0,
            modified: 20.5,
            expires: Some(99.0),
            tags: vec!["a".into()],
            metadata: Some(Payload::from_wire(r#"{"colour":"red"}"#).unwrap()),
            replica: None,
        };
        Record { key: Key::from("k"), body, meta }
    }

    #[test]
    fn a_clear_body_survives_the_way() {
        for text in ["null", "0", r#"{"a":[1,{"$":"date","v":5}]}"#] {
            let value = Payload::from_wire(text).unwrap();
            let sent = encode(&record(Body::Clear(value.clone()))).unwrap();
            let RemoteState::Present { body: Body::Clear(back), metadata, tags, expires, created, modified } =
                decode(Some(&sent), 0.0).unwrap()
            else {
                panic!("not a clear document")
            };
            assert_eq!(back, value);
            assert_eq!(metadata, Some(Payload::from_wire(r#"{"colour":"red"}"#).unwrap()));
            assert_eq!((tags, expires, created, modified), (vec!["a".to_owned()], Some(99.0), 10.0, 20.5));
        }
    }

    #[test]
    fn a_sealed_body_travels_as_it_is() {
        let sent = encode(&record(Body::Sealed(vec![0, 255, 7]))).unwrap();
        assert!(sent.get().contains(r#""sealed":"AP8H""#));
        let RemoteState::Present { body: Body::Sealed(back), .. } = decode(Some(&sent), 0.0).unwrap() else {
            panic!("not a sealed document")
        };
        assert_eq!(back, vec![0, 255, 7]);
    }

    #[test]
    fn a_body_without_times_has_those_of_the_change() {
        let sent = RawValue::from_string(r#"{"value":1}"#.into()).unwrap();
        let RemoteState::Present { created, modified, .. } = decode(Some(&sent), 7.0).unwrap() else {
            panic!("not a document")
        };
        assert_eq!((created, modified), (7.0, 7.0));
    }

    #[test]
    fn bodies_that_are_none_are_refused_and_not_quoted() {
        for text in [
            "null",
            "1",
            "[]",
            "{}",
            r#"{"value":1,"sealed":"AA=="}"#,
            r#"{"sealed":"*secret*"}"#,
            r#"{"sealed":5}"#,
            r#"{"value":1,"tags":"secret"}"#,
            r#"{"value":1,"metadata":"secret"}"#,
            r#"{"value":1,"expires":"secret"}"#,
        ] {
            let sent = RawValue::from_string(text.into()).unwrap();
            let error = decode(Some(&sent), 0.0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SerializationError, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(decode(None, 0.0).unwrap_err().kind(), ErrorKind::SerializationError);
    }
}

//! A document's body as it travels.
//!
//! `{"value": …}` in the value encoding, or `{"sealed": "…"}` in base64; with `tags`, `metadata`, `expires`, `created`
//! and `modified` where there are such. Times are milliseconds since the epoch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ErrorKind, Result};
use crate::json::{self, FromJson, Json, Malformed, Members, Object};
use crate::model::{Body, Record, RemoteState};
use crate::platform::Payload;

/// What a body says, its values still text.
struct Wire {
    value: Option<String>,
    sealed: Option<String>,
    tags: Vec<String>,
    metadata: Option<String>,
    expires: Option<f64>,
    created: Option<f64>,
    modified: Option<f64>,
}

impl FromJson for Wire {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        let text = |json: Json<'_>| json.text().to_owned();
        Ok(Self {
            // A null that is there is a value, not the absence of one.
            value: members.find("value")?.map(text),
            sealed: members.optional("sealed", Json::string)?,
            tags: members.optional("tags", Json::strings)?.unwrap_or_default(),
            metadata: members.optional("metadata", |json| Some(text(json)))?,
            expires: members.optional("expires", Json::number)?,
            created: members.optional("created", Json::number)?,
            modified: members.optional("modified", Json::number)?,
        })
    }
}

/// Writes a record's body.
///
/// # Errors
///
/// `SERIALIZATION_ERROR` where a value has no encoded form.
pub(crate) fn encode(record: &Record) -> Result<String> {
    let meta = &record.meta;
    let body = match &record.body {
        Body::Clear(payload) => Object::new().json("value", &payload.to_wire()?),
        Body::Sealed(bytes) => Object::new().text("sealed", &STANDARD.encode(bytes.to_vec())),
    };
    let body = if meta.tags.is_empty() { body } else { body.texts("tags", &meta.tags) };
    let body = match &meta.metadata {
        Some(metadata) => body.json("metadata", &metadata.to_wire()?),
        None => body,
    };
    let body = body.maybe(meta.expires, |body, expires| body.number("expires", expires));
    Ok(body.number("created", meta.created).number("modified", meta.modified).finish())
}

/// Reads a body; `changed` is the time of the change, for a body that tells no times.
///
/// # Errors
///
/// `SERIALIZATION_ERROR` where it is not the body of a document.
pub(crate) fn decode(body: Option<&str>, changed: f64) -> Result<RemoteState> {
    let malformed = |message: &str| Error::new(ErrorKind::SerializationError, message);
    let body = body.ok_or_else(|| malformed("the endpoint sent a document without a body"))?;
    let wire: Wire = json::read(body)
        .map_err(|error| malformed("the endpoint sent a document that cannot be read").caused_by(error))?;
    let body = match (wire.value, wire.sealed) {
        (Some(value), None) => Body::Clear(Payload::from_wire(&value)?),
        (None, Some(sealed)) => Body::Sealed(
            STANDARD
                .decode(sealed)
                .map_err(|_| malformed("the endpoint sent a sealed document that is not base64"))?
                .into(),
        ),
        (None, None) | (Some(_), Some(_)) => {
            return Err(malformed("the endpoint sent a document with neither or both of “value” and “sealed”"));
        }
    };
    let metadata = match wire.metadata {
        Some(metadata) if metadata.starts_with('{') => Some(Payload::from_wire(&metadata)?),
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
            base: None,
            checksum: None,
            blind: None,
            secret: false,
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
        let sent = encode(&record(Body::Sealed(vec![0, 255, 7].into()))).unwrap();
        assert!(sent.contains(r#""sealed":"AP8H""#));
        let RemoteState::Present { body: Body::Sealed(back), .. } = decode(Some(&sent), 0.0).unwrap() else {
            panic!("not a sealed document")
        };
        assert_eq!(back.to_vec(), [0, 255, 7]);
    }

    #[test]
    fn a_body_without_times_has_those_of_the_change() {
        let RemoteState::Present { created, modified, .. } = decode(Some(r#"{"value":1}"#), 7.0).unwrap() else {
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
            let error = decode(Some(text), 0.0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SerializationError, "{text}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(decode(None, 0.0).unwrap_err().kind(), ErrorKind::SerializationError);
    }
}

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::SECRET;

/// Now and so many seconds.
pub(crate) fn seconds(from_now: i64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a test's time")]
    let now = (tidekeep::platform::now() / 1000.0) as i64;
    now + from_now
}

/// A token that is as it should be.
pub(crate) fn mint(subject: &str, spaces: &[&str]) -> String {
    mint_with(&json!({ "alg": "HS256", "typ": "JWT" }), &claims(subject, spaces), SECRET)
}

fn claims(subject: &str, spaces: &[&str]) -> Value {
    json!({ "sub": subject, "spaces": spaces, "exp": seconds(3600) })
}

/// Good claims with some of them changed; null takes one away.
pub(crate) fn good_claims(changes: &Value) -> Value {
    let mut all = claims("someone", &["mine"]);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            all.as_object_mut().unwrap().remove(name);
        } else {
            all[name] = value.clone();
        }
    }
    all
}

pub(crate) fn mint_with(header: &Value, claims: &Value, secret: &str) -> String {
    sign_raw(&header.to_string(), &claims.to_string(), secret)
}

/// Signs whatever the texts are.
pub(crate) fn sign_raw(header: &str, claims: &str, secret: &str) -> String {
    let plain = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(plain.as_bytes());
    format!("{plain}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

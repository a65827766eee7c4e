//! Who is let in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha384, Sha512};

use super::support::{Endpoint, SECRET, call, good_claims, mint, mint_with, seconds, sign_raw};

fn plain(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn header(alg: &str) -> Value {
    json!({ "alg": alg, "typ": "JWT" })
}

/// Every refused `Authorization` header: what is wrong with it, and the header.
fn refused() -> Vec<(String, String)> {
    let good = good_claims(&json!({}));
    let token = mint("someone", &["mine"]);
    let (unsigned, signature) = token.rsplit_once('.').unwrap();
    let mut forms: Vec<(String, String)> = Vec::new();
    let mut bearer = |name: &str, token: String| forms.push((name.to_owned(), format!("Bearer {token}")));

    for alg in ["none", "None", "NONE", "nOnE", ""] {
        bearer(&format!("alg “{alg}” without a signature"), format!("{}.", plain(&header(alg), &good)));
        bearer(&format!("alg “{alg}” with the right signature"), mint_with(&header(alg), &good, SECRET));
    }
    for alg in ["HS384", "HS512", "RS256", "RS512", "ES256", "ES384", "PS256", "EdDSA", "hs256", "HS257", "A128KW"] {
        bearer(&format!("alg {alg}, signed as HS256"), mint_with(&header(alg), &good, SECRET));
    }
    let text = plain(&header("HS384"), &good);
    let mut mac = Hmac::<Sha384>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    bearer("a true HS384 token", format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())));
    let text = plain(&header("HS512"), &good);
    let mut mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    bearer("a true HS512 token", format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())));

    bearer("nothing", String::new());
    bearer("garbage", "garbage".to_owned());
    bearer("dots", "..".to_owned());
    bearer("not base64", "!!.!!.!!".to_owned());
    bearer("no signature", unsigned.to_owned());
    bearer("an empty signature", format!("{unsigned}."));
    bearer("a cut signature", token[..token.len() - 4].to_owned());
    bearer("a longer signature", format!("{token}AAAA"));
    bearer("a fourth part", format!("{token}.AAAA"));
    bearer("a signature of zeros", format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode([0; 32])));
    bearer("the payload of another token", {
        let other = plain(&header("HS256"), &good_claims(&json!({ "sub": "admin" })));
        format!("{other}.{signature}")
    });
    bearer("another secret", mint_with(&header("HS256"), &good, "another-secret-another-secret-00"));
    bearer("an empty secret", mint_with(&header("HS256"), &good, ""));
    bearer("a header that is no JSON", sign_raw("nope", &good.to_string(), SECRET));
    bearer("a header without alg", mint_with(&json!({ "typ": "JWT" }), &good, SECRET));
    bearer("alg as a list", mint_with(&json!({ "alg": ["HS256"] }), &good, SECRET));
    bearer("alg twice", sign_raw(r#"{"alg":"none","alg":"HS256"}"#, &good.to_string(), SECRET));
    bearer(
        "an extension to be understood",
        mint_with(&json!({ "alg": "HS256", "crit": ["x"], "x": 1 }), &good, SECRET),
    );
    bearer("compressed", mint_with(&json!({ "alg": "HS256", "zip": "DEF" }), &good, SECRET));
    bearer("encrypted", mint_with(&json!({ "alg": "HS256", "enc": "A256GCM" }), &good, SECRET));
    bearer("claims that are no JSON", sign_raw(&header("HS256").to_string(), "nope", SECRET));
    bearer("claims that are a list", sign_raw(&header("HS256").to_string(), "[]", SECRET));
    bearer("claims that are null", sign_raw(&header("HS256").to_string(), "null", SECRET));

    for (name, change) in [
        ("expired an hour ago", json!({ "exp": seconds(-3600) })),
        ("expired a minute ago", json!({ "exp": seconds(-60) })),
        ("expired in 1970", json!({ "exp": 0 })),
        ("no exp", json!({ "exp": null })),
        ("exp as text", json!({ "exp": seconds(3600).to_string() })),
        ("exp below zero", json!({ "exp": -1 })),
        ("exp as a list", json!({ "exp": [seconds(3600)] })),
        ("exp true", json!({ "exp": true })),
        ("not valid yet", json!({ "nbf": seconds(3600) })),
        ("nbf as text", json!({ "nbf": "soon" })),
        ("no sub", json!({ "sub": null })),
        ("sub empty", json!({ "sub": "" })),
        ("sub as a number", json!({ "sub": 7 })),
        ("sub too long", json!({ "sub": "x".repeat(300) })),
        ("spaces as text", json!({ "spaces": "mine" })),
        ("spaces as an object", json!({ "spaces": { "mine": true } })),
        ("spaces of numbers", json!({ "spaces": [1] })),
        ("space as a list", json!({ "space": ["mine"] })),
        ("an audience that this endpoint does not have", json!({ "aud": "elsewhere" })),
        ("audiences that this endpoint does not have", json!({ "aud": ["a", "b"] })),
    ] {
        bearer(name, mint_with(&header("HS256"), &good_claims(&change), SECRET));
    }
    // One character of a good token changed, all along it.
    for at in (0..token.len() - 1).filter(|at| token.as_bytes()[*at] != b'.') {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        bearer(&format!("character {at} changed"), format!("{}{other}{}", &token[..at], &token[at + 1..]));
    }
    for (name, value) in [
        ("another scheme", format!("Basic {token}")),
        ("no scheme", token.clone()),
        ("a scheme that begins alike", format!("Bearerx {token}")),
        ("a tab for the space", format!("Bearer\t{token}")),
        ("two tokens", format!("Bearer {token}, Bearer {token}")),
        ("an empty header", String::new()),
    ] {
        forms.push((name.to_owned(), value));
    }
    forms
}

#[tokio::test]
async fn every_forged_malformed_or_expired_token_is_refused_on_every_route() {
    let endpoint = Endpoint::start().await;
    let forms = refused();
    let routes = [
        ("GET", "/v1/mine"),
        ("POST", "/v1/mine/push"),
        ("GET", "/v1/mine/changes"),
        ("GET", "/v1/mine/live"),
        ("GET", "/v1/mine/snapshot"),
    ];
    for (at, (name, value)) in forms.iter().enumerate() {
        let (method, path) = routes[at % routes.len()];
        let answer = call(endpoint.address(), method, path, &[("authorization", value)], Vec::new()).await;
        assert_eq!(answer.code(401), "unauthorized", "{name}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{name}");
    }
    for (method, path) in routes {
        assert_eq!(call(endpoint.address(), method, path, &[], Vec::new()).await.code(401), "unauthorized");
        let token = format!("Bearer {}", mint("someone", &["mine"]));
        let twice = [("authorization", token.as_str()), ("authorization", token.as_str())];
        assert_eq!(call(endpoint.address(), method, path, &twice, Vec::new()).await.code(401), "unauthorized");
        let query = format!("{path}?access_token={0}&token={0}", mint("someone", &["mine"]));
        assert_eq!(call(endpoint.address(), method, &query, &[], Vec::new()).await.code(401), "unauthorized");
    }
    println!("{} forms of tokens, 0 accepted", forms.len());
    assert!(forms.len() >= 200);
}

#[tokio::test]
async fn a_good_token_is_accepted_in_its_forms() {
    let endpoint = Endpoint::start().await;
    for (name, change) in [
        ("spaces", json!({})),
        ("space", json!({ "spaces": null, "space": "mine" })),
        ("both", json!({ "spaces": ["other"], "space": "mine" })),
        ("claims that we do not know", json!({ "role": "x", "iat": seconds(-5), "jti": "1" })),
        ("an issuer that is not asked for", json!({ "iss": "anyone" })),
        ("valid since a while", json!({ "nbf": seconds(-5) })),
        ("expired within the tolerance", json!({ "exp": seconds(-5) })),
    ] {
        let token = mint_with(&header("HS256"), &good_claims(&change), SECRET);
        let value = format!("bearer {token}");
        let answer = call(endpoint.address(), "GET", "/v1/mine", &[("authorization", &value)], Vec::new()).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn audience_and_issuer_are_required_where_they_are_set() {
    let endpoint = Endpoint::with(|config| {
        config.auth.audience = Some("notes".to_owned());
        config.auth.issuer = Some("https://login.example".to_owned());
    })
    .await;
    let both = json!({ "aud": "notes", "iss": "https://login.example" });
    for (change, status) in [
        (both.clone(), 200),
        (json!({ "aud": ["other", "notes"], "iss": "https://login.example" }), 200),
        (json!({ "aud": "notes" }), 401),
        (json!({ "iss": "https://login.example" }), 401),
        (json!({}), 401),
        (json!({ "aud": "Notes", "iss": "https://login.example" }), 401),
        (json!({ "aud": [], "iss": "https://login.example" }), 401),
        (json!({ "aud": { "notes": 1 }, "iss": "https://login.example" }), 401),
        (json!({ "aud": "notes", "iss": "https://login.example.evil" }), 401),
        (json!({ "aud": "notes", "iss": 1 }), 401),
        (json!({ "aud": 1, "iss": "https://login.example" }), 401),
    ] {
        let value = format!("Bearer {}", mint_with(&header("HS256"), &good_claims(&change), SECRET));
        let answer = call(endpoint.address(), "GET", "/v1/mine", &[("authorization", &value)], Vec::new()).await;
        assert_eq!(answer.status, status, "{change}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_token_for_other_spaces_is_forbidden() {
    let endpoint = Endpoint::start().await;
    for spaces in [vec![], vec!["other"], vec!["Mine"], vec!["mine "], vec!["min"], vec!["mine2"], vec!["*"], vec![""]]
    {
        let value = format!("Bearer {}", mint("someone", &spaces));
        for (method, path) in
            [("GET", "/v1/mine"), ("POST", "/v1/mine/push"), ("GET", "/v1/mine/changes"), ("GET", "/v1/mine/snapshot")]
        {
            let answer = call(endpoint.address(), method, path, &[("authorization", &value)], Vec::new()).await;
            assert_eq!(answer.code(403), "forbidden", "{spaces:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let endpoint = Endpoint::start().await;
    let mut client = endpoint.client("mine");
    client.token = "expired".to_owned();
    for _ in 0..10 {
        assert_eq!(client.post(vec![b' '; 4 << 20], &[]).await.code(401), "unauthorized");
    }
}

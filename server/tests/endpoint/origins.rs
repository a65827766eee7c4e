//! Which web origins may call.

use axum::http::HeaderValue;

use super::support::{Answer, Endpoint, call, mint};

async fn preflight(endpoint: &Endpoint, origin: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-encoding,content-type"),
    ];
    call(endpoint.address(), "OPTIONS", "/v1/mine/push", &headers, Vec::new()).await
}

#[tokio::test]
async fn a_listed_origin_may_call_and_others_may_not() {
    let endpoint = Endpoint::with(|config| {
        config.origins =
            vec![HeaderValue::from_static("https://app.example"), HeaderValue::from_static("http://localhost:5173")];
    })
    .await;
    for origin in ["https://app.example", "http://localhost:5173"] {
        let answer = preflight(&endpoint, origin).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        let headers = answer.header("access-control-allow-headers").to_lowercase();
        assert!(["authorization", "content-type", "content-encoding"].iter().all(|name| headers.contains(name)));
        assert!(answer.header("access-control-allow-methods").contains("POST"));
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    for origin in
        ["https://evil.example", "https://app.example.evil", "http://app.example", "null", "https://app.example:444"]
    {
        assert_eq!(preflight(&endpoint, origin).await.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn a_listed_origin_can_read_refusals_too() {
    let endpoint =
        Endpoint::with(|config| config.origins = vec![HeaderValue::from_static("https://app.example")]).await;
    let origin = ("origin", "https://app.example");
    let token = format!("Bearer {}", mint("someone", &["other"]));
    for (path, headers, status) in [
        ("/v1/mine", vec![origin], 401),
        ("/v1/mine", vec![origin, ("authorization", token.as_str())], 403),
        ("/v1/other", vec![origin, ("authorization", token.as_str())], 200),
        ("/nothing", vec![origin], 404),
    ] {
        let answer = call(endpoint.address(), "GET", path, &headers, Vec::new()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example", "{path}");
        assert_eq!(answer.header("access-control-expose-headers"), "retry-after");
        let mut vary = answer.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
        assert!(vary.any(|value| value.contains("origin")));
    }
}

#[tokio::test]
async fn without_a_list_no_other_origin_may_call() {
    let endpoint = Endpoint::start().await;
    let answer = preflight(&endpoint, "https://app.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

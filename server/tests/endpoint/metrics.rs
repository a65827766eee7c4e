//! What is counted.

use super::support::{Endpoint, call, op};

#[tokio::test]
async fn requests_and_operations_are_counted_without_anyones_name_on_an_address_of_its_own() {
    let endpoint = Endpoint::with(|config| config.metrics = Some(([127, 0, 0, 1], 0).into())).await;
    let client = endpoint.client("canary-space");
    client.push("canary-client", &[op(1, "canary-id", 1, "x")]).await;
    client.push("canary-client", &[op(1, "canary-id", 1, "x")]).await;
    client.get("/nothing-here").await;
    let answer = call(endpoint.metrics(), "GET", "/metrics", &[], Vec::new()).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(text.contains("tidekeep_operations_total{outcome=\"ok\"} 1"), "{text}");
    assert!(text.contains("tidekeep_operations_total{outcome=\"dup\"} 1"), "{text}");
    assert!(
        text.contains("tidekeep_requests_total{method=\"POST\",route=\"/v1/{space}/push\",status=\"200\"} 2"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok() && name.starts_with("tidekeep_"), "{line}");
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(call(endpoint.address(), "GET", path, &[], Vec::new()).await.status, 200);
        assert_eq!(call(endpoint.metrics(), "GET", path, &[], Vec::new()).await.status, 200);
    }
    assert_eq!(call(endpoint.address(), "GET", "/metrics", &[], Vec::new()).await.status, 404);
}

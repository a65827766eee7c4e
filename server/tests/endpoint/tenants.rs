//! Spaces know nothing of each other.

use super::support::{Endpoint, call, mint, op};

#[tokio::test]
async fn spaces_with_the_same_clients_and_documents_are_apart() {
    let endpoint = Endpoint::start().await;
    let names = ["a", "A", "a.", "b", "team-1", "user:7@example.com"];
    for (at, name) in names.iter().enumerate() {
        let client = endpoint.client(name);
        for mid in 1..=at as u64 + 1 {
            let result = client.push("the same client", &[op(mid, "the same id", mid, name)]).await;
            assert!(!result.results[0].dup);
        }
    }
    let mut epochs = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let client = endpoint.client(name);
        let status = client.status().await;
        assert_eq!(status.head, at as u64 + 1, "{name}");
        let changes = client.get("/changes").await.text();
        let snapshot = client.get("/snapshot").await.text();
        for text in [changes, snapshot] {
            assert!(text.contains(&format!("{{\"value\":\"{name}\"}}")), "{name}: {text}");
            assert_eq!(text.matches("the same id").count(), 1);
        }
        epochs.push(status.epoch);
    }
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), names.len());
}

#[tokio::test]
async fn no_spelling_of_a_path_reaches_another_space() {
    let endpoint = Endpoint::start().await;
    endpoint.client("other").push("c", &[op(1, "a", 1, "canary-of-other")]).await;
    let value = format!("Bearer {}", mint("someone", &["mine", "../other", "mine/../other", "other\0", "o%74her"]));
    let spellings = [
        "other",
        "other/",
        "%6fther",
        "o%74her",
        "o%2574her",
        "mine/../other",
        "mine%2f..%2fother",
        "..%2fother",
        "../other",
        "./other",
        "mine/%2e%2e/other",
        "other%00",
        "OTHER",
        "other%20",
        "mine;other",
        "mine?space=other",
        "mine#other",
        "mine%23other",
        "%2fother",
        "/other",
        "other%2f",
        "mine,other",
        "%ff",
        "o\u{2060}ther",
    ];
    let mut count = 0;
    for spelling in spellings {
        for rest in ["", "/changes", "/snapshot", "/changes?since=&c=n"] {
            let (path, query) = spelling.split_once(['?', '#']).unwrap_or((spelling, ""));
            let path =
                format!("/v1/{path}{rest}{}", if rest.contains('?') || query.is_empty() { "" } else { "?x=other" });
            let path = path.replace('\u{2060}', "%E2%81%A0");
            let answer = call(endpoint.address(), "GET", &path, &[("authorization", &value)], Vec::new()).await;
            assert!(!answer.text().contains("canary-of-other"), "{path}");
            assert!(answer.status < 500, "{path}: {}", answer.status);
            count += 1;
        }
    }
    println!("{count} probes, 0 leaks");
}

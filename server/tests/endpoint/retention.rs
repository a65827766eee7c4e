//! Deletions are remembered for a while, and then forgotten.

use core::time::Duration;

use tidekeep::sync::protocol::PushStatus;

use super::support::{Endpoint, delete, op};

#[tokio::test]
async fn old_deletions_are_forgotten_and_whoever_was_away_for_longer_takes_the_snapshot() {
    let endpoint = Endpoint::with(|config| config.retention = Some(Duration::from_millis(300))).await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x"), op(2, "b", 2, "y")]).await;
    let before = client.changes("").await.cursor;
    client.push("c", &[delete(3, "a", 3)]).await;
    client.push("c", &[op(4, "d", 4, "z")]).await;
    let after = client.changes(&format!("?since={before}")).await.cursor;
    let mut floor = 0;
    for _ in 0..100 {
        floor = client.status().await.floor;
        if floor > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(floor, 3);
    assert_eq!(client.get(&format!("/changes?since={before}")).await.code(409), "reset");
    assert_eq!(client.get("/changes").await.code(409), "reset");
    assert!(client.changes(&format!("?since={after}")).await.changes.is_empty());
    let documents = client.snapshot().await;
    assert_eq!(documents.len(), 4, "{documents:?}");
    assert_eq!(client.changes(&format!("?since={}", documents[0]["cursor"].as_str().unwrap())).await.head, 4);
    // What was answered for is still answered for.
    let repeat = client.push("c", &[delete(3, "a", 3)]).await;
    assert!(repeat.results[0].dup && repeat.results[0].status == PushStatus::Ok);
    assert_eq!(repeat.head, 4);
}

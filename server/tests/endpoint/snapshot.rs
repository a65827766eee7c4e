//! Everything at once.

use std::collections::BTreeSet;

use serde_json::Value;
use tidekeep::sync::protocol::{Change, PushOp, SnapshotEnd, SnapshotHead};

use super::support::{Endpoint, delete, op};

#[tokio::test]
async fn a_snapshot_has_a_head_what_exists_and_an_end_with_its_count() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let ops: Vec<_> = (1..=500).map(|mid| op(mid, &format!("d{mid}"), mid, "x")).collect();
    client.push("c", &ops).await;
    let more: Vec<_> = (501..=1000).map(|mid| op(mid, &format!("d{mid}"), mid, "x")).collect();
    client.push("c", &more).await;
    client.push("c", &[delete(1001, "d7", 5000), op(1002, "d8", 5000, "again")]).await;
    let answer = client.get("/snapshot").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = answer.lines();
    let head: SnapshotHead = serde_json::from_value(lines[0].clone()).unwrap();
    assert_eq!((head.head, head.epoch), (1002, client.status().await.epoch));
    let end: SnapshotEnd = serde_json::from_value(lines.last().unwrap().clone()).unwrap();
    assert_eq!(end.count, 999);
    assert_eq!(lines.len(), 1001);
    let documents: Vec<Change> =
        lines[1..1000].iter().map(|line| serde_json::from_str(&line.to_string()).unwrap()).collect();
    assert!(documents.iter().all(|document| !document.del && document.body.is_some()));
    assert_eq!(documents.iter().map(|document| &document.id).collect::<BTreeSet<_>>().len(), 999);
    // The cursor goes on where the snapshot ends.
    assert!(client.changes(&format!("?since={}", head.cursor)).await.changes.is_empty());
    client.push("c", &[op(1003, "new", 6000, "x")]).await;
    assert_eq!(client.changes(&format!("?since={}", head.cursor)).await.changes.len(), 1);
}

#[tokio::test]
async fn an_empty_space_has_a_snapshot_too() {
    let endpoint = Endpoint::start().await;
    let lines = endpoint.client("new").snapshot().await;
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], serde_json::json!({ "count": 0 }));
}

#[tokio::test]
async fn a_snapshot_shows_one_moment_while_others_write() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let text = "x".repeat(4_000);
    let ops: Vec<_> = (1..=200).map(|mid| op(mid, &mid.to_string(), mid, &text)).collect();
    for round in 0..6 {
        let ops: Vec<_> =
            ops.iter().map(|op| PushOp { mid: op.mid + round * 200, c: format!("c{round}"), ..op.clone() }).collect();
        client.push("c", &ops).await;
    }
    let writing = tokio::spawn({
        let client = client.clone();
        async move {
            for mid in (10_000..10_120).step_by(2) {
                client.push("w", &[op(mid, &format!("late{mid}"), mid, "x"), delete(mid + 1, "1", mid)]).await;
            }
        }
    });
    for _ in 0..10 {
        let lines = client.snapshot().await;
        let head = lines[0]["head"].as_u64().unwrap();
        let documents = &lines[1..lines.len() - 1];
        assert_eq!(lines.last().unwrap()["count"].as_u64().unwrap(), documents.len() as u64);
        assert!(documents.iter().all(|document| document["seq"].as_u64().unwrap() <= head));
        let late = documents.iter().filter(|document| document["id"].as_str().unwrap().starts_with("late")).count();
        // Each push of the writer takes two numbers: a document and a deletion.
        assert_eq!(late as u64, (head - 1200).div_ceil(2));
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_filter_holds_for_the_snapshot_as_well() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x"), PushOp { c: "other".to_owned(), ..op(2, "b", 2, "y") }]).await;
    let lines = client.get("/snapshot?c=other").await.lines();
    assert_eq!(lines.iter().filter_map(|line| line["id"].as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(lines.last().map(|line| &line["count"]), Some(&Value::from(1)));
}

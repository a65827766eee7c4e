//! What becomes of operations that meet a document which has moved on.

use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{Mode, PushOp, PushStatus};

use super::support::{Endpoint, body, delete, op};

#[tokio::test]
async fn latest_wins_converges_in_either_order_of_arrival() {
    let endpoint = Endpoint::start().await;
    let by = |device, at, text: &str| PushOp { hlc: Hlc::new(at, 0, device), ..op(1, "a", at, text) };
    let pairs = [
        [by(1, 10, "early"), by(2, 20, "late")],
        [by(1, 10, "lower device"), by(2, 10, "higher device")],
        [by(1, 10, "written"), PushOp { del: true, body: None, ..by(2, 20, "") }],
    ];
    for (at, pair) in pairs.iter().enumerate() {
        let mut ends = Vec::new();
        for order in [[0, 1], [1, 0]] {
            let client = endpoint.client(&format!("space-{at}-{}", order[0]));
            for from in order {
                client.push(&format!("client-{from}"), &[pair[from].clone()]).await;
            }
            let end = client.changes("").await.changes.remove(0);
            ends.push((end.hlc, end.del, end.body.map(|body| body.get().to_owned())));
        }
        assert_eq!(ends[0], ends[1]);
        assert_eq!(ends[0].0, pair[1].hlc);
    }
}

#[tokio::test]
async fn an_older_write_is_superseded_and_told_what_is_there() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("one", &[op(1, "a", 20, "late")]).await;
    for older in [op(1, "a", 19, "early"), op(2, "a", 20, "same stamp, another text"), delete(3, "a", 20)] {
        let result = client.push("two", &[older]).await.results.remove(0);
        assert_eq!(result.status, PushStatus::Superseded);
        let current = result.current.unwrap();
        assert_eq!((current.seq, current.rev, current.body.unwrap().get()), (1, 1, body("late").get()));
    }
    let same = client.push("two", &[op(4, "a", 20, "late")]).await.results.remove(0);
    assert_eq!((same.status, same.seq, same.rev), (PushStatus::Ok, Some(1), Some(1)));
    assert_eq!(client.status().await.head, 1);
}

#[tokio::test]
async fn a_write_on_another_base_conflicts_and_is_told_what_is_there() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let cas = |mid, base, text: &str| PushOp { base, mode: Mode::Cas, ..op(mid, "a", 1, text) };
    let missing = client.push("one", &[cas(1, Some(7), "x")]).await.results.remove(0);
    assert_eq!(missing.status, PushStatus::Conflict);
    assert!(missing.current.is_none());
    assert_eq!(client.push("one", &[cas(2, None, "first")]).await.results[0].rev, Some(1));
    let stale = client.push("two", &[cas(1, None, "x")]).await.results.remove(0);
    assert_eq!(stale.status, PushStatus::Conflict);
    assert_eq!(stale.current.unwrap().body.unwrap().get(), body("first").get());
    assert_eq!(client.push("two", &[cas(2, Some(1), "second")]).await.results[0].rev, Some(2));
    let gone = PushOp { del: true, body: None, ..cas(3, Some(2), "") };
    assert_eq!(client.push("two", &[gone]).await.results[0].rev, Some(3));
    assert_eq!(client.push("one", &[cas(3, None, "again")]).await.results[0].rev, Some(4));
}

#[tokio::test]
async fn operations_of_one_push_on_one_document_build_on_each_other() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let results = client.push("c", &[op(1, "a", 1, "x"), op(2, "a", 2, "y"), delete(3, "a", 3)]).await.results;
    assert_eq!(results.iter().map(|result| result.rev).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    let changes = client.changes("").await.changes;
    assert_eq!(changes.len(), 1);
    assert!(changes[0].del && changes[0].seq == 3);
}

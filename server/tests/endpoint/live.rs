//! Changes as they happen.

use core::time::Duration;
use std::time::Instant;

use serde_json::{Value, json};
use tidekeep::sync::protocol::PushOp;

use super::support::{Client, Endpoint, Events, good_claims, mint_with, op, seconds};

async fn within(seconds: u64, events: &mut Events) -> Option<(String, Value)> {
    tokio::time::timeout(Duration::from_secs(seconds), events.next()).await.expect("an event in time")
}

#[tokio::test]
async fn a_stream_tells_what_is_there_and_then_each_change_without_a_gap() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x"), op(2, "b", 2, "y")]).await;
    let mut events = Events::open(&client, "").await;
    let (kind, first) = within(5, &mut events).await.unwrap();
    assert_eq!((kind.as_str(), first["prev"].as_str()), ("changes", Some("")));
    assert_eq!(first["changes"].as_array().unwrap().len(), 2);
    let mut cursor = first["cursor"].clone();
    for mid in 3..10 {
        let pushed = Instant::now();
        client.push("c", &[op(mid, "a", mid, "x")]).await;
        let (kind, told) = within(5, &mut events).await.unwrap();
        assert!(pushed.elapsed() < Duration::from_secs(5));
        assert_eq!((kind.as_str(), &told["prev"], told["changes"][0]["seq"].as_u64()), ("changes", &cursor, Some(mid)));
        cursor = told["cursor"].clone();
    }
    let rest = client.changes(&format!("?since={}", cursor.as_str().unwrap())).await;
    assert!(rest.changes.is_empty());
}

#[tokio::test]
async fn a_stream_begins_with_a_ping_where_there_is_nothing_new_and_keeps_to_its_filter() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let cursor = client.changes("").await.cursor;
    let mut events = Events::open(&client, &format!("?since={cursor}&c=wanted")).await;
    let (kind, first) = within(5, &mut events).await.unwrap();
    assert_eq!((kind.as_str(), first["prev"].as_str()), ("ping", Some(cursor.as_str())));
    client.push("c", &[op(2, "b", 2, "y")]).await;
    client.push("c", &[PushOp { c: "wanted".to_owned(), ..op(3, "w", 3, "z") }]).await;
    let (kind, told) = within(5, &mut events).await.unwrap();
    assert_eq!((kind.as_str(), &told["prev"], &told["changes"][0]["id"]), ("changes", &first["cursor"], &json!("w")));
}

#[tokio::test]
async fn a_stream_ends_with_its_token_with_the_endpoint_and_is_refused_with_a_status() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    assert_eq!(client.get("/live?since=nonsense").await.code(400), "invalid");
    assert_eq!(
        client.get(&format!("/live?since={}", other_epoch(&endpoint.client("other")).await)).await.code(409),
        "reset"
    );
    // A token that has ended by now, within the tolerance for clocks.
    let mut ending = client.clone();
    ending.token =
        mint_with(&json!({ "alg": "HS256" }), &good_claims(&json!({ "exp": seconds(-28) })), super::support::SECRET);
    let mut short = Events::open(&ending, "").await;
    assert_eq!(within(5, &mut short).await.unwrap().0, "ping");
    let (kind, data) = within(10, &mut short).await.unwrap();
    assert_eq!((kind.as_str(), &data["reason"]), ("end", &json!("token")));
    assert!(within(5, &mut short).await.is_none());
    let mut events = Events::open(&client, "").await;
    within(5, &mut events).await.unwrap();
    let begun = Instant::now();
    endpoint.stop().await;
    assert_eq!(within(5, &mut events).await.unwrap().1["reason"], "stopping");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

async fn other_epoch(client: &Client) -> String {
    client.push("c", &[op(1, "a", 1, "x")]).await;
    client.changes("").await.cursor
}

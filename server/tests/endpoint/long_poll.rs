//! Waiting for a change.

use core::time::Duration;
use std::time::Instant;

use tidekeep::sync::protocol::PushOp;

use super::support::{Endpoint, op};

const SOON: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_waiting_request_wakes_when_something_changes() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let cursor = client.changes("").await.cursor;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.changes(&format!("?since={cursor}&wait=25")).await }
    });
    tokio::time::sleep(SOON).await;
    assert!(!waiting.is_finished());
    let pushed = Instant::now();
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let page = waiting.await.unwrap();
    assert_eq!(page.changes.len(), 1);
    println!("woke {} ms after the push began", pushed.elapsed().as_millis());
    assert!(pushed.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_change_elsewhere_wakes_nobody_and_the_wait_ends_with_a_fresh_cursor() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let cursor = client.changes("").await.cursor;
    let begun = Instant::now();
    let waiting = tokio::spawn({
        let (client, cursor) = (client.clone(), cursor.clone());
        async move { client.changes(&format!("?since={cursor}&wait=1&c=wanted")).await }
    });
    tokio::time::sleep(SOON).await;
    endpoint.client("other").push("c", &[op(1, "a", 1, "x")]).await;
    client.push("c", &[PushOp { c: "unwanted".to_owned(), ..op(1, "a", 1, "x") }]).await;
    let page = waiting.await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(page.changes.is_empty() && !page.more);
    assert_ne!(page.cursor, cursor);
    assert_eq!(page.head, 1);
}

#[tokio::test]
async fn a_request_with_something_to_tell_does_not_wait() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let begun = Instant::now();
    assert_eq!(client.changes("?wait=25").await.changes.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_endpoint_that_stops_answers_whoever_waits() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let waiting = tokio::spawn(async move { client.changes("?wait=25").await });
    tokio::time::sleep(SOON).await;
    let begun = Instant::now();
    endpoint.stop().await;
    assert!(waiting.await.unwrap().changes.is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

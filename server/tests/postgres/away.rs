//! A database that goes away.

use core::time::Duration;
use std::time::Instant;

use super::support::{Cluster, Endpoint, Events, Folder, Sync, call, op};

#[tokio::test]
async fn without_its_database_the_endpoint_answers_503_and_comes_back_by_itself() {
    let cluster = Cluster::start(Sync::Off);
    let endpoint = Endpoint::at(cluster.database().await, Folder::new(), |_| {}).await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let cursor = client.changes("").await.cursor;
    cluster.kill();
    let ready = async || call(endpoint.address(), "GET", "/readyz", &[], Vec::new()).await;
    for path in ["", "/changes", "/snapshot", "/live"] {
        let begun = Instant::now();
        let answer = client.get(path).await;
        assert_eq!(answer.code(503), "unavailable", "{path}");
        assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        assert!(begun.elapsed() < Duration::from_secs(6));
    }
    assert_eq!(ready().await.status, 503);
    assert_eq!(call(endpoint.address(), "GET", "/livez", &[], Vec::new()).await.status, 200);
    cluster.again();
    assert_eq!(ready().await.status, 200);
    // It listens again to what other instances tell.
    let other = Endpoint::at(endpoint.url.clone(), Folder::new(), |_| {}).await;
    let mut events = Events::open(&client, &format!("?since={cursor}")).await;
    assert_eq!(events.next().await.unwrap().0, "ping");
    tokio::time::sleep(Duration::from_secs(1)).await;
    other.client("mine").push("c", &[op(2, "b", 2, "y")]).await;
    let told = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap();
    assert_eq!(told.0, "changes");
}

//! A database that was restored from a backup begins a new history.

use tidekeep_server::renew;

use super::support::{Endpoint, Folder, config, new_database, op};

#[tokio::test]
async fn a_new_epoch_sends_every_client_to_the_snapshot_and_keeps_the_documents() {
    let folder = Folder::new();
    let url = new_database(&folder).await;
    let endpoint = Endpoint::at(url.clone(), Folder::new(), |_| {}).await;
    let mut old = Vec::new();
    for space in ["mine", "other"] {
        let client = endpoint.client(space);
        client.push("c", &[op(1, "a", 1, "x")]).await;
        old.push((client.status().await.epoch, client.changes("").await.cursor));
    }
    endpoint.stop().await;
    let Ok(database) = url.parse();
    assert_eq!(renew(&config(database)).await.unwrap(), 2);
    let endpoint = Endpoint::at(url, folder, |_| {}).await;
    for (space, (epoch, cursor)) in ["mine", "other"].iter().zip(old) {
        let client = endpoint.client(space);
        assert_ne!(client.status().await.epoch, epoch);
        assert_eq!(client.get(&format!("/changes?since={cursor}")).await.code(409), "reset");
        assert_eq!(client.snapshot().await.len(), 3);
    }
}

//! An endpoint that stops loses nothing.

use core::time::Duration;
use std::collections::BTreeSet;

use tidekeep::sync::protocol::PushResponse;

use super::support::{Client, Endpoint, Folder, new_database, op, push_body, try_call};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_in_flight_are_finished_and_what_was_acknowledged_is_there() {
    let folder = Folder::new();
    let url = new_database(&folder).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let endpoint = Endpoint::at(url.clone(), Folder::new(), |_| {}).await;
        let writers: Vec<_> =
            (0..8).map(|writer| tokio::spawn(write(endpoint.client("mine"), format!("{round}-{writer}")))).collect();
        tokio::time::sleep(Duration::from_millis(150)).await;
        endpoint.stop().await;
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    let endpoint = Endpoint::at(url, folder, |_| {}).await;
    let lines = endpoint.client("mine").snapshot().await;
    let found: BTreeSet<String> = lines.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
    assert!(acknowledged.is_subset(&found));
    println!(
        "3 stops under load, {} acknowledged, 0 lost, {} more found",
        acknowledged.len(),
        found.len() - acknowledged.len()
    );
    // A push that was taken is answered: at most what was not yet read from the network has no answer.
    assert_eq!(found.len(), acknowledged.len());
}

/// Writes one document after the other until nobody answers.
async fn write(client: Client, name: String) -> Vec<String> {
    let mut seen = Vec::new();
    let token = format!("Bearer {}", client.token);
    for mid in 1.. {
        let id = format!("{name}-{mid}");
        let bytes = push_body(&name, &[op(mid, &id, mid, "x")]);
        let headers = [("authorization", token.as_str())];
        let answer = try_call(client.address, "POST", "/v1/mine/push", &headers, bytes).await;
        let Some(answer) = answer.filter(|answer| answer.status == 200) else { return seen };
        let _: PushResponse = answer.read(200);
        seen.push(id);
    }
    seen
}

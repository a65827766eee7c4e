//! An acknowledgement is durable: the endpoint and the database are killed under load.

use core::time::Duration;
use std::collections::BTreeSet;

use tidekeep::sync::protocol::PushResponse;

use super::support::{Client, Cluster, Endpoint, Folder, Sync, op, push_body, try_call};

/// Kills; `TIDEKEEP_KILLS` sets another number.
const KILLS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_killed_under_load_comes_back_with_all_that_was_acknowledged() {
    let kills = std::env::var("TIDEKEEP_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let cluster = Cluster::start(Sync::On);
    let endpoint = Endpoint::at(cluster.database().await, Folder::new(), |_| {}).await;
    let client = endpoint.client("mine");
    let (mut expected, mut refused) = (BTreeSet::new(), 0);
    for round in 0..kills {
        let writers: Vec<_> =
            (0..6).map(|writer| tokio::spawn(write(client.clone(), format!("{round}-{writer}"), 40))).collect();
        tokio::time::sleep(Duration::from_millis(60 + 20 * (round % 5))).await;
        cluster.kill();
        cluster.again();
        for writer in writers {
            let (seen, failures) = writer.await.unwrap();
            expected.extend(seen);
            refused += failures;
        }
        let lines = client.snapshot().await;
        let found: BTreeSet<String> = lines.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
        assert_eq!(found, expected, "round {round}");
        assert_eq!(client.status().await.head, expected.len() as u64, "each took effect once");
    }
    println!("{kills} kills of PostgreSQL, {} acknowledged, 0 lost, 0 twice, {refused} answers of 503", expected.len());
}

/// Writes one document after the other, repeating what is refused for the time being.
async fn write(client: Client, name: String, count: u64) -> (Vec<String>, u64) {
    let token = format!("Bearer {}", client.token);
    let headers = [("authorization", token.as_str())];
    let (mut seen, mut refused) = (Vec::new(), 0);
    for mid in 1..=count {
        let id = format!("{name}-{mid}");
        let bytes = push_body(&name, &[op(mid, &id, mid, "x")]);
        loop {
            let answer = try_call(client.address, "POST", "/v1/mine/push", &headers, bytes.clone()).await.unwrap();
            if answer.status == 200 {
                assert_eq!(answer.read::<PushResponse>(200).results.len(), 1);
                break;
            }
            assert_eq!(answer.code(503), "unavailable");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        seen.push(id);
    }
    (seen, refused)
}

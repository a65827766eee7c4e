//! How many pushes there are in a second, and how long one takes.

use core::time::Duration;
use std::time::Instant;

use super::support::{Client, Cluster, Endpoint, Folder, Kind, Sync, new_database, op};

/// Pushes of each client; `TIDEKEEP_PUSHES` sets another number.
const PUSHES: u64 = 25;
const CLIENTS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_push_of_many_clients_is_answered_durably() {
    let pushes = std::env::var("TIDEKEEP_PUSHES").ok().and_then(|pushes| pushes.parse().ok()).unwrap_or(PUSHES);
    let folder = Folder::new();
    // A database that syncs to the disk, other than that of the other tests.
    let cluster = (crate::KIND == Kind::Postgres).then(|| Cluster::start(Sync::On));
    let url = match &cluster {
        Some(cluster) => cluster.database().await,
        None => new_database(&folder).await,
    };
    let endpoint = Endpoint::at(url, folder, |_| {}).await;
    for (what, one_space) in [("spaces of their own", false), ("one space", true)] {
        for size in [1, 100] {
            let begun = Instant::now();
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let space = if one_space { "mine".to_owned() } else { format!("s{number}") };
                    tokio::spawn(push(endpoint.client(&space), format!("{what}-{size}-{number}"), pushes, size))
                })
                .collect();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.await.unwrap());
            }
            times.sort_unstable();
            let count = times.len();
            assert_eq!(count as u64, pushes * CLIENTS);
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let rate = count as f64 / begun.elapsed().as_secs_f64();
            println!(
                "{:?}, {CLIENTS} clients in {what}, {size} operations to a push: {rate:.0} pushes/s, p50 {:?}, p99 {:?}",
                crate::KIND,
                times[count / 2],
                times[count * 99 / 100]
            );
        }
    }
}

async fn push(client: Client, name: String, pushes: u64, size: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..pushes {
        let first = number * size + 1;
        let ops: Vec<_> = (first..first + size).map(|mid| op(mid, &format!("{name}-{mid}"), mid, "x")).collect();
        let begun = Instant::now();
        let answer = client.push(&name, &ops).await;
        times.push(begun.elapsed());
        assert!(answer.results.iter().all(|result| result.seq.is_some()));
    }
    times
}

//! What the endpoint does not do, because it loses changes: reading by a number that is not in the order of commits.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::Cluster;

const ROWS: i64 = 480;
const WRITERS: i64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_puller_by_a_serial_number_skips_changes_under_the_same_writers() {
    let cluster = Cluster::shared();
    let url = cluster.database().await;
    cluster.connect(&url).await.batch_execute("CREATE TABLE naive (id bigserial PRIMARY KEY)").await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let puller = tokio::spawn({
        let (url, over) = (url.clone(), Arc::clone(&over));
        async move {
            let client = cluster.connect(&url).await;
            let (mut seen, mut last) = (BTreeSet::new(), 0_i64);
            loop {
                let done = over.load(Ordering::SeqCst);
                let rows = client.query("SELECT id FROM naive WHERE id > $1 ORDER BY id", &[&last]).await.unwrap();
                seen.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
                last = seen.last().copied().unwrap_or(0);
                if done && rows.is_empty() {
                    return seen;
                }
            }
        }
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let url = url.clone();
            tokio::spawn(async move {
                let mut client = cluster.connect(&url).await;
                for number in 0..ROWS / WRITERS {
                    let transaction = client.transaction().await.unwrap();
                    transaction.execute("INSERT INTO naive DEFAULT VALUES", &[]).await.unwrap();
                    let pause = (number * 7 + writer * 3) % 11;
                    tokio::time::sleep(Duration::from_millis(pause.unsigned_abs())).await;
                    transaction.commit().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let seen = puller.await.unwrap();
    let missed = ROWS - i64::try_from(seen.len()).unwrap();
    println!("{ROWS} rows under {WRITERS} writers, read by a serial number: {missed} missed");
    assert!(missed > 0);
}

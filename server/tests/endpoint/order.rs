//! No puller skips a change, however many write at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::{Client, Endpoint, op};

/// Rows in all; `TIDEKEEP_ROWS` sets another number.
const ROWS: u64 = 4_000;
const WRITERS: u64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_puller_skips_a_change_under_concurrent_writers() {
    let rows = std::env::var("TIDEKEEP_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let over = Arc::new(AtomicBool::new(false));
    let pullers: Vec<_> = (0..3).map(|_| tokio::spawn(pull(client.clone(), Arc::clone(&over)))).collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                let each = rows / WRITERS;
                let mut mid = 1;
                while mid <= each {
                    let most = (each + 1).min(mid + 1 + (mid + writer) % 40);
                    let ops: Vec<_> = (mid..most).map(|mid| op(mid, &format!("{writer}-{mid}"), mid, "x")).collect();
                    client.push(&format!("w{writer}"), &ops).await;
                    mid = most;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let written = rows / WRITERS * WRITERS;
    for puller in pullers {
        let seen = puller.await.unwrap();
        assert_eq!(seen.len() as u64, written);
        assert!(seen.values().all(|times| *times == 1));
    }
    println!("{written} rows past 3 pullers under {WRITERS} writers, 0 missed");
}

/// Pulls until the writers are done and nothing more comes; answers with how often each document came.
async fn pull(client: Client, over: Arc<AtomicBool>) -> HashMap<String, u32> {
    let (mut seen, mut cursor, mut last) = (HashMap::new(), String::new(), 0);
    loop {
        let done = over.load(Ordering::SeqCst);
        let page = client.changes(&format!("?since={cursor}&limit=1000")).await;
        for change in &page.changes {
            assert!(change.seq > last, "sequences ascend");
            last = change.seq;
            *seen.entry(change.id.clone()).or_default() += 1;
        }
        cursor = page.cursor;
        if done && page.changes.is_empty() {
            return seen;
        }
    }
}

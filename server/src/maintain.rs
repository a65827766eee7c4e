//! Forgetting old deletions, in the background.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock;
use crate::store::Store;

/// How long to rest once nothing is left to forget.
const REST: Duration = Duration::from_secs(60 * 60);
/// How long to let others have the database between two slices.
const PAUSE: Duration = Duration::from_millis(200);
/// Deletions that are forgotten in one slice, which is one transaction.
const SLICE: usize = 500;

/// Forgets deletions that are older than `retention`, slice by slice, until the endpoint is to stop.
pub(crate) async fn run(store: Arc<dyn Store>, retention: Duration, mut stopping: watch::Receiver<bool>) {
    let age = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    loop {
        let rest = match store.forget(clock::now().saturating_sub(age), SLICE).await {
            Ok(0) => REST.min(retention.max(PAUSE)),
            Ok(_) => PAUSE,
            Err(error) => {
                tracing::warn!(%error, "old deletions could not be forgotten; trying again later");
                REST.min(retention.max(PAUSE))
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

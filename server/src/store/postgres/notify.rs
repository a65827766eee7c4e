//! Instances on one database tell one another which spaces have changed.
//!
//! A notice is sent after the commit and not with it: PostgreSQL lets no two transactions commit at once that both
//! notify. So a notice may be missing where an instance dies between the two, and whoever waits looks for itself now and
//! then.

use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Pool;
use futures_util::future::poll_fn;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Config};

use super::convert::failed;
use super::open;
use crate::listen::Listeners;
use crate::store::StoreError;

/// How long to wait before the database is looked for again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the connection that listens is asked whether it lives, and how long it may take to say so.
const PULSE: Duration = Duration::from_secs(10);

/// The spaces that others are still to be told of.
#[derive(Debug, Default)]
pub(super) struct Notices {
    spaces: Mutex<HashSet<String>>,
    more: Notify,
}

impl Notices {
    pub(super) fn add(&self, space: &str) {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner).insert(space.to_owned());
        self.more.notify_one();
    }

    fn take(&self) -> Vec<String> {
        self.spaces.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }
}

/// Tells others, for ever. Many changes of one space within one turn are one notice.
pub(super) async fn tell(pool: Pool, notices: Arc<Notices>) {
    loop {
        notices.more.notified().await;
        let spaces = notices.take();
        let told = async {
            let client = pool.get().await.ok()?;
            let notify = "SELECT count(pg_notify('tidekeep', name)) FROM unnest($1::text[]) AS name";
            let notify = client.prepare_cached(notify).await.ok()?;
            client.execute(&notify, &[&spaces]).await.ok()
        };
        if told.await.is_none() {
            tracing::warn!("other instances could not be told of a change");
        }
    }
}

/// Listens to others, for ever; where the connection was lost, everyone who waits is woken.
pub(super) async fn hear(config: Config, listeners: Arc<Listeners>) {
    loop {
        if let Err(error) = hear_once(&config, &listeners).await {
            tracing::warn!(%error, "changes of other instances are not heard; trying again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear_once(config: &Config, listeners: &Listeners) -> Result<(), StoreError> {
    let (client, mut connection) = open::connect(config).await?;
    let mut messages = pin!(poll_fn(|context| {
        loop {
            return match connection.poll_message(context) {
                Poll::Ready(Some(Ok(AsyncMessage::Notification(notice)))) => {
                    listeners.wake(notice.payload());
                    continue;
                }
                Poll::Ready(Some(Ok(_))) => continue,
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(failed(error))),
                Poll::Ready(None) => Poll::Ready(Err(StoreError::Away)),
                Poll::Pending => Poll::Pending,
            };
        }
    }));
    let mut pulse = pin!(async {
        client.batch_execute("LISTEN tidekeep").await.map_err(failed)?;
        listeners.wake_all();
        loop {
            tokio::time::sleep(PULSE).await;
            tokio::time::timeout(PULSE, client.batch_execute(""))
                .await
                .map_err(|_| StoreError::Away)?
                .map_err(failed)?;
        }
    });
    tokio::select! {
        ended = &mut messages => ended,
        ended = &mut pulse => ended,
    }
}

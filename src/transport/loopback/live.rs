//! Telling of changes as they happen, as the endpoint does.

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::{Fault, Loopback, Route};
use crate::error::Result;
use crate::transport::{ChangesQuery, Hear, NoStream, OPENED};

/// The longest silence, milliseconds.
const PING: f64 = 20_000.0;

impl Loopback {
    /// Waits until there is something to tell, or the time is over.
    pub(super) async fn wait(&self, query: &ChangesQuery) {
        let nothing = self.endpoint.changes(query).body.contains(r#""changes":[]"#);
        if nothing && self.offers("long-poll") {
            self.change(f64::from(query.wait.unwrap_or_default()) * 1000.0).await;
        }
    }

    fn offers(&self, feature: &str) -> bool {
        self.endpoint.features.borrow().iter().any(|offered| offered == feature)
    }

    /// Waits for a change; answers whether the time was over before.
    async fn change(&self, within: f64) -> bool {
        let (tell, told) = oneshot::channel();
        self.endpoint.waiting.borrow_mut().push(tell);
        matches!(select(told, (self.sleep)(within)).await, Either::Right(_))
    }

    pub(super) async fn tell(&self, token: Option<&str>, query: &ChangesQuery, hear: Hear) -> Result<Option<NoStream>> {
        let none = |status, retry_after| Ok(Some(NoStream { status, retry_after }));
        if !self.offers("live") {
            return none(404, None);
        }
        let answer = self.carry((self.faults)(Route::Live), token, |endpoint| endpoint.changes(query)).await?;
        if answer.status != 200 {
            return none(answer.status, answer.retry_after);
        }
        if !answer.body.starts_with('{') {
            // A page of somebody else's.
            return none(200, None);
        }
        hear(OPENED, "");
        let mut query = query.clone();
        let mut due = true;
        loop {
            let page = self.endpoint.changes(&query);
            let Ok(value) = serde_json::from_str::<serde_json::Value>(&page.body) else { return Ok(None) };
            let Some(cursor) = value.get("cursor").and_then(serde_json::Value::as_str).map(str::to_owned) else {
                hear("reset", "{}");
                return Ok(None);
            };
            let empty = value.get("changes").and_then(serde_json::Value::as_array).is_none_or(Vec::is_empty);
            if !empty || due {
                let prev = query.since.replace(cursor).unwrap_or_default();
                let (_, members) = page.body.split_at(1);
                let data = format!("{{\"prev\":\"{prev}\",{members}");
                match (self.faults)(Route::Live) {
                    Fault::DropRequest => return Ok(None),
                    Fault::DropResponse => {}
                    Fault::Hang => core::future::pending().await,
                    Fault::Answer(_) if !hear("changes", "nonsense") => return Ok(None),
                    _ if !hear(if empty { "ping" } else { "changes" }, &data) => return Ok(None),
                    _ => {}
                }
            }
            due = self.change(PING).await;
        }
    }
}

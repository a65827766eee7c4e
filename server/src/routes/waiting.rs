//! A place among those who wait for a change.

use std::sync::Arc;

use tokio::sync::watch;

use crate::listen::Listeners;

/// A place among the listeners of a space, given up when dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    listeners: Arc<Listeners>,
    space: String,
    receiver: Option<watch::Receiver<u64>>,
}

impl Waiting {
    pub(super) fn new(listeners: &Arc<Listeners>, space: &str) -> Self {
        let receiver = Some(listeners.listen(space));
        Self { listeners: Arc::clone(listeners), space: space.to_owned(), receiver }
    }

    /// Ready once something has changed since the last time.
    pub(super) async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver
            && receiver.changed().await.is_ok()
        {
            return;
        }
        core::future::pending::<()>().await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.receiver = None;
        self.listeners.left(&self.space);
    }
}

//! Who waits for changes of which space, within this process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The waiting requests, by space.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    spaces: Mutex<HashMap<String, watch::Sender<u64>>>,
}

impl Listeners {
    /// Wakes at the next change of `space`. Ask before reading, or a change in between is slept through.
    pub(crate) fn listen(&self, space: &str) -> watch::Receiver<u64> {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        spaces.entry(space.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Wakes whoever waits for `space`.
    pub(crate) fn wake(&self, space: &str) {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = spaces.get(space) {
            sender.send_modify(|times| *times = times.wrapping_add(1));
            if sender.is_closed() {
                spaces.remove(space);
            }
        }
    }

    /// Wakes whoever waits for anything: something may have been missed.
    pub(crate) fn wake_all(&self) {
        let spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in spaces.values() {
            sender.send_modify(|times| *times = times.wrapping_add(1));
        }
    }

    /// Forgets `space` if nobody waits for it any more.
    pub(crate) fn left(&self, space: &str) {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        if spaces.get(space).is_some_and(watch::Sender::is_closed) {
            spaces.remove(space);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_wakes_for_its_space_alone_and_is_forgotten_when_it_leaves() {
        let listeners = Listeners::default();
        let (mut mine, other) = (listeners.listen("mine"), listeners.listen("other"));
        listeners.wake("mine");
        mine.changed().await.unwrap();
        assert!(!other.has_changed().unwrap());
        drop((mine, other));
        listeners.left("mine");
        listeners.wake("other");
        assert!(listeners.spaces.lock().unwrap().is_empty());
    }
}

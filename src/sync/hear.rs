//! The call by which changes are heard of as they happen: a task of its own, beside the rounds.

use std::rc::Rc;

use futures_util::future::{AbortHandle, Abortable};

use super::engine::{Event, Heard, Means};
use super::inner::Inner;
use crate::transport::{ChangesQuery, OPENED};

/// How much may be heard that nobody has looked at yet, in bytes. What is beyond it is pulled instead.
const MOST_UNHEARD: usize = 32 << 20;

impl Inner {
    /// Begins a call, in the place of the one before.
    pub(super) fn listen(self: &Rc<Self>, call: u64, means: Means, query: ChangesQuery) {
        self.hush();
        let (handle, registration) = AbortHandle::new_pair();
        self.call.replace(Some(handle));
        let inner = Rc::clone(self);
        let task = async move {
            let what = inner.hear(call, means, &query).await;
            inner.tell(Event::Live { call, what });
        };
        let task = Abortable::new(task, registration);
        (self.ports.spawn)(Box::pin(async move {
            let _ = task.await;
        }));
    }

    /// Ends the call, if there is one.
    pub(super) fn hush(&self) {
        let call = self.call.borrow_mut().take();
        if let Some(call) = call {
            call.abort();
        }
    }

    /// Something that was heard is being looked at.
    pub(super) fn looked_at(&self, kind: &str, data: &str) {
        self.unheard.set(self.unheard.get().saturating_sub(kind.len() + data.len()));
    }

    async fn hear(self: &Rc<Self>, call: u64, means: Means, query: &ChangesQuery) -> Heard {
        let token = match &self.ports.token {
            None => None,
            Some(provider) => match provider().await {
                Ok(token) => Some(token),
                // The next round says why.
                Err(_) => return Heard::Broke,
            },
        };
        let token = token.as_deref();
        match means {
            Means::Stream => {
                let inner = Rc::clone(self);
                let hear = move |kind: &str, data: &str| {
                    let unheard = inner.unheard.get() + kind.len() + data.len();
                    inner.unheard.set(unheard);
                    let what = if kind == OPENED {
                        Heard::Opened
                    } else {
                        Heard::Event { kind: kind.to_owned(), data: data.to_owned() }
                    };
                    inner.tell(Event::Live { call, what });
                    unheard <= MOST_UNHEARD
                };
                self.transport.live(token, query, Rc::new(hear)).await.map_or(Heard::Broke, Heard::Ended)
            }
            Means::Poll => self.transport.changes(token, query).await.map_or(Heard::Broke, Heard::Polled),
        }
    }
}

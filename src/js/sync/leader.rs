//! Which tab sends.

use core::cell::RefCell;

use futures_channel::oneshot;

use crate::backend::LocalFuture;
use crate::platform::environment::OriginLock;
use crate::sync::Leadership;

/// Leads while it holds a lock that all tabs of the origin ask for.
#[derive(Debug)]
pub(super) struct TabLock {
    name: String,
    lock: RefCell<Option<OriginLock>>,
}

impl TabLock {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), lock: RefCell::default() }
    }
}

impl Leadership for TabLock {
    fn acquire(&self) -> LocalFuture<'_, ()> {
        let (sender, held) = oneshot::channel();
        let sender = RefCell::new(Some(sender));
        let lock = OriginLock::ask(&self.name, move || {
            if let Some(sender) = sender.borrow_mut().take() {
                // Nobody waits any more: then nobody leads here.
                let _ = sender.send(());
            }
        });
        let before = self.lock.borrow_mut().replace(lock);
        drop(before);
        Box::pin(async move {
            if held.await.is_err() {
                core::future::pending::<()>().await;
            }
        })
    }

    fn lost(&self) -> LocalFuture<'_, ()> {
        // The browser takes it only with the page.
        Box::pin(core::future::pending())
    }

    fn release(&self) {
        let lock = self.lock.borrow_mut().take();
        drop(lock);
    }
}

//! What a watch has yet to look at: changes that come while it is looking gather here.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::mem::take;
use core::task::{Poll, Waker};
use std::rc::{Rc, Weak};

use crate::model::{Key, distinct};
use crate::store::{Change, ChangeKind, DataStore, Event, Subscription};

/// Beyond so many records, reading the result again costs less than looking at each.
const MOST_KEYS: usize = 256;

/// What has changed since a watch last looked.
#[derive(Debug, Default)]
pub(super) struct Todo {
    /// Records, in the order told, each as often as it was.
    keys: Vec<Key>,
    /// Of these, the ones that were gone in between.
    gone: Vec<Key>,
    /// Whether there is more than these.
    pub(super) all: bool,
    /// Whether any record may have been gone in between.
    emptied: bool,
}

impl Todo {
    /// The records, each once and in order.
    pub(super) fn keys(&self) -> Vec<Key> {
        distinct(self.keys.clone())
    }

    /// Takes up again what was not looked at after all.
    fn resume(&mut self, earlier: Self) {
        self.all = true;
        self.emptied |= earlier.emptied;
        self.gone.extend(earlier.gone);
    }

    /// Whether a record was gone in between.
    pub(super) fn reborn(&self, key: &Key) -> bool {
        self.emptied || self.gone.contains(key)
    }

    fn add(&mut self, change: &Change) {
        match change.kind {
            ChangeKind::Clear | ChangeKind::Many => (self.all, self.emptied) = (true, true),
            ChangeKind::Put | ChangeKind::Delete if self.keys.len() >= MOST_KEYS => {
                self.all = true;
                self.emptied |= change.kind == ChangeKind::Delete;
            }
            ChangeKind::Put => self.keys.push(change.key.clone()),
            ChangeKind::Delete => {
                self.keys.push(change.key.clone());
                self.gone.push(change.key.clone());
            }
        }
    }
}

/// Where the changes of one collection gather.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    todo: RefCell<Todo>,
    filled: Cell<bool>,
    ended: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Mailbox {
    /// Takes what is told of a collection, until the subscription or the mailbox is dropped.
    pub(super) fn subscribe(self: &Rc<Self>, store: &DataStore, collection: &str) -> Subscription {
        let (mailbox, collection): (Weak<Self>, String) = (Rc::downgrade(self), collection.to_owned());
        store.events().subscribe(move |event| {
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.hear(event, &collection);
            }
        })
    }

    fn hear(&self, event: &Event, collection: &str) {
        match event {
            Event::Changed(changes) => {
                let of_it = changes.list.iter().filter(|change| change.collection == collection);
                for change in of_it {
                    self.todo.borrow_mut().add(change);
                    self.fill();
                }
            }
            Event::Missed | Event::Keys => {
                self.todo.borrow_mut().all = true;
                self.fill();
            }
            Event::Closing => self.end(),
            Event::Quota(_)
            | Event::Conflict(_)
            | Event::Rejected(_)
            | Event::Error(_)
            | Event::Healed { .. }
            | Event::Lost(_)
            | Event::Locked(_) => {}
        }
    }

    fn fill(&self) {
        self.filled.set(true);
        self.wake();
    }

    fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nothing more is looked at.
    pub(super) fn end(&self) {
        self.ended.set(true);
        self.wake();
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.get()
    }

    /// Takes what has gathered.
    pub(super) fn take(&self) -> Todo {
        self.filled.set(false);
        take(&mut self.todo.borrow_mut())
    }

    /// Puts back what could not be looked at, to be looked at with what comes next.
    pub(super) fn put_back(&self, todo: Todo) {
        self.todo.borrow_mut().resume(todo);
    }

    /// Resolves when something has gathered, or nothing will any more.
    pub(super) async fn filled(&self) {
        poll_fn(|context| {
            if self.filled.get() || self.ended.get() {
                return Poll::Ready(());
            }
            self.waker.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

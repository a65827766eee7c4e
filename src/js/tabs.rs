//! What reaches a store from around it: other tabs and workers, the network, and the page's own coming back.

use core::cell::RefCell;
use std::rc::{Rc, Weak};

use super::autolock;
use super::rotation;
use super::store::Shared;
use crate::platform::environment::{Channel, Presence, crosses_tabs, has_network};
use crate::platform::spawn;
use crate::store::{ChangeSource, Event, LockReason, Outgoing, Subscription, TabMessage};

/// The tabs, workers and service workers that have the same database open.
#[derive(Debug)]
pub(super) struct Tabs {
    channel: RefCell<Option<Channel>>,
    outgoing: RefCell<Outgoing>,
    store: RefCell<Weak<Shared>>,
}

impl Tabs {
    /// Joins them; none where there is no channel, or nothing to share: memory is each tab's own.
    pub(super) fn join(database: &str, persistent: bool) -> Option<Rc<Self>> {
        if !persistent || !crosses_tabs() {
            return None;
        }
        Some(Rc::new_cyclic(|tabs: &Weak<Self>| {
            let tabs = Weak::clone(tabs);
            let heard = move |text: String| {
                if let Some(tabs) = tabs.upgrade() {
                    tabs.heard(&text);
                }
            };
            Self {
                channel: RefCell::new(Some(Channel::open(&format!("tidekeep:{database}"), heard))),
                outgoing: RefCell::default(),
                store: RefCell::default(),
            }
        }))
    }

    /// Tells that something waits to be sent: the tab that leads sends it.
    pub(super) fn wrote(self: &Rc<Self>) {
        let first = self.outgoing.borrow_mut().wrote();
        self.see_to(first);
    }

    /// Has the others lock their keys: at once, and not with what waits for the end of the turn.
    fn lock(&self) {
        self.tell(&TabMessage { lock: true, ..TabMessage::default() });
    }

    /// Tells that open keys were used.
    fn used(&self, at: f64) {
        self.tell(&TabMessage { used: Some(at), ..TabMessage::default() });
    }

    /// Has the others look at what was said of sync.
    fn said(&self) {
        self.tell(&TabMessage { said: true, ..TabMessage::default() });
    }

    /// Has the others look for keys that they do not know.
    fn keys(&self) {
        self.tell(&TabMessage { keys: true, ..TabMessage::default() });
    }

    /// Lets the others go their own ways.
    pub(super) fn leave(&self) {
        let waiting = self.outgoing.borrow_mut().take();
        self.tell(&waiting);
        drop(self.channel.take());
    }

    /// Tells what waits once the turn is over, so that what is committed together is told together.
    fn see_to(self: &Rc<Self>, first: bool) {
        if first {
            let tabs = Rc::clone(self);
            spawn(async move {
                let waiting = tabs.outgoing.borrow_mut().take();
                tabs.tell(&waiting);
            });
        }
    }

    fn tell(&self, message: &TabMessage) {
        if *message != TabMessage::default()
            && let Some(channel) = &*self.channel.borrow()
        {
            channel.tell(&message.to_text());
        }
    }

    fn heard(&self, text: &str) {
        let Some(shared) = self.store.borrow().upgrade() else { return };
        let Some(message) = TabMessage::parse(text) else { return };
        if message.lock {
            shared.store.credentials().lock(LockReason::Tab);
        }
        if message.keys {
            rotation::learn(&shared);
        }
        if let Some(at) = message.used {
            shared.store.heard_of_use(at);
        }
        if let Some(running) = &shared.sync {
            if message.said {
                running.sync.said_elsewhere();
            }
            if message.wrote {
                running.sync.notify_write();
            }
        }
        for commit in message.commits {
            shared.store.tell(ChangeSource::Tab, commit);
        }
    }
}

/// What keeps a store in touch with what is around it.
#[derive(Debug)]
pub(super) struct Surroundings {
    tabs: Option<Rc<Tabs>>,
    _telling: Option<Subscription>,
    _presence: Presence,
}

impl Surroundings {
    /// Puts a store in touch with the other tabs, the network and the page.
    pub(super) fn around(shared: &Rc<Shared>, tabs: Option<Rc<Tabs>>) -> Self {
        let (online, back) = (Rc::downgrade(shared), Rc::downgrade(shared));
        let sight = Rc::downgrade(shared);
        let presence =
            Presence::watch(move |is| set_online(&online, is), move || came_back(&back), move |how| seen(&sight, &how));
        if !has_network() {
            set_online(&Rc::downgrade(shared), false);
        }
        let telling = tabs.as_ref().map(|tabs| {
            tabs.store.replace(Rc::downgrade(shared));
            let tabs = Rc::clone(tabs);
            shared.store.events().subscribe(move |event| {
                if let Event::Changed(changes) = event
                    && changes.source != ChangeSource::Tab
                {
                    let first = tabs.outgoing.borrow_mut().changed(&changes.list);
                    tabs.see_to(first);
                }
            })
        });
        Self { tabs, _telling: telling, _presence: presence }
    }

    /// Has the other tabs lock their keys.
    pub(super) fn lock(&self) {
        if let Some(tabs) = &self.tabs {
            tabs.lock();
        }
    }

    /// Has the other tabs look at what was said of sync.
    pub(super) fn said(&self) {
        if let Some(tabs) = &self.tabs {
            tabs.said();
        }
    }

    /// Has the other tabs look for keys that they do not know.
    pub(super) fn keys(&self) {
        if let Some(tabs) = &self.tabs {
            tabs.keys();
        }
    }

    /// Tells the other tabs that open keys were used.
    pub(super) fn used(&self, at: f64) {
        if let Some(tabs) = &self.tabs {
            tabs.used(at);
        }
    }

    /// Whether other tabs are told of changes, and tell theirs.
    pub(super) const fn cross_tabs(&self) -> bool {
        self.tabs.is_some()
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        if let Some(tabs) = &self.tabs {
            tabs.leave();
        }
    }
}

fn set_online(shared: &Weak<Shared>, is: bool) {
    if let Some(shared) = shared.upgrade()
        && let Some(running) = &shared.sync
    {
        running.sync.set_online(is);
    }
}

/// The page came into sight, went out of it, or is put aside.
fn seen(shared: &Weak<Shared>, how: &str) {
    autolock::seen(shared, how);
    if let Some(shared) = shared.upgrade()
        && let Some(running) = &shared.sync
    {
        running.sync.set_seen(how == "visible");
    }
}

/// Whatever was told meanwhile may not have been heard.
fn came_back(shared: &Weak<Shared>) {
    let Some(shared) = shared.upgrade() else { return };
    if shared.store.facts().persistent {
        shared.store.missed();
        rotation::learn(&shared);
    }
    if let Some(running) = &shared.sync {
        running.sync.said_elsewhere();
        running.sync.visible();
    }
}

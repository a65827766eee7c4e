//! The handle on the database: closed when another tab wants to upgrade, opened again at the next call.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::lock::Mutex;
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase};

use super::layout::Layout;
use super::open;
use crate::error::{Error, ErrorKind, Result};

/// A connection that comes back.
#[derive(Debug)]
pub(super) struct Connection {
    name: String,
    layout: Layout,
    handle: Rc<RefCell<Option<Handle>>>,
    version: Cell<u32>,
    closed: Cell<bool>,
    opening: Mutex<()>,
}

/// An open database and the callbacks that watch it.
#[derive(Debug)]
struct Handle {
    database: IdbDatabase,
    callbacks: [Closure<dyn FnMut(Event)>; 2],
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
        debug_assert_eq!(self.callbacks.len(), 2);
    }
}

impl Connection {
    pub(super) async fn open(name: &str, layout: Layout) -> Result<Self> {
        let connection = Self {
            name: name.to_owned(),
            layout,
            handle: Rc::default(),
            version: Cell::new(0),
            closed: Cell::new(false),
            opening: Mutex::new(()),
        };
        connection.database().await?;
        Ok(connection)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn version(&self) -> u32 {
        self.version.get()
    }

    /// The open database, opened again where it was closed under us.
    pub(super) async fn database(&self) -> Result<IdbDatabase> {
        if let Some(database) = self.current()? {
            return Ok(database);
        }
        let _turn = self.opening.lock().await;
        if let Some(database) = self.current()? {
            return Ok(database);
        }
        let database = open::open(&self.name, &self.layout.wanted()).await?;
        if self.closed.get() {
            database.close();
            return Err(closed());
        }
        self.version.set(open::version_of(&database));
        self.handle.replace(Some(self.watch(database.clone())));
        Ok(database)
    }

    /// Lets go of a handle that is known to be dead.
    pub(super) fn lost(&self) {
        self.handle.take();
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
        self.handle.take();
    }

    fn current(&self) -> Result<Option<IdbDatabase>> {
        if self.closed.get() {
            return Err(closed());
        }
        Ok(self.handle.borrow().as_ref().map(|handle| handle.database.clone()))
    }

    fn watch(&self, database: IdbDatabase) -> Handle {
        let let_go = || {
            let handle = Rc::clone(&self.handle);
            let opened = database.clone();
            Closure::<dyn FnMut(Event)>::new(move |_: Event| {
                opened.close();
                // The callback that runs now is part of the handle: it must not be dropped before it returns.
                let (handle, opened) = (Rc::clone(&handle), opened.clone());
                crate::platform::spawn(async move {
                    let current = handle.borrow().as_ref().is_some_and(|handle| handle.database == opened);
                    if current {
                        handle.take();
                    }
                });
            })
        };
        let callbacks = [let_go(), let_go()];
        let [on_version_change, on_close] = &callbacks;
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Handle { database, callbacks }
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store is closed; open it again")
}

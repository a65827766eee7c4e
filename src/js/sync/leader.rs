//! Which tab sends.

use core::cell::RefCell;

use futures_channel::mpsc::{UnboundedReceiver, unbounded};
use futures_util::StreamExt as _;
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::backend::LocalFuture;
use crate::sync::Leadership;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    fn lead(name: &str, on_leads: &Closure<dyn FnMut(bool)>) -> Function;
}

/// Leads while it holds a lock that all tabs of the origin ask for, and that is taken from one that stands still.
#[derive(Debug)]
pub(super) struct TabLock {
    name: String,
    turn: RefCell<Option<Turn>>,
    told: RefCell<Option<UnboundedReceiver<bool>>>,
}

/// Whoever asks for the lock, until it is dropped.
#[derive(Debug)]
struct Turn {
    end: Function,
    _callback: Closure<dyn FnMut(bool)>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.end.call0(&JsValue::UNDEFINED));
    }
}

impl TabLock {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), turn: RefCell::default(), told: RefCell::default() }
    }

    fn ask(&self) {
        let (tell, told) = unbounded();
        let callback = Closure::<dyn FnMut(bool)>::new(move |leads| {
            // Nobody waits any more: then nobody leads here.
            let _ = tell.unbounded_send(leads);
        });
        self.told.replace(Some(told));
        let turn = Turn { end: lead(&self.name, &callback), _callback: callback };
        self.turn.replace(Some(turn));
    }

    /// Resolves once this is told.
    async fn hear(&self, wanted: bool) {
        let told = self.told.borrow_mut().take();
        let Some(mut told) = told else { return core::future::pending().await };
        loop {
            match told.next().await {
                Some(leads) if leads == wanted => break,
                Some(_) => {}
                None => core::future::pending().await,
            }
        }
        self.told.replace(Some(told));
    }
}

impl Leadership for TabLock {
    fn acquire(&self) -> LocalFuture<'_, ()> {
        let first = self.turn.borrow().is_none();
        if first {
            self.ask();
        }
        Box::pin(self.hear(true))
    }

    fn lost(&self) -> LocalFuture<'_, ()> {
        Box::pin(self.hear(false))
    }

    fn release(&self) {
        let turn = self.turn.borrow_mut().take();
        drop(turn);
    }
}

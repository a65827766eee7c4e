//! Tasks and timers, wherever there is an event loop.

use core::future::Future;

use futures_util::future::{Either, select};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/platform/web/environment.js")]
extern "C" {
    #[wasm_bindgen(js_name = breathe)]
    fn next_task() -> Promise;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);

    /// A timer of Node; in browsers it is a number.
    type NodeTimer;
    #[wasm_bindgen(method, catch, structural)]
    fn unref(this: &NodeTimer) -> Result<(), JsValue>;
}

/// A timer that is cleared when it is dropped, so that it keeps nothing alive.
struct Timer(JsValue);

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.0);
    }
}

/// Runs a future to its end, beside everything else.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// Resolves after at least `ms` milliseconds.
pub async fn sleep(ms: f64) {
    wait(ms, |_| ()).await;
}

/// Resolves after at least `ms` milliseconds, and lets Node end meanwhile.
pub(crate) async fn slumber(ms: f64) {
    // In browsers there is nothing to call, and nothing that would wait.
    wait(ms, |timer| drop(timer.0.unchecked_ref::<NodeTimer>().unref())).await;
}

async fn wait(ms: f64, begun: impl Fn(&Timer)) {
    let mut timer = None;
    let elapsed = Promise::new(&mut |resolve, _| timer = Some(Timer(set_timeout(&resolve, ms))));
    timer.iter().for_each(begun);
    // A timer's promise cannot reject.
    let _ = JsFuture::from(elapsed).await;
    drop(timer);
}

/// Lets everything else go on that waits for this thread: events, drawing, other tasks.
pub async fn breathe() {
    // It cannot reject.
    let _ = JsFuture::from(next_task()).await;
}

/// What the task resolves with, or none where it takes longer than `ms` milliseconds.
pub async fn within<T>(ms: f64, task: impl Future<Output = T>) -> Option<T> {
    let task = core::pin::pin!(task);
    let timer = core::pin::pin!(sleep(ms));
    match select(task, timer).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}

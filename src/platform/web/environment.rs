//! What the place we run in is and offers.

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/platform/web/environment.js")]
extern "C" {
    fn context() -> String;
    #[wasm_bindgen(js_name = hasCrypto)]
    fn has_crypto() -> bool;
    fn estimate() -> Promise;
    fn online() -> bool;
    #[wasm_bindgen(js_name = watchPresence)]
    fn watch_presence(on_online: &Closure<dyn FnMut(bool)>, on_visible: &Closure<dyn FnMut()>) -> Function;
    #[wasm_bindgen(js_name = holdLock)]
    fn hold_lock(name: &str, on_held: &Closure<dyn FnMut(bool)>) -> Function;
    fn report(thrown: &JsValue);
    #[wasm_bindgen(js_name = openChannel)]
    fn open_channel(name: &str, on_heard: &Closure<dyn FnMut()>) -> Array;

    /// What `estimate` resolves with.
    type Estimate;
    #[wasm_bindgen(method, getter, structural)]
    fn usage(this: &Estimate) -> Option<f64>;
    #[wasm_bindgen(method, getter, structural)]
    fn quota(this: &Estimate) -> Option<f64>;
    #[wasm_bindgen(method, getter, structural)]
    fn persisted(this: &Estimate) -> Option<bool>;
}

/// What the browser says of its storage. Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Space {
    pub(crate) usage: Option<f64>,
    pub(crate) quota: Option<f64>,
    pub(crate) persisted: Option<bool>,
}

/// `window`, `worker`, `service-worker` or `node`.
pub(crate) fn kind() -> String {
    context()
}

/// Whether Web Crypto is there: in secure contexts only.
pub(crate) fn secure() -> bool {
    has_crypto()
}

/// What the browser says of its storage, as far as it does.
pub(crate) async fn space() -> Space {
    match JsFuture::from(estimate()).await {
        Ok(found) => {
            let found: &Estimate = found.unchecked_ref();
            Space { usage: found.usage(), quota: found.quota(), persisted: found.persisted() }
        }
        Err(_) => Space::default(),
    }
}

/// Whether the browser believes that it has a network.
pub(crate) fn has_network() -> bool {
    online()
}

/// Reports what a listener threw, without stopping anything.
pub(crate) fn report_thrown(thrown: &JsValue) {
    report(thrown);
}

/// Tells when the network comes or goes and when the page is seen again, until it is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    end: Function,
    _on_online: Closure<dyn FnMut(bool)>,
    _on_visible: Closure<dyn FnMut()>,
}

impl Presence {
    pub(crate) fn watch(on_online: impl Fn(bool) + 'static, on_visible: impl Fn() + 'static) -> Self {
        let on_online = Closure::<dyn FnMut(bool)>::new(on_online);
        let on_visible = Closure::<dyn FnMut()>::new(on_visible);
        Self { end: watch_presence(&on_online, &on_visible), _on_online: on_online, _on_visible: on_visible }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        drop(self.end.call0(&JsValue::UNDEFINED));
    }
}

/// A lock among all tabs and workers of the origin: asked for when it is made, let go of when it is dropped.
#[derive(Debug)]
pub(crate) struct OriginLock {
    end: Function,
    _callback: Closure<dyn FnMut(bool)>,
}

impl OriginLock {
    pub(crate) fn ask(name: &str, on_held: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn FnMut(bool)>::new(move |_held| on_held());
        Self { end: hold_lock(name, &callback), _callback: callback }
    }
}

impl Drop for OriginLock {
    fn drop(&mut self) {
        drop(self.end.call0(&JsValue::UNDEFINED));
    }
}

/// Tells the other tabs and workers of the origin that something was written, and hears them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Announcer {
    tell: JsValue,
    end: JsValue,
    _callback: Closure<dyn FnMut()>,
}

impl Announcer {
    pub(crate) fn new(name: &str, on_heard: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(on_heard);
        let channel = open_channel(name, &callback);
        Self { tell: channel.get(0), end: channel.get(1), _callback: callback }
    }

    pub(crate) fn announce(&self) {
        let tell: &Function = self.tell.unchecked_ref();
        // A channel that closes meanwhile tells nobody: the interval finds what was written.
        drop(tell.call0(&JsValue::UNDEFINED));
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        let end: &Function = self.end.unchecked_ref();
        drop(end.call0(&JsValue::UNDEFINED));
    }
}

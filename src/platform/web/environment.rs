//! What the place we run in is and offers.

use core::future::Future;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/platform/web/environment.js")]
extern "C" {
    fn context() -> String;
    #[wasm_bindgen(js_name = hasCrypto)]
    fn has_crypto() -> bool;
    fn estimate() -> Promise;
    fn persist() -> Promise;
    #[wasm_bindgen(js_name = tryLock)]
    fn try_lock(name: &str) -> Promise;
    #[wasm_bindgen(js_name = watchHidden)]
    fn watch_hidden(on_hidden: &Closure<dyn FnMut()>) -> Function;
    #[wasm_bindgen(js_name = renewLog)]
    fn renew_log(again: bool) -> Promise;
    #[wasm_bindgen(js_name = watchStandstill)]
    fn watch_standstill(on_change: &Closure<dyn FnMut(bool)>) -> Function;
    fn online() -> bool;
    fn gzip(text: &str) -> Promise;
    fn idle() -> Promise;
    #[wasm_bindgen(js_name = hasChannel)]
    fn has_channel() -> bool;
    #[wasm_bindgen(js_name = watchPresence)]
    fn watch_presence(
        on_online: &Closure<dyn FnMut(bool)>,
        on_back: &Closure<dyn FnMut()>,
        on_seen: &Closure<dyn FnMut(String)>,
    ) -> Function;
    #[wasm_bindgen(js_name = holdLock)]
    fn hold_lock(name: &str, on_held: &Closure<dyn FnMut(bool)>) -> Function;
    fn report(thrown: &JsValue);
    #[wasm_bindgen(js_name = recall)]
    pub(crate) fn remembered(database: &str) -> Option<String>;
    pub(crate) fn remember(database: &str, text: &str);
    pub(crate) fn forget(database: &str);
    #[wasm_bindgen(js_name = openChannel)]
    fn open_channel(name: &str, on_heard: &Closure<dyn FnMut(String)>) -> Array;

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

/// Asks the browser to protect the origin from eviction; answers whether it does.
pub(crate) async fn protect() -> bool {
    JsFuture::from(persist()).await.is_ok_and(|granted| granted.is_truthy())
}

/// When the log below the origin's databases is to be a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// The first time that this page or worker asks.
    Once,
    Again,
}

/// Has the browser begin a new log below its databases, where that keeps them from being lost; resolves when it has.
///
/// It is asked for at once, and not when the future is polled.
pub(crate) fn fresh_log(renewal: Renewal) -> impl Future<Output = ()> {
    let begun = renew_log(renewal == Renewal::Again);
    async move {
        // It cannot reject.
        let _ = JsFuture::from(begun).await;
    }
}

/// Resolves when there is nothing better to do, within a second.
pub(crate) async fn at_leisure() {
    // It cannot reject.
    let _ = JsFuture::from(idle()).await;
}

/// Whether the browser believes that it has a network.
pub(crate) fn has_network() -> bool {
    online()
}

/// Reports what a listener threw, without stopping anything.
pub(crate) fn report_thrown(thrown: &JsValue) {
    report(thrown);
}

/// Whether tabs and workers of the origin can tell each other anything.
pub(crate) fn crosses_tabs() -> bool {
    has_channel()
}

/// Tells when the network comes or goes, when the page comes back into view or to life, and whether it is seen, until it
/// is dropped.
#[derive(Debug)]
pub(crate) struct Presence {
    end: Function,
    _on_online: Closure<dyn FnMut(bool)>,
    _on_back: Closure<dyn FnMut()>,
    _on_seen: Closure<dyn FnMut(String)>,
}

impl Presence {
    /// `on_seen` is told `visible`, `hidden`, or `away` where the browser puts the page aside.
    pub(crate) fn watch(
        on_online: impl Fn(bool) + 'static,
        on_back: impl Fn() + 'static,
        on_seen: impl Fn(String) + 'static,
    ) -> Self {
        let on_online = Closure::<dyn FnMut(bool)>::new(on_online);
        let on_back = Closure::<dyn FnMut()>::new(on_back);
        let on_seen = Closure::<dyn FnMut(String)>::new(on_seen);
        let end = watch_presence(&on_online, &on_back, &on_seen);
        Self { end, _on_online: on_online, _on_back: on_back, _on_seen: on_seen }
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

/// What tabs and workers of the origin tell each other, until it is dropped. Nobody hears himself.
#[derive(Debug)]
pub(crate) struct Channel {
    tell: JsValue,
    end: JsValue,
    _callback: Closure<dyn FnMut(String)>,
}

impl Channel {
    pub(crate) fn open(name: &str, on_heard: impl Fn(String) + 'static) -> Self {
        let callback = Closure::<dyn FnMut(String)>::new(on_heard);
        let channel = open_channel(name, &callback);
        Self { tell: channel.get(0), end: channel.get(1), _callback: callback }
    }

    pub(crate) fn tell(&self, text: &str) {
        let tell: &Function = self.tell.unchecked_ref();
        // A channel that closes meanwhile tells nobody, and there is nobody left to be told of that.
        drop(tell.call1(&JsValue::UNDEFINED, &JsValue::from_str(text)));
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let end: &Function = self.end.unchecked_ref();
        drop(end.call0(&JsValue::UNDEFINED));
    }
}

/// A lock among all tabs and workers of the origin that was free, let go of when it is dropped.
#[derive(Debug)]
pub(crate) struct FreeLock(Function);

impl FreeLock {
    /// Takes the lock; none where another has it.
    pub(crate) async fn take(name: &str) -> Option<Self> {
        JsFuture::from(try_lock(name)).await.ok()?.dyn_into().ok().map(Self)
    }
}

impl Drop for FreeLock {
    fn drop(&mut self) {
        drop(self.0.call0(&JsValue::UNDEFINED));
    }
}

/// Tells when the page goes out of sight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hiding {
    end: Function,
    _callback: Closure<dyn FnMut()>,
}

impl Hiding {
    pub(crate) fn watch(on_hidden: impl Fn() + 'static) -> Self {
        let callback = Closure::<dyn FnMut()>::new(on_hidden);
        Self { end: watch_hidden(&callback), _callback: callback }
    }
}

impl Drop for Hiding {
    fn drop(&mut self) {
        drop(self.end.call0(&JsValue::UNDEFINED));
    }
}

/// Tells when the page comes to a standstill, frozen or in the back/forward cache, and when it goes on, until it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Standstill {
    end: Function,
    _callback: Closure<dyn FnMut(bool)>,
}

impl Standstill {
    pub(crate) fn watch(on_change: impl Fn(bool) + 'static) -> Self {
        let callback = Closure::<dyn FnMut(bool)>::new(on_change);
        Self { end: watch_standstill(&callback), _callback: callback }
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        drop(self.end.call0(&JsValue::UNDEFINED));
    }
}

/// A text, compressed; none where the platform cannot.
pub(crate) async fn gzipped(text: &str) -> Option<JsValue> {
    JsFuture::from(gzip(text)).await.ok().filter(|bytes| !bytes.is_undefined())
}

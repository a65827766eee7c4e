//! The live stream over HTTP: fetched and cut into events by a script of the package.

use js_sys::{Promise, encode_uri_component};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal};

use super::http::{AbortOnDrop, retry_after, unreachable_endpoint};
use super::{ChangesQuery, Hear, NoStream, collections_parameter};
use crate::error::Result;
use crate::platform::said;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    fn listen(
        url: &str,
        token: Option<&str>,
        signal: &AbortSignal,
        hear: &Closure<dyn FnMut(String, String) -> bool>,
    ) -> Promise;
}

/// Reads the stream below `base` until it ends.
pub(super) async fn read(
    base: &str,
    token: Option<&str>,
    query: &ChangesQuery,
    hear: Hear,
) -> Result<Option<NoStream>> {
    let collections = collections_parameter(&query.collections);
    let mut url = format!("{base}/live");
    // Text that is left out, or empty, is the beginning.
    let since = Some(query.since.as_deref().unwrap_or_default());
    for (name, value) in [("?since=", since), ("&c=", collections.as_deref())] {
        if let Some(value) = value {
            url.push_str(name);
            url.push_str(&String::from(encode_uri_component(value)));
        }
    }
    let abort = AbortOnDrop(AbortController::new().map_err(|_| unreachable_endpoint())?);
    let callback =
        Closure::<dyn FnMut(String, String) -> bool>::new(move |kind: String, data: String| hear(&kind, &data));
    let ended = JsFuture::from(listen(&url, token, &abort.0.signal(), &callback)).await;
    let ended = ended.map_err(|thrown| unreachable_endpoint().caused_by(said(&thrown)))?;
    Ok(ended.dyn_into::<web_sys::Response>().ok().map(|response| {
        let response = gloo_net::http::Response::from(response);
        NoStream { status: response.status(), retry_after: retry_after(&response) }
    }))
}

//! The token that the application gives.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::super::error::kind_of;
use crate::error::{Error, ErrorKind};
use crate::platform::said;
use crate::sync::TokenProvider;

/// Asks the application for a token at every sending, and keeps none.
pub(super) fn token_provider(auth: Function) -> TokenProvider {
    Rc::new(move || {
        let asked = auth.call0(&JsValue::UNDEFINED);
        Box::pin(async move {
            let failed = |thrown: JsValue| {
                Error::new(failure(&thrown), "“auth” gave no token; what waits stays until it does")
                    .caused_by(said(&thrown))
            };
            let answer = JsFuture::from(Promise::resolve(&asked.map_err(failed)?)).await.map_err(failed)?;
            answer.as_string().ok_or_else(|| failed(JsValue::from_str("a token is a string")))
        })
    })
}

/// What kept the application from giving a token: what its own `StorageError` says; the network, where `fetch` failed.
fn failure(thrown: &JsValue) -> ErrorKind {
    match kind_of(thrown) {
        Some(kind) => kind,
        None if thrown.is_instance_of::<js_sys::TypeError>() => ErrorKind::NetworkError,
        None => ErrorKind::AuthenticationFailed,
    }
}

//! The protocol over HTTP, by `fetch`. gloo-net lives here only.

use gloo_net::http::{Request, RequestBuilder, Response};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStream, RequestCache, RequestCredentials};

use super::{Answer, ChangesQuery, Encoding, Hear, NoStream, Transport, collections_parameter, stream};
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::platform;
use crate::platform::environment::gzipped;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = "bodyText")]
    fn body_text(stream: Option<ReadableStream>, most: f64) -> Promise;
}

/// The longest body that is taken, bytes; the reference endpoint's are 8 MiB at the most.
const LONGEST: f64 = 16_777_216.0;
/// The longest snapshot.
const LONGEST_SNAPSHOT: f64 = 268_435_456.0;

/// Below so many bytes a body is sent as it is.
const WORTH_COMPRESSING: usize = 2048;

/// The routes of one space, by its address.
///
/// # Behavior
///
/// - The token goes into the `Authorization` header of its one request and is kept nowhere; cookies are not sent.
/// - Requests are ordinary ones: `keepalive` fails above 64 KiB in a way that looks like being offline.
/// - Dropping a request's future aborts it; how long one may take is its caller's to say.
/// - A body is read piece by piece, and given up where it is longer than any that an endpoint of the protocol sends.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    base: String,
}

/// Aborts a request that no one waits for any more.
///
/// The controller is our own, and aborts without a reason: gloo-net panics on a rejection that is no `Error`.
pub(super) struct AbortOnDrop(pub(super) AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HttpTransport {
    /// The routes below `endpoint`, such as `https://example.org/v1/notes`; relative to the page where it begins with `/`.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for what is no such address.
    pub fn new(endpoint: &str) -> Result<Self> {
        let known = ["https://", "http://", "/"].iter().any(|start| endpoint.starts_with(start));
        if !known || endpoint.contains(['?', '#']) {
            let message = "a sync endpoint is an http or https address of a space, without query or fragment";
            return Err(Error::new(ErrorKind::InvalidConfig, message));
        }
        Ok(Self { base: endpoint.trim_end_matches('/').to_owned() })
    }

    async fn send(
        &self,
        request: RequestBuilder,
        token: Option<&str>,
        body: Option<JsValue>,
        most: f64,
    ) -> Result<Answer> {
        let controller = AbortController::new().map_err(|_| unreachable_endpoint())?;
        let abort = AbortOnDrop(controller);
        let mut request = request
            .cache(RequestCache::NoStore)
            .credentials(RequestCredentials::Omit)
            .abort_signal(Some(&abort.0.signal()));
        if let Some(token) = token {
            // `Headers.set` throws on anything else, and the message would quote it.
            if token.is_empty() || !token.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                let message = "the token cannot be sent; `auth` must give one of printable ASCII";
                return Err(Error::new(ErrorKind::AuthenticationFailed, message));
            }
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request.build(),
        };
        let response = request.map_err(said)?.send().await.map_err(said)?;
        let body = JsFuture::from(body_text(response.body(), most)).await;
        let body = body.map_err(|thrown| unreachable_endpoint().caused_by(platform::said(&thrown)))?;
        Ok(Answer {
            status: response.status(),
            content_type: response.headers().get("Content-Type"),
            retry_after: retry_after(&response),
            given_up: body.is_undefined(),
            body: body.as_string().unwrap_or_default(),
        })
    }
}

pub(super) fn unreachable_endpoint() -> Error {
    Error::new(ErrorKind::NetworkError, "the endpoint cannot be reached; it will be asked again")
}

/// Browsers say the same of a dead network, a wrong name and a missing CORS header.
fn said(error: gloo_net::Error) -> Error {
    unreachable_endpoint().caused_by(error)
}

/// Seconds or a date, as milliseconds from now; unknown where an endpoint elsewhere does not expose the header.
pub(super) fn retry_after(response: &Response) -> Option<f64> {
    let value = response.headers().get("Retry-After")?;
    match platform::number_of(&value) {
        Some(seconds) => Some(seconds * 1000.0),
        None => Some(js_sys::Date::parse(&value) - platform::now()),
    }
    .filter(|wait| wait.is_finite() && *wait >= 0.0)
}

impl Transport for HttpTransport {
    fn status<'a>(&'a self, token: Option<&'a str>) -> LocalFuture<'a, Result<Answer>> {
        Box::pin(self.send(Request::get(&self.base), token, None, LONGEST))
    }

    fn push<'a>(
        &'a self,
        token: Option<&'a str>,
        body: &'a str,
        encoding: Encoding,
    ) -> LocalFuture<'a, Result<Answer>> {
        Box::pin(async move {
            let request = Request::post(&format!("{}/push", self.base));
            let worth = encoding == Encoding::Gzip && body.len() >= WORTH_COMPRESSING;
            match if worth { gzipped(body).await } else { None } {
                Some(bytes) => self.send(request.header("Content-Encoding", "gzip"), token, Some(bytes), LONGEST).await,
                None => self.send(request, token, Some(JsValue::from_str(body)), LONGEST).await,
            }
        })
    }

    fn changes<'a>(&'a self, token: Option<&'a str>, query: &'a ChangesQuery) -> LocalFuture<'a, Result<Answer>> {
        let limit = query.limit.to_string();
        let collections = collections_parameter(&query.collections);
        let wait = query.wait.map(|seconds| seconds.to_string());
        let parameters = [
            ("since", query.since.as_deref()),
            ("limit", Some(&limit)),
            ("c", collections.as_deref()),
            ("wait", wait.as_deref()),
        ];
        let request = Request::get(&format!("{}/changes", self.base))
            .query(parameters.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Box::pin(self.send(request, token, None, LONGEST))
    }

    fn snapshot<'a>(&'a self, token: Option<&'a str>, collections: &'a [String]) -> LocalFuture<'a, Result<Answer>> {
        let collections = collections_parameter(collections);
        let request = Request::get(&format!("{}/snapshot", self.base)).query(collections.iter().map(|c| ("c", c)));
        Box::pin(self.send(request, token, None, LONGEST_SNAPSHOT))
    }

    fn live<'a>(
        &'a self,
        token: Option<&'a str>,
        query: &'a ChangesQuery,
        hear: Hear,
    ) -> LocalFuture<'a, Result<Option<NoStream>>> {
        Box::pin(stream::read(&self.base, token, query, hear))
    }
}

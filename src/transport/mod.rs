//! How requests reach an endpoint.

use core::fmt;
use std::rc::Rc;

use crate::backend::LocalFuture;
use crate::error::Result;

#[cfg(target_family = "wasm")]
mod http;
pub mod loopback;
#[cfg(target_family = "wasm")]
mod stream;

#[cfg(target_family = "wasm")]
pub use http::HttpTransport;

/// The routes of one space at one endpoint.
///
/// # Behavior
///
/// - An answer of any status is an [`Answer`]; an error means that none came.
/// - A request's bytes go out as they are, and the token is used for this request alone.
/// - Dropping the future calls the request off; whether the endpoint has acted on it is then unknown.
///
/// # Errors
///
/// `NETWORK_ERROR` where the endpoint cannot be reached, `TIMEOUT` where it does not answer.
pub trait Transport: fmt::Debug {
    /// What the endpoint is and accepts.
    fn status<'a>(&'a self, token: Option<&'a str>) -> LocalFuture<'a, Result<Answer>>;
    /// Sends operations; `body` is the request's exact text.
    fn push<'a>(&'a self, token: Option<&'a str>, body: &'a str, encoding: Encoding)
    -> LocalFuture<'a, Result<Answer>>;
    /// Asks what has changed.
    fn changes<'a>(&'a self, token: Option<&'a str>, query: &'a ChangesQuery) -> LocalFuture<'a, Result<Answer>>;
    /// Asks for all documents of these collections.
    fn snapshot<'a>(&'a self, token: Option<&'a str>, collections: &'a [String]) -> LocalFuture<'a, Result<Answer>>;

    /// Hears of changes as they happen, until the stream ends: `hear` is called with the kind and the data of each event,
    /// and with [`OPENED`] before; once it answers false, the stream ends. Gives what was answered where that is something
    /// else than a stream: 404 where there is no such thing.
    fn live<'a>(
        &'a self,
        _token: Option<&'a str>,
        _query: &'a ChangesQuery,
        _hear: Hear,
    ) -> LocalFuture<'a, Result<Option<NoStream>>> {
        Box::pin(core::future::ready(Ok(Some(NoStream { status: 404, retry_after: None }))))
    }
}

/// What was answered in the place of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoStream {
    /// The HTTP status.
    pub status: u16,
    /// How long to wait before asking again, milliseconds, if the endpoint said.
    pub retry_after: Option<f64>,
}

/// Hears an event: its kind and its data. Answers whether it hears on.
pub type Hear = Rc<dyn Fn(&str, &str) -> bool>;
/// What is told in the place of an event's kind when a stream has begun.
pub const OPENED: &str = "";

/// How the body of a request may travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Compressed, where that can be done and is worth it.
    Gzip,
}

/// Which changes are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// The cursor to go on from; without, from the beginning.
    pub since: Option<String>,
    /// How many at most.
    pub limit: usize,
    /// Of which collections.
    pub collections: Vec<String>,
    /// For how many seconds the endpoint is to wait for a change where there is none.
    pub wait: Option<u32>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type, if one was named.
    pub content_type: Option<String>,
    /// How long to wait before asking again, milliseconds, if the endpoint said.
    pub retry_after: Option<f64>,
    /// The body.
    pub body: String,
    /// Whether the body was longer than is taken: it was given up then, and is not here.
    pub given_up: bool,
}

impl Answer {
    /// A JSON answer.
    #[must_use]
    pub fn json(status: u16, body: String) -> Self {
        Self { status, content_type: Some("application/json".to_owned()), retry_after: None, body, given_up: false }
    }
}

/// How many collections an endpoint takes in a filter.
#[cfg(target_family = "wasm")]
const MOST_COLLECTIONS: usize = 100;

/// The `c` parameter: names joined by commas; none where that cannot be said, as the filter is a saving only.
#[cfg(target_family = "wasm")]
pub(crate) fn collections_parameter(collections: &[String]) -> Option<String> {
    let sayable = (1..=MOST_COLLECTIONS).contains(&collections.len());
    let joinable = collections.iter().all(|name| !name.contains(','));
    (sayable && joinable).then(|| collections.join(","))
}

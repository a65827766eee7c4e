//! An endpoint in memory, and a transport to it that can fail in every way a network does.
//!
//! It implements the protocol and nothing else: the reference that the engine is simulated against.

mod endpoint;
mod live;

use core::fmt;
use std::rc::Rc;

pub use endpoint::Endpoint;

use super::{Answer, ChangesQuery, Encoding, Hear, NoStream, Transport};
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Sleep;

fn failure(status: u16, code: &str) -> Answer {
    Answer::json(status, format!(r#"{{"code":"{code}","message":"{code}"}}"#))
}

/// What happens to a request on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is lost.
    DropRequest,
    /// It arrives, and its answer is lost.
    DropResponse,
    /// It arrives twice.
    Duplicate,
    /// It arrives, its answer is lost, and it arrives once more after a later one.
    Late,
    /// It takes so long each way, milliseconds.
    Delay(f64),
    /// Something else answers in the endpoint's place.
    Answer(Answer),
    /// It hangs for ever.
    Hang,
    /// It arrives, and its answer never does.
    Swallow,
    /// It is taken for lost, and arrives after a later one.
    Stray,
}

/// Which request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The status.
    Status,
    /// A push.
    Push,
    /// A pull.
    Changes,
    /// A snapshot.
    Snapshot,
    /// Server-sent events: asked for the beginning, and for each event, of which one that is dropped makes a gap.
    Live,
}

/// A client's way to an [`Endpoint`].
#[derive(Clone)]
pub struct Loopback {
    endpoint: Rc<Endpoint>,
    sleep: Sleep,
    faults: Rc<dyn Fn(Route) -> Fault>,
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").finish_non_exhaustive()
    }
}

impl Loopback {
    /// A way on which `faults` decides what happens to each request.
    #[must_use]
    pub fn new(endpoint: Rc<Endpoint>, sleep: Sleep, faults: Rc<dyn Fn(Route) -> Fault>) -> Self {
        Self { endpoint, sleep, faults }
    }

    async fn carry(&self, fault: Fault, token: Option<&str>, request: impl Fn(&Endpoint) -> Answer) -> Result<Answer> {
        let lost = || Error::new(ErrorKind::NetworkError, "the endpoint cannot be reached; it will be asked again");
        let delay = if let Fault::Delay(delay) = fault { delay } else { 1.0 };
        (self.sleep)(delay).await;
        let arrive = || {
            if self.endpoint.token.borrow().as_deref().is_some_and(|wanted| Some(wanted) != token) {
                failure(401, "unauthorized")
            } else {
                request(&self.endpoint)
            }
        };
        let answer = match fault {
            Fault::DropRequest | Fault::Stray => return Err(lost()),
            Fault::Answer(answer) => answer,
            Fault::Hang => core::future::pending().await,
            Fault::Swallow => {
                arrive();
                core::future::pending().await
            }
            Fault::DropResponse | Fault::Late => {
                arrive();
                return Err(lost());
            }
            Fault::Duplicate => {
                arrive();
                arrive()
            }
            Fault::None | Fault::Delay(_) => arrive(),
        };
        (self.sleep)(delay).await;
        Ok(answer)
    }
}

impl Transport for Loopback {
    fn status<'a>(&'a self, token: Option<&'a str>) -> LocalFuture<'a, Result<Answer>> {
        Box::pin(self.carry((self.faults)(Route::Status), token, Endpoint::status))
    }

    fn push<'a>(
        &'a self,
        token: Option<&'a str>,
        body: &'a str,
        _encoding: Encoding,
    ) -> LocalFuture<'a, Result<Answer>> {
        let fault = (self.faults)(Route::Push);
        let late = matches!(fault, Fault::Late | Fault::Stray);
        Box::pin(async move {
            let answer = self
                .carry(fault, token, |endpoint| {
                    let answer = endpoint.push(body);
                    endpoint.let_go();
                    answer
                })
                .await;
            if late {
                self.endpoint.hold(body);
            }
            answer
        })
    }

    fn changes<'a>(&'a self, token: Option<&'a str>, query: &'a ChangesQuery) -> LocalFuture<'a, Result<Answer>> {
        let fault = (self.faults)(Route::Changes);
        Box::pin(async move {
            if query.wait.is_some() && fault == Fault::None {
                self.wait(query).await;
            }
            self.carry(fault, token, |endpoint| endpoint.changes(query)).await
        })
    }

    fn snapshot<'a>(&'a self, token: Option<&'a str>, collections: &'a [String]) -> LocalFuture<'a, Result<Answer>> {
        Box::pin(self.carry((self.faults)(Route::Snapshot), token, |endpoint| endpoint.snapshot(collections)))
    }

    fn live<'a>(
        &'a self,
        token: Option<&'a str>,
        query: &'a ChangesQuery,
        hear: Hear,
    ) -> LocalFuture<'a, Result<Option<NoStream>>> {
        Box::pin(self.tell(token, query, hear))
    }
}

//! One action of the engine, carried out: a read, a commit or a request.

use futures_util::future::{Either, select};

use super::effects::{Outcome, Written};
use super::engine::{Action, Event};
use super::inner::Inner;
use super::{conflict, outbox, pull, settle, state};
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::number_text;
use crate::transport::{Answer, Encoding};

impl Inner {
    /// Does what the engine asks for, and tells it what came of it.
    pub(super) async fn perform(&self, action: Action) -> Event {
        let wishes = self.wishes();
        let storage = self.storage(&wishes);
        let outcome = match action {
            Action::Load => {
                let loaded = self.load().await;
                return loaded.map_or_else(Event::StorageFailed, |state| {
                    self.follow(&state.wishes);
                    Event::Loaded(Box::new(state))
                });
            }
            Action::Hear => {
                let heard = state::wishes(storage.backend, &self.config).await;
                return heard.map_or_else(Event::Unheard, |wishes| {
                    self.follow(&wishes);
                    Event::Wishes(Box::new(wishes))
                });
            }
            Action::LoadPending { limits, among } => {
                conflict::arbitrate(self).await;
                let sendable = outbox::Sendable { among: &among, priority: &self.config.priority };
                let pending = outbox::pending(storage.backend, limits, sendable).await;
                return pending.map_or_else(Event::StorageFailed, Event::Pending);
            }
            Action::AskStatus => return self.request(Request::Status).await,
            Action::Push { body, encoding } => return self.request(Request::Push(&body, encoding)).await,
            Action::Pull { query } => return self.request(Request::Changes(&query)).await,
            Action::TakeSnapshot { collections } => return self.request(Request::Snapshot(&collections)).await,
            Action::Sweep { rows } => settle::sweep(storage, &rows).await,
            Action::SetAside { letters } => settle::set_aside(storage, letters).await,
            Action::StoreFlight { state, flight, mids } => settle::store_flight(storage, &state, &flight, mids).await,
            Action::Settle { flight, settlement } => settle::settle(storage, &flight, &settlement).await,
            Action::Reset { state, progress } => settle::reset(storage, &state, &progress).await,
            Action::Apply { changes, from, to } => pull::apply(storage, changes, &from, &to).await,
            Action::ApplySnapshot { snapshot, from, to } => pull::apply_snapshot(storage, *snapshot, &from, &to).await,
            // These are no work; the driver keeps them.
            Action::ServerTime(_)
            | Action::WakeAt(_)
            | Action::Listen { .. }
            | Action::Hush
            | Action::Report(_)
            | Action::Finished { .. } => {
                return Event::Timer;
            }
        };
        match outcome {
            Ok(Outcome::Done(written)) => {
                self.tell_of(&written);
                if written.tally.conflicts > 0 {
                    conflict::arbitrate(self).await;
                }
                Event::Stored(written.tally)
            }
            Ok(Outcome::Late) => Event::Late,
            Err(error) => Event::StorageFailed(error),
        }
    }

    /// Reads everything that a round begins from.
    pub(super) async fn load(&self) -> Result<state::Persisted> {
        let afresh = || {
            let device = self.clock.borrow().last().device();
            state::Client::new((0..4).fold(0, |name, _| name << 32 | self.random_word()), device)
        };
        state::load(&*self.backend, &self.config, afresh, self.now()).await
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number below 2^32")]
    fn random_word(&self) -> u128 {
        ((self.ports.random)() * 4_294_967_296.0) as u128
    }

    fn tell_of(&self, written: &Written) {
        for entry in written.tally.failed.iter().filter(|entry| !entry.id.is_empty()) {
            self.listeners.each(|listener| listener.rejected(entry));
        }
        for problem in &written.problems {
            self.listeners.each(|listener| listener.failed(problem));
        }
    }

    async fn request(&self, request: Request<'_>) -> Event {
        let asked = async {
            let token = match &self.ports.token {
                Some(provider) => Some(provider().await.map_err(Event::NoToken)?),
                None => None,
            };
            self.send(token.as_deref(), request).await.map_err(Event::Unreachable)
        };
        let asked = core::pin::pin!(asked);
        match select(asked, (self.ports.sleep)(self.config.timeout)).await {
            Either::Left((Ok(answer), _)) => Event::Answered(answer),
            Either::Left((Err(event), _)) => event,
            Either::Right(((), _)) => Event::Unreachable(
                Error::new(ErrorKind::Timeout, "the endpoint did not answer in time; it will be asked again")
                    .with("milliseconds", number_text(self.config.timeout)),
            ),
        }
    }

    fn send<'a>(&'a self, token: Option<&'a str>, request: Request<'a>) -> LocalFuture<'a, Result<Answer>> {
        match request {
            Request::Status => self.transport.status(token),
            Request::Push(body, encoding) => self.transport.push(token, body, encoding),
            Request::Changes(query) => self.transport.changes(token, query),
            Request::Snapshot(collections) => self.transport.snapshot(token, collections),
        }
    }

    /// Corrects the clock by the endpoint's time, and remembers and tells it.
    pub(super) async fn correct_clock(&self, server_time: f64) {
        let now = self.now();
        let corrected = self.clock.borrow_mut().correct(server_time, now);
        if !corrected {
            return;
        }
        let row = state::clock(&self.clock.borrow());
        let remembered = match row {
            Ok(row) => self.backend.commit(state::strict(vec![row], now)).await.map(drop),
            Err(error) => Err(error),
        };
        let message = "this device's clock is wrong; stamps follow the endpoint's time";
        let wrong = Error::new(ErrorKind::ValidationFailed, message)
            .with("milliseconds off", number_text((now - server_time).round()));
        for error in [Some(wrong), remembered.err()].into_iter().flatten() {
            self.listeners.each(|listener| listener.failed(&error));
        }
    }
}

#[derive(Clone, Copy)]
enum Request<'a> {
    Status,
    Push(&'a str, Encoding),
    Changes(&'a crate::transport::ChangesQuery),
    Snapshot(&'a [String]),
}

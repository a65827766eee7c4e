//! Transactions: by a body that runs in one, or by an id.

use std::rc::Rc;

use js_sys::{Function, Math, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::options::Options;
use super::store::{DataStore, Shared};
use super::{error, promise};
use crate::backend::layer::Overlay;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{now, number_text, sleep, spawn, within};
use crate::store::{Isolation, Transaction};

/// How long a body may take, and a transaction be idle, unless the call says otherwise: milliseconds.
const TIMEOUT: f64 = 60_000.0;
/// The longest time that a timer takes.
const LONGEST: f64 = 2_147_483_647.0;
/// How often a body runs again when others were first, unless the call says otherwise.
const RETRIES: usize = 5;
/// The pause before the second run of a body is at the most so long, in milliseconds; it doubles from run to run.
const PAUSE: f64 = 10.0;
const LONGEST_PAUSE: f64 = 320.0;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = transaction)]
    fn handle(view: DataStore) -> JsValue;
}

/// `TransactionOptions`.
struct Terms {
    isolation: Isolation,
    timeout: f64,
    retries: usize,
}

impl Terms {
    fn read(options: &JsValue, known: &[&str]) -> Result<Self> {
        let options = Options::read(options, known)?;
        let isolation = match options.text("isolation")?.as_deref() {
            None | Some("read-committed") => Isolation::ReadCommitted,
            Some("read-uncommitted") => Isolation::ReadUncommitted,
            Some("serializable") => Isolation::Serializable,
            Some(other) => {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "isolation is “read-committed”, “read-uncommitted” or “serializable”",
                )
                .with("value", other));
            }
        };
        let timeout = options.number("timeout")?.unwrap_or(TIMEOUT);
        if timeout.is_nan() || timeout <= 0.0 {
            return Err(Error::new(ErrorKind::InvalidConfig, "a timeout is a positive number of milliseconds")
                .with("timeout", number_text(timeout)));
        }
        let retries = options.whole("retries")?.unwrap_or(RETRIES);
        Ok(Self { isolation, timeout: timeout.min(LONGEST), retries })
    }
}

#[wasm_bindgen]
impl DataStore {
    /// Runs `body` with a transaction, and commits what it wrote.
    pub fn transaction(&self, body: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        let terms = Terms::read(options, &["isolation", "timeout", "retries"]);
        let body = body.dyn_ref::<Function>().cloned();
        future_to_promise(async move {
            let body =
                body.ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "the body of a transaction is a function"));
            run(&shared, &body.map_err(failed)?, &terms.map_err(failed)?).await
        })
    }

    /// Begins a transaction; calls take part in it by its id.
    #[wasm_bindgen(js_name = beginTransaction)]
    pub fn begin_transaction(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("beginTransaction", || {
            let terms = Terms::read(options, &["isolation", "timeout"])?;
            Ok(async move {
                let transaction = shared.store.begin(terms.isolation).await?;
                let id = JsValue::from_str(transaction.id());
                spawn(end_when_idle(transaction, terms.timeout));
                Ok(id)
            })
        })
    }

    /// Commits a transaction.
    pub fn commit(&self, id: &JsValue) -> Promise {
        let found = self.begun(id);
        promise("commit", || {
            let transaction = found?;
            Ok(async move { transaction.commit().await.map(|()| JsValue::UNDEFINED) })
        })
    }

    /// Rolls a transaction back.
    pub fn rollback(&self, id: &JsValue) -> Promise {
        let found = self.begun(id);
        promise("rollback", || {
            let outcome = found.and_then(|transaction| transaction.roll_back());
            Ok(async move { outcome.map(|()| JsValue::UNDEFINED) })
        })
    }
}

impl DataStore {
    fn begun(&self, id: &JsValue) -> Result<Transaction> {
        match id.as_string() {
            Some(id) => self.0.store.transaction(&id),
            None => Err(Overlay::unknown("none")),
        }
    }
}

fn failed(error: Error) -> JsValue {
    error::to_js(&error.during("transaction"))
}

async fn run(shared: &Shared, body: &Function, terms: &Terms) -> core::result::Result<JsValue, JsValue> {
    let mut runs = 0;
    let mut pause = PAUSE;
    loop {
        let transaction = shared.store.begin(terms.isolation).await.map_err(failed)?;
        let view = handle(DataStore(Rc::new(shared.seen_by(transaction.view()))));
        let body = async { JsFuture::from(Promise::resolve(&body.call1(&JsValue::UNDEFINED, &view)?)).await };
        let outcome = within(terms.timeout, body).await;
        let conflict = match outcome {
            None => {
                // A store that was closed meanwhile has rolled it back already.
                drop(transaction.roll_back());
                return Err(failed(
                    Error::new(ErrorKind::Timeout, "the body of the transaction took too long; nothing was written")
                        .with("timeout", number_text(terms.timeout)),
                ));
            }
            Some(Ok(value)) => match transaction.commit().await {
                Ok(()) => return Ok(value),
                Err(error) if error.kind() == ErrorKind::Conflict => failed(error),
                Err(error) => return Err(failed(error)),
            },
            Some(Err(thrown)) => {
                let again = transaction.doomed();
                drop(transaction.roll_back());
                if !again {
                    return Err(thrown);
                }
                thrown
            }
        };
        if runs >= terms.retries {
            return Err(conflict);
        }
        runs += 1;
        sleep(pause * Math::random()).await;
        pause = (pause * 2.0).min(LONGEST_PAUSE);
    }
}

/// Rolls a transaction back that nobody has used for so long.
async fn end_when_idle(transaction: Transaction, timeout: f64) {
    loop {
        let left = transaction.used() + timeout - now();
        if left <= 0.0 {
            drop(transaction.roll_back());
            return;
        }
        if within(left, transaction.ended()).await.is_some() {
            return;
        }
    }
}

//! What every backend promises, as cases that run on any of them.
//!
//! A backend, or a stack of layers, is shown to keep the contract of [`Backend`] by one call of [`run`]:
//!
//! ```
//! # use std::rc::Rc;
//! # use tidekeep::backend::{Backend, memory::MemoryBackend};
//! # use tidekeep::testing::behaviour;
//! # futures_executor::block_on(async {
//! let report = behaviour::run(async |schema| {
//!     Ok(Rc::new(MemoryBackend::new("suite", Rc::new(schema), 10_000)) as Rc<dyn Backend>)
//! })
//! .await;
//! report.assert_all_passed();
//! # });
//! ```

mod atomicity;
mod bases;
mod conditions;
mod equality;
mod indexes;
mod lifecycle;
mod many;
mod reads;
mod replication;
mod reseal;
mod support;
mod writes;

use core::fmt;
use std::rc::Rc;

use crate::backend::{Backend, LocalFuture};
use crate::error::Result;
use crate::model::{Collection, Index, KeyPath, Schema};

/// One promise and the code that checks it.
#[derive(Clone, Copy)]
pub struct Case {
    /// The promise, as a sentence.
    pub name: &'static str,
    check: fn(Rc<dyn Backend>) -> LocalFuture<'static, Outcome>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a case found: nothing, or what was not as promised.
type Outcome = core::result::Result<(), String>;

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        writes::CASES,
        reads::CASES,
        indexes::CASES,
        equality::CASES,
        atomicity::CASES,
        many::CASES,
        conditions::CASES,
        replication::CASES,
        reseal::CASES,
        bases::CASES,
        lifecycle::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// How many cases ran.
    pub ran: usize,
    /// The cases that failed, and how.
    pub failures: Vec<(&'static str, String)>,
}

impl Report {
    /// Ends the test where a case failed.
    ///
    /// # Panics
    ///
    /// Where a case failed, or none ran; the message names each.
    pub fn assert_all_passed(&self) {
        let listed: Vec<String> = self.failures.iter().map(|(name, what)| format!("\n  {name}: {what}")).collect();
        let all_passed = listed.is_empty() && self.ran > 0;
        assert!(all_passed, "{} of {} behaviour cases failed:{}", listed.len(), self.ran, listed.concat());
    }
}

/// The schema that the cases are written against.
#[must_use]
pub fn schema() -> Schema {
    let single = |path: &str| KeyPath::Single(path.to_owned());
    let index = |text: &str| Index::parse(text).ok();
    let people = Collection {
        key_path: Some(single("id")),
        indexes: ["name", "*tags", "&email", "[city+born]", "address.zip"].into_iter().filter_map(index).collect(),
        ..Collection::default()
    };
    let loose =
        Collection { indexes: ["rank", "*labels"].into_iter().filter_map(index).collect(), ..Collection::default() };
    let mut schema = Schema::default();
    let declared = schema.declare("people", people).and_then(|()| schema.declare("loose", loose));
    debug_assert_eq!(declared, Ok(()), "the schema is constant");
    schema
}

/// Runs every case, each on a backend of its own.
pub async fn run(open: impl AsyncFn(Schema) -> Result<Rc<dyn Backend>>) -> Report {
    let mut report = Report::default();
    for case in cases() {
        report.ran += 1;
        let outcome = match open(schema()).await {
            Ok(backend) => {
                let outcome = (case.check)(Rc::clone(&backend)).await;
                let cleaned = backend.destroy().await.map_err(|error| format!("destroy: {error}"));
                outcome.and(cleaned)
            }
            Err(error) => Err(format!("the backend did not open: {error}")),
        };
        if let Err(what) = outcome {
            report.failures.push((case.name, what));
        }
    }
    report
}

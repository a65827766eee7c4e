//! Conflicts: how an application wants them decided, what its function is told, and what it chose by hand.

use std::rc::{Rc, Weak};

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::super::convert::{date, maybe, names, object, owned, property};
use super::super::error;
use super::super::options::Options;
use super::super::store::Shared;
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Key};
use crate::platform::{Payload, is_array, said};
use crate::sync::{Arbiter, Choice, Conflict, ConflictEntry, ConflictOutcome, Policies, Policy, Which};

/// The collection of the policy that is everyone else's.
const DEFAULT: &str = "default";

/// How conflicts are decided: policies, and the functions of those that ask.
#[derive(Debug, Clone, Default)]
pub(in crate::js) struct Deciding {
    pub(super) policies: Policies,
    functions: Vec<(String, Function)>,
}

impl Deciding {
    /// Reads the option.
    pub(super) fn read(given: &JsValue) -> Result<Self> {
        let mut deciding = Self::default();
        if given.is_undefined() || given.is_null() {
            return Ok(deciding);
        }
        if given.is_object() && !given.is_function() && !is_array(given) {
            let names = names(given)?;
            // What holds for everyone else first.
            for name in names.iter().filter(|name| *name == DEFAULT).chain(names.iter().filter(|name| *name != DEFAULT))
            {
                deciding.add(name, &property(given, name)?)?;
            }
            return Ok(deciding);
        }
        deciding.add(DEFAULT, given)?;
        Ok(deciding)
    }

    fn add(&mut self, name: &str, given: &JsValue) -> Result<()> {
        let policy = match (given.dyn_ref::<Function>(), given.as_string().as_deref()) {
            (Some(function), _) => {
                self.functions.push((name.to_owned(), function.clone()));
                Policy::Ask
            }
            (None, Some("latest")) => Policy::Latest,
            (None, Some("merge")) => Policy::Merge,
            (None, Some("local")) => Policy::Local,
            (None, Some("remote")) => Policy::Remote,
            (None, Some("manual")) => Policy::Manual,
            (None, other) => {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "conflicts are decided by “latest”, “merge”, “local”, “remote”, “manual” or a function",
                )
                .with("conflict", other.unwrap_or("no text"))
                .with("collection", name));
            }
        };
        let before = core::mem::take(&mut self.policies);
        self.policies = if name == DEFAULT { Policies::new(policy) } else { before.with(name, policy) };
        Ok(())
    }

    fn function(&self, collection: &str) -> Option<&Function> {
        let of = |wanted: &str| self.functions.iter().find(|(name, _)| name == wanted).map(|(_, function)| function);
        of(collection).or_else(|| of(DEFAULT))
    }
}

/// Decides for a store.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) store: Weak<Shared>,
    pub(super) deciding: Deciding,
}

impl Judge {
    fn store(&self) -> Result<Rc<Shared>> {
        self.store.upgrade().ok_or_else(|| Error::new(ErrorKind::Closed, "the store is closed"))
    }
}

impl Arbiter for Judge {
    fn open<'a>(&'a self, collection: &'a str, key: &'a Key, body: &'a Body) -> LocalFuture<'a, Result<Payload>> {
        Box::pin(async move { self.store()?.store.open_body(collection, key, body).await })
    }

    fn close<'a>(
        &'a self,
        collection: &'a str,
        key: &'a Key,
        value: Payload,
        sealed: bool,
    ) -> LocalFuture<'a, Result<Body>> {
        Box::pin(async move { self.store()?.store.close_value(collection, key, value, sealed).await })
    }

    fn ask<'a>(&'a self, conflict: &'a Conflict) -> LocalFuture<'a, Result<Option<Payload>>> {
        Box::pin(async move {
            let failed = |thrown: JsValue| Error::new(ErrorKind::ValidationFailed, "it threw").caused_by(said(&thrown));
            let function = self.deciding.function(&conflict.collection);
            let function = function.ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "there is no function"))?;
            let answer = function.call1(&JsValue::UNDEFINED, &told(conflict)).map_err(failed)?;
            let answer = JsFuture::from(Promise::resolve(&answer)).await.map_err(failed)?;
            Ok(if answer.is_undefined() { None } else { Some(owned(&answer)?) })
        })
    }
}

fn value(value: Option<&Payload>) -> JsValue {
    maybe(value, |value| value.as_js().clone())
}

/// What a function is told.
fn told(conflict: &Conflict) -> JsValue {
    object([
        ("id", JsValue::from_str(&conflict.id)),
        ("collection", JsValue::from_str(&conflict.collection)),
        ("key", conflict.key.to_js()),
        ("local", value(conflict.local.as_ref())),
        ("remote", value(conflict.remote.as_ref())),
        ("base", value(conflict.base.as_ref())),
    ])
}

/// A `Conflict`, or a `SettledConflict`.
pub(in crate::js) fn entry(entry: &ConflictEntry) -> JsValue {
    let outcome = entry.settled.as_ref().map(|(_, outcome)| match outcome {
        ConflictOutcome::Local => "local",
        ConflictOutcome::Remote => "remote",
        ConflictOutcome::Value => "value",
    });
    let rest = object([
        ("at", date(entry.at)),
        ("error", maybe(entry.error.as_ref(), error::to_js)),
        ("by", maybe(entry.settled.as_ref(), |(by, _)| JsValue::from_str(by))),
        ("outcome", maybe(outcome, JsValue::from_str)),
    ]);
    let entry: Object = told(&entry.conflict).unchecked_into();
    Object::assign(&entry, rest.unchecked_ref()).into()
}

/// Which conflicts are asked for.
pub(super) fn which(options: &JsValue) -> Result<Which> {
    let settled = Options::read(options, &["settled"])?.flag("settled")?;
    Ok(if settled == Some(true) { Which::Settled } else { Which::Undecided })
}

/// What was chosen by hand.
pub(super) fn choice(given: &JsValue) -> Result<Choice> {
    match given.as_string().as_deref() {
        Some("local") => return Ok(Choice::Local),
        Some("remote") => return Ok(Choice::Remote),
        _ => {}
    }
    let refused = || {
        let message = "a conflict is resolved by “local”, “remote” or { value }; the value undefined deletes";
        Error::new(ErrorKind::InvalidConfig, message)
    };
    if !given.is_object() || names(given)?.iter().all(|name| name != "value") {
        return Err(refused());
    }
    let value = Options::read(given, &["value"])?.value("value")?;
    if value.is_undefined() { Ok(Choice::Deleted) } else { owned(&value).map(Choice::Value) }
}

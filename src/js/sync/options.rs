//! What an application says of replication.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::super::convert::{items, names, property};
use super::super::options::Options;
use super::conflicts::Deciding;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Schema, sorted_names, system};
use crate::platform::{is_array, number_text};
use crate::sync::{Growth, Priority, Retry, SyncConfig};
use crate::transport::HttpTransport;

/// The name under which applications say that their secrets replicate.
const CREDENTIALS: &str = system::CREDENTIALS;

/// The collection whose secrets stay on the device unless the application says otherwise.
const SETTINGS: &str = "settings";
/// They are these.
const LOCAL_SETTINGS: [&str; 5] = ["api_keys", "private_keys", "wallet_data", "private_*", "*_key"];

/// What the options ask for.
#[derive(Debug)]
pub(in crate::js) struct Replication {
    pub(super) config: SyncConfig,
    pub(super) transport: HttpTransport,
    pub(super) auth: Option<Function>,
    pub(super) deciding: Deciding,
}

/// Reads the options; none where nothing is to replicate.
pub(in crate::js) fn read(given: &JsValue, retry: &JsValue, schema: &Schema) -> Result<Option<Replication>> {
    if given.is_undefined() {
        return Ok(None);
    }
    let options = Options::read(
        given,
        &[
            "endpoint",
            "auth",
            "collections",
            "conflict",
            "interval",
            "live",
            "retryPolicy",
            "enabled",
            "preferences",
            "exclude",
            "priority",
        ],
    )?;
    let endpoint = options
        .text("endpoint")?
        .ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "“sync” needs an endpoint: the address of a space"))?;
    let deciding = Deciding::read(&options.value("conflict")?)?;
    let own_retry = options.value("retryPolicy")?;
    let mut config = SyncConfig::new(&endpoint, replicated(&options.value("collections")?, schema)?);
    config.retry = retry_policy(if own_retry.is_undefined() { retry } else { &own_retry })?;
    config.policies = deciding.policies.clone();
    if let Some(name) = config.policies.named().find(|name| !config.collections.iter().any(|known| known == name)) {
        return Err(unknown(name));
    }
    config.enabled = options.flag("enabled")?.unwrap_or(true);
    config.live = options.flag("live")?.unwrap_or(true);
    if let Some(seconds) = options.number("interval")? {
        config.interval = interval(seconds)?;
    }
    config.preferences = switches(&options.value("preferences")?)?;
    for (name, _) in &config.preferences {
        if !config.collections.contains(name) {
            return Err(unknown(name));
        }
    }
    config.priority = priority(&options.value("priority")?)?;
    for (name, _) in &config.priority {
        if !config.collections.contains(name) {
            return Err(unknown(name));
        }
    }
    config.local = local(&options.value("exclude")?, &config.collections)?;
    Ok(Some(Replication {
        config,
        transport: HttpTransport::new(&endpoint)?,
        auth: options.function("auth")?,
        deciding,
    }))
}

/// Which collections replicate: those that are named, or every declared one that does not say otherwise, and secrets.
fn replicated(given: &JsValue, schema: &Schema) -> Result<Vec<String>> {
    let mut chosen: Vec<String> = Vec::new();
    let check = |name: &str| {
        if name == CREDENTIALS { Ok(()) } else { crate::model::check_name(name) }
    };
    if !is_array(given) {
        let by_default = schema.collections().filter(|(_, collection)| collection.sync != Some(false));
        chosen.extend(by_default.map(|(name, _)| name.to_owned()).chain([CREDENTIALS.to_owned()]));
    }
    if is_array(given) {
        for name in items(given)? {
            let name = name
                .as_string()
                .ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "“sync.collections” lists collections by name"))?;
            check(&name)?;
            chosen.push(name);
        }
    } else if given.is_object() {
        for name in names(given)? {
            check(&name)?;
            match property(given, &name)?.as_bool() {
                Some(true) => chosen.push(name),
                Some(false) => chosen.retain(|other| *other != name),
                None => {
                    return Err(Error::new(ErrorKind::InvalidConfig, "a collection replicates or not: true or false")
                        .with("collection", name));
                }
            }
        }
    } else if !given.is_undefined() {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            "“sync.collections” is a list, or an object of true and false",
        ));
    }
    if chosen.iter().any(|name| schema.encrypted(name)) {
        // What is sealed is of use elsewhere only with the wrapped key it was sealed under.
        chosen.push(system::KEYS.to_owned());
    }
    Ok(sorted_names(chosen))
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, "no such collection replicates; see the options of “sync”")
        .with("collection", name)
}

/// An interval as applications say it, in milliseconds.
pub(super) fn interval(seconds: f64) -> Result<f64> {
    if seconds.is_finite() && seconds >= 1.0 {
        return Ok(seconds * 1000.0);
    }
    Err(Error::new(ErrorKind::InvalidConfig, "the interval is in seconds, one at least")
        .with("interval", number_text(seconds)))
}

/// Collections and whether they are on: an object of true and false.
pub(super) fn switches(given: &JsValue) -> Result<Vec<(String, bool)>> {
    if given.is_undefined() {
        return Ok(Vec::new());
    }
    let wrong = || Error::new(ErrorKind::InvalidConfig, "preferences are an object of collections, each true or false");
    if !given.is_object() {
        return Err(wrong());
    }
    let switch = |name: String| match property(given, &name)?.as_bool() {
        Some(on) => Ok((name, on)),
        None => Err(wrong().with("collection", name)),
    };
    names(given)?.into_iter().map(switch).collect()
}

fn priority(given: &JsValue) -> Result<Vec<(String, Priority)>> {
    if given.is_undefined() {
        return Ok(Vec::new());
    }
    let wrong = || {
        let message = "“sync.priority” is an object of collections, each “high”, “normal” or “low”";
        Error::new(ErrorKind::InvalidConfig, message)
    };
    if !given.is_object() {
        return Err(wrong());
    }
    let read = |name: String| {
        let priority = match property(given, &name)?.as_string().as_deref() {
            Some("high") => Priority::High,
            Some("normal") => Priority::Normal,
            Some("low") => Priority::Low,
            _ => return Err(wrong().with("collection", name)),
        };
        Ok((name, priority))
    };
    names(given)?.into_iter().map(read).collect()
}

/// The keys that stay on this device: of each collection its patterns, and the usual ones of “settings” where it has none.
fn local(given: &JsValue, collections: &[String]) -> Result<Vec<(String, Vec<String>)>> {
    let mut local = Vec::new();
    if given.is_object() {
        for name in names(given)? {
            if !collections.contains(&name) {
                return Err(unknown(&name));
            }
            let patterns = property(given, &name)?;
            if !is_array(&patterns) {
                return Err(wrong_patterns());
            }
            let patterns = items(&patterns)?;
            let patterns = patterns.iter().map(|pattern| pattern.as_string().ok_or_else(wrong_patterns));
            local.push((name, patterns.collect::<Result<_>>()?));
        }
    } else if !given.is_undefined() {
        return Err(wrong_patterns());
    }
    if !local.iter().any(|(name, _)| name == SETTINGS) {
        local.push((SETTINGS.to_owned(), LOCAL_SETTINGS.map(str::to_owned).to_vec()));
    }
    Ok(local)
}

fn wrong_patterns() -> Error {
    let message = "“sync.exclude” is an object of collections, each with a list of keys, “beginning*” or “*end”";
    Error::new(ErrorKind::InvalidConfig, message)
}

fn retry_policy(given: &JsValue) -> Result<Retry> {
    let options = Options::read(given, &["attempts", "backoff", "baseDelay", "maxDelay"])?;
    let mut retry = Retry::default();
    if let Some(attempts) = options.whole("attempts")? {
        retry.attempts = u32::try_from(attempts).ok().filter(|attempts| *attempts > 0).ok_or_else(|| {
            Error::new(ErrorKind::InvalidConfig, "“attempts” counts tries, one at least").with("attempts", attempts)
        })?;
    }
    retry.growth = match options.text("backoff")?.as_deref() {
        None => retry.growth,
        Some("exponential") => Growth::Exponential,
        Some("linear") => Growth::Linear,
        Some("fixed") => Growth::Fixed,
        Some(other) => {
            return Err(Error::new(ErrorKind::InvalidConfig, "backoff is “exponential”, “linear” or “fixed”")
                .with("backoff", other));
        }
    };
    for (name, delay) in [("baseDelay", &mut retry.base_delay), ("maxDelay", &mut retry.max_delay)] {
        match options.number(name)? {
            None => {}
            Some(ms) if ms.is_finite() && ms > 0.0 => *delay = ms,
            Some(ms) => {
                return Err(Error::new(ErrorKind::InvalidConfig, "a delay is a positive number of milliseconds")
                    .with(name, number_text(ms)));
            }
        }
    }
    Ok(retry)
}

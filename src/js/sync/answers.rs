//! What sync answers, as JavaScript sees it.

use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use super::super::convert::{date, maybe, number, object};
use super::super::error;
use crate::sync::{EntryState, OutboxEntry, SyncReport, SyncStatus};

/// A `SyncReport`.
pub(super) fn report(report: &SyncReport) -> JsValue {
    object([
        ("pushed", number(report.pushed)),
        ("pulled", number(report.pulled)),
        ("conflicts", number(report.conflicts)),
        ("failed", number(report.failed)),
        ("failures", report.failures.iter().map(outbox_entry).collect::<Array>().into()),
        ("durationMs", JsValue::from_f64(report.duration_ms)),
        ("at", date(report.at)),
    ])
}

/// A `SyncStatus`.
pub(in crate::js) fn status(status: &SyncStatus) -> JsValue {
    let preferences: Array = status
        .preferences
        .iter()
        .map(|(name, on)| Array::of2(&JsValue::from_str(name), &JsValue::from_bool(*on)))
        .collect();
    object([
        ("enabled", JsValue::from_bool(status.enabled)),
        ("interval", JsValue::from_f64(status.interval / 1000.0)),
        ("preferences", Object::from_entries(&preferences).map_or(JsValue::UNDEFINED, JsValue::from)),
        ("running", JsValue::from_bool(status.running)),
        ("online", JsValue::from_bool(status.online)),
        ("leader", JsValue::from_bool(status.leader)),
        (
            "progress",
            maybe(status.progress, |(done, total)| object([("done", number(done)), ("total", number(total))])),
        ),
        ("pending", number(status.pending)),
        ("failed", number(status.failed)),
        ("conflicts", number(status.conflicts)),
        ("lastSyncTime", maybe(status.last_sync_time, date)),
        ("nextSyncTime", maybe(status.next_sync_time, date)),
        ("lastError", maybe(status.last_error.as_ref(), error::to_js)),
        ("lastReport", maybe(status.last_report.as_ref(), report)),
    ])
}

/// An `OutboxEntry`.
pub(in crate::js) fn outbox_entry(entry: &OutboxEntry) -> JsValue {
    let state = match entry.state {
        EntryState::Waiting => "waiting",
        EntryState::Sending => "sending",
        EntryState::Dead => "dead",
    };
    object([
        ("id", JsValue::from_str(&entry.id)),
        ("collection", JsValue::from_str(&entry.collection)),
        ("key", entry.key.to_js()),
        ("attempts", JsValue::from_f64(f64::from(entry.attempts))),
        ("nextAttempt", maybe(entry.next_attempt, date)),
        ("state", JsValue::from_str(state)),
        ("error", maybe(entry.error.as_ref(), error::to_js)),
    ])
}

//! `verify` and `repair`: what they found, as an object.

use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;

use super::convert::{number, object};
use super::events;
use super::options::Options;
use super::signal::abortable;
use super::store::{DataStore, Shared};
use crate::error::Result;
use crate::model::Key;
use crate::platform::sleep;
use crate::store::{Findings, Gate, Inspected, Walk};

/// Whether what can be mended is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mend {
    Nothing,
    WhatCan,
}

#[wasm_bindgen]
impl DataStore {
    /// Reads every record and tells what does not fit together; with `repair`, mends what can be.
    pub fn verify(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("verify", options, || {
            let options = Options::read(options, &["onProgress", "repair", "signal"])?;
            let mend = if options.flag("repair")? == Some(true) { Mend::WhatCan } else { Mend::Nothing };
            Ok(verified(shared, options.gate()?, options.function("onProgress")?, mend))
        })
    }

    /// Verifies, and mends what can be mended without losing anything.
    pub fn repair(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("repair", options, || {
            let options = Options::read(options, &["onProgress", "signal"])?;
            Ok(verified(shared, options.gate()?, options.function("onProgress")?, Mend::WhatCan))
        })
    }
}

async fn verified(shared: Rc<Shared>, gate: Gate, listener: Option<Function>, mend: Mend) -> Result<JsValue> {
    let progress = |done, total| {
        if let Some(listener) = &listener {
            events::call(listener, &[number(done), number(total)]);
        }
    };
    let walk = Walk { gate: &gate, progress: &progress, pause: &|| Box::pin(sleep(0.0)) };
    let found = match mend {
        Mend::Nothing => shared.store.verify(&walk).await?,
        Mend::WhatCan => shared.store.repair(&walk).await?,
    };
    Ok(report(&found))
}

fn report(found: &Findings) -> JsValue {
    object([
        ("sound", JsValue::from_bool(found.sound())),
        ("collections", found.collections.iter().map(inspected).collect::<Array>().into()),
        (
            "outbox",
            object([
                ("rows", number(found.outbox)),
                ("orphaned", number(found.orphaned)),
                ("damaged", number(found.damaged)),
            ]),
        ),
        ("tombstones", object([("rows", number(found.tombstones)), ("besideLive", number(found.beside_live))])),
        (
            "repaired",
            found.repaired.map_or(JsValue::UNDEFINED, |repaired| {
                object([
                    ("expired", number(repaired.expired)),
                    ("orphaned", number(repaired.orphaned)),
                    ("tombstones", number(repaired.tombstones)),
                ])
            }),
        ),
    ])
}

fn inspected(one: &Inspected) -> JsValue {
    let indexes = one.indexes.iter().map(|index| {
        object([
            ("name", JsValue::from_str(&index.name)),
            ("entries", number(index.entries)),
            ("wanted", number(index.wanted)),
        ])
    });
    object([
        ("name", JsValue::from_str(&one.name)),
        ("records", number(one.records)),
        ("corrupted", one.corrupted.iter().map(Key::to_js).collect::<Array>().into()),
        ("unopened", number(one.unopened)),
        ("expired", number(one.expired)),
        ("indexes", indexes.collect::<Array>().into()),
    ])
}

//! The behaviour suite in the browser, over every backend and stack of layers.

#![cfg(target_family = "wasm")]

use core::cell::Cell;
use std::rc::Rc;

use tidekeep::backend::Backend;
use tidekeep::backend::indexeddb::IndexedDbBackend;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::testing::behaviour;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn memory_keeps_the_contract() {
    let report = behaviour::run(|schema| async {
        Ok(Rc::new(MemoryBackend::new("suite", Rc::new(schema), DEFAULT_CAPACITY)) as Rc<dyn Backend>)
    })
    .await;
    console_log!("behaviour: {} cases on memory, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
async fn indexeddb_keeps_the_contract() {
    let number = Cell::new(0);
    let report = behaviour::run(|schema| {
        number.set(number.get() + 1);
        let name = format!("suite {}", number.get());
        async move { Ok(Rc::new(IndexedDbBackend::open(&name, Rc::new(schema)).await?) as Rc<dyn Backend>) }
    })
    .await;
    console_log!("behaviour: {} cases on indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

//! The behaviour suite in the browser, over every backend and stack of layers.

#![cfg(target_family = "wasm")]

use core::sync::atomic::{AtomicU32, Ordering};
use std::rc::Rc;

use tidekeep::Result;
use tidekeep::backend::Backend;
use tidekeep::backend::indexeddb::IndexedDbBackend;
use tidekeep::backend::layer::Isolation;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::model::Schema;
use tidekeep::testing::{behaviour, stack};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// An IndexedDB backend over a database of its own.
async fn indexeddb(schema: Schema) -> Result<Rc<dyn Backend>> {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let name = format!("suite {}", OPENED.fetch_add(1, Ordering::Relaxed));
    Ok(Rc::new(IndexedDbBackend::open(&name, Rc::new(schema)).await?))
}

#[wasm_bindgen_test]
async fn memory_keeps_the_contract() {
    let report = behaviour::run(async |schema| {
        Ok(Rc::new(MemoryBackend::new("suite", Rc::new(schema), DEFAULT_CAPACITY)) as Rc<dyn Backend>)
    })
    .await;
    console_log!("behaviour: {} cases on memory, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
async fn indexeddb_keeps_the_contract() {
    let report = behaviour::run(indexeddb).await;
    console_log!("behaviour: {} cases on indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
async fn checksums_over_indexeddb_keep_the_contract() {
    let report = behaviour::run(async |schema| {
        let schema = stack::with_checksums(&schema);
        Ok(stack::checked(indexeddb(schema.clone()).await?, schema))
    })
    .await;
    console_log!("behaviour: {} cases on checksums over indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
#[expect(clippy::unwrap_used, reason = "a test fails so")]
async fn journal_over_seal_over_indexeddb_keeps_the_contract() {
    let keyring = stack::open_keyring().await.unwrap();
    let report = behaviour::run(async |schema| {
        let schema = stack::with_sealed_collections(schema);
        let backend = indexeddb(schema.clone()).await?;
        stack::journalled(stack::sealed(backend, schema, &keyring)).await
    })
    .await;
    console_log!("behaviour: {} cases on journal over seal over indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
#[expect(clippy::unwrap_used, reason = "a test fails so")]
async fn transactions_over_journal_over_seal_over_indexeddb_keep_the_contract() {
    let keyring = stack::open_keyring().await.unwrap();
    for isolation in [Isolation::ReadCommitted, Isolation::Serializable] {
        let report = behaviour::run(async |schema| {
            let schema = stack::with_sealed_collections(schema);
            let backend = indexeddb(schema.clone()).await?;
            let below = stack::journalled(stack::sealed(backend, schema.clone(), &keyring)).await?;
            Ok(stack::transacted(below, schema, isolation))
        })
        .await;
        console_log!(
            "behaviour: {} cases on {isolation:?} transactions over journal over seal over indexeddb, wasm",
            report.ran
        );
        report.assert_all_passed();
    }
}

#[wasm_bindgen_test]
#[expect(clippy::unwrap_used, reason = "a test fails so")]
async fn cache_over_journal_over_seal_over_indexeddb_keeps_the_contract() {
    let keyring = stack::open_keyring().await.unwrap();
    let report = behaviour::run(async |schema| {
        let schema = stack::with_sealed_collections(schema);
        let backend = indexeddb(schema.clone()).await?;
        let journal = stack::journalled(stack::sealed(backend, schema.clone(), &keyring)).await?;
        Ok(stack::cached(journal, schema))
    })
    .await;
    console_log!("behaviour: {} cases on cache over journal over seal over indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

#[wasm_bindgen_test]
#[expect(clippy::unwrap_used, reason = "a test fails so")]
async fn journal_over_seal_over_postings_over_indexeddb_keeps_the_contract() {
    let keyring = stack::open_keyring().await.unwrap();
    let report = behaviour::run(async |schema| {
        let schema = stack::with_sealed_collections(stack::with_searched_collections(schema));
        let noted = stack::noted(indexeddb(schema.clone()).await?, &schema);
        stack::journalled(stack::sealed(noted, schema, &keyring)).await
    })
    .await;
    console_log!("behaviour: {} cases on journal over seal over postings over indexeddb, wasm", report.ran);
    report.assert_all_passed();
}

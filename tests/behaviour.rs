//! The behaviour suite over every backend and stack of layers that runs natively.

#![cfg(not(target_family = "wasm"))]

use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::backend::Backend;
use tidekeep::backend::layer::Isolation;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::crypto::Keyring;
use tidekeep::model::Schema;
use tidekeep::testing::{behaviour, stack};

fn memory(schema: Schema) -> Rc<dyn Backend> {
    Rc::new(MemoryBackend::new("suite", Rc::new(schema), DEFAULT_CAPACITY))
}

fn sealed_memory(schema: Schema, keyring: &Rc<Keyring>) -> Rc<dyn Backend> {
    let schema = stack::with_sealed_collections(schema);
    stack::sealed(memory(schema.clone()), schema, keyring)
}

#[test]
fn memory_keeps_the_contract() {
    let report = block_on(behaviour::run(async |schema| Ok(memory(schema))));
    println!("behaviour: {} cases on memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn checksums_over_memory_keep_the_contract() {
    let report = block_on(behaviour::run(async |schema| {
        let schema = stack::with_checksums(&schema);
        Ok(stack::checked(memory(schema.clone()), schema))
    }));
    println!("behaviour: {} cases on checksums over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn cache_over_memory_keeps_the_contract() {
    let report = block_on(behaviour::run(async |schema| Ok(stack::cached(memory(schema.clone()), schema))));
    println!("behaviour: {} cases on cache over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn cache_over_journal_over_seal_over_memory_keeps_the_contract() {
    let report = block_on(async {
        let keyring = stack::open_keyring().await.unwrap();
        behaviour::run(async |schema| {
            let journal = stack::journalled(sealed_memory(schema.clone(), &keyring)).await?;
            Ok(stack::cached(journal, stack::with_sealed_collections(schema)))
        })
        .await
    });
    println!("behaviour: {} cases on cache over journal over seal over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn seal_over_memory_keeps_the_contract() {
    let report = block_on(async {
        let keyring = stack::open_keyring().await.unwrap();
        behaviour::run(async |schema| Ok(sealed_memory(schema, &keyring))).await
    });
    println!("behaviour: {} cases on seal over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn journal_over_seal_over_memory_keeps_the_contract() {
    let report = block_on(async {
        let keyring = stack::open_keyring().await.unwrap();
        behaviour::run(async |schema| stack::journalled(sealed_memory(schema, &keyring)).await).await
    });
    println!("behaviour: {} cases on journal over seal over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn transactions_over_memory_keep_the_contract() {
    for isolation in [Isolation::ReadCommitted, Isolation::ReadUncommitted, Isolation::Serializable] {
        let report =
            block_on(behaviour::run(async |schema| Ok(stack::transacted(memory(schema.clone()), schema, isolation))));
        println!("behaviour: {} cases on {isolation:?} transactions over memory, native", report.ran);
        report.assert_all_passed();
    }
}

#[test]
fn transactions_over_journal_over_seal_over_memory_keep_the_contract() {
    let report = block_on(async {
        let keyring = stack::open_keyring().await.unwrap();
        behaviour::run(async |schema| {
            let below = stack::journalled(sealed_memory(schema.clone(), &keyring)).await?;
            Ok(stack::transacted(below, stack::with_sealed_collections(schema), Isolation::Serializable))
        })
        .await
    });
    println!("behaviour: {} cases on transactions over journal over seal over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn postings_over_memory_keep_the_contract() {
    let report = block_on(behaviour::run(async |schema| {
        let schema = stack::with_searched_collections(schema);
        Ok(stack::noted(memory(schema.clone()), &schema))
    }));
    println!("behaviour: {} cases on postings over memory, native", report.ran);
    report.assert_all_passed();
}

#[test]
fn journal_over_seal_over_postings_over_memory_keeps_the_contract() {
    let report = block_on(async {
        let keyring = stack::open_keyring().await.unwrap();
        behaviour::run(async |schema| {
            let schema = stack::with_sealed_collections(stack::with_searched_collections(schema));
            let noted = stack::noted(memory(schema.clone()), &schema);
            stack::journalled(stack::sealed(noted, schema, &keyring)).await
        })
        .await
    });
    println!("behaviour: {} cases on journal over seal over postings over memory, native", report.ran);
    report.assert_all_passed();
}

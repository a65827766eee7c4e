//! The behaviour suite over every backend and stack of layers that runs natively.

#![cfg(not(target_family = "wasm"))]

use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::backend::Backend;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::testing::behaviour;

#[test]
fn memory_keeps_the_contract() {
    let report = block_on(behaviour::run(|schema| async {
        Ok(Rc::new(MemoryBackend::new("suite", Rc::new(schema), DEFAULT_CAPACITY)) as Rc<dyn Backend>)
    }));
    println!("behaviour: {} cases on memory, native", report.ran);
    report.assert_all_passed();
}

//! The golden value encodings, read natively.

#![cfg(not(target_family = "wasm"))]

use tidekeep::platform::Payload;

#[test]
fn golden_texts_are_read_and_written_as_they_are() {
    let golden: Vec<String> = serde_json::from_str(include_str!("vectors/values-v1.json")).unwrap();
    assert!(golden.len() > 20);
    for text in golden {
        assert_eq!(Payload::from_wire(&text).unwrap().to_wire().unwrap(), text);
    }
}

//! Full-text search over any history of writes finds what reading every record finds, scores included.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the report")]

mod building;
mod calls;
mod faulty;
mod histories;
mod naive;
mod steps;
mod tab;

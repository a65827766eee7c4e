//! What comes of histories.

use crate::world::Violation;

/// What came of a history, or of many.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub steps: u64,
    pub writes: u64,
    pub acknowledged: u64,
    pub crashes: u64,
    pub requests_lost: u64,
    pub effects: u64,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.writes += other.writes;
        self.acknowledged += other.acknowledged;
        self.crashes += other.crashes;
        self.requests_lost += other.requests_lost;
        self.effects += other.effects;
    }
}

/// A history that broke a promise.
#[derive(Debug)]
pub struct Failure {
    pub violation: Violation,
    pub trace: Vec<String>,
}

/// Whether the last steps of a history are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    Kept,
    None,
}

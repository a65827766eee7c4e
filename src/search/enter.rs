//! Records into an index, without holding up the thread.

use super::index::Index;
use super::tokens::pieces;
use crate::model::{Body, Fields as _};
use crate::platform::{Payload, breathe, now};

/// How long to go on before others get their turn, milliseconds.
const STRETCH: f64 = 8.0;

/// Long work that lets others go on in between.
#[derive(Debug)]
pub(crate) struct Pace {
    until: f64,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { until: now() + STRETCH }
    }

    /// Lets others go on, where this took long enough.
    pub(crate) async fn breathe(&mut self) {
        if now() >= self.until {
            breathe().await;
            self.until = now() + STRETCH;
        }
    }
}

/// Enters a record, in the place of what the index had of it.
///
/// Texts and numbers count, and lists of them; what else a field holds has no words, nor has what is sealed.
pub(crate) async fn enter(index: &mut Index, key: &str, body: &Body, pace: &mut Pace) {
    let slot = index.begin(key);
    let Body::Clear(payload) = body else { return };
    for field in 0..index.fields().len() {
        let value = index.fields().get(field).and_then(|path| payload.at(path));
        for text in value.iter().flat_map(texts) {
            for piece in pieces(&text) {
                index.list(slot, field, piece);
                pace.breathe().await;
            }
        }
    }
}

fn texts(value: &Payload) -> Vec<String> {
    match value.text() {
        Some(text) => vec![text],
        None => value.elements().unwrap_or_default().iter().filter_map(Payload::text).collect(),
    }
}

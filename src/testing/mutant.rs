//! Bugs that are seeded on purpose: whoever tests the tests names one, and it lives on this thread until it is let go.

use core::cell::Cell;

std::thread_local! {
    static SEEDED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Whether the bug of this name is seeded on this thread.
#[must_use]
pub fn lives(name: &str) -> bool {
    SEEDED.get() == Some(name)
}

/// A seeded bug; it is gone once this is dropped.
#[derive(Debug)]
pub struct Seeded(());

/// Seeds a bug on this thread, in the place of one that is there.
#[must_use]
pub fn seed(name: &'static str) -> Seeded {
    SEEDED.set(Some(name));
    Seeded(())
}

impl Drop for Seeded {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

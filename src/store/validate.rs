//! Validation: what a collection's schema says of a value before it is written.

use core::fmt;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::platform::Payload;

/// Asks a schema about a value; fails with `VALIDATION_FAILED` where the value does not fit.
pub type Check = Rc<dyn Fn(&Payload) -> Result<()>>;

/// The checks of a store's collections.
///
/// # Behavior
///
/// - Every value that the application writes is checked before anything of its batch is written; an update is checked
///   as the whole record that it makes.
/// - What the endpoint sends is not checked: other devices may run another version of the application, and what they
///   wrote is theirs.
#[derive(Clone, Default)]
pub struct Checks(Vec<(String, Check)>);

impl Checks {
    /// Checks what is written to a collection.
    pub fn add(&mut self, collection: &str, check: Check) {
        self.0.push((collection.to_owned(), check));
    }

    /// Checks a value of a collection; one without a schema takes every value.
    pub(super) fn check(&self, collection: &str, value: &Payload) -> Result<()> {
        let Some((_, check)) = self.0.iter().find(|(name, _)| name == collection) else { return Ok(()) };
        check(value).map_err(|error: Error| error.with("collection", collection))
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

//! The gate of a call that its caller may call off: what was called off is not handed to the backend.

use core::fmt;
use std::rc::Rc;

use crate::error::{Error, ErrorKind, Result};

/// Lets a write pass while its caller still wants it.
#[derive(Clone, Default)]
pub struct Gate(Option<Rc<dyn Fn() -> bool>>);

impl Gate {
    /// A gate that is shut once `called_off` says so.
    pub fn new(called_off: impl Fn() -> bool + 'static) -> Self {
        Self(Some(Rc::new(called_off)))
    }

    /// Passes, or fails with `ABORTED`.
    pub(super) fn pass(&self) -> Result<()> {
        if self.0.as_ref().is_some_and(|called_off| called_off()) {
            return Err(Error::new(ErrorKind::Aborted, "the caller called it off; nothing was written"));
        }
        Ok(())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.pass().is_ok() { "Gate(open)" } else { "Gate(shut)" })
    }
}

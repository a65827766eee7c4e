//! What happens to a backend that no call is the cause of.

use core::cell::RefCell;
use core::fmt;
use std::rc::Rc;

use crate::error::Error;

/// Something that happened to a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incident {
    /// The connection to the database was lost, and is back.
    Healed {
        /// How often it was lost, or could not be had, before it was back.
        attempts: u32,
    },
    /// The connection was lost and did not come back; the next call tries again.
    GaveUp(Error),
    /// The database is not the one that was open before.
    Lost(Loss),
}

/// How a database was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// It has no identity any more: it, or what was in it, was deleted.
    Emptied,
    /// It has another identity: it was deleted, and made again by others.
    Replaced,
}

type Listener = Rc<dyn Fn(&Incident)>;

/// The incidents of a backend, kept until someone listens.
#[derive(Clone, Default)]
pub struct Incidents(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    listener: Option<Listener>,
    early: Vec<Incident>,
}

impl fmt::Debug for Incidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Incidents")
    }
}

impl Incidents {
    /// Tells the listener, or keeps it for the first one.
    pub fn tell(&self, incident: Incident) {
        let listener = self.0.borrow().listener.clone();
        match listener {
            Some(listener) => listener(&incident),
            None => self.0.borrow_mut().early.push(incident),
        }
    }

    /// Tells `listener` everything that has happened and will happen, in the place of an earlier one.
    pub fn listen(&self, listener: impl Fn(&Incident) + 'static) {
        let listener: Listener = Rc::new(listener);
        self.0.borrow_mut().listener = Some(Rc::clone(&listener));
        let early = core::mem::take(&mut self.0.borrow_mut().early);
        for incident in &early {
            listener(incident);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_before_anyone_listened_is_told_first() {
        let incidents = Incidents::default();
        incidents.tell(Incident::Lost(Loss::Emptied));
        let heard = Rc::new(RefCell::new(Vec::new()));
        let hearing = Rc::clone(&heard);
        incidents.listen(move |incident| hearing.borrow_mut().push(incident.clone()));
        incidents.tell(Incident::Healed { attempts: 2 });
        assert_eq!(*heard.borrow(), [Incident::Lost(Loss::Emptied), Incident::Healed { attempts: 2 }]);
    }
}

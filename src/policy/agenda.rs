//! When housekeeping does what.

/// How many rows a commit of housekeeping touches at the most.
pub const SLICE: usize = 200;
/// How long after opening the first look is taken, milliseconds.
const SOON: f64 = 500.0;
/// The least time between two sweeps, and between two looks at the room. What comes in between is done together.
const GAP: f64 = 1_000.0;
/// The most time between two sweeps: for what other tabs wrote, and what the endpoint has answered for meanwhile.
const INTERVAL: f64 = 300_000.0;
/// How long uses gather before they are written down.
const IDLE: f64 = 20_000.0;
/// How long a collection that holds too much but nothing that may go is left alone.
const PATIENCE: f64 = 5_000.0;

/// Something that is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// Entries whose time is over are removed.
    Sweep,
    /// Collections that hold too much are brought within their limit.
    Evict,
    /// How full the store is is looked at.
    Look,
    /// When entries were used is written down.
    Save,
}

/// When what is to be done next.
///
/// # Behavior
///
/// - A sweep comes soon after opening, at the end of the next life that is known of, and at an interval.
/// - However many lives end, sweeps are a second apart; so are looks at the room.
/// - There is always one time to wake at, and it is never further away than the interval.
#[derive(Debug)]
pub struct Agenda {
    swept: f64,
    sweep: f64,
    evict: f64,
    looked: f64,
    look: f64,
    save: f64,
}

impl Agenda {
    /// The agenda of a store that was opened now.
    #[must_use]
    pub fn new(now: f64) -> Self {
        let (never, soon) = (f64::INFINITY, now + SOON);
        Self { swept: f64::NEG_INFINITY, sweep: soon, evict: soon, looked: f64::NEG_INFINITY, look: soon, save: never }
    }

    /// Something was written; its life ends then.
    pub fn wrote(&mut self, now: f64, ends: f64) {
        self.look = self.look.min((self.looked + GAP).max(now));
        self.ends(ends);
    }

    /// The room is to be looked at again by then.
    pub const fn look_again(&mut self, at: f64) {
        self.look = self.look.min(at);
    }

    /// A life ends then.
    pub fn ends(&mut self, at: f64) {
        self.sweep = self.sweep.min(at.max(self.swept + GAP));
    }

    /// A collection may hold too much.
    pub const fn crowded(&mut self, now: f64) {
        self.evict = self.evict.min(now);
    }

    /// A collection holds too much, and nothing in it may go now.
    pub const fn stuck(&mut self, now: f64) {
        self.evict = self.evict.min(now + PATIENCE);
    }

    /// An entry was used.
    pub const fn used(&mut self, now: f64) {
        self.save = self.save.min(now + IDLE);
    }

    /// The page is out of sight: what was noted is written down now.
    pub const fn hidden(&mut self, now: f64) {
        if self.save.is_finite() {
            self.save = now;
        }
    }

    /// Another tab does it at this moment.
    pub fn outrun(&mut self, duty: Duty, now: f64) {
        match duty {
            Duty::Sweep => self.ends(now),
            Duty::Evict | Duty::Look | Duty::Save => self.stuck(now),
        }
    }

    /// Takes what is due.
    pub fn due(&mut self, now: f64) -> Option<Duty> {
        let never = f64::INFINITY;
        if self.sweep <= now {
            (self.swept, self.sweep) = (now, now + INTERVAL);
            Some(Duty::Sweep)
        } else if self.evict <= now {
            self.evict = never;
            Some(Duty::Evict)
        } else if self.look <= now {
            (self.looked, self.look) = (now, never);
            Some(Duty::Look)
        } else if self.save <= now {
            self.save = never;
            Some(Duty::Save)
        } else {
            None
        }
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next(&self) -> f64 {
        self.sweep.min(self.evict).min(self.look).min(self.save)
    }

    /// How long to sleep.
    #[must_use]
    pub fn sleep(&self, now: f64) -> f64 {
        (self.next() - now).ceil().clamp(0.0, INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_due(agenda: &mut Agenda, now: f64) -> Vec<Duty> {
        core::iter::from_fn(|| agenda.due(now)).collect()
    }

    fn sleeps(agenda: &Agenda, now: f64, wanted: f64) {
        assert_eq!(agenda.sleep(now).to_bits(), wanted.to_bits());
    }

    #[test]
    fn soon_after_opening_everything_is_looked_at_once() {
        let mut agenda = Agenda::new(0.0);
        assert_eq!(all_due(&mut agenda, 0.0), []);
        sleeps(&agenda, 0.0, SOON);
        assert_eq!(all_due(&mut agenda, SOON), [Duty::Sweep, Duty::Evict, Duty::Look]);
        sleeps(&agenda, SOON, INTERVAL);
    }

    #[test]
    fn a_sweep_comes_when_the_next_life_ends_and_a_second_after_the_last_at_the_earliest() {
        let mut agenda = Agenda::new(0.0);
        all_due(&mut agenda, 1_000.0);
        agenda.wrote(1_000.0, 9_000.0);
        agenda.wrote(1_000.0, 5_000.0);
        agenda.wrote(1_000.0, f64::INFINITY);
        assert_eq!(all_due(&mut agenda, 4_999.0), [Duty::Look]);
        assert_eq!(all_due(&mut agenda, 5_000.0), [Duty::Sweep]);
        agenda.ends(5_001.0);
        sleeps(&agenda, 5_000.0, GAP);
    }

    #[test]
    fn uses_gather_before_they_are_written_down() {
        let mut agenda = Agenda::new(0.0);
        all_due(&mut agenda, 1_000.0);
        agenda.used(2_000.0);
        agenda.used(20_000.0);
        assert_eq!(all_due(&mut agenda, 21_999.0), []);
        assert_eq!(all_due(&mut agenda, 22_000.0), [Duty::Save]);
    }

    proptest! {
        #[test]
        fn no_storm_of_lives_brings_more_than_a_sweep_a_second(ends in prop::collection::vec(0_u32..10_000, 1..200)) {
            let mut agenda = Agenda::new(0.0);
            let (mut now, mut sweeps, mut turns) = (0.0, 0, 0);
            for end in ends {
                agenda.wrote(now, f64::from(end));
            }
            while now < 12_000.0 {
                let due = all_due(&mut agenda, now);
                sweeps += due.iter().filter(|duty| **duty == Duty::Sweep).count();
                // Whatever is swept, there is another that ends right now.
                agenda.ends(now);
                turns += 1;
                now += agenda.sleep(now).max(1.0);
            }
            prop_assert!(sweeps <= 13 && turns <= 50, "{} sweeps in {} turns", sweeps, turns);
        }
    }
}

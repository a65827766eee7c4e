//! When the keys lock by themselves.

use crate::error::{Error, ErrorKind, Result};
use crate::platform::number_text;

/// Which part of the idle time uses are told apart by: other tabs hear of them that much less often.
const TOLD: f64 = 20.0;

/// A moment, by both of a device's clocks. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The time of day. It goes on while the device sleeps, and may be set back.
    pub wall: f64,
    /// A clock that is never set. It may stand still while the device sleeps.
    pub steady: f64,
}

impl Reading {
    /// How long ago `earlier` was: the longer of what the two clocks say.
    fn since(self, earlier: Self) -> f64 {
        (self.wall - earlier.wall).max(self.steady - earlier.steady).max(0.0)
    }
}

/// What the keys lock themselves after. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutoLock {
    /// So long without a use of the keys.
    pub idle: Option<f64>,
    /// So long out of sight.
    pub hidden: Option<f64>,
}

impl AutoLock {
    /// Checks what is asked for.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where nothing is asked for, and for what is no length of time: idle time is above 0, and a page
    /// may lock as soon as it is hidden.
    pub fn new(idle: Option<f64>, hidden: Option<f64>) -> Result<Self> {
        let refuse = |message: &str| Error::new(ErrorKind::InvalidConfig, message);
        if idle.is_none() && hidden.is_none() {
            return Err(refuse("“autoLock” is a number of milliseconds, or has “idle”, “hidden” or both"));
        }
        if let Some(wrong) = idle.filter(|ms| !ms.is_finite() || *ms <= 0.0) {
            return Err(refuse("“autoLock.idle” is a number of milliseconds above 0").with("idle", number_text(wrong)));
        }
        if let Some(wrong) = hidden.filter(|ms| !ms.is_finite() || *ms < 0.0) {
            return Err(
                refuse("“autoLock.hidden” is a number of milliseconds, from 0").with("hidden", number_text(wrong))
            );
        }
        Ok(Self { idle, hidden })
    }
}

/// Why the keys lock themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// They were not used for too long.
    Idle,
    /// The page was out of sight for too long.
    Hidden,
}

/// Knows when open keys were used and whether they are in sight.
///
/// # Behavior
///
/// - Times are compared, and no timer is relied on: what a sleeping device has slept through counts when it wakes.
/// - Of two clocks the one counts by which more time has passed, so setting one back wins nothing.
/// - Uses in other tabs count. They are told at once after a quiet time, and else once in a twentieth of the idle time:
///   so the keys may lock that much earlier than the last of them would have it, and never later.
#[derive(Debug)]
pub struct Watchman {
    after: AutoLock,
    /// The last use, here or elsewhere; none while the keys are locked.
    used: Option<Reading>,
    /// Since when nobody sees the page.
    hidden: Option<Reading>,
    /// The last use here, if others do not know of it yet.
    untold: Option<Reading>,
    /// When others were told last.
    told: Option<Reading>,
}

impl Watchman {
    /// Watches over keys that are locked.
    #[must_use]
    pub const fn new(after: AutoLock) -> Self {
        Self { after, used: None, hidden: None, untold: None, told: None }
    }

    /// The keys were opened. A page that is out of sight then is so from now on.
    pub fn opened(&mut self, now: Reading) {
        self.hidden = self.hidden.map(|_| now);
        self.note(now);
    }

    /// The keys were locked.
    pub const fn locked(&mut self) {
        self.used = None;
        self.untold = None;
    }

    /// The keys are used here.
    pub fn used(&mut self, now: Reading) {
        if self.used.is_some() {
            self.note(now);
        }
    }

    fn note(&mut self, now: Reading) {
        self.used = Some(now);
        self.untold = self.after.idle.map(|_| now);
    }

    /// They were used in another tab, at a time of day; answers whether that was too late for the keys here.
    pub fn heard(&mut self, at: f64, now: Reading) -> Option<Overdue> {
        // Nothing is used in the future, whatever a message says.
        let ago = (now.wall - at).max(0.0);
        let heard = Reading { wall: now.wall - ago, steady: now.steady - ago };
        if let Some(used) = &mut self.used
            && ago.is_finite()
            && now.since(heard) < now.since(*used)
        {
            if self.after.idle.is_some_and(|idle| heard.since(*used) >= idle) {
                return Some(Overdue::Idle);
            }
            *used = heard;
        }
        self.overdue(now)
    }

    /// The page came into sight, or went out of it; answers whether the keys lock because of how long it was away.
    pub fn seen(&mut self, visible: bool, now: Reading) -> Option<Overdue> {
        if visible {
            let overdue = self.overdue(now);
            self.hidden = None;
            return overdue;
        }
        self.hidden.get_or_insert(now);
        self.overdue(now)
    }

    /// Whether the keys are to lock now, and why.
    #[must_use]
    pub fn overdue(&self, now: Reading) -> Option<Overdue> {
        let used = self.used?;
        if self.after.idle.is_some_and(|idle| now.since(used) >= idle) {
            return Some(Overdue::Idle);
        }
        let hidden = self.hidden?;
        self.after.hidden.filter(|most| now.since(hidden) >= *most).map(|_| Overdue::Hidden)
    }

    /// The time of the last use here, where other tabs are to be told of it now.
    pub fn tell(&mut self, now: Reading) -> Option<f64> {
        let gap = self.after.idle? / TOLD;
        let untold = self.untold?;
        if self.told.is_some_and(|told| now.since(told) < gap) {
            return None;
        }
        self.untold = None;
        self.told = Some(now);
        Some(untold.wall)
    }

    /// In how many milliseconds there is something to look at, if nothing happens before; none while the keys are locked.
    #[must_use]
    pub fn next(&self, now: Reading) -> Option<f64> {
        let used = self.used?;
        let idle = self.after.idle.map(|idle| idle - now.since(used));
        let hidden = self.hidden.and_then(|hidden| self.after.hidden.map(|most| most - now.since(hidden)));
        let tell = self.untold.and_then(|_| {
            let told = self.told.map_or(f64::INFINITY, |told| now.since(told));
            self.after.idle.map(|idle| idle / TOLD - told)
        });
        let next = [idle, hidden, tell].into_iter().flatten().fold(f64::INFINITY, f64::min);
        (next < f64::INFINITY).then(|| next.max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: f64) -> Reading {
        Reading { wall: 1_000_000.0 + ms, steady: ms }
    }

    fn watchman(idle: Option<f64>, hidden: Option<f64>) -> Watchman {
        let mut watchman = Watchman::new(AutoLock::new(idle, hidden).unwrap());
        watchman.opened(at(0.0));
        watchman
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(AutoLock::new(Some(wrong), None).unwrap_err().kind(), ErrorKind::InvalidConfig);
        }
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(AutoLock::new(None, Some(wrong)).unwrap_err().kind(), ErrorKind::InvalidConfig);
        }
        assert_eq!(AutoLock::new(None, None).unwrap_err().kind(), ErrorKind::InvalidConfig);
        AutoLock::new(Some(1.0), Some(0.0)).unwrap();
    }

    #[test]
    fn keys_that_nobody_uses_lock_and_each_use_puts_it_off() {
        let mut watchman = watchman(Some(1000.0), None);
        assert_eq!(watchman.overdue(at(999.0)), None);
        watchman.used(at(900.0));
        assert_eq!(watchman.overdue(at(1899.0)), None);
        assert_eq!(watchman.overdue(at(1900.0)), Some(Overdue::Idle));
        watchman.locked();
        assert_eq!((watchman.overdue(at(9999.0)), watchman.next(at(9999.0))), (None, None));
        watchman.used(at(9999.0));
        assert_eq!(watchman.next(at(9999.0)), None, "what is locked is not opened by a use");
    }

    #[test]
    fn a_page_out_of_sight_locks_after_its_time_however_much_the_keys_are_used() {
        let mut watchman = watchman(Some(1000.0), Some(300.0));
        assert_eq!(watchman.seen(false, at(100.0)), None);
        watchman.used(at(350.0));
        assert_eq!(watchman.seen(false, at(399.0)), None);
        watchman.tell(at(390.0));
        assert_eq!(watchman.next(at(390.0)), Some(10.0));
        assert_eq!(watchman.overdue(at(400.0)), Some(Overdue::Hidden));
        assert_eq!(watchman.seen(true, at(400.0)), Some(Overdue::Hidden), "a timer that came late changes nothing");
        assert_eq!(watchman.overdue(at(400.0)), None);
        watchman.opened(at(500.0));
        assert_eq!(watchman.seen(false, at(500.0)), None);
        assert_eq!(watchman.seen(true, at(700.0)), None);
        assert_eq!(watchman.overdue(at(900.0)), None, "time in sight does not count");
    }

    #[test]
    fn a_page_may_lock_as_soon_as_it_is_hidden() {
        let mut watchman = watchman(None, Some(0.0));
        assert_eq!(watchman.next(at(5.0)), None);
        assert_eq!(watchman.seen(false, at(5.0)), Some(Overdue::Hidden));
    }

    #[test]
    fn what_a_device_slept_through_counts_and_setting_the_clock_back_wins_nothing() {
        let asleep = Reading { wall: at(0.0).wall + 5000.0, steady: 10.0 };
        let set_back = Reading { wall: at(0.0).wall - 86_400_000.0, steady: 1000.0 };
        for now in [asleep, set_back] {
            assert_eq!(watchman(Some(1000.0), None).overdue(now), Some(Overdue::Idle));
        }
        let little = Reading { wall: at(0.0).wall - 50.0, steady: 10.0 };
        assert_eq!(watchman(Some(1000.0), None).overdue(little), None);
    }

    #[test]
    fn a_use_elsewhere_counts_from_when_it_was_and_never_from_the_future() {
        let mut watchman = watchman(Some(1000.0), None);
        assert_eq!(watchman.heard(at(600.0).wall, at(900.0)), None);
        assert_eq!(watchman.overdue(at(1599.0)), None);
        assert_eq!(watchman.overdue(at(1600.0)), Some(Overdue::Idle));
        for hostile in [at(99_999.0).wall, f64::INFINITY] {
            watchman.heard(hostile, at(1000.0));
        }
        assert_eq!(watchman.overdue(at(2000.0)), Some(Overdue::Idle));
        for hostile in [f64::NAN, f64::NEG_INFINITY] {
            watchman.heard(hostile, at(1500.0));
        }
        watchman.heard(at(200.0).wall, at(1500.0));
        assert_eq!(watchman.overdue(at(1999.0)), None, "what was earlier takes nothing away");
    }

    #[test]
    fn a_message_that_comes_late_tells_of_uses_in_time_and_undoes_no_end() {
        let frozen = || watchman(Some(1000.0), None);
        assert_eq!(frozen().heard(at(5000.0).wall, at(5000.0)), Some(Overdue::Idle), "there was a gap");
        let mut thawed = frozen();
        assert_eq!(thawed.heard(at(900.0).wall, at(2500.0)), Some(Overdue::Idle));
        assert_eq!(thawed.heard(at(1800.0).wall, at(2500.0)), None, "each of them was in time");
    }

    #[test]
    fn uses_are_told_at_once_after_a_quiet_time_and_else_once_in_a_while_with_the_last() {
        let mut watchman = watchman(Some(1000.0), None);
        assert_eq!(watchman.tell(at(0.0)), Some(at(0.0).wall));
        let mut told = 0;
        for ms in 1..=200u32 {
            watchman.used(at(f64::from(ms)));
            told += usize::from(watchman.tell(at(f64::from(ms))).is_some());
        }
        assert_eq!(told, 4);
        watchman.used(at(210.0));
        assert_eq!((watchman.tell(at(220.0)), watchman.next(at(220.0))), (None, Some(30.0)));
        assert_eq!(watchman.tell(at(250.0)), Some(at(210.0).wall));
        assert_eq!(watchman.tell(at(400.0)), None);
    }

    proptest! {
        #[test]
        fn keys_lock_within_the_idle_time_of_the_last_use_anywhere_and_never_earlier_than_a_twentieth_before(
            uses in prop::collection::vec((0..2u8, 1..400u32), 1..60),
        ) {
            // Two tabs; each hears at once what the other tells.
            let mut tabs = [watchman(Some(1000.0), None), watchman(Some(1000.0), None)];
            let (mut now, mut last) = (0.0, 0.0);
            let step = |tabs: &mut [Watchman; 2], now: f64| {
                for teller in 0..2 {
                    if let Some(told) = tabs[teller].tell(at(now)) {
                        tabs[1 - teller].heard(told, at(now));
                    }
                }
            };
            for (tab, gap) in uses {
                for _ in 0..gap {
                    now += 1.0;
                    step(&mut tabs, now);
                }
                tabs[usize::from(tab)].used(at(now));
                last = now;
                step(&mut tabs, now);
                for tab in &tabs {
                    prop_assert_eq!(tab.overdue(at(now)), None);
                }
            }
            for _ in 0..=1000 {
                now += 1.0;
                step(&mut tabs, now);
                for tab in &tabs {
                    if now - last < 950.0 {
                        prop_assert_eq!(tab.overdue(at(now)), None);
                    } else if now - last >= 1000.0 {
                        prop_assert_eq!(tab.overdue(at(now)), Some(Overdue::Idle));
                    }
                }
            }
        }
    }
}

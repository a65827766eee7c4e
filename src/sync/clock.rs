//! The hybrid logical clock.
//!
//! Source: Kulkarni, Demirbas, Madappa, Avva, Leone, “Logical Physical Clocks and Consistent Snapshots in Globally
//! Distributed Databases”, 2014. Used for merging only, never as a cursor.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};
use crate::json::Json;

/// How far ahead of the endpoint's time a stamp may be, milliseconds.
pub const MAX_AHEAD_MS: u64 = 5 * 60 * 1000;

/// A stamp: 48 bits of milliseconds, a counter of 16 bits, the device. Later stamps compare greater.
///
/// Its text is 12 hexadecimal digits of milliseconds, 4 of the counter, a hyphen, 16 of the device; texts sort as
/// stamps do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc {
    time: u64, // milliseconds << 16 | counter
    device: u64,
}

impl Hlc {
    /// A stamp of its parts; milliseconds beyond 48 bits are cut to the greatest.
    #[must_use]
    pub fn new(millis: u64, counter: u16, device: u64) -> Self {
        Self { time: millis.min((1 << 48) - 1) << 16 | u64::from(counter), device }
    }

    /// Its milliseconds since the epoch.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "48 bits fit a double exactly")]
    pub fn millis(self) -> f64 {
        (self.time >> 16) as f64
    }

    /// The device that made it.
    #[must_use]
    pub const fn device(self) -> u64 {
        self.device
    }

    /// This stamp, or the least of the same device that is later than `other`.
    #[must_use]
    pub fn after(self, other: Self) -> Self {
        if self > other { self } else { Self { time: other.time.saturating_add(1), device: self.device } }
    }

    /// The very next stamp: there is none between.
    #[must_use]
    pub fn next(self) -> Self {
        match self.device.checked_add(1) {
            Some(device) => Self { device, ..self },
            None => Self { time: self.time.saturating_add(1), device: 0 },
        }
    }

    /// Whether it is further ahead of `now` than a clock may be.
    #[must_use]
    pub fn too_far_ahead(self, now: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "five minutes fit a double exactly")]
        let most = now + MAX_AHEAD_MS as f64;
        self.millis() > most
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.time, self.device)
    }
}

impl FromStr for Hlc {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(ErrorKind::SerializationError, "not a clock stamp").with("text", text);
        let (time, device) = text.split_once('-').ok_or_else(invalid)?;
        let part = |digits: &str| {
            let valid = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if valid { u64::from_str_radix(digits, 16).map_err(|_| invalid()) } else { Err(invalid()) }
        };
        Ok(Self { time: part(time)?, device: part(device)? })
    }
}

impl Hlc {
    /// Reads it off JSON.
    pub(crate) fn from_json(json: Json<'_>) -> Option<Self> {
        json.string()?.parse().ok()
    }
}

impl Serialize for Hlc {
    fn serialize<S: Serializer>(&self, serializer: S) -> core::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hlc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A clock that never goes back, whatever the device's does.
#[derive(Debug, Clone)]
pub struct Clock {
    last: Hlc,
    offset: f64,
}

impl Clock {
    /// The clock of a device.
    #[must_use]
    pub fn new(device: u64) -> Self {
        Self { last: Hlc::new(0, 0, device), offset: 0.0 }
    }

    /// The clock of a device as it was: no later stamp than `last` is given out again, and the correction holds.
    #[must_use]
    pub fn resume(last: Hlc, offset: f64) -> Self {
        Self { last, offset: if offset.is_finite() { offset } else { 0.0 } }
    }

    /// The last stamp given out or observed.
    #[must_use]
    pub const fn last(&self) -> Hlc {
        self.last
    }

    /// What the endpoint's time is ahead of the device's, milliseconds, where that was corrected.
    #[must_use]
    pub const fn offset(&self) -> f64 {
        self.offset
    }

    /// The stamp of something that happens now.
    pub fn tick(&mut self, now: f64) -> Hlc {
        let corrected = now + self.offset;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
        let millis = corrected.clamp(0.0, 281_474_976_710_655.0) as u64;
        self.last = Hlc::new(millis, 0, self.last.device).after(self.last);
        self.last
    }

    /// Takes note of a stamp from elsewhere: what happens after is later. One too far ahead is left out.
    pub fn observe(&mut self, stamp: Hlc, now: f64) {
        if !stamp.too_far_ahead(now + self.offset) && stamp > self.last {
            self.last = Hlc { time: stamp.time, device: self.last.device };
        }
    }

    /// Corrects a clock that is more than five minutes off the endpoint's time; answers whether it was.
    pub fn correct(&mut self, server_time: f64, now: f64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "five minutes fit a double exactly")]
        let tolerated = MAX_AHEAD_MS as f64;
        let off = !mutant!("a-wrong-clock-is-never-corrected") && (server_time - now - self.offset).abs() > tolerated;
        if off {
            self.offset = server_time - now;
            let device = self.last.device;
            if self.last.too_far_ahead(server_time) {
                self.last = Hlc::new(0, 0, device);
            }
        }
        off
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_lies_between_a_stamp_and_the_next() {
        for (stamp, next) in [
            (Hlc::new(5, 1, 7), Hlc::new(5, 1, 8)),
            (Hlc::new(5, 1, u64::MAX), Hlc::new(5, 2, 0)),
            (Hlc::new(5, u16::MAX, u64::MAX), Hlc::new(6, 0, 0)),
        ] {
            assert!(stamp.next() == next && next > stamp);
            assert_eq!(next.to_string().parse::<Hlc>().unwrap(), next);
        }
    }

    proptest! {
        #[test]
        fn a_stamp_survives_its_text(millis in 0..1u64 << 48, counter: u16, device: u64) {
            let stamp = Hlc::new(millis, counter, device);
            prop_assert_eq!(stamp.to_string().parse::<Hlc>().unwrap(), stamp);
        }

        #[test]
        fn texts_sort_as_stamps(a in any::<(u32, u16, u64)>(), b in any::<(u32, u16, u64)>()) {
            let (a, b) = (Hlc::new(a.0.into(), a.1, a.2), Hlc::new(b.0.into(), b.1, b.2));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn ticks_only_go_forward(times in prop::collection::vec(-1e13..1e13f64, 1..50)) {
            let mut clock = Clock::new(7);
            let mut last = clock.tick(0.0);
            for time in times {
                let next = clock.tick(time);
                prop_assert!(next > last);
                last = next;
            }
        }
    }

    #[test]
    fn what_was_observed_comes_before_what_follows() {
        let mut clock = Clock::new(1);
        let elsewhere = Hlc::new(2_000, 9, 2);
        clock.observe(elsewhere, 1_000.0);
        assert!(clock.tick(1_000.0) > elsewhere);
    }

    #[test]
    fn a_clock_ten_years_off_is_corrected_and_then_stamps_in_endpoint_time() {
        let ten_years = 10.0 * 365.25 * 86_400_000.0;
        let server = 1.8e12;
        for drift in [ten_years, -ten_years] {
            let mut clock = Clock::new(1);
            clock.tick(server + drift);
            assert!(clock.correct(server, server + drift));
            let stamp = clock.tick(server + drift + 1.0);
            assert!(!stamp.too_far_ahead(server) && stamp.millis() >= server);
        }
    }
}

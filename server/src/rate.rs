//! How often one subject may call: a token bucket for each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// How many buckets are kept before the full ones are thrown away.
const SWEEP_AT: usize = 10_000;

/// How often one subject may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second in the long run; 0 for no limit.
    pub per_second: u32,
    /// Requests at once.
    pub burst: u32,
}

/// The buckets of all subjects.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Rate,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, rate: Rate, now: Instant) {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(rate.per_second);
        self.tokens = (self.tokens + earned).min(f64::from(rate.burst));
        self.at = now;
    }
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one request of `subject` into account, or says how many seconds it must wait.
    pub(crate) fn admit(&self, subject: &str, now: Instant) -> Result<(), u64> {
        if self.rate.per_second == 0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= SWEEP_AT && !buckets.contains_key(subject) {
            buckets.retain(|_, bucket| {
                bucket.refill(self.rate, now);
                bucket.tokens < f64::from(self.rate.burst)
            });
        }
        let full = Bucket { tokens: f64::from(self.rate.burst), at: now };
        let bucket = buckets.entry(subject.to_owned()).or_insert(full);
        bucket.refill(self.rate, now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - bucket.tokens) / f64::from(self.rate.per_second);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1, rounded up")]
        let seconds = missing.ceil() as u64;
        Err(seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_subject_that_spent_its_burst_waits_and_others_do_not() {
        let limiter = Limiter::new(Rate { per_second: 2, burst: 3 });
        let start = Instant::now();
        assert!((0..3).all(|_| limiter.admit("a", start).is_ok()));
        assert_eq!(limiter.admit("a", start), Err(1));
        assert_eq!(limiter.admit("b", start), Ok(()));
        assert_eq!(limiter.admit("a", start + Duration::from_millis(600)), Ok(()));
        assert_eq!(limiter.admit("a", start + Duration::from_millis(700)), Err(1));
    }

    #[test]
    fn full_buckets_are_thrown_away() {
        let limiter = Limiter::new(Rate { per_second: 10, burst: 3 });
        let start = Instant::now();
        for subject in 0..SWEEP_AT {
            limiter.admit(&subject.to_string(), start).unwrap();
        }
        limiter.admit("one more", start + Duration::from_secs(1)).unwrap();
        assert_eq!(limiter.buckets.lock().unwrap().len(), 1);
    }
}

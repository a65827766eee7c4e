//! How long to wait after a failure.

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Growth {
    /// Each twice the one before.
    #[default]
    Exponential,
    /// Each longer by the first.
    Linear,
    /// All the same.
    Fixed,
}

/// How failures are retried: a few times in quick succession, then when there is a reason to, for ever.
///
/// # Behavior
///
/// - A round gives up after so many tries of one request. It is begun anew by a write, after an ever longer wait; when
///   network or view come back; at the interval; and after the longest wait at the latest.
/// - A wait is a random share of its bound (“full jitter”), so that clients that failed together do not return together.
///   Source: Brooker, “Exponential Backoff and Jitter”, AWS Architecture Blog, 2015.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// The bound of the first wait, milliseconds.
    pub base_delay: f64,
    /// The bound of every wait, milliseconds.
    pub max_delay: f64,
    /// How the bound grows.
    pub growth: Growth,
    /// How often a request is tried before a round gives up.
    pub attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self { base_delay: 500.0, max_delay: 30_000.0, growth: Growth::Exponential, attempts: 3 }
    }
}

impl Retry {
    /// The wait after the `attempts`th failure in a row, counting from 1; `random` is in `0..1`.
    pub(crate) fn delay(&self, attempts: u32, random: f64) -> f64 {
        let nth = attempts.max(1);
        let bound = match self.growth {
            Growth::Exponential => self.base_delay * 2f64.powi(i32::try_from(nth - 1).unwrap_or(i32::MAX).min(60)),
            Growth::Linear => self.base_delay * f64::from(nth),
            Growth::Fixed => self.base_delay,
        };
        bound.min(self.max_delay) * random.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_is_within_its_bound(attempts: u32, random in 0.0..1.0f64) {
            let retry = Retry::default();
            let delay = retry.delay(attempts, random);
            prop_assert!((0.0..=retry.max_delay).contains(&delay));
        }
    }

    #[test]
    fn bounds_double_up_to_the_greatest() {
        let retry = Retry { base_delay: 100.0, max_delay: 1_000.0, ..Retry::default() };
        let bounds: Vec<f64> = (1..6).map(|nth| retry.delay(nth, 1.0)).collect();
        assert_eq!(bounds, [100.0, 200.0, 400.0, 800.0, 1_000.0]);
        let others = [
            Retry { growth: Growth::Linear, ..retry }.delay(3, 1.0),
            Retry { growth: Growth::Fixed, ..retry }.delay(9, 1.0),
        ];
        assert_eq!(others.map(f64::to_bits), [300f64, 100.0].map(f64::to_bits));
    }
}

//! Points at which a test can seed a bug, to see that it is noticed.
//!
//! Outside of tests a point is the literal `false`, and nothing of it is left in what is built.

/// Whether the bug of this name is seeded.
#[cfg(any(test, feature = "testing"))]
macro_rules! mutant {
    ($name:literal) => {
        $crate::testing::mutant::lives($name)
    };
}

/// Whether the bug of this name is seeded: never.
#[cfg(not(any(test, feature = "testing")))]
macro_rules! mutant {
    ($name:literal) => {
        false
    };
}

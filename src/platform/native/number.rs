//! Numbers as JavaScript writes them.

/// The text of a number.
///
/// Source: ECMAScript, “`Number::toString`”.
#[must_use]
pub fn number_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let shortest = format!("{:e}", number.abs());
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    // The point stands after this many digits.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at_checked(usize::try_from(at).unwrap_or(0)).unwrap_or((&digits, ""));
    let sign = if number < 0.0 { "-" } else { "" };
    match point {
        22.. | ..=-6 => {
            let (first, rest) = split(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
        _ if point >= count => format!("{sign}{digits}{}", zeros(point - count)),
        1.. => format!("{sign}{}.{}", split(point).0, split(point).1),
        _ => format!("{sign}0.{}{digits}", zeros(-point)),
    }
}

/// The number that a text is, if it is one.
#[must_use]
pub fn number_of(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| !number.is_nan())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_survives_its_text(number in any::<f64>()) {
            prop_assert_eq!(number_of(&number_text(number)), Some(number).filter(|number| !number.is_nan()));
        }
    }

    #[test]
    fn texts_are_those_of_javascript() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (100.0, "100"),
            (0.001, "0.001"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-9, "1.5e-9"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.25e300, "1.25e+300"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }
}

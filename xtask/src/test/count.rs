//! How many tests passed and failed, read from what the runners print.

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub passed: u64,
    pub failed: u64,
    /// What the behaviour suite says of itself: how many cases it ran, and on what. To Rust's runner it is one test.
    pub behaviour: Vec<String>,
    /// What tests measured, in their own words.
    pub figures: Vec<String>,
}

impl Count {
    /// One check that holds.
    pub(crate) const HELD: Self = Self { passed: 1, failed: 0, behaviour: Vec::new(), figures: Vec::new() };
    /// One check that does not hold, or a stage that could not run.
    pub(crate) const BROKEN: Self = Self { passed: 0, failed: 1, behaviour: Vec::new(), figures: Vec::new() };

    /// Takes in a line of output; lines that are no result are passed over.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
        } else if let Some(cases) = line.strip_prefix("behaviour: ") {
            self.behaviour.push(cases.to_owned());
        } else if let Some(figure) = line.strip_prefix("figure: ") {
            self.figures.push(figure.to_owned());
        } else if let Some(fact) = line.strip_prefix("ℹ ") {
            match fact.split_once(' ') {
                Some(("pass", number)) => self.passed += number.parse().unwrap_or(0),
                // A cancelled test has not passed either.
                Some(("fail" | "cancelled", number)) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// The number in front of a word, as in `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> u64 {
    let digits = text.find(word).and_then(|end| text.get(..end)).and_then(|before| before.split(' ').next_back());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_rusts_and_nodes_runners_are_added_up() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.01s",
            "behaviour: 45 cases on memory, native",
            "figure: kills: 100, 0 lost",
            "ℹ tests 8",
            "ℹ pass 6",
            "ℹ fail 1",
            "ℹ cancelled 1",
        ] {
            count.read(line);
        }
        assert_eq!((count.passed, count.failed), (23, 5));
        assert_eq!(count.behaviour, ["45 cases on memory, native"]);
        assert_eq!(count.figures, ["kills: 100, 0 lost"]);
    }
}

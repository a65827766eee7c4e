//! Words: what a text is cut into, the same when it is stored and when it is asked for.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::platform::folded;

/// The most characters of a word that count; two words that differ only behind them are one.
const LONGEST: usize = 64;
/// How many bytes of a text are looked at in one go.
const PIECE: usize = 16 * 1024;

/// The words of a text.
///
/// # Behavior
///
/// - Words are those of Unicode's word segmentation that hold a letter or a digit. Source: UAX #29, “word boundaries”.
///   An ideograph is a word by itself; punctuation, symbols and emoji are none.
/// - They are folded: compatibility forms are one with what they stand for, case does not count, nor do the combining
///   marks U+0300 to U+036F. So “São” and “SAO” are one word.
/// - Of a longer word, the first 64 characters count.
///
/// A text should be a [`piece`](pieces) of what was given, so that no call takes long.
pub(crate) fn words(text: &str, mut each: impl FnMut(&str)) {
    for word in folded(text).unicode_words() {
        let end = word.char_indices().nth(LONGEST).map_or(word.len(), |(at, _)| at);
        each(word.get(..end).unwrap_or(word));
    }
}

/// Cuts a text into pieces that take about a millisecond each: between words, where there are blanks.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, behind) = rest.split_at_checked(end_of_piece(rest)).unwrap_or((rest, ""));
        rest = behind;
        Some(piece)
    })
}

fn end_of_piece(text: &str) -> usize {
    let Some(piece) = text.as_bytes().get(..PIECE) else { return text.len() };
    match piece.iter().rposition(u8::is_ascii_whitespace) {
        Some(blank) => blank + 1,
        None => (1..=PIECE).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for piece in pieces(text) {
            words(piece, |word| found.push(word.to_owned()));
        }
        found
    }

    #[test]
    fn words_are_those_of_the_examples() {
        let examples: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/vectors/words-v1.json")).unwrap();
        for example in examples.as_array().unwrap() {
            let text = example["text"].as_str().unwrap();
            assert_eq!(serde_json::json!(cut(text)), example["words"], "{text}");
        }
    }

    #[test]
    fn of_a_long_word_the_first_characters_count() {
        let long = "é".repeat(LONGEST + 10);
        assert_eq!(cut(&long), ["e".repeat(LONGEST)]);
        let longer_than_a_piece = "a".repeat(PIECE * 2 + 1);
        assert!(cut(&longer_than_a_piece).iter().all(|word| word.len() <= LONGEST));
    }

    proptest! {
        #[test]
        fn a_word_is_one_word_again(text in ".{0,40}") {
            for word in cut(&text) {
                prop_assert_eq!(cut(&word), std::slice::from_ref(&word), "{}", text);
            }
        }

        #[test]
        fn pieces_make_the_text_again(text in "([a-z ]{0,9}é){0,9}", times in 1..2000usize) {
            let text = text.repeat(times);
            prop_assert_eq!(pieces(&text).collect::<String>(), text.as_str());
            prop_assert!(pieces(&text).all(|piece| piece.len() <= PIECE));
        }
    }
}

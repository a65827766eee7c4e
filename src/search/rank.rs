//! Which records a search finds, and in which order.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use super::index::Index;
use super::texts::{hash, whole};
use super::tokens::{pieces, words};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::number_text;

/// How soon more of the same word counts for little.
const K1: f64 = 1.2;
/// How much a long field counts for less.
const B: f64 = 0.75;
/// The most different words of one search.
pub(crate) const MOST_WORDS: usize = 100;

/// Which words may be the beginnings of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefix {
    /// None.
    #[default]
    None,
    /// The last one: as one searches while typing.
    Last,
    /// Each.
    Every,
}

/// Which words a hit must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Match {
    /// All of them.
    #[default]
    All,
    /// One of them, or more.
    Any,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Different words, in their order; and whether others may begin so.
    words: Vec<(String, bool)>,
    matching: Match,
}

impl Request {
    /// The words of a text.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for more than a hundred different words.
    pub(crate) fn new(text: &str, matching: Match, prefix: Prefix) -> Result<Self> {
        let mut found: Vec<(String, bool)> = Vec::new();
        for piece in pieces(text) {
            words(piece, |word| match found.iter().position(|(known, _)| known == word) {
                // The last word is the one that was typed last, wherever else it stands.
                Some(known) => found.get_mut(known..).unwrap_or_default().rotate_left(1),
                None => found.push((word.to_owned(), false)),
            });
            if found.len() > MOST_WORDS {
                return Err(Error::new(
                    ErrorKind::InvalidQuery,
                    "a search takes a hundred different words at the most",
                )
                .with("words", found.len()));
            }
        }
        let from = match prefix {
            Prefix::None => found.len(),
            Prefix::Last => found.len().saturating_sub(1),
            Prefix::Every => 0,
        };
        for (_, begins) in found.iter_mut().skip(from) {
            *begins = true;
        }
        Ok(Self { words: found, matching })
    }

    /// A number that is another for another search, most likely: of the words, how they match, and the weights.
    pub(crate) fn fingerprint(&self, weights: &[f64]) -> u32 {
        let mut text = String::new();
        for (word, begins) in &self.words {
            text.push_str(word);
            text.push(if *begins { '*' } else { ' ' });
        }
        text.push(if self.matching == Match::All { '&' } else { '|' });
        for weight in weights {
            text.push_str(&number_text(*weight));
            text.push(' ');
        }
        hash(&text)
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// A record that a search finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked {
    /// Its key, as text.
    pub(crate) key: String,
    /// The higher, the better it fits.
    pub(crate) score: f64,
    /// The words of it that were looked for, in order.
    pub(crate) matched: Vec<String>,
}

/// A place in the order of hits: behind this score and key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) score: f64,
    pub(crate) key: String,
}

/// Finds the first `limit` records behind a place, the best first; equal ones by their keys' texts.
///
/// # Behavior
///
/// - `weights` are those of the index's fields, in order; a field of weight 0 is not looked at.
/// - A word counts for more the fewer records hold it, the oftener a record does, and the shorter the field is.
/// - What a word is the beginning of counts as the same word: for as much as was typed of it.
///
/// Source: BM25F, in Robertson and Zaragoza, “The Probabilistic Relevance Framework: BM25 and Beyond” (2009), 3.5, with
/// k1 = 1.2 and b = 0.75; the logarithm is that of Lucene's `BM25Similarity`, which is never negative.
pub(crate) fn search(
    index: &Index,
    request: &Request,
    weights: &[f64],
    after: Option<&Place>,
    limit: usize,
) -> Vec<Ranked> {
    let terms: Vec<Vec<u32>> = request.words.iter().map(|(word, prefix)| index.terms_like(word, *prefix)).collect();
    let mut tally = Tally {
        strength: vec![0.0; index.slots()],
        score: vec![0.0; index.slots()],
        words: vec![0; index.slots()],
        found: Vec::new(),
    };
    for ((word, _), terms) in request.words.iter().zip(&terms) {
        tally.count(index, word, terms, weights);
    }
    let wanted = match request.matching {
        Match::All => request.words.len(),
        Match::Any => 1,
    };
    let mut heap: BinaryHeap<Candidate<'_>> = tally
        .found
        .iter()
        .filter(|slot| tally.words.get(**slot as usize).is_some_and(|words| usize::from(*words) >= wanted))
        .map(|slot| Candidate {
            score: tally.score.get(*slot as usize).copied().unwrap_or(0.0),
            key: index.key(*slot),
            slot: *slot,
        })
        .filter(|found| {
            after.is_none_or(|after| order(found.score, found.key, after.score, &after.key) == Ordering::Greater)
        })
        .collect();
    let mut hits = Vec::new();
    while hits.len() < limit
        && let Some(Candidate { score, key, slot }) = heap.pop()
    {
        hits.push(Ranked { key: key.to_owned(), score, matched: matched(index, &terms, weights, slot) });
    }
    hits
}

/// The words of a record that were looked for.
fn matched(index: &Index, terms: &[Vec<u32>], weights: &[f64], slot: u32) -> Vec<String> {
    let fields = weights.len();
    let from = slot as usize * fields;
    let holds = |term: &&u32| {
        let postings = index.postings(**term);
        let first = postings.partition_point(|posting| (posting.at as usize) < from);
        let own = postings.iter().skip(first).take_while(|posting| (posting.at as usize) < from + fields);
        own.into_iter().any(|posting| weights.get(posting.at as usize - from).is_some_and(|weight| *weight > 0.0))
    };
    let mut found: Vec<String> = Vec::new();
    for term in terms.iter().flatten().filter(holds) {
        let text = index.term(*term);
        if !found.iter().any(|known| known == text) {
            found.push(text.to_owned());
        }
    }
    found
}

/// What is known of each slot.
struct Tally {
    /// How strongly it holds the word that is being counted.
    strength: Vec<f64>,
    score: Vec<f64>,
    /// How many words it holds.
    words: Vec<u8>,
    /// The slots that hold a word, each once.
    found: Vec<u32>,
}

impl Tally {
    /// Counts one word, whatever terms it stands for. Sums are made in the order of terms and fields, never in that of
    /// slots, so that they come out the same to the last bit however the index was put together.
    fn count(&mut self, index: &Index, word: &str, terms: &[u32], weights: &[f64]) {
        let records = f64::from(index.live());
        let mut holding: Vec<u32> = Vec::new();
        for term in terms {
            let typed = share(word, index.term(*term));
            for posting in index.postings(*term) {
                let Some((slot, field)) = index.place(*posting) else { continue };
                let weight = weights.get(field).copied().unwrap_or(0.0);
                let Some(strength) = self.strength.get_mut(slot as usize).filter(|_| weight > 0.0) else { continue };
                if *strength <= 0.0 {
                    holding.push(slot);
                }
                let relative = f64::from(index.length(*posting)) * records / whole_to_f64(index.total(field));
                *strength += typed * weight * f64::from(posting.count) / (1.0 - B + B * relative);
            }
        }
        let held = f64::from(whole(holding.len()));
        let rarity = (1.0 + (records - held + 0.5) / (held + 0.5)).ln();
        for slot in holding {
            let at = slot as usize;
            let (Some(strength), Some(score), Some(words)) =
                (self.strength.get_mut(at), self.score.get_mut(at), self.words.get_mut(at))
            else {
                continue;
            };
            if *words == 0 {
                self.found.push(slot);
            }
            *words += 1;
            *score += rarity * *strength / (K1 + *strength);
            *strength = 0.0;
        }
    }
}

/// How much of a term was typed.
fn share(word: &str, term: &str) -> f64 {
    let length = |text: &str| f64::from(whole(text.chars().count()));
    length(word) / length(term)
}

#[expect(clippy::cast_precision_loss, reason = "a sum of words stays far below 2^53")]
fn whole_to_f64(sum: u64) -> f64 {
    sum as f64
}

/// A record that was found, the best the greatest.
struct Candidate<'a> {
    score: f64,
    key: &'a str,
    slot: u32,
}

/// The order of hits: the higher score first, then the lesser key.
fn order(score: f64, key: &str, other: f64, other_key: &str) -> Ordering {
    other.total_cmp(&score).then_with(|| key.cmp(other_key))
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self.score, self.key, other.score, other.key).reverse()
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_> {}

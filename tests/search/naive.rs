//! What a search should find, by reading everything.

use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;
use tidekeep::backend::Backend;
use tidekeep::model::Body;
use tidekeep::store::{Match, Prefix, SearchOptions};

use crate::tab::{Tab, rows};

/// BM25F by its definition, over whatever is stored. Shares no code with the index.
pub(crate) fn brute_force(
    raw: &Rc<dyn Backend>,
    fields: &[(&str, f64)],
    text: &str,
    matching: Match,
    prefix: Prefix,
) -> BTreeMap<String, f64> {
    let records: Vec<(String, Vec<Vec<String>>)> = rows(raw, "notes")
        .iter()
        .map(|record| {
            let Body::Clear(payload) = &record.body else { unreachable!() };
            let value: serde_json::Value = serde_json::from_str(&payload.to_wire().unwrap()).unwrap();
            let cut = |field: &str| value[field].as_str().unwrap_or("").split(' ').filter(|w| !w.is_empty());
            let texts = fields.iter().map(|(field, _)| cut(field).map(ToOwned::to_owned).collect()).collect();
            (record.key.to_text(), texts)
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let float = |count: usize| count as f64;
    let n = float(records.len());
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        words.retain(|known| *known != word);
        words.push(word);
    }
    let mut scores: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (at, word) in words.iter().enumerate() {
        let begins = prefix == Prefix::Every || (prefix == Prefix::Last && at + 1 == words.len());
        let strength = |texts: &Vec<Vec<String>>| -> f64 {
            let mut sum = 0.0;
            for (field, (_, weight)) in fields.iter().enumerate() {
                let average = float(records.iter().map(|(_, texts)| texts[field].len()).sum()) / n;
                for held in &texts[field] {
                    if held == word || (begins && held.starts_with(word)) {
                        let typed = float(word.len()) / float(held.len());
                        sum += typed * weight / (0.25 + 0.75 * float(texts[field].len()) / average);
                    }
                }
            }
            sum
        };
        let strengths: Vec<f64> = records.iter().map(|(_, texts)| strength(texts)).collect();
        let holding = float(strengths.iter().filter(|strength| **strength > 0.0).count());
        let rarity = (1.0 + (n - holding + 0.5) / (holding + 0.5)).ln();
        for ((key, _), strength) in records.iter().zip(strengths).filter(|(_, strength)| *strength > 0.0) {
            let score = scores.entry(key.clone()).or_default();
            score.0 += 1;
            score.1 += rarity * strength / (1.2 + strength);
        }
    }
    let wanted = if matching == Match::All { words.len() } else { 1 };
    scores.into_iter().filter(|(_, (held, _))| *held >= wanted).map(|(key, (_, score))| (key, score)).collect()
}

/// Searches page by page, and compares with reading everything.
pub(crate) fn check(
    raw: &Rc<dyn Backend>,
    tab: &Tab,
    fields: &[(&str, f64)],
    (text, matching, prefix): (&str, Match, Prefix),
) -> Result<(), TestCaseError> {
    let wanted = brute_force(raw, fields, text, matching, prefix);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let options = SearchOptions { limit: Some(3), matching, prefix, after, fields: None };
        let page = tab.search(text, &options).unwrap();
        prop_assert!(page.hits.len() <= 3);
        found.extend(page.hits.into_iter().map(|hit| (hit.entry.key.to_text(), hit.score)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    prop_assert_eq!(found.len(), wanted.len(), "{}: {:?} {:?}", text, found, wanted);
    for (key, score) in &found {
        let right = wanted.get(key).copied().unwrap_or(f64::NAN);
        prop_assert!((score - right).abs() < 1e-9, "{text}: {key} has {score}, wanted {right}");
    }
    let sorted = found.windows(2).all(|two| two[0].1 > two[1].1 || (two[0].1 >= two[1].1 && two[0].0 < two[1].0));
    prop_assert!(sorted, "{found:?}");
    Ok(())
}

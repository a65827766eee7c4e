use serde_json::{Value, json};

use super::block::Block;
use super::{Index, Match, Packing, Prefix, Progress, Request, search};
use crate::error::{ErrorKind, Result};

fn golden() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/vectors/search-v1.json")).unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// An index of documents: each a key and the texts of its fields.
fn index(fields: &[&str], documents: &[(&str, &[&str])]) -> Index {
    let fields: Vec<String> = fields.iter().map(|&field| field.to_owned()).collect();
    let mut index = Index::new(&fields);
    for (key, texts) in documents {
        let slot = index.begin(key);
        for (field, text) in texts.iter().enumerate() {
            index.list(slot, field, text);
        }
    }
    index
}

/// Everything that a block says.
fn told(bytes: &[u8]) -> Result<Value> {
    let block = Block::open(bytes)?;
    let mut words = serde_json::Map::new();
    let mut terms = block.terms();
    while let Some((word, postings)) = terms.next()? {
        words.insert(word.to_owned(), postings.iter().map(|posting| json!([posting.at, posting.count])).collect());
    }
    let progress = match block.progress {
        Progress::Unsaid => json!("unsaid"),
        Progress::Building(key) => json!({ "building": key }),
        Progress::Built => json!("built"),
    };
    Ok(json!({
        "cleared": block.cleared, "progress": progress, "fields": block.fields, "deleted": block.deleted,
        "keys": block.keys, "lengths": block.lengths, "words": words,
    }))
}

fn folded(fields: &[&str], blocks: &[&[u8]]) -> Index {
    let mut index = index(fields, &[]);
    for bytes in blocks {
        let block = Block::open(bytes).unwrap();
        let fold = index.fold(&block);
        let mut terms = block.terms();
        while let Some((word, postings)) = terms.next().unwrap() {
            index.fold_postings(&fold, word, postings);
        }
        index.sort();
    }
    index
}

#[test]
fn golden_blocks_say_what_they_said() {
    for example in golden() {
        let bytes = unhex(example["block"].as_str().unwrap());
        assert_eq!(told(&bytes).unwrap(), example["says"]);
    }
}

#[test]
fn blocks_are_packed_as_the_golden_ones() {
    let two = index(&["body", "title"], &[("a", &["tram to to", "São"]), ("~7", &["", "Trams"])]);
    let mut gone = index(&["title"], &[("b", &["x"])]);
    gone.remove("b");
    gone.remove("c");
    let mut building = index(&["title"], &[]);
    building.progress = Progress::Building(Some("~7".to_owned()));
    let mut built = index(&["title"], &[("b", &["x"])]);
    built.progress = Progress::Built;
    let packed = [(two, false), (gone, false), (building, true), (built, false)]
        .map(|(mut index, first)| Packing::new(&mut index, first).finish());
    let known: Vec<Vec<u8>> = golden().iter().map(|example| unhex(example["block"].as_str().unwrap())).collect();
    assert_eq!(packed.to_vec(), known);
}

#[test]
fn a_block_that_was_cut_off_or_changed_is_damaged_and_never_a_panic() {
    let bytes = unhex(golden()[0]["block"].as_str().unwrap());
    for length in 0..bytes.len() {
        assert_eq!(told(&bytes[..length]).unwrap_err().kind(), ErrorKind::Corrupted, "{length}");
    }
    for at in 0..bytes.len() {
        for byte in 0..=255 {
            let mut changed = bytes.clone();
            changed[at] = byte;
            if let Err(error) = told(&changed) {
                let newer = (at == 4 || at == 5) && byte > 1;
                let kind = if newer { ErrorKind::VersionError } else { ErrorKind::Corrupted };
                assert_eq!(error.kind(), kind, "{byte} at {at}");
            }
        }
    }
}

#[test]
fn a_merged_block_changes_nothing_for_who_has_seen_a_part_of_it() {
    let mut first = index(&["title"], &[("a", &["one"]), ("b", &["one two"]), ("c", &["two"])]);
    let mut second = index(&["title"], &[("b", &["three"]), ("d", &["one"])]);
    second.remove("c");
    let mut third = index(&["title"], &[("c", &["four one"])]);
    third.remove("a");
    let blocks = [&mut first, &mut second, &mut third].map(|index| Packing::new(index, false).finish());
    let all: Vec<&[u8]> = blocks.iter().map(Vec::as_slice).collect();
    let merged = Packing::new(&mut folded(&["title"], &all), true).finish();
    let found = |index: &Index| {
        let request = Request::new("one three four", Match::Any, Prefix::None).unwrap();
        search(index, &request, &[1.0], None, 10)
    };
    let wanted = found(&folded(&["title"], &all));
    assert_eq!(wanted.iter().map(|hit| hit.key.as_str()).collect::<Vec<_>>(), ["c", "b", "d"]);
    for seen in 0..=3 {
        let blocks: Vec<&[u8]> = all[..seen].iter().copied().chain([merged.as_slice()]).collect();
        assert_eq!(found(&folded(&["title"], &blocks)), wanted, "{seen} seen");
    }
}

#[test]
fn records_of_blocks_over_other_fields_are_to_be_read() {
    let narrow = Packing::new(&mut index(&["title"], &[("a", &["one"]), ("b", &["two"])]), false).finish();
    let wide = Packing::new(&mut index(&["body", "title"], &[("b", &["", "three"])]), false).finish();
    let mut both = folded(&["body", "title"], &[&narrow, &wide]);
    assert_eq!((both.records(), both.live()), (2, 1));
    assert_eq!(both.take_unread(), ["a"]);
    let title = folded(&["title"], &[&narrow, &wide]);
    assert_eq!((title.records(), title.live()), (2, 2));
}

#[test]
fn of_equal_records_the_one_with_the_shorter_field_the_rarer_word_or_the_heavier_field_comes_first() {
    let order = |documents: &[(&str, &[&str])], text: &str, weights: &[f64]| -> Vec<String> {
        let index = index(&["body", "title"], documents);
        let request = Request::new(text, Match::Any, Prefix::None).unwrap();
        search(&index, &request, weights, None, 10).into_iter().map(|hit| hit.key).collect()
    };
    assert_eq!(order(&[("a", &["sea and land", ""]), ("b", &["sea", ""])], "sea", &[1.0, 1.0]), ["b", "a"]);
    let rarer: &[(&str, &[&str])] = &[("a", &["sea", ""]), ("b", &["land", ""]), ("c", &["sea", ""])];
    assert_eq!(order(rarer, "sea land", &[1.0, 1.0]), ["b", "a", "c"]);
    let fields: &[(&str, &[&str])] = &[("a", &["sea", "x"]), ("b", &["x", "sea"])];
    assert_eq!(order(fields, "sea", &[1.0, 2.0]), ["b", "a"]);
    assert_eq!(order(fields, "sea", &[1.0, 0.0]), ["a"]);
}

#[test]
fn the_whole_word_comes_before_what_it_is_the_beginning_of() {
    let mut index = index(&["title"], &[("a", &["season"]), ("b", &["seal"]), ("c", &["sea"]), ("d", &["se"])]);
    index.sort();
    let request = Request::new("SEA", Match::All, Prefix::Last).unwrap();
    let hits = search(&index, &request, &[1.0], None, 10);
    assert_eq!(hits.iter().map(|hit| hit.key.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    assert_eq!(hits[2].matched, ["season"]);
}

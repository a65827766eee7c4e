//! The tests bite: bugs seeded on purpose, each of which some history must notice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidekeep::testing::mutant;
use tidekeep::transport::loopback::Endpoint;

use crate::history::simulate;
use crate::outcome::Trace;

/// How many histories may pass before one notices.
const PATIENCE: u64 = 1_000;

const MUTANTS: [&str; 46] = [
    "a-busy-endpoint-is-asked-at-once",
    "a-call-is-deaf-to-a-busy-endpoint",
    "a-clock-set-back-makes-waits-longer",
    "a-deletion-is-not-taken",
    "a-failure-counts-as-success",
    "a-first-push-learns-no-history",
    "a-flight-is-dropped-on-timeout",
    "a-flight-is-numbered-anew-after-a-failure",
    "a-letter-outlives-its-answer",
    "a-merge-has-no-precondition",
    "a-refusal-leaves-no-letter",
    "a-refusal-stands-for-later-writes",
    "a-refused-token-pauses-for-ever",
    "a-reset-keeps-the-flight",
    "a-row-is-done-with-when-the-request-is-full",
    "a-slow-clock-stamps-as-it-likes",
    "a-snapshot-deletes-nothing",
    "a-snapshot-deletes-what-is-pending",
    "a-token-is-asked-for-once",
    "a-write-during-a-round-is-forgotten",
    "a-write-is-stamped-anew-too-early",
    "a-wrong-clock-is-never-corrected",
    "a-wrong-clock-is-refused-for-good",
    "after-a-failure-no-one-wakes",
    "an-answer-cleans-a-later-write",
    "an-echo-is-a-conflict",
    "deletions-are-not-named",
    "deletions-are-not-sent",
    "half-of-a-large-request-is-dropped",
    "lost-deletions-are-not-offered-again",
    "lost-records-are-not-offered-again",
    "no-one-is-told-of-a-write",
    "numbers-are-not-taken",
    "one-document-of-a-commit-is-named",
    "one-request-is-sent-in-a-round",
    "rows-are-done-with-before-the-answer-is-settled",
    "rows-are-done-with-by-the-first-of-two-requests",
    "the-cursor-moves-before-the-changes",
    "the-cursor-moves-before-the-snapshot",
    "the-first-page-is-the-last",
    "the-outbox-is-written-after-the-data",
    "the-sync-state-has-no-precondition",
    "what-is-kept-counts-as-sent",
    "what-is-pending-gives-way",
    "what-is-retried-is-not-named",
    "what-is-stamped-anew-is-not-named",
];

fn points(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            points(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.split("mutant!(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_point_at_which_a_bug_can_be_seeded_is_tried() {
    let mut found = BTreeSet::new();
    points(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let listed = MUTANTS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_bug_that_is_seeded_on_purpose_is_caught() {
    // Bugs may make the code under test panic; that is one way to be caught, and need not be shown.
    let wanted = std::env::var("TIDEKEEP_MUTANT").unwrap_or_default();
    let mutants: Vec<&str> = MUTANTS.into_iter().filter(|name| name.contains(wanted.as_str())).collect();
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&name) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let seeded = mutant::seed(name);
                    let history = |seed| simulate(seed, Trace::None, |world| Endpoint::new(world.clock())).err();
                    let caught = (0..PATIENCE).find_map(|seed| history(seed).map(|failure| (seed, failure.violation)));
                    drop(seeded);
                    match caught {
                        Some((seed, violation)) => println!("{name}: caught by “{}” at seed {seed}", violation.oracle),
                        None => survivors.lock().unwrap().push(name),
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "{PATIENCE} seeds notice nothing of {survivors:?}");
}

//! Many histories, each from its seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tidekeep::transport::loopback::Endpoint;

use crate::history::simulate;
use crate::outcome::{Failure, Tally, Trace};

const DEFAULT_SEEDS: u64 = 1_000;

/// Runs seeds on all cores with what `live` does with each; prints what came of them, and the traces of those that
/// failed.
pub fn run(default: u64, live: impl Fn(u64, Trace) -> Result<Tally, Failure> + Sync) {
    let wanted = std::env::var("TIDEKEEP_SEEDS").unwrap_or_default();
    let seeds = match wanted.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..wanted.parse().unwrap_or(default),
    };
    let began = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let (total, failed) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match live(seed, Trace::None) {
                        Ok(tally) => total.lock().unwrap().add(tally),
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                }
            });
        }
    });
    let (total, mut failed) = (total.into_inner().unwrap(), failed.into_inner().unwrap());
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} seeds in {took:.1} s, {:.0} steps a second: {total:?}",
        seeds.end - seeds.start,
        total.steps as f64 / took
    );
    failed.sort_unstable();
    for seed in failed.iter().take(3) {
        println!("seed {seed} failed; again with TIDEKEEP_SEEDS={seed}..{}", seed + 1);
        if let Err(failure) = live(*seed, Trace::Kept) {
            println!("{}\n{:?}", failure.trace.join("\n"), failure.violation);
        }
    }
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
}

#[test]
fn no_acknowledged_write_is_lost_each_takes_effect_once_and_all_replicas_end_the_same() {
    run(DEFAULT_SEEDS, |seed, trace| simulate(seed, trace, |world| Endpoint::new(world.clock())));
}

//! What the endpoint counts, in the text format of Prometheus. No name of anyone's is a label.

use core::fmt::Write;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{Method, StatusCode};
use tidekeep::sync::protocol::{PushResult, PushStatus};

/// Upper bounds of the buckets of durations, seconds.
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// What has been counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(String, String, u16), u64>>,
    durations: Mutex<BTreeMap<String, Histogram>>,
    operations: [AtomicU64; 5],
    connections: AtomicI64,
    streams: AtomicI64,
}

#[derive(Debug, Default)]
struct Histogram {
    /// How many were within each bound.
    within: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

/// The outcomes of operations, in the order of [`Metrics::operations`].
const OUTCOMES: [&str; 5] = ["ok", "dup", "conflict", "superseded", "rejected"];

impl Metrics {
    /// A request has been answered.
    pub(crate) fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        // Anybody may make up a method; only those that a route has are told apart.
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "OPTIONS") => known,
            _ => "other",
        };
        let key = (method.to_owned(), route.to_owned(), status.as_u16());
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let histogram = durations.entry(route.to_owned()).or_default();
        let seconds = took.as_secs_f64();
        for (within, bound) in histogram.within.iter_mut().zip(BUCKETS) {
            *within += u64::from(seconds <= bound);
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    /// A push has been applied.
    pub(crate) fn pushed(&self, results: &[PushResult]) {
        for result in results {
            let [ok, dup, conflict, superseded, rejected] = &self.operations;
            let counter = match result.status {
                PushStatus::Ok if result.dup => dup,
                PushStatus::Ok => ok,
                PushStatus::Conflict => conflict,
                PushStatus::Superseded => superseded,
                PushStatus::Rejected => rejected,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection is open until the answer is dropped.
    pub(crate) fn connect(self: &Arc<Self>) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(Arc::clone(self))
    }

    /// A live stream is open until the answer is dropped.
    pub(crate) fn stream(self: &Arc<Self>) -> Streaming {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Streaming(Arc::clone(self))
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> core::fmt::Result {
        writeln!(text, "# TYPE tidekeep_requests_total counter")?;
        for ((method, route, status), count) in &*self.requests.lock().unwrap_or_else(PoisonError::into_inner) {
            writeln!(
                text,
                "tidekeep_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
            )?;
        }
        writeln!(text, "# TYPE tidekeep_request_duration_seconds histogram")?;
        for (route, histogram) in &*self.durations.lock().unwrap_or_else(PoisonError::into_inner) {
            let name = "tidekeep_request_duration_seconds";
            for (bound, within) in BUCKETS.iter().zip(histogram.within) {
                writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {within}")?;
            }
            writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", histogram.count)?;
            writeln!(text, "{name}_sum{{route=\"{route}\"}} {}", histogram.sum)?;
            writeln!(text, "{name}_count{{route=\"{route}\"}} {}", histogram.count)?;
        }
        writeln!(text, "# TYPE tidekeep_operations_total counter")?;
        for (outcome, count) in OUTCOMES.iter().zip(&self.operations) {
            writeln!(text, "tidekeep_operations_total{{outcome=\"{outcome}\"}} {}", count.load(Ordering::Relaxed))?;
        }
        for (name, gauge) in [("tidekeep_connections", &self.connections), ("tidekeep_live_streams", &self.streams)] {
            writeln!(text, "# TYPE {name} gauge\n{name} {}", gauge.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Arc<Metrics>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An open live stream.
#[derive(Debug)]
pub(crate) struct Streaming(Arc<Metrics>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

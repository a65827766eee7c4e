//! How much the program that is shipped does in a second for many clients, and how long one waits.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tidekeep::sync::protocol::{ChangesResponse, PushResponse};
use tokio::sync::Barrier;

use super::support::{Client, Cluster, Connection, Folder, Kind, Program, Sync, new_database, op, push_body};

/// Seconds of each kind of load; `TIDEKEEP_LOAD` sets another number.
const SECONDS: f64 = 0.5;
const CLIENTS: u64 = 64;
/// Changes in a page that is pulled.
const PAGE: usize = 100;

#[derive(Debug, Clone, Copy)]
enum Spaces {
    Own,
    One,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_push_and_pull_at_once() {
    let seconds = std::env::var("TIDEKEEP_LOAD").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(SECONDS);
    let folder = Folder::new();
    // A database that syncs to the disk, other than that of the other tests.
    let cluster = (crate::KIND == Kind::Postgres).then(|| Cluster::start(Sync::On));
    let url = match &cluster {
        Some(cluster) => cluster.database().await,
        None => new_database(&folder).await,
    };
    let program = Program::start(Path::new(&url), &["--rate", "0", "--space-rate", "0", "--log", "off"]).await;
    println!("{:?}, {CLIENTS} clients, {}", crate::KIND, machine());
    for (what, spaces) in [("a space each", Spaces::Own), ("one space", Spaces::One)] {
        for size in [1, 100] {
            let of = |number: u64| match spaces {
                Spaces::Own => Client::new(program.address(), &format!("s{number}")),
                Spaces::One => Client::new(program.address(), "mine"),
            };
            let span = Duration::from_secs_f64(seconds);
            let start = Arc::new(Barrier::new(usize::try_from(CLIENTS).unwrap()));
            let pushing = (0..CLIENTS).map(|number| {
                let (client, start) = (of(number), Arc::clone(&start));
                tokio::spawn(push(client, start, format!("{what}-{size}-{number}"), size, span))
            });
            tell(&format!("push, {what}, {size} operations"), size, &gather(pushing).await, span);
            if size == 100 {
                let pulling = (0..CLIENTS).map(|number| {
                    let (client, start) = (of(number), Arc::clone(&start));
                    tokio::spawn(pull(client, start, span))
                });
                tell(&format!("pull, {what}, {PAGE} changes"), PAGE as u64, &gather(pulling).await, span);
            }
        }
    }
}

async fn gather(clients: impl Iterator<Item = tokio::task::JoinHandle<Vec<Duration>>>) -> Vec<Duration> {
    let clients: Vec<_> = clients.collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    times.sort_unstable();
    times
}

fn tell(what: &str, size: u64, times: &[Duration], span: Duration) {
    let count = times.len();
    assert!(count > 0, "{what}: nothing was answered");
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = count as f64 / span.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let documents = rate * size as f64;
    let (p50, p99) = (times[count / 2], times[count * 99 / 100]);
    println!("{what}: {rate:.0} requests/s, {documents:.0} documents/s, p50 {p50:.1?}, p99 {p99:.1?}");
}

/// Pushes for so long, one request after the other.
async fn push(client: Client, start: Arc<Barrier>, name: String, size: u64, span: Duration) -> Vec<Duration> {
    let (mut connection, mut times, mut first) = (Connection::to(client.address), Vec::new(), 1);
    let path = format!("/v1/{}/push", client.space);
    start.wait().await;
    let over = Instant::now() + span;
    while Instant::now() < over {
        let ops: Vec<_> = (first..first + size).map(|mid| op(mid, &format!("{name}-{mid}"), mid, "x")).collect();
        let body = push_body(&name, &ops);
        let asked = Instant::now();
        let answer = connection.send("POST", &path, &client.token, body).await.expect("an answer");
        times.push(asked.elapsed());
        let answer: PushResponse = answer.read(200);
        assert!(answer.results.iter().all(|result| result.seq.is_some()));
        first += size;
    }
    times
}

/// Pulls for so long, page after page, from the beginning again after the last.
async fn pull(client: Client, start: Arc<Barrier>, span: Duration) -> Vec<Duration> {
    let (mut connection, mut times, mut cursor) = (Connection::to(client.address), Vec::new(), String::new());
    start.wait().await;
    let over = Instant::now() + span;
    while Instant::now() < over {
        let path = format!("/v1/{}/changes?since={cursor}&limit={PAGE}", client.space);
        let asked = Instant::now();
        let answer = connection.send("GET", &path, &client.token, Vec::new()).await.expect("an answer");
        let took = asked.elapsed();
        let page: ChangesResponse = answer.read(200);
        cursor = if page.more { page.cursor } else { String::new() };
        // The last page is not full.
        if page.changes.len() == PAGE {
            times.push(took);
        }
    }
    times
}

/// What this ran on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) >> 20;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{cores} cores, {memory} GiB, a load of {load} before")
}

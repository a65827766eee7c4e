//! Several instances on one database.

use core::time::Duration;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tidekeep::sync::protocol::{ChangesResponse, PushResponse};

use super::support::{Answer, Client, Cluster, Connection, Endpoint, Events, Program, Sync, op, push_body};

#[tokio::test]
async fn a_push_at_one_instance_wakes_who_waits_at_another() {
    let one = Endpoint::start().await;
    let two = one.beside().await;
    let (here, there) = (one.client("mine"), two.client("mine"));
    here.push("c", &[op(1, "a", 1, "x")]).await;
    let cursor = there.changes("").await.cursor;
    let mut events = Events::open(&there, &format!("?since={cursor}")).await;
    assert_eq!(events.next().await.unwrap().0, "ping");
    let (mut polls, mut lives) = (Vec::new(), Vec::new());
    for mid in 2..22 {
        let waiting = tokio::spawn({
            let (there, cursor) = (there.clone(), there.changes("").await.cursor);
            async move {
                let page = there.changes(&format!("?since={cursor}&wait=25")).await;
                (page, Instant::now())
            }
        });
        tokio::time::sleep(Duration::from_millis(40)).await;
        here.push("c", &[op(mid, "a", mid, "x")]).await;
        let pushed = Instant::now();
        let (kind, told) = events.next().await.unwrap();
        lives.push(pushed.elapsed());
        assert_eq!((kind.as_str(), told["changes"][0]["seq"].as_u64()), ("changes", Some(mid)));
        let (page, woke) = waiting.await.unwrap();
        polls.push(woke.saturating_duration_since(pushed));
        assert_eq!(page.changes[0].seq, mid);
    }
    for (what, mut times) in [("live", lives), ("long poll", polls)] {
        times.sort_unstable();
        let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{what} at another instance: {median:?} median, {most:?} most, after the push was acknowledged");
        assert!(median < Duration::from_secs(2));
    }
}

/// Writes of each client, 64 at once; `TIDEKEEP_WRITES` sets another number.
const WRITES: u64 = 12;
const CLIENTS: u64 = 64;

/// Who asks one instance, and the other where it does not answer. How often that was is counted.
struct Either {
    here: Connection,
    there: Connection,
    token: String,
    turns: u64,
}

impl Either {
    fn of(one: &Client, two: &Client) -> Self {
        Self {
            here: Connection::to(one.address),
            there: Connection::to(two.address),
            token: one.token.clone(),
            turns: 0,
        }
    }

    /// What has no answer is repeated as it was.
    async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        loop {
            let answer = self.here.send(method, path, &self.token, body.to_vec()).await;
            if let Some(answer) = answer.filter(|answer| answer.status == 200) {
                return answer;
            }
            core::mem::swap(&mut self.here, &mut self.there);
            self.turns += 1;
        }
    }
}

/// Writes one document after the other; answers with their names, and how long the longest wait was.
async fn write(mut way: Either, name: String, count: u64, begun: Arc<AtomicU64>) -> (Vec<String>, Duration, u64) {
    let (mut seen, mut longest) = (Vec::new(), Duration::ZERO);
    for mid in 1..=count {
        let id = format!("{name}-{mid}");
        let asked = Instant::now();
        let answer = way.send("POST", "/v1/mine/push", &push_body(&name, &[op(mid, &id, mid, "x")])).await;
        longest = longest.max(asked.elapsed());
        assert_eq!(answer.read::<PushResponse>(200).results.len(), 1);
        begun.fetch_add(1, Ordering::Relaxed);
        seen.push(id);
    }
    (seen, longest, way.turns)
}

/// Pulls until the writers are done and nothing more comes; answers with every sequence that came.
async fn pull(mut way: Either, over: Arc<AtomicBool>) -> (Vec<u64>, u64) {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let done = over.load(Ordering::SeqCst);
        let answer = way.send("GET", &format!("/v1/mine/changes?since={cursor}&limit=200"), &[]).await;
        let page: ChangesResponse = answer.read(200);
        seen.extend(page.changes.iter().map(|change| change.seq));
        cursor = page.cursor;
        if done && page.changes.is_empty() {
            return (seen, way.turns);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_is_killed_under_load_and_nothing_is_lost_or_missed() {
    let writes = std::env::var("TIDEKEEP_WRITES").ok().and_then(|writes| writes.parse().ok()).unwrap_or(WRITES);
    let cluster = Cluster::start(Sync::On);
    let url = cluster.database().await;
    let words = ["--rate", "0", "--space-rate", "0", "--log", "off"];
    let (mut dying, staying) =
        (Program::start(Path::new(&url), &words).await, Program::start(Path::new(&url), &words).await);
    let (one, two) = (Client::new(dying.address(), "mine"), Client::new(staying.address(), "mine"));
    let (begun, over, count) = (Instant::now(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    // Half of them begin at each.
    let ways = |number: u64| if number.is_multiple_of(2) { Either::of(&one, &two) } else { Either::of(&two, &one) };
    let pullers: Vec<_> = (0..4).map(|number| tokio::spawn(pull(ways(number), Arc::clone(&over)))).collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| tokio::spawn(write(ways(number), format!("w{number}"), writes, Arc::clone(&count))))
        .collect();
    while count.load(Ordering::Relaxed) < writes * CLIENTS / 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    dying.kill().await;
    let (mut expected, mut longest, mut went) = (BTreeSet::new(), Duration::ZERO, 0);
    for client in clients {
        let (seen, wait, turns) = client.await.unwrap();
        expected.extend(seen);
        longest = longest.max(wait);
        went += u64::from(turns > 0);
    }
    over.store(true, Ordering::SeqCst);
    let took = begun.elapsed();
    let lines = two.snapshot().await;
    let found: BTreeSet<String> = lines.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
    assert_eq!(found, expected);
    let head = two.status().await.head;
    assert_eq!(head, expected.len() as u64, "each took effect once");
    let mut moved = 0;
    for puller in pullers {
        let (seen, turns) = puller.await.unwrap();
        assert_eq!(seen, (1..=head).collect::<Vec<_>>(), "each sequence once, in order");
        moved += u64::from(turns > 0);
    }
    println!(
        "{} writes of {CLIENTS} clients in {took:.1?}, one instance of two killed midway, {went} clients and {moved} of 4 \
         pullers went to the other, the longest wait {longest:.1?}; 0 lost, 0 twice, 0 missed",
        expected.len(),
    );
}

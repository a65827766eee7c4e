//! Several instances on one database.

use core::time::Duration;
use std::collections::BTreeSet;
use std::time::Instant;

use tidekeep::sync::protocol::PushResponse;

use super::support::{Client, Endpoint, Events, Program, op, push_body, try_call};

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

/// Writes one document after the other, at the other instance where the first does not answer, until told enough.
async fn write(one: Client, two: Client, name: String, count: u64) -> Vec<String> {
    let token = format!("Bearer {}", one.token);
    let headers = [("authorization", token.as_str())];
    let (mut seen, mut here, mut there) = (Vec::new(), one, two);
    for mid in 1..=count {
        let id = format!("{name}-{mid}");
        let bytes = push_body(&name, &[op(mid, &id, mid, "x")]);
        loop {
            // What has no answer is repeated as it was.
            let answer = try_call(here.address, "POST", "/v1/mine/push", &headers, bytes.clone()).await;
            if let Some(answer) = answer.filter(|answer| answer.status == 200) {
                assert_eq!(answer.read::<PushResponse>(200).results.len(), 1);
                break;
            }
            core::mem::swap(&mut here, &mut there);
        }
        seen.push(id);
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_instances_one_is_killed_under_load_and_nothing_is_lost() {
    let staying = Endpoint::start().await;
    let mut dying = Program::start(std::path::Path::new(&staying.url), &["--rate", "0", "--log", "off"]).await;
    let (one, two) = (Client::new(dying.address(), "mine"), staying.client("mine"));
    let begun = Instant::now();
    let writers: Vec<_> =
        (0..8).map(|writer| tokio::spawn(write(one.clone(), two.clone(), format!("w{writer}"), 60))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    dying.kill().await;
    let mut expected = BTreeSet::new();
    for writer in writers {
        expected.extend(writer.await.unwrap());
    }
    let lines = two.snapshot().await;
    let found: BTreeSet<String> = lines.iter().filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
    assert_eq!(found, expected);
    assert_eq!(two.status().await.head, expected.len() as u64, "each took effect once");
    println!(
        "{} writes of 8 clients, one instance of two killed, 0 lost, 0 twice, in {:?}",
        expected.len(),
        begun.elapsed()
    );
}

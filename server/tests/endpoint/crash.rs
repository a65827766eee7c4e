//! An acknowledgement is durable.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidekeep::sync::protocol::{PushResponse, PushStatus};

use super::support::{Client, Folder, Program, op, push_body, try_call};

/// Kills; `TIDEKEEP_KILLS` sets another number.
const ROUNDS: u64 = 6;
const WRITERS: u64 = 3;

/// Pushes until nobody answers; answers with what was acknowledged, and the push that was not.
async fn write(
    client: Client,
    name: String,
    first: u64,
    acknowledged: Arc<AtomicU64>,
) -> (Vec<(String, u64)>, Vec<u8>) {
    let mut seen = Vec::new();
    let token = format!("Bearer {}", client.token);
    for mid in (first..).step_by(2) {
        let id = |mid: u64| format!("{name}-{mid}");
        let bytes = push_body(&name, &[op(mid, &id(mid), mid, "x"), op(mid + 1, &id(mid + 1), mid, "y")]);
        let headers = [("authorization", token.as_str())];
        let answer = try_call(client.address, "POST", "/v1/mine/push", &headers, bytes.clone()).await;
        let Some(answer) = answer.filter(|answer| answer.status == 200) else { return (seen, bytes) };
        let response: PushResponse = answer.read(200);
        seen.extend(response.results.iter().map(|result| (id(result.mid), result.seq.unwrap())));
        acknowledged.fetch_add(2, Ordering::Relaxed);
    }
    unreachable!("numbers do not end")
}

#[tokio::test]
async fn a_program_that_is_killed_loses_nothing_that_it_acknowledged_and_repeats_nothing() {
    let folder = Folder::new();
    let database = folder.path().join("test.sqlite");
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let rounds = std::env::var("TIDEKEEP_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(ROUNDS);
    for round in 0..rounds {
        let mut program = Program::start(&database, &["--rate", "0", "--log", "off"]).await;
        let client = Client::new(program.address(), "mine");
        let acknowledged = Arc::new(AtomicU64::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let name = format!("w{writer}-{round}");
                tokio::spawn(write(client.clone(), name, 1, Arc::clone(&acknowledged)))
            })
            .collect();
        while acknowledged.load(Ordering::Relaxed) < 20 + 14 * (round % 6) {
            tokio::time::sleep(Duration::from_micros(700)).await;
        }
        program.kill().await;
        let mut pending = Vec::new();
        for writer in writers {
            let (seen, last) = writer.await.unwrap();
            expected.extend(seen);
            pending.push(last);
        }

        let program = Program::start(&database, &["--rate", "0", "--log", "off"]).await;
        let client = Client::new(program.address(), "mine");
        // What had no answer is sent again, twice: it has one effect, whether it had one before or not.
        for bytes in &pending {
            let first: PushResponse = client.post(bytes.clone(), &[]).await.read(200);
            let second: PushResponse = client.post(bytes.clone(), &[]).await.read(200);
            for (one, two) in first.results.iter().zip(&second.results) {
                assert!(one.status == PushStatus::Ok && two.dup && one.seq == two.seq);
            }
            let text = String::from_utf8_lossy(bytes).into_owned();
            let ids = text.split("\"id\":\"").skip(1).filter_map(|rest| rest.split('"').next());
            expected.extend(ids.map(str::to_owned).zip(first.results.iter().map(|result| result.seq.unwrap())));
        }
        let lines = client.snapshot().await;
        let found: BTreeMap<String, u64> =
            lines.iter().filter_map(|line| Some((line["id"].as_str()?.to_owned(), line["seq"].as_u64()?))).collect();
        assert_eq!(found, expected, "round {round}");
        assert_eq!(lines[0]["head"].as_u64(), Some(expected.len() as u64));
        assert!(program.stop().await.1);
    }
    println!("{rounds} kills, {} acknowledged documents, 0 lost, 0 twice", expected.len());
}

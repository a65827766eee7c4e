//! What is too much.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{PushOp, PushStatus};
use tidekeep_server::Rate;

use super::support::{Endpoint, body, delete, op, push_body, stamp};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Nearly a gibibyte of spaces in a mebibyte: one piece of a stream, again and again.
fn nearly_a_gibibyte() -> Vec<u8> {
    let mut deflate = flate2::Compress::new(Compression::best(), false);
    let (plain, mut piece) = (vec![b' '; 1 << 20], Vec::with_capacity(1 << 16));
    deflate.compress_vec(&plain, &mut piece, flate2::FlushCompress::Full).unwrap();
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    while bomb.len() + piece.len() <= 1 << 20 {
        bomb.extend_from_slice(&piece);
    }
    bomb
}

#[tokio::test]
async fn an_operation_that_cannot_be_is_rejected_by_itself() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let raw = |text: String| Some(RawValue::from_string(text).unwrap());
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let good = || op(1, "a", 1, "x");
    let now = endpoint.client("mine").status().await.server_time;
    let bad = [
        ("invalid_collection", PushOp { c: String::new(), ..good() }),
        ("invalid_collection", PushOp { c: "x".repeat(129), ..good() }),
        ("invalid_collection", PushOp { c: "a\u{0}b".to_owned(), ..good() }),
        ("invalid_id", PushOp { id: "x".repeat(1025), ..good() }),
        ("invalid_body", PushOp { body: None, ..good() }),
        ("invalid_body", PushOp { del: true, ..good() }),
        ("too_large", PushOp { body: raw(format!("\"{}\"", "x".repeat(256 << 10))), ..good() }),
        ("too_deep", PushOp { body: raw(nested(65)), ..good() }),
        ("too_deep", PushOp { body: raw(nested(10_000)), ..good() }),
        ("too_deep", PushOp { body: raw(format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000))), ..good() }),
        ("clock_ahead", PushOp { hlc: stamp(now + 6 * 60_000), ..good() }),
        ("clock_ahead", PushOp { hlc: Hlc::new(u64::MAX, 0, 1), ..good() }),
    ];
    let mut ops: Vec<PushOp> = vec![op(1, "first", 1, "x")];
    ops.extend(bad.iter().enumerate().map(|(at, (_, op))| PushOp { mid: at as u64 + 2, ..op.clone() }));
    ops.push(op(100, "last", 1, "x"));
    let response = client.push("c", &ops).await;
    for ((code, _), result) in bad.iter().zip(&response.results[1..]) {
        assert_eq!((result.status, result.code.as_deref()), (PushStatus::Rejected, Some(*code)));
        assert!(result.message.is_some());
    }
    assert_eq!(response.results[0].status, PushStatus::Ok);
    assert_eq!(response.results.last().unwrap().status, PushStatus::Ok);
    assert_eq!(response.head, 2);
    assert!(response.server_time >= now);
}

#[tokio::test]
async fn what_is_just_within_the_limits_is_accepted() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let nested = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    let now = client.status().await.server_time;
    let ops = [
        PushOp { body: Some(RawValue::from_string(nested).unwrap()), ..op(1, "deep", 1, "") },
        PushOp {
            body: Some(RawValue::from_string(format!("\"{}\"", "x".repeat((256 << 10) - 2))).unwrap()),
            ..op(2, "b", 1, "")
        },
        PushOp { id: "x".repeat(1024), c: "y".repeat(128), ..op(3, "", 1, "x") },
        op(4, "", 1, "an empty key is a key"),
        PushOp { hlc: stamp(now + 4 * 60_000), ..op(5, "soon", 1, "x") },
        op(6, "in brackets", 1, &"[{".repeat(5_000)),
    ];
    let response = client.push("c", &ops).await;
    assert!(response.results.iter().all(|result| result.status == PushStatus::Ok), "{response:?}");
    let most: Vec<_> = (7..507).map(|mid| op(mid, "a", mid, "x")).collect();
    assert_eq!(client.push("c", &most).await.results.len(), 500);
}

#[tokio::test]
async fn a_push_that_is_too_large_is_refused_as_a_whole() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let many: Vec<_> = (1..=501).map(|mid| op(mid, "a", mid, "x")).collect();
    assert_eq!(client.post(push_body("c", &many), &[]).await.code(413), "too_large");
    for size in [(1 << 20) + 1, 4 << 20, 15 << 20] {
        assert_eq!(client.post(vec![b' '; size], &[]).await.code(413), "too_large", "{size}");
    }
    assert_eq!(client.status().await.head, 0);
}

#[tokio::test]
async fn gzip_is_understood_and_a_bomb_is_refused() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let push = push_body("c", &[op(1, "a", 1, "x")]);
    assert_eq!(client.post(gzip(&push), &[("content-encoding", "gzip")]).await.status, 200);
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(client.post(bomb, &[("content-encoding", "gzip")]).await.code(413), "too_large");
    let bomb = nearly_a_gibibyte();
    assert!(bomb.len() <= 1 << 20);
    let begun = std::time::Instant::now();
    assert_eq!(client.post(bomb, &[("content-encoding", "gzip")]).await.code(413), "too_large");
    assert!(begun.elapsed() < core::time::Duration::from_secs(5));
    assert_eq!(client.post(push.clone(), &[("content-encoding", "gzip")]).await.code(400), "invalid");
    let cut = gzip(&push);
    assert_eq!(client.post(&cut[..cut.len() - 9], &[("content-encoding", "gzip")]).await.code(400), "invalid");
    for encoding in ["br", "zstd", "deflate", "gzip, gzip", "x"] {
        let answer = client.post(push.clone(), &[("content-encoding", encoding)]).await;
        assert_eq!(answer.code(415), "unsupported_encoding", "{encoding}");
    }
    assert_eq!(client.post(push, &[("content-encoding", "identity")]).await.status, 200);
}

#[tokio::test]
async fn answers_are_compressed_for_whoever_asks() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, &"x".repeat(100_000))]).await;
    let token = format!("Bearer {}", client.token);
    for path in ["/v1/mine/changes", "/v1/mine/snapshot"] {
        let headers = [("authorization", token.as_str()), ("accept-encoding", "gzip")];
        let answer = super::support::call(endpoint.address(), "GET", path, &headers, Vec::new()).await;
        assert_eq!(answer.header("content-encoding"), "gzip");
        assert!(answer.body.len() < 10_000);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_subject_that_calls_too_often_is_told_to_wait() {
    let endpoint = Endpoint::with(|config| config.rate = Rate { per_second: 1, burst: 5 }).await;
    let client = endpoint.client("mine");
    let mut refused = 0;
    for _ in 0..10 {
        let answer = client.get("").await;
        if answer.status != 200 {
            assert_eq!(answer.code(429), "rate_limited");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused += 1;
        }
    }
    assert!(refused >= 4);
    let mut other = client.clone();
    other.token = super::support::mint("someone else", &["mine"]);
    assert_eq!(other.get("").await.status, 200);
}

#[tokio::test]
async fn a_space_that_many_call_too_often_makes_them_wait_and_no_other_space() {
    let endpoint = Endpoint::with(|config| config.space_rate = Rate { per_second: 1, burst: 5 }).await;
    let mut refused = 0;
    for number in 0..10 {
        let mut client = endpoint.client("mine");
        client.token = super::support::mint(&format!("subject {number}"), &["mine"]);
        let answer = client.get("").await;
        if answer.status != 200 {
            assert_eq!(answer.code(429), "rate_limited");
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused += 1;
        }
    }
    assert!(refused >= 4);
    assert_eq!(endpoint.client("other").get("").await.status, 200);
}

#[tokio::test]
async fn too_many_documents_in_conflict_for_one_answer_ask_for_a_smaller_push_and_change_nothing() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let text = "x".repeat(250 << 10);
    for mid in 1..=40 {
        client.push("c", &[op(mid, &mid.to_string(), 1000, &text)]).await;
    }
    let mut older = vec![op(1, "new", 1, "x")];
    older.extend((1..=40).map(|at| delete(at + 1, &at.to_string(), 1)));
    assert_eq!(client.post(push_body("d", &older), &[]).await.code(413), "too_large");
    assert_eq!(client.status().await.head, 40);
    let half = client.push("d", &older[..20]).await;
    assert_eq!(half.results[0].status, PushStatus::Ok);
    assert!(half.results[1..].iter().all(|result| result.status == PushStatus::Superseded));
    assert!(half.results[1].current.as_ref().unwrap().body.as_ref().unwrap().get().len() > body("x").get().len());
}

#[tokio::test]
async fn a_space_must_have_a_plain_name() {
    let endpoint = Endpoint::start().await;
    for name in ["a b", "é", "a'b", &"x".repeat(129)] {
        let mut client = endpoint.client("x");
        client.token = super::support::mint("someone", &[name]);
        client.space = name.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
        assert_eq!(client.get("").await.code(400), "invalid", "{name}");
    }
}

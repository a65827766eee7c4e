//! Requests that nobody sends in good faith.

use core::time::Duration;
use std::fmt::Write as _;

use super::support::{Endpoint, Folder, Program, body, call, mint, op, raw, stamp, try_call};

#[tokio::test]
async fn what_is_not_a_push_is_invalid_and_never_a_failure_of_the_endpoint() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let deep = |open: &str| open.repeat(10_000);
    let op =
        format!(r#"{{"mid":1,"c":"n","id":"a","base":null,"hlc":"{}","mode":"lww","body":{}}}"#, stamp(1), body("x"));
    let with = |from: &str, to: &str| format!(r#"{{"client":"c","ops":[{}]}}"#, op.replacen(from, to, 1));
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "\u{feff}{}".to_owned(),
        deep("["),
        deep("{\"a\":"),
        format!(r#"{{"client":"c","ops":[],"extra":{}"#, deep("[")),
        format!(r#"{{"client":"c","ops":{}"#, deep("[")),
        r#"{"client":"c"}"#.to_owned(),
        r#"{"client":7,"ops":[]}"#.to_owned(),
        r#"{"client":"","ops":[]}"#.to_owned(),
        r#"{"client":"a\u0000","ops":[]}"#.to_owned(),
        format!(r#"{{"client":"{}","ops":[]}}"#, "x".repeat(129)),
        r#"{"client":"c","ops":{}}"#.to_owned(),
        r#"{"client":"c","ops":[null]}"#.to_owned(),
        r#"{"client":"c","ops":[]} trailing"#.to_owned(),
        r#"{"client":"c","client":"d","ops":[]}"#.to_owned(),
        with("\"mid\":1", "\"mid\":\"1\""),
        with("\"mid\":1", "\"mid\":1e3"),
        with("\"mid\":1,", ""),
        with("\"lww\"", "\"LWW\""),
        with("\"lww\"", "\"merge\""),
        with("\"id\":\"a\"", "\"id\":\"\\ud800\""),
        with("\"id\":\"a\"", "\"id\":7"),
        with("\"base\":null", "\"base\":-1"),
        with("\"base\":null", "\"base\":99999999999999999999"),
        with(&stamp(1).to_string(), ""),
        with(&stamp(1).to_string(), "now"),
        with(&stamp(1).to_string(), &stamp(1).to_string().to_uppercase().replace('0', "G")),
        with(r#"{"value":"x"}"#, "{\"value\":"),
        with(r#"{"value":"x"}"#, "NaN"),
        with(r#"{"value":"x"}"#, "'x'"),
    ];
    for text in &texts {
        let answer = client.post(text.clone(), &[]).await;
        assert_eq!(answer.code(400), "invalid", "{}", &text[..text.len().min(100)]);
    }
    for bytes in [vec![0xff, 0xfe], b"{\"client\":\"\xff\",\"ops\":[]}".to_vec(), vec![0; 1000]] {
        assert_eq!(client.post(bytes, &[]).await.code(400), "invalid");
    }
    assert_eq!(client.status().await.head, 0);
    // An empty push is a push.
    assert_eq!(client.post(r#"{"client":"c","ops":[],"later":[[[]]]}"#, &[]).await.status, 200);
}

#[tokio::test]
async fn other_paths_and_methods_are_told_so() {
    let endpoint = Endpoint::start().await;
    let (address, token) = (endpoint.address(), format!("Bearer {}", mint("someone", &["mine"])));
    for (method, path, status, code) in [
        ("GET", "/", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/mine/lives", 404, "not_found"),
        ("PUT", "/v1/mine/blobs/00", 404, "not_found"),
        ("GET", "/dev/token", 404, "not_found"),
        ("POST", "/dev/token", 404, "not_found"),
        ("GET", "/v1/mine/push", 405, "method_not_allowed"),
        ("DELETE", "/v1/mine", 405, "method_not_allowed"),
        ("POST", "/readyz", 405, "method_not_allowed"),
    ] {
        let answer = call(address, method, path, &[("authorization", &token)], Vec::new()).await;
        assert_eq!(answer.code(status), code, "{method} {path}");
    }
    let health = call(address, "GET", "/readyz", &[], Vec::new()).await;
    assert_eq!(health.read::<serde_json::Value>(200), serde_json::json!({ "status": "ok" }));
}

#[tokio::test]
async fn bytes_that_are_no_http_leave_the_endpoint_answering() {
    let endpoint = Endpoint::start().await;
    let mut long = "GET /v1/mine HTTP/1.1\r\nhost: x\r\n".to_owned();
    for at in 0..500 {
        let _ = write!(long, "x-{at}: {}\r\n", "y".repeat(200));
    }
    long.push_str("\r\n");
    for bytes in [
        b"\r\n\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/mine/push HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/mine/push HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        long.as_bytes(),
    ] {
        let answer = raw(endpoint.address(), bytes).await;
        assert!(!answer.starts_with("HTTP/1.1 5") && !answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    assert_eq!(endpoint.client("mine").status().await.head, 0);
}

/// Kilobytes of memory that the program holds.
fn resident(program: &Program) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
}

/// Connections that do not get on; `TIDEKEEP_SLOW` sets another number.
const SLOW: usize = 400;

/// The time that 99 of a hundred pushes do not exceed.
async fn slowest_of_a_hundred(client: &super::support::Client, first: u64) -> Duration {
    let mut times = Vec::new();
    for mid in first..first + 100 {
        let begun = std::time::Instant::now();
        client.push("c", &[op(mid, "a", mid, "x")]).await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[98]
}

#[tokio::test]
async fn hostile_requests_cost_little_memory() {
    let folder = Folder::new();
    let program = Program::start(&folder.path().join("test.sqlite"), &["--rate", "0", "--log", "off"]).await;
    let address = program.address();
    let client = super::support::Client::new(address, "mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let Some(before) = resident(&program) else { return };
    let alone = slowest_of_a_hundred(&client, 1000).await;
    // Slow ones hold their connections open meanwhile.
    let slow_ones = std::env::var("TIDEKEEP_SLOW").ok().and_then(|count| count.parse().ok()).unwrap_or(SLOW);
    let mut slow = Vec::new();
    for _ in 0..slow_ones {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = b"POST /v1/mine/push HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
        slow.push(stream);
    }
    let bodies = [vec![b'['; 1 << 20], vec![b' '; 15 << 20], vec![b'['; 16 << 20]];
    let token = format!("Bearer {}", client.token);
    let mut most = before;
    for _ in 0..4 {
        let calls = bodies.iter().map(|body| {
            let (token, body) = (token.clone(), body.clone());
            tokio::spawn(async move {
                let headers = [("authorization", token.as_str())];
                try_call(address, "POST", "/v1/mine/push", &headers, body).await
            })
        });
        for call in calls.collect::<Vec<_>>() {
            if let Some(answer) = call.await.unwrap() {
                assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
            }
            most = most.max(resident(&program).unwrap());
        }
    }
    let beside = slowest_of_a_hundred(&client, 2000).await;
    println!(
        "{} MiB more at most; second slowest of 100 pushes {alone:?} alone, {beside:?} beside {slow_ones} slow connections",
        (most - before) >> 10
    );
    assert!(beside < Duration::from_secs(5));
    assert!(most - before < 64 << 10, "{} KiB more", most - before);
}

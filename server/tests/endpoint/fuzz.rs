//! Random bytes and mangled requests: refused, and never a failure of the endpoint.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::support::{Client, Endpoint, op, push_body};

/// Requests; `TIDEKEEP_FUZZ` sets another number.
const REQUESTS: u64 = 10_000;

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// A text with a few bytes changed, taken out, doubled, or put in.
fn mangled(random: &mut Random, text: &[u8]) -> Vec<u8> {
    const PIECES: [&[u8]; 14] = [
        b"\"",
        b"{",
        b"]",
        b",",
        b"\\u0000",
        b"\\ud800",
        b"-1",
        b"1e999",
        b"null",
        b"\xff",
        b"9007199254740993",
        b"\"mid\":",
        b"[[[[[[[[",
        b"%00",
    ];
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len().max(1)).min(text.len().saturating_sub(1));
        match random.below(4) {
            0 if !text.is_empty() => text[at] = u8::try_from(random.below(256)).unwrap(),
            1 if !text.is_empty() => drop(text.drain(at..(at + 1 + random.below(8)).min(text.len()))),
            2 => text.extend_from_within(at..),
            _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        }
    }
    text
}

async fn connect(client: &Client) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(client.address).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mangled_bodies_cursors_and_queries_are_never_a_failure_of_the_endpoint() {
    let requests = std::env::var("TIDEKEEP_FUZZ").ok().and_then(|count| count.parse().ok()).unwrap_or(REQUESTS);
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let cursor = client.changes("").await.cursor;
    let push = push_body("fuzz", &[op(1, "b", 1, "x"), op(2, "c\u{e9}", 2, "y")]);
    let mut random = Random(20_261_120);
    let mut sender = connect(&client).await;
    let mut statuses = std::collections::BTreeMap::<u16, u64>::new();
    for at in 0..requests {
        let authorization = format!("Bearer {}", client.token);
        let request = if at % 2 == 0 {
            Request::post("/v1/mine/push").body(Full::new(Bytes::from(mangled(&mut random, &push))))
        } else {
            let query = mangled(&mut random, format!("since={cursor}&limit=5&c=n,m&wait=0").as_bytes());
            // Whatever may not stand in a query is written in its encoding.
            let query = query.iter().fold(String::new(), |text, byte| match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'=' | b'&' | b'.' | b',' => text + &char::from(*byte).to_string(),
                _ => text + &format!("%{byte:02x}"),
            });
            let query = query.replace("wait", "wit");
            Request::get(format!("/v1/mine/changes?{query}")).body(Full::default())
        };
        let mut request = request.unwrap();
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
        request.headers_mut().insert("host", "x".parse().unwrap());
        if sender.ready().await.is_err() {
            sender = connect(&client).await;
        }
        let Ok(response) = sender.send_request(request).await else {
            sender = connect(&client).await;
            continue;
        };
        let status = response.status().as_u16();
        assert!(status < 500, "request {at}: {status}");
        *statuses.entry(status).or_default() += 1;
        if response.into_body().collect().await.is_err() {
            sender = connect(&client).await;
        }
    }
    assert_eq!(client.get("").await.status, 200);
    println!("{requests} mangled requests: {statuses:?}, no 5xx");
}

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Client;

/// A live stream under way.
pub(crate) struct Events {
    body: Incoming,
    text: String,
    _sender: SendRequest<Empty<Bytes>>,
}

impl Events {
    pub(crate) async fn open(client: &Client, query: &str) -> Self {
        let stream = TcpStream::connect(client.address).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("/v1/{}/live{query}", client.space))
            .header("host", client.address.to_string())
            .header("authorization", format!("Bearer {}", client.token))
            .header("accept-encoding", "gzip");
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(!response.headers().contains_key("content-encoding"));
        Self { body: response.into_body(), text: String::new(), _sender: sender }
    }

    /// The next event, its kind and its data; nothing once the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
                let event = (field("event: "), serde_json::from_str(&field("data: ")).unwrap());
                self.text = rest.to_string();
                return Some(event);
            }
            let frame = self.body.frame().await?.ok()?;
            self.text.push_str(core::str::from_utf8(frame.data_ref()?).unwrap());
        }
    }
}

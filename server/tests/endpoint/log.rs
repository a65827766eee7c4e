//! The log tells what happened and nothing of anyone.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tidekeep::sync::protocol::PushOp;

use super::support::{Client, Folder, Program, SECRET, mint, op};

#[tokio::test]
async fn the_log_is_json_and_holds_no_body_token_secret_or_name() {
    let folder = Folder::new();
    let program = Program::start(&folder.path().join("test.sqlite"), &[]).await;
    let canaries =
        ["canary-body", "canary-id", "canary-space", "canary-client", "canary-sub", "canary-collection", SECRET];
    let mut client = Client::new(program.address(), "canary-space");
    client.token = mint("canary-sub", &["canary-space"]);
    let write = PushOp { c: "canary-collection".to_owned(), ..op(1, "canary-id", 1, "canary-body") };
    client.push("canary-client", &[write.clone(), PushOp { mid: 2, del: true, ..write }]).await;
    client.get("/changes?since=canary-id&c=canary-collection").await;
    client.get("/changes?c=canary-collection").await;
    client.get("/snapshot").await;
    client.get("/canary-id").await;
    client.post("{\"client\":\"canary-client\",\"ops\":\"canary-body\"}", &[]).await;
    let good = client.token.clone();
    client.token = format!("{good}x");
    client.get("").await;
    let (log, ended) = program.stop().await;
    assert!(ended);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(lines.len() >= 7);
    assert!(lines.iter().any(|line| line["route"] == "/v1/{space}/push" && line["status"] == 200));
    assert!(lines.iter().any(|line| line["message"] == "push" && line["ok"] == 1 && line["rejected"] == 1));
    for canary in canaries.iter().map(|canary| (*canary).to_owned()).chain(good.split('.').map(str::to_owned)) {
        let hex = canary.bytes().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        for form in [canary.clone(), hex, STANDARD_NO_PAD.encode(&canary), URL_SAFE_NO_PAD.encode(&canary)] {
            assert!(!log.contains(&form), "{form} is in the log");
        }
    }
}

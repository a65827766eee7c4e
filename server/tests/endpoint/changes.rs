//! Reading what changed.

use tidekeep::sync::protocol::PushOp;

use super::support::{Endpoint, delete, op, push_body};

#[tokio::test]
async fn pages_follow_the_sequence_and_miss_nothing() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let ops: Vec<_> = (1..=25).map(|mid| op(mid, &format!("d{mid}"), mid, "x")).collect();
    client.push("c", &ops).await;
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = client.changes(&format!("?limit=10&since={cursor}")).await;
        assert_eq!(page.head, 25);
        seen.extend(page.changes.iter().map(|change| change.seq));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (1..=25).collect::<Vec<_>>());
    assert!(client.changes(&format!("?since={cursor}")).await.changes.is_empty());
    client.push("c", &[op(26, "d1", 100, "again")]).await;
    let page = client.changes(&format!("?since={cursor}")).await;
    assert_eq!((page.changes.len(), page.changes[0].id.as_str(), page.changes[0].seq), (1, "d1", 26));
    // Of one document there is the last change alone.
    assert_eq!(client.changes("").await.changes.len(), 25);
}

#[tokio::test]
async fn deletions_replicate_with_their_stamp_and_revision() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let cursor = client.push("c", &[op(1, "a", 1, "x"), op(2, "b", 2, "y")]).await.head;
    assert_eq!(cursor, 2);
    let since = client.changes("").await.cursor;
    client.push("c", &[delete(3, "a", 30)]).await;
    let page = client.changes(&format!("?since={since}")).await;
    assert_eq!(page.changes.len(), 1);
    let gone = &page.changes[0];
    assert!(gone.del && gone.body.is_none());
    assert_eq!((gone.id.as_str(), gone.seq, gone.rev, gone.hlc), ("a", 3, 3, super::support::stamp(30)));
}

#[tokio::test]
async fn a_filter_shows_its_collections_alone_and_still_moves_on() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let of = |mid, c: &str| PushOp { c: c.to_owned(), ..op(mid, "a", mid, c) };
    let ops = [of(1, "notes"), of(2, "tidekeep:keys"), of(3, "credentials"), of(4, "é’; --")];
    client.push("c", &ops).await;
    for (filter, expected) in [
        ("notes", vec!["notes"]),
        ("notes,credentials", vec!["notes", "credentials"]),
        ("notes%2Ctidekeep%3Akeys", vec!["notes", "tidekeep:keys"]),
        ("%C3%A9%E2%80%99%3B%20--", vec!["é’; --"]),
        ("nothing", vec![]),
    ] {
        let page = client.changes(&format!("?c={filter}")).await;
        assert_eq!(page.changes.iter().map(|change| change.c.as_str()).collect::<Vec<_>>(), expected, "{filter}");
        assert!(!page.more);
        assert!(client.changes(&format!("?since={}", page.cursor)).await.changes.is_empty(), "{filter}");
    }
    assert_eq!(client.get("/changes?c=").await.code(400), "invalid");
    assert_eq!(client.get("/changes?c=a,,b").await.code(400), "invalid");
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes_as_well() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let text = "x".repeat(200_000);
    for mid in 1..=12 {
        client.push("c", &[op(mid, &mid.to_string(), mid, &text)]).await;
    }
    let first = client.get("/changes").await;
    assert!(first.body.len() < 2 << 20, "{}", first.body.len());
    let (mut cursor, mut count) = (String::new(), 0);
    loop {
        let page = client.changes(&format!("?since={cursor}")).await;
        count += page.changes.len();
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    assert_eq!(count, 12);
}

#[tokio::test]
async fn a_cursor_that_was_tampered_with_is_invalid() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x")]).await;
    let cursor = client.changes("").await.cursor;
    for at in 0..cursor.len() {
        let mut text = cursor.clone();
        let other = if &text[at..=at] == "1" { "2" } else { "1" };
        text.replace_range(at..=at, other);
        assert_eq!(client.get(&format!("/changes?since={text}")).await.code(400), "invalid", "{text}");
    }
    for text in ["x", "0", "%00", "..", &cursor[1..], &cursor[..cursor.len() - 1], &"9".repeat(2000)] {
        assert_eq!(client.get(&format!("/changes?since={text}")).await.code(400), "invalid", "{text}");
    }
    for query in ["limit=0", "limit=-1", "limit=x", "wait=x", "wait=-1", "since=a&since=b"] {
        assert_eq!(client.get(&format!("/changes?{query}")).await.code(400), "invalid", "{query}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_history_is_told_to_reset() {
    let (one, two) = (Endpoint::start().await, Endpoint::start().await);
    let foreign = one.client("mine").changes("").await.cursor;
    let client = two.client("mine");
    assert_eq!(client.get(&format!("/changes?since={foreign}")).await.code(409), "reset");
    let other_space = two.client("other").changes("").await.cursor;
    assert_eq!(client.get(&format!("/changes?since={other_space}")).await.code(409), "reset");
    let text = String::from_utf8(push_body("c", &[op(1, "a", 1, "x")])).unwrap();
    let foreign_epoch = text.replacen('{', r#"{"epoch":"0000000000000000","#, 1);
    assert_eq!(client.post(foreign_epoch, &[]).await.code(409), "reset");
    let epoch = client.status().await.epoch;
    let own_epoch = text.replacen('{', &format!(r#"{{"epoch":"{epoch}","#), 1);
    assert_eq!(client.post(own_epoch, &[]).await.status, 200);
}

#[tokio::test]
async fn a_cursor_below_the_floor_or_beyond_the_head_is_told_to_reset() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("c", &[op(1, "a", 1, "x"), op(2, "b", 2, "y")]).await;
    let early = client.changes("?limit=1").await.cursor;
    let late = client.changes("").await.cursor;
    endpoint.sql("UPDATE spaces SET floor = 2").await;
    assert_eq!(client.get(&format!("/changes?since={early}")).await.code(409), "reset");
    assert_eq!(client.get("/changes").await.code(409), "reset");
    assert_eq!(client.get(&format!("/changes?since={late}")).await.status, 200);
    assert_eq!(client.status().await.floor, 2);
    // As after restoring an old backup.
    endpoint.sql("UPDATE spaces SET floor = 0, head = 1").await;
    assert_eq!(client.get(&format!("/changes?since={late}")).await.code(409), "reset");
}

#[tokio::test]
async fn a_body_comes_back_byte_for_byte() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let odd = r#"{"value":[1.0,1e400,-0,"\ud800\u0000",{"$":"date","v":1},{"__proto__":1,"a":1,"a":2}],"more" : true}"#;
    let body = serde_json::value::RawValue::from_string(odd.to_owned()).unwrap();
    client.push("c", &[PushOp { body: Some(body), ..op(1, "\u{0}~[1]\u{2028}", 1, "") }]).await;
    let change = client.changes("").await.changes.remove(0);
    assert_eq!(change.body.unwrap().get(), odd);
    assert_eq!(change.id, "\u{0}~[1]\u{2028}");
}

//! A push may be repeated, whole or in part, at any time, and has one effect.

use tidekeep::sync::protocol::{Mode, PushOp, PushStatus};

use super::support::{Endpoint, body, delete, op};

#[tokio::test]
async fn a_repeated_push_changes_nothing_and_is_answered_as_before() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let ops = [op(1, "a", 1, "x"), op(2, "b", 2, "y"), delete(5, "a", 3)];
    let first = client.push("c", &ops).await;
    assert_eq!(
        first.results.iter().map(|result| (result.seq, result.dup)).collect::<Vec<_>>(),
        [(Some(1), false), (Some(2), false), (Some(3), false)]
    );
    for _ in 0..3 {
        let again = client.push("c", &ops).await;
        assert_eq!(again.head, first.head);
        for (result, earlier) in again.results.iter().zip(&first.results) {
            assert!(result.status == PushStatus::Ok && result.dup);
            assert_eq!((result.seq, result.rev), (earlier.seq, earlier.rev));
        }
    }
    assert_eq!(client.status().await.head, 3);
}

#[tokio::test]
async fn a_repeat_after_later_changes_undoes_nothing() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let cas = |mid, base, text: &str| PushOp { base, mode: Mode::Cas, ..op(mid, "a", 1, text) };
    client.push("one", &[cas(1, None, "first")]).await;
    client.push("two", &[PushOp { base: Some(1), ..cas(1, None, "second") }]).await;
    client.push("two", &[PushOp { mode: Mode::Cas, base: Some(2), ..delete(2, "a", 9) }]).await;
    let late = client.push("one", &[cas(1, None, "first")]).await;
    assert!(late.results[0].dup && late.results[0].seq == Some(1));
    assert!(client.changes("").await.changes[0].del);
}

#[tokio::test]
async fn a_mutation_in_conflict_that_arrives_again_after_its_successor_takes_no_effect() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("other", &[op(1, "a", 1, "theirs")]).await;
    let lost = PushOp { mode: Mode::Cas, ..op(1, "a", 2, "mine") };
    assert_eq!(client.push("c", std::slice::from_ref(&lost)).await.results[0].status, PushStatus::Conflict);
    let resolved = PushOp { mode: Mode::Cas, base: Some(1), ..delete(2, "a", 3) };
    assert_eq!(client.push("c", &[resolved]).await.results[0].status, PushStatus::Ok);
    // The document is deleted, so the base of the first would fit now.
    let late = client.push("c", &[lost]).await;
    assert_eq!(late.results[0].status, PushStatus::Conflict);
    assert!(late.results[0].current.as_ref().unwrap().del);
}

#[tokio::test]
async fn a_repeat_with_a_conflict_in_it_conflicts_again_and_repeats_the_rest() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("other", &[op(1, "a", 1, "theirs")]).await;
    let ops = [op(1, "b", 1, "x"), PushOp { mode: Mode::Cas, ..op(2, "a", 2, "mine") }, op(3, "c", 3, "z")];
    for dup in [false, true] {
        let results = client.push("c", &ops).await.results;
        assert_eq!(results[1].status, PushStatus::Conflict);
        assert!(results[0].dup == dup && results[2].dup == dup);
        assert_eq!((results[0].seq, results[2].seq), (Some(2), Some(3)));
    }
}

#[tokio::test]
async fn a_number_that_was_used_for_another_operation_is_a_conflict_and_not_lost() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    client.push("cloned", &[op(1, "a", 1, "x")]).await;
    let other = client.push("cloned", &[op(1, "b", 2, "y")]).await;
    assert_eq!(other.results[0].status, PushStatus::Conflict);
    assert!(other.results[0].current.is_none());
    assert_eq!(client.push("cloned", &[op(2, "b", 2, "y")]).await.results[0].status, PushStatus::Ok);
}

#[tokio::test]
async fn below_the_watermark_a_repeat_is_ok_for_ever() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    let batch = |from: u64| (from..from + 400).map(|mid| op(mid, &mid.to_string(), mid, "x")).collect::<Vec<_>>();
    for from in [1, 401, 801, 1201] {
        client.push("c", &batch(from)).await;
    }
    client.push("other", &[delete(1, "1", 5000)]).await;
    let repeat = client.push("c", &[op(1, "1", 1, "x")]).await;
    assert!(repeat.results[0].dup);
    assert_eq!((repeat.results[0].seq, repeat.results[0].rev), (Some(0), Some(0)));
    // A recent one is still answered in full.
    let recent = client.push("c", &[op(1600, "1600", 1600, "x")]).await;
    assert_eq!(recent.results[0].seq, Some(1600));
    assert_eq!(client.status().await.head, 1601);
}

#[tokio::test]
async fn numbers_may_leave_gaps_but_must_ascend() {
    let endpoint = Endpoint::start().await;
    let client = endpoint.client("mine");
    assert_eq!(client.push("c", &[op(3, "a", 1, "x"), op(900, "b", 1, "x")]).await.head, 2);
    for mids in [[2, 1], [4, 4]] {
        let ops = mids.map(|mid| op(mid, "z", 1, "x"));
        let answer = client.post(super::support::push_body("c", &ops), &[]).await;
        assert_eq!(answer.code(400), "invalid");
    }
    for mid in ["0", "9007199254740992", "18446744073709551615", "-1", "1.5"] {
        let text = format!(
            r#"{{"client":"c","ops":[{{"mid":{mid},"c":"n","id":"a","base":null,"hlc":"{}","mode":"lww","body":{}}}]}}"#,
            super::support::stamp(1),
            body("x").get()
        );
        assert_eq!(client.post(text, &[]).await.code(400), "invalid", "{mid}");
    }
}

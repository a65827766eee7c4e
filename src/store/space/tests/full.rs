//! On a full disk.

use super::*;

#[test]
fn on_a_full_disk_what_is_over_goes_first_then_caches_by_their_use_and_the_rest_never() {
    let fixture = fixture(1_000, 40, false);
    fixture.commit(1.0, (0..10).map(|key| ending("notes", key, 50.0)).collect()).unwrap();
    fixture.commit(2.0, (10..15).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    fixture.commit(3.0, (20..25).map(|key| WriteOp::Put(put("other", key))).collect()).unwrap();
    fixture.commit(4.0, (30..45).map(|key| WriteOp::Put(put("notes", key))).collect()).unwrap();
    fixture.commit(4.0, (50..55).map(|key| WriteOp::Put(unsynced("other", key))).collect()).unwrap();
    fixture.space.used("cache", [&Key::from(11)].into_iter(), 60.0);
    assert_eq!(fixture.disk.held(), 40);

    fixture.commit(100.0, vec![WriteOp::Put(put("notes", 100))]).unwrap();
    assert_eq!(fixture.count("notes"), 16, "all ten that were over went");
    assert_eq!((fixture.count("cache"), fixture.count("other")), (5, 10));
    fixture.commit(101.0, (200..209).map(|key| WriteOp::Put(put("notes", key))).collect()).unwrap();
    fixture.gone.borrow_mut().clear();

    fixture.commit(102.0, vec![WriteOp::Put(put("notes", 300))]).unwrap();
    assert_eq!(*fixture.gone.borrow(), ["cache/10"]);
    fixture.commit(103.0, (301..304).map(|key| WriteOp::Put(put("notes", key))).collect()).unwrap();
    assert_eq!(
        *fixture.gone.borrow(),
        ["10", "12", "13", "14"]
            .map(|key| format!("cache/{key}"))
            .into_iter()
            .chain(["other/20", "other/21"].map(str::to_owned))
            .collect::<Vec<_>>()
    );

    for key in 400.. {
        if let Err(error) = fixture.commit(104.0, vec![WriteOp::Put(put("notes", key))]) {
            assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
            break;
        }
    }
    let left: Vec<String> = fixture.keys("other");
    assert_eq!(left, ["50", "51", "52", "53", "54"].map(str::to_owned), "what is to be sent stays");
    assert_eq!(fixture.count("notes"), 35);
}

#[test]
fn commits_that_find_no_room_at_the_same_time_share_one_rescue() {
    let fixture = fixture(1_000, 60, false);
    fixture.commit(1.0, (0..30).map(|key| ending("notes", key, 50.0)).collect()).unwrap();
    fixture.commit(1.0, (100..130).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    let batch =
        |key: u32| WriteBatch { ops: vec![WriteOp::Put(put("notes", key))], now: 100.0, ..WriteBatch::default() };
    let outcomes = futures_executor::block_on(join_all((200..220).map(|key| fixture.space.commit(batch(key)))));
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(fixture.space.rescues.get(), 1);
    assert_eq!((fixture.gone.borrow().len(), fixture.count("cache")), (30, 30));

    fixture.commit(100.0, (300..310).map(|key| WriteOp::Put(put("notes", key))).collect()).unwrap();
    let outcomes = futures_executor::block_on(join_all((400..500).map(|key| fixture.space.commit(batch(key)))));
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 30, "as many as the cache had");
    assert!(
        outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .all(|error| error.kind() == ErrorKind::QuotaExceeded)
    );
}

#[test]
fn where_room_comes_back_late_caches_are_not_emptied_in_vain() {
    let fixture = fixture(100_000, 3_000, true);
    fixture.commit(1.0, (0..3_000).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    for at in 0..20 {
        let full = fixture.commit(100.0 + f64::from(at), vec![WriteOp::Put(put("notes", at))]);
        assert_eq!(full.unwrap_err().kind(), ErrorKind::QuotaExceeded);
    }
    assert_eq!(fixture.count("cache"), 3_000 - 1_365);
}

#[test]
fn the_reserve_lets_what_is_to_be_sent_through_and_keeps_a_part_for_settling() {
    let fixture = fixture(1_000, 30, false);
    let plenty = Fill { usage: 0.0, quota: 1e9 };
    done(fixture.space.lay_in(plenty, 1.0));
    done(fixture.space.lay_in(plenty, 1.0));
    assert_eq!(fixture.count(system::SPACE), 8);
    fixture.commit(2.0, (0..22).map(|key| WriteOp::Put(put("notes", key))).collect()).unwrap();

    let refused = fixture.commit(3.0, vec![WriteOp::Put(put("notes", 100))]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(fixture.count(system::SPACE), 8, "it is not for this");

    let journalled = |key| vec![WriteOp::Put(unsynced("notes", key)), append()];
    fixture.commit(4.0, journalled(200)).unwrap();
    assert_eq!(fixture.count(system::SPACE), 6);
    let refused = fixture.commit(5.0, journalled(201)).unwrap_err();
    assert_eq!(refused.context(), [("commits waiting to be sent", "1".to_owned())]);

    let settling = || vec![WriteOp::Put(Put::new(system::SYNC, Key::from("flight"), value()))];
    fixture.commit(6.0, settling()).unwrap();
    assert_eq!(fixture.count(system::SPACE), 0);
    done(fixture.space.lay_in(Fill { usage: 9e8, quota: 9e8 }, 7.0));
    assert_eq!(fixture.count(system::SPACE), 0, "not while it would crowd the application");
    fixture.disk.room.set(100);
    done(fixture.space.lay_in(plenty, 8.0));
    assert_eq!(fixture.count(system::SPACE), 8);
}

#[test]
fn a_memory_that_is_full_is_rescued_too_and_counts_entries() {
    let schema = schema(1_000);
    let inner: Rc<dyn Backend> = Rc::new(MemoryBackend::new("test", Rc::clone(&schema), 10));
    let space = Space::new(inner, schema, false, 0.0);
    let batch = |ops, now| WriteBatch { ops, now, ..WriteBatch::default() };
    let commit = |ops, now| futures_executor::block_on(space.commit(batch(ops, now)));
    commit((0..10).map(|key| WriteOp::Put(put("cache", key))).collect(), 1.0).unwrap();
    commit(vec![WriteOp::Put(put("notes", 1))], 2.0).unwrap();
    assert_eq!(done(space.fill()), Some(Fill { usage: 10.0, quota: 10.0 }));
    let never = commit((0..11).map(|key| WriteOp::Put(put("notes", key))).collect(), 3.0).unwrap_err();
    assert_eq!(never.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(done(space.fill()), Some(Fill { usage: 10.0, quota: 10.0 }), "nothing went for what never fits");
}

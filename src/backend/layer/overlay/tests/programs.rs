//! Transactions at random, beside what they would come to.

use core::ops::Bound;

use proptest::prelude::*;

use super::*;
use crate::backend::Position;
use crate::model::{Content, Expiry, MetadataChange};

/// A write of the model's world: few keys, so that they meet.
#[derive(Debug, Clone)]
enum Step {
    Put { people: bool, key: u8, n: Option<u8>, tags: Vec<u8>, mail: Option<u8>, condition: Condition, end: Option<u8> },
    Retag { people: bool, key: u8 },
    Delete { people: bool, key: u8 },
    Clear { people: bool },
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    None,
    Absent,
    Present,
    Version(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let condition = prop_oneof![
        6 => Just(Condition::None),
        1 => Just(Condition::Absent),
        1 => Just(Condition::Present),
        1 => (1u8..4).prop_map(Condition::Version),
    ];
    let put = (
        any::<bool>(),
        0u8..8,
        prop::option::of(0u8..4),
        prop::collection::vec(0u8..4, 0..4),
        prop::option::weighted(0.3, 0u8..5),
        condition,
        prop::option::weighted(0.2, 0u8..4),
    );
    let put = put.prop_map(|(people, key, n, tags, mail, condition, end)| Step::Put {
        people,
        key,
        n,
        tags,
        mail,
        condition,
        end,
    });
    prop_oneof![
        10 => put,
        1 => (any::<bool>(), 0u8..8).prop_map(|(people, key)| Step::Retag { people, key }),
        4 => (any::<bool>(), 0u8..8).prop_map(|(people, key)| Step::Delete { people, key }),
        1 => any::<bool>().prop_map(|people| Step::Clear { people }),
    ]
}

fn collection(people: bool) -> &'static str {
    if people { "people" } else { "box" }
}

fn op(step: &Step) -> WriteOp {
    match step.clone() {
        Step::Put { people, key, n, tags, mail, condition, end } => {
            let tags: Vec<String> = tags.iter().map(|tag| format!(r#""t{tag}""#)).collect();
            let mut fields = vec![format!(r#""id":"k{key}""#), format!(r#""tags":[{}]"#, tags.join(","))];
            fields.extend(n.map(|n| format!(r#""n":{n}"#)));
            fields.extend(mail.map(|mail| format!(r#""mail":"m{mail}""#)));
            let text = format!("{{{}}}", fields.join(","));
            let plain = as_put(put(collection(people), &format!("k{key}"), &text));
            WriteOp::Put(Put {
                precondition: match condition {
                    Condition::None => Precondition::None,
                    Condition::Absent => Precondition::Absent,
                    Condition::Present => Precondition::Present,
                    Condition::Version(version) => Precondition::Version(u64::from(version)),
                },
                expires: end.map_or(Expiry::Keep, |end| Expiry::At(1e6 + f64::from(end))),
                ..plain
            })
        }
        Step::Retag { people, key } => {
            let plain = as_put(put(collection(people), &format!("k{key}"), "null"));
            let metadata = MetadataChange::Merge(Payload::from_wire(r#"{"m":1}"#).unwrap());
            WriteOp::Put(Put { content: Content::Keep, metadata, tags: Some(vec!["re".into()]), ..plain })
        }
        Step::Delete { people, key } => delete(collection(people), &format!("k{key}")),
        Step::Clear { people } => WriteOp::Clear { collection: collection(people).into() },
    }
}

/// Scans of all sorts.
fn scan() -> impl Strategy<Value = Scan> {
    let source = prop_oneof![
        Just((true, Source::Primary)),
        Just((false, Source::Primary)),
        Just((true, Source::Expiring)),
        Just((false, Source::Expiring)),
        Just((true, Source::Index("n".into()))),
        Just((true, Source::Index("tags".into()))),
        Just((true, Source::Index("mail".into()))),
        Just((true, Source::Index("[n+mail]".into()))),
    ];
    let rest = (0usize..6, prop::option::of(0usize..6), any::<bool>(), 0u8..3, prop::option::of((0u8..8, 0u8..8)));
    (source, (0u8..8, 0u8..8, any::<bool>(), any::<bool>()), rest).prop_map(
        |((people, source), (from, to, whole, open), (offset, limit, backward, read, after))| {
            let at = |n: u8| match &source {
                Source::Primary => Key::from(format!("k{n}").as_str()),
                Source::Expiring => Key::Number(1e6 + f64::from(n)),
                Source::Index(name) => match name.as_str() {
                    "n" => Key::Number(f64::from(n)),
                    "tags" => Key::from(format!("t{n}").as_str()),
                    "mail" => Key::from(format!("m{n}").as_str()),
                    _ => Key::Array(vec![Key::Number(f64::from(n)), Key::from("m2")]),
                },
            };
            let range = match (whole, open) {
                (true, _) => KeyRange::all(),
                (false, true) => KeyRange { lower: Bound::Excluded(at(from)), upper: Bound::Excluded(at(to)) },
                (false, false) => KeyRange { lower: Bound::Included(at(from)), upper: Bound::Included(at(to)) },
            };
            let after = after.map(|(index_key, key)| {
                let key = Key::from(format!("k{key}").as_str());
                Position { at: if source == Source::Primary { key.clone() } else { at(index_key) }, key }
            });
            Scan {
                collection: collection(people).into(),
                range,
                direction: if backward { Direction::Backward } else { Direction::Forward },
                after,
                offset: if offset < 3 { 0 } else { offset - 2 },
                limit,
                read: [Read::Records, Read::Meta, Read::Keys][usize::from(read)],
                source,
            }
        },
    )
}

/// What a scan shows, as text.
fn shown(backend: &dyn Backend, scan: &Scan) -> String {
    let rows = now_or(backend.scan(scan)).unwrap();
    let show = |row: &Row| match &row.record {
        None => row.key.to_text(),
        Some(record) => {
            let Body::Clear(payload) = &record.body else { unreachable!() };
            let meta = &record.meta;
            let metadata = meta.metadata.as_ref().map(|metadata| metadata.to_wire().unwrap());
            let text = payload.to_wire().unwrap();
            format!("{}={text} v{} {:?} {metadata:?} {:?}", row.key.to_text(), meta.version, meta.tags, meta.expires)
        }
    };
    rows.iter().map(show).collect::<Vec<_>>().join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_a_transaction_sees_is_what_there_would_be(
        before in prop::collection::vec(step(), 0..20),
        during in prop::collection::vec((prop::collection::vec(step(), 1..4), prop::collection::vec(scan(), 1..5)), 1..12),
        serializable in any::<bool>(),
    ) {
        let (base, model) = (memory(), memory());
        for step in &before {
            let _ = commit(&*base, vec![op(step)]);
            let _ = commit(&*model, vec![op(step)]);
        }
        let isolation = if serializable { Isolation::Serializable } else { Isolation::ReadCommitted };
        let transaction = overlay(&base, isolation, &Open::default());
        for (steps, scans) in &during {
            let ops = || steps.iter().map(op).collect::<Vec<_>>();
            let staged = commit(&*transaction, ops());
            let wanted = commit(&*model, ops());
            prop_assert_eq!(
                staged.as_ref().map_err(Error::kind).map(|receipt| receipt.ops.iter().map(|op| (op.key.clone(), op.version)).collect::<Vec<_>>()),
                wanted.as_ref().map_err(Error::kind).map(|receipt| receipt.ops.iter().map(|op| (op.key.clone(), op.version)).collect::<Vec<_>>())
            );
            for scan in scans {
                prop_assert_eq!(shown(&*transaction, scan), shown(&*model, scan), "{:?}", scan);
                let counted = |backend: &dyn Backend| now_or(backend.count(&scan.collection, &scan.source, &scan.range)).unwrap();
                prop_assert_eq!(counted(&*transaction), counted(&*model));
            }
            for key in 0..8 {
                let key = format!("k{key}");
                prop_assert_eq!(value(&*transaction, "people", &key), value(&*model, "people", &key));
            }
            prop_assert_eq!(now_or(transaction.namespaces()).unwrap(), now_or(model.namespaces()).unwrap());
        }
        flush(&transaction, &*base).unwrap();
        for people in [true, false] {
            let all = Scan::all(collection(people));
            prop_assert_eq!(shown(&*base, &all), shown(&*model, &all));
        }
    }

    #[test]
    fn a_serializable_transaction_commits_only_if_all_that_it_saw_is_still_so(
        before in prop::collection::vec(step(), 0..15),
        scans in prop::collection::vec(scan(), 1..4),
        meanwhile in prop::collection::vec(step(), 1..4),
    ) {
        let base = memory();
        for step in &before {
            let _ = commit(&*base, vec![op(step)]);
        }
        let transaction = overlay(&base, Isolation::Serializable, &Open::default());
        let states = |scans: &[Scan]| -> Vec<Vec<(Key, u64, u64)>> {
            scans.iter().map(|scan| {
                let scan = Scan { read: Read::Meta, ..scan.clone() };
                let rows = now_or(base.scan(&scan)).unwrap();
                rows.into_iter().map(|row| {
                    let meta = row.record.unwrap().meta;
                    (row.key, meta.version, meta.modified.to_bits())
                }).collect()
            }).collect()
        };
        let saw = states(&scans);
        for scan in &scans {
            shown(&*transaction, scan);
        }
        for (at, step) in meanwhile.iter().enumerate() {
            let now = 100.0 + f64::from(u32::try_from(at).unwrap());
            let _ = now_or(base.commit(WriteBatch { ops: vec![op(step)], now, ..WriteBatch::default() }));
        }
        let outcome = flush(&transaction, &*base);
        if states(&scans) != saw {
            prop_assert_eq!(outcome.map_err(|error| error.kind()).map(drop), Err(ErrorKind::Conflict));
        }
    }
}

//! Histories, at random.

use std::rc::Rc;

use proptest::prelude::*;
use proptest::sample::select;
use tidekeep::backend::Backend;
use tidekeep::model::{
    BaseChange, Body, Content, Delete, Key, Precondition, Put, RemoteState, Replica, Replicate, WriteOp,
};
use tidekeep::platform::Payload;
use tidekeep::store::{Match, Prefix};
use tidekeep::sync::Hlc;

use crate::tab::{body, put, rows};

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Commit {
        tab: usize,
        ops: Vec<Op>,
    },
    Refused {
        tab: usize,
        ops: Vec<Op>,
    },
    Search {
        tab: usize,
        text: String,
        matching: Match,
        prefix: Prefix,
    },
    Tidy,
    Reload(usize),
    /// The next writing call but so many fails; with `true`, what it was to write is written all the same.
    Break(u32, bool),
    Damage(usize),
    Reindex(usize),
    /// What a version without the index writes to IndexedDB: the log is emptied with it.
    Unkept(Vec<Op>),
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Put(u32, String, String),
    Remote(u32, Option<String>),
    Touch(u32),
    Delete(u32),
    Clear,
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    let word = select(vec!["a", "ab", "abc", "abd", "b", "ba", "bab", "c", "ca", "cab", "sea", "seal", "season"]);
    prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let key = || 0..12u32;
    prop_oneof![
        6 => (key(), text(), text()).prop_map(|(key, title, body)| Op::Put(key, title, body)),
        2 => (key(), prop::option::of(text())).prop_map(|(key, title)| Op::Remote(key, title)),
        1 => key().prop_map(Op::Touch),
        2 => key().prop_map(Op::Delete),
        1 => Just(Op::Clear),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let tab = || 0..4usize;
    let ops = || prop::collection::vec(op(), 1..5);
    let matching = select(vec![Match::All, Match::Any]);
    let prefix = select(vec![Prefix::None, Prefix::Last, Prefix::Every]);
    prop_oneof![
        10 => (tab(), ops()).prop_map(|(tab, ops)| Step::Commit { tab, ops }),
        1 => (tab(), ops()).prop_map(|(tab, ops)| Step::Refused { tab, ops }),
        8 => (tab(), text(), matching, prefix).prop_map(|(tab, text, matching, prefix)| Step::Search { tab, text, matching, prefix }),
        3 => Just(Step::Tidy),
        2 => tab().prop_map(Step::Reload),
        2 => (0..3u32, any::<bool>()).prop_map(|(after, kept)| Step::Break(after, kept)),
        1 => (0..20usize).prop_map(Step::Damage),
        1 => tab().prop_map(Step::Reindex),
        1 => ops().prop_map(Step::Unkept),
    ]
}

pub(crate) fn write_ops(ops: &[Op], raw: &Rc<dyn Backend>) -> Vec<WriteOp> {
    let there = rows(raw, "notes");
    let mut live: Vec<Key> = there.iter().map(|record| record.key.clone()).collect();
    let replica = Replica { rev: Some(1), hlc: Hlc::new(1, 0, 7), dirty: false };
    let mut made = Vec::new();
    for op in ops {
        made.push(match op {
            Op::Put(key, title, body) => {
                live.push(Key::from(*key));
                put(*key, title, body)
            }
            Op::Remote(key, title) => {
                live.retain(|known| *known != Key::from(*key));
                live.extend(title.is_some().then(|| Key::from(*key)));
                let present = |title: &String| RemoteState::Present {
                    body: body(title, "sea"),
                    metadata: None,
                    tags: Vec::new(),
                    expires: None,
                    created: 1.0,
                    modified: 1.0,
                };
                let state = Some(title.as_ref().map_or(RemoteState::Deleted, present));
                let (collection, key) = ("notes".to_owned(), Key::from(*key));
                WriteOp::Replicate(Replicate {
                    collection,
                    key,
                    state,
                    replica,
                    base: BaseChange::Keep,
                    checksum: None,
                    precondition: Precondition::None,
                })
            }
            Op::Touch(key) if live.contains(&Key::from(*key)) => WriteOp::Put(Put {
                content: Content::Keep,
                tags: Some(vec!["touched".to_owned()]),
                ..Put::new("notes", Key::from(*key), Body::Clear(Payload::undefined()))
            }),
            Op::Touch(key) | Op::Delete(key) => {
                live.retain(|known| *known != Key::from(*key));
                WriteOp::Delete(Delete::new("notes", Key::from(*key)))
            }
            Op::Clear => {
                live.clear();
                WriteOp::Clear { collection: "notes".to_owned() }
            }
        });
    }
    made
}

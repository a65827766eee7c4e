//! What the tabs of one database tell each other: a text, read as strictly as if a stranger had written it.

use core::mem::take;

use super::{Change, ChangeKind};
use crate::json::{FromJson, Json, Malformed, Members, Object, array, quoted, read};
use crate::model::{Key, check_name};

/// The one version of a message that is understood; others are ignored.
const VERSION: u64 = 1;
/// How many changes of one commit are told one by one. Above, collections are told to have changed in many places.
const MOST_CHANGES: usize = 1_000;

/// Something that one tab tells the others.
///
/// # Behavior
///
/// - That the keys are to be locked is said without a word of which, or why.
/// - It is a text; keys of every type survive it.
/// - A commit of more than a thousand records is told as its collections, each changed in [many](ChangeKind::Many)
///   places; one that was emptied stays so.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a message of its own")]
pub struct TabMessage {
    /// Whether something was written that waits to be sent to the endpoint.
    pub wrote: bool,
    /// What was changed, commit by commit.
    pub commits: Vec<Vec<Change>>,
    /// Whether the keys are to be locked.
    pub lock: bool,
    /// Whether there may be keys that the others do not know.
    pub keys: bool,
    /// When open keys were used last, milliseconds since the epoch.
    pub used: Option<f64>,
    /// Whether something was said of sync that all are to follow.
    pub said: bool,
}

impl TabMessage {
    /// Reads a message.
    ///
    /// # Behavior
    ///
    /// - None for a message of another version, and for what is no message: a part of one is never taken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read(text).ok()
    }

    /// Writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let message = Object::new()
            .whole("tidekeep", VERSION)
            .flag("wrote", self.wrote)
            .json("commits", &array(self.commits.iter().map(|commit| commit_text(commit))));
        let message = if self.lock { message.flag("lock", true) } else { message };
        let message = if self.keys { message.flag("keys", true) } else { message };
        let message = if self.said { message.flag("said", true) } else { message };
        message.maybe(self.used, |message, used| message.number("used", used)).finish()
    }
}

impl FromJson for TabMessage {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        members.required("tidekeep", |json| json.whole().filter(|version| *version == VERSION))?;
        Ok(Self {
            wrote: members.required("wrote", Json::flag)?,
            commits: members.required("commits", |json| json.items()?.into_iter().map(commit).collect())?,
            lock: members.optional("lock", Json::flag)?.unwrap_or(false),
            keys: members.optional("keys", Json::flag)?.unwrap_or(false),
            used: members.optional("used", Json::number)?,
            said: members.optional("said", Json::flag)?.unwrap_or(false),
        })
    }
}

/// A list of runs: `[collection, kind, key, key, …]`.
fn commit_text(commit: &[Change]) -> String {
    let runs = commit.chunk_by(|a, b| a.kind == b.kind && a.collection == b.collection);
    array(runs.filter_map(|run| {
        let first = run.first()?;
        let head = [quoted(&first.collection), quoted(name(first.kind))];
        let keys = run.iter().filter(|change| is_of_one(change.kind)).map(|change| quoted(&change.key.to_text()));
        Some(array(head.into_iter().chain(keys)))
    }))
}

fn commit(json: Json<'_>) -> Option<Vec<Change>> {
    let mut changes = Vec::new();
    for run in json.items()? {
        let mut run = run.items()?.into_iter();
        let collection = run.next()?.string().filter(|name| check_name(name).is_ok())?;
        let kind = kind(&run.next()?.string()?)?;
        if !is_of_one(kind) {
            changes.push(Change::of_all(&collection, kind));
        }
        for key in run {
            let key = Key::from_text(&key.string()?).ok().filter(|key| is_of_one(kind) && key.is_valid())?;
            changes.push(Change::new(&collection, key, kind));
        }
    }
    Some(changes)
}

const fn is_of_one(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::Put | ChangeKind::Delete)
}

const fn name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Put => "put",
        ChangeKind::Delete => "delete",
        ChangeKind::Clear => "clear",
        ChangeKind::Many => "many",
    }
}

fn kind(name: &str) -> Option<ChangeKind> {
    Some(match name {
        "put" => ChangeKind::Put,
        "delete" => ChangeKind::Delete,
        "clear" => ChangeKind::Clear,
        "many" => ChangeKind::Many,
        _ => return None,
    })
}

/// What waits to be told: what is committed in one turn goes out together.
#[derive(Debug, Default)]
pub struct Outgoing {
    message: TabMessage,
    /// Whether someone will [take](Outgoing::take) what waits.
    awaited: bool,
}

impl Outgoing {
    /// Adds the changes of a commit; answers whether nothing waited before, so that someone has to see to it.
    pub fn changed(&mut self, commit: &[Change]) -> bool {
        self.message.commits.push(if commit.len() > MOST_CHANGES { summary(commit) } else { commit.to_vec() });
        !core::mem::replace(&mut self.awaited, true)
    }

    /// Adds that something waits to be sent; answers like [`changed`](Outgoing::changed).
    pub fn wrote(&mut self) -> bool {
        self.message.wrote = true;
        !core::mem::replace(&mut self.awaited, true)
    }

    /// Takes what waits.
    pub fn take(&mut self) -> TabMessage {
        self.awaited = false;
        take(&mut self.message)
    }
}

/// The collections of a commit, each once, in the order in which they come.
fn summary(commit: &[Change]) -> Vec<Change> {
    let mut told: Vec<Change> = Vec::new();
    for change in commit {
        let all = Change::of_all(
            &change.collection,
            if change.kind == ChangeKind::Clear { ChangeKind::Clear } else { ChangeKind::Many },
        );
        if !told.contains(&all) {
            told.push(all);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = Key> {
        let leaf = prop_oneof![
            any::<f64>().prop_filter("NaN is no key", |n| !n.is_nan()).prop_map(Key::Number),
            (-8.64e15..8.64e15f64).prop_map(|ms| Key::Date(ms.trunc())),
            any::<String>().prop_map(Key::String),
            any::<Vec<u8>>().prop_map(Key::Binary),
        ];
        leaf.prop_recursive(3, 8, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Key::Array))
    }

    fn changes() -> impl Strategy<Value = Change> {
        let names = prop_oneof![Just("notes"), Just("ä “b” \\ \u{1}"), Just("default")];
        prop_oneof![
            8 => (names.clone(), keys(), prop_oneof![Just(ChangeKind::Put), Just(ChangeKind::Delete)])
                .prop_map(|(name, key, kind)| Change::new(name, key, kind)),
            1 => (names, prop_oneof![Just(ChangeKind::Clear), Just(ChangeKind::Many)])
                .prop_map(|(name, kind)| Change::of_all(name, kind)),
        ]
    }

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(
            wrote: bool,
            commits in prop::collection::vec(prop::collection::vec(changes(), 0..6), 0..4),
            lock: bool,
            keys: bool,
            used in prop::option::of(0.0..9e15f64),
            said: bool,
        ) {
            let commits: Vec<Vec<Change>> = commits.into_iter().map(|mut commit| {
                commit.dedup_by(|a, b| !is_of_one(a.kind) && a == b);
                commit
            }).collect();
            let message = TabMessage { wrote, commits, lock, keys, used, said };
            prop_assert_eq!(TabMessage::parse(&message.to_text()), Some(message));
        }

        #[test]
        fn no_text_is_more_than_ignored(text: String) {
            prop_assert!(TabMessage::parse(&text).is_none());
        }

        #[test]
        fn a_damaged_message_is_read_whole_or_not_at_all(at in 0usize..80, with: char) {
            let commits = vec![vec![Change::new("notes", Key::from("a"), ChangeKind::Put)]];
            let message = TabMessage { wrote: true, commits, ..TabMessage::default() };
            let mut text: Vec<char> = message.to_text().chars().collect();
            if let Some(place) = text.get_mut(at) {
                *place = with;
            }
            let read = TabMessage::parse(&text.into_iter().collect::<String>());
            prop_assert!(read.is_none_or(|message| message.commits.iter().all(|commit| commit.len() == 1)));
        }
    }

    #[test]
    fn messages_of_another_version_and_hostile_ones_are_ignored() {
        for text in [
            "wrote",
            "{}",
            r#"{"tidekeep":2,"wrote":true,"commits":[]}"#,
            r#"{"tidekeep":1,"wrote":1,"commits":[]}"#,
            r#"{"tidekeep":1,"wrote":true}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[],"lock":1}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[],"used":"now"}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[],"said":"all"}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[["notes","put","a"]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["tidekeep:keys","put","a"]]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["credentials","put","a"]]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["notes","drop","a"]]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["notes","clear","a"]]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["notes","put","~{\"date\":0.5}"]]]}"#,
            r#"{"tidekeep":1,"wrote":true,"commits":[[["notes","put","a"],["notes","put","~"]]]}"#,
        ] {
            assert_eq!(TabMessage::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_large_commit_is_told_as_its_collections() {
        let mut outgoing = Outgoing::default();
        let mut commit = vec![Change::of_all("places", ChangeKind::Clear)];
        commit.extend((0..2_000).map(|at| {
            let name = if at % 2 == 0 { "notes" } else { "places" };
            Change::new(name, Key::from(at), ChangeKind::Put)
        }));
        assert!(outgoing.changed(&commit));
        assert!(!outgoing.wrote());
        let message = outgoing.take();
        let told =
            ["places", "notes", "places"].into_iter().zip([ChangeKind::Clear, ChangeKind::Many, ChangeKind::Many]);
        let told: Vec<Change> = told.map(|(name, kind)| Change::of_all(name, kind)).collect();
        assert_eq!(message, TabMessage { wrote: true, commits: vec![told], ..TabMessage::default() });
        assert!(outgoing.wrote(), "what was taken waits no longer");
    }
}

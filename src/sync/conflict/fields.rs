//! Merging two changes of one document, field by field.
//!
//! It works on the value encoding of `docs/formats.md`. There, an object with a member `$` stands for something else: a
//! date, bytes, a map. Such values, arrays and texts are taken as wholes.

use litemap::LiteMap;

use crate::json::{Json, Members, Object};

/// Which of two changes was made later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Later {
    /// Ours.
    Local,
    /// The endpoint's.
    Remote,
}

type Fields<'a> = LiteMap<&'a str, Json<'a>>;

/// The value that has what both changed, given the one that both were made on; none where one is no plain object.
///
/// # Behavior
///
/// - A field that one side changed, added or removed is as that side has it.
/// - Of one that both changed, a plain object is merged by its own fields, and of anything else the later change stays.
/// - Without a base, what one side alone has stays.
pub(crate) fn merged(base: Option<&str>, local: &str, remote: &str, later: Later) -> Option<String> {
    let (local, remote) = (Json::parse(local).ok()?, Json::parse(remote).ok()?);
    if !is_plain(local) || !is_plain(remote) {
        return None;
    }
    let base = base.and_then(|base| Json::parse(base).ok()).filter(|base| is_plain(*base));
    merge(base, local, remote, later)
}

/// Whether it is an object whose members are fields.
fn is_plain(json: Json<'_>) -> bool {
    json.members().is_ok_and(|members| members.iter().all(|(name, _)| name != "$"))
}

fn merge(base: Option<Json<'_>>, local: Json<'_>, remote: Json<'_>, later: Later) -> Option<String> {
    let none = Json::parse("{}").ok()?;
    let (base, local, remote) = (base.unwrap_or(none).members().ok()?, local.members().ok()?, remote.members().ok()?);
    let (before, ours, theirs) = (fields(&base), fields(&local), fields(&remote));
    let added = theirs.iter().filter(|(name, _)| !ours.contains_key(*name)).map(|(name, _)| *name);
    let mut object = Object::new();
    for name in local.iter().map(|(name, _)| name).chain(added) {
        if let Some(value) = field(before.get(name), ours.get(name), theirs.get(name), later) {
            object = object.json(name, &value);
        }
    }
    Some(object.finish())
}

fn fields<'a>(members: &'a Members<'_>) -> Fields<'a> {
    let mut fields = Fields::new();
    for (name, value) in members.iter() {
        fields.insert(name, value);
    }
    fields
}

/// What becomes of one field; none where it goes.
fn field(base: Option<&Json<'_>>, local: Option<&Json<'_>>, remote: Option<&Json<'_>>, later: Later) -> Option<String> {
    let text = |json: Option<&Json<'_>>| json.map(|json| json.text().to_owned());
    if same(local, base) || same(local, remote) {
        return text(remote);
    }
    if same(remote, base) {
        return text(local);
    }
    match (local, remote) {
        (Some(local), Some(remote)) if is_plain(*local) && is_plain(*remote) => {
            merge(base.copied().filter(|base| is_plain(*base)), *local, *remote, later)
        }
        _ => text(if later == Later::Local { local } else { remote }),
    }
}

/// Whether two values are the same, in whatever order their fields are.
fn same(a: Option<&Json<'_>>, b: Option<&Json<'_>>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a.is_none() && b.is_none() };
    if a.text() == b.text() {
        return true;
    }
    let (Ok(a), Ok(b)) = (a.members(), b.members()) else { return false };
    let (a, b) = (fields(&a), fields(&b));
    a.len() == b.len() && a.iter().all(|(name, value)| same(Some(value), b.get(name)))
}

/// Whether two encoded values are the same, in whatever order their fields are.
pub(crate) fn are_same(a: &str, b: &str) -> bool {
    a == b || Json::parse(a).is_ok_and(|a| Json::parse(b).is_ok_and(|b| same(Some(&a), Some(&b))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn three(base: Option<&Value>, local: &Value, remote: &Value, later: Later) -> Option<Value> {
        let base = base.map(Value::to_string);
        let text = merged(base.as_deref(), &local.to_string(), &remote.to_string(), later)?;
        Some(serde_json::from_str(&text).unwrap())
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (0..4u8).prop_map(Value::from),
            Just(json!([1, { "a": 1 }])),
            Just(json!({ "$": "date", "v": 5 })),
            "[ab\"\\\\é]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| objects(inner).boxed())
    }

    fn objects(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        prop::collection::vec(("[abc]", inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    /// The same merge, of the values themselves.
    fn model(base: Option<&Value>, local: &Map<String, Value>, remote: &Map<String, Value>, later: Later) -> Value {
        let plain = |value: &Value| value.as_object().filter(|object| !object.contains_key("$")).cloned();
        let base = base.and_then(plain).unwrap_or_default();
        let mut result = Map::new();
        let mut names: Vec<&String> = local.keys().chain(remote.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (b, l, r) = (base.get(name), local.get(name), remote.get(name));
            let chosen = match (l.and_then(plain), r.and_then(plain)) {
                _ if l == b => r.cloned(),
                _ if r == b || l == r => l.cloned(),
                (Some(l), Some(r)) => Some(model(b, &l, &r, later)),
                _ if later == Later::Local => l.cloned(),
                _ => r.cloned(),
            };
            result.extend(chosen.map(|value| (name.clone(), value)));
        }
        Value::Object(result)
    }

    proptest! {
        #[test]
        fn a_merge_is_what_its_rules_say(
            base in prop::option::of(values()), local in values(), remote in values(), local_later: bool,
        ) {
            let later = if local_later { Later::Local } else { Later::Remote };
            let found = three(base.as_ref(), &local, &remote, later);
            let objects = |value: &Value| value.as_object().filter(|object| !object.contains_key("$")).cloned();
            let expected = objects(&local).zip(objects(&remote)).map(|(l, r)| model(base.as_ref(), &l, &r, later));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn both_devices_would_make_the_same_of_it(
            base in objects(values()), local in objects(values()), remote in objects(values()), local_later: bool,
        ) {
            let (here, there) = if local_later { (Later::Local, Later::Remote) } else { (Later::Remote, Later::Local) };
            prop_assert_eq!(three(Some(&base), &local, &remote, here), three(Some(&base), &remote, &local, there));
        }

        #[test]
        fn what_only_one_side_changed_is_taken_whole(base in objects(values()), changed in objects(values())) {
            for later in [Later::Local, Later::Remote] {
                prop_assert_eq!(three(Some(&base), &changed, &base, later), Some(changed.clone()));
                prop_assert_eq!(three(Some(&base), &base, &changed, later), Some(changed.clone()));
            }
        }
    }

    #[test]
    fn fields_of_two_sides_meet_and_of_one_field_the_later_change_stays() {
        let base =
            json!({ "title": "a", "done": false, "at": { "$": "date", "v": 1 }, "to": { "city": "x", "zip": 1 } });
        let local =
            json!({ "title": "b", "done": false, "at": { "$": "date", "v": 2 }, "to": { "city": "y", "zip": 1 } });
        let remote = json!({ "title": "c", "done": true, "at": { "$": "date", "v": 3 }, "to": { "city": "x" } });
        assert_eq!(
            three(Some(&base), &local, &remote, Later::Remote),
            Some(json!({ "title": "c", "done": true, "at": { "$": "date", "v": 3 }, "to": { "city": "y" } })),
        );
    }
}

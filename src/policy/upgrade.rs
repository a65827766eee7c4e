//! From the object stores that are there to those that are wanted.
//!
//! Nothing is ever dropped: what is there and not wanted belongs to an older or newer version of the application, which
//! may be open in another tab.

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Index, KeyPath};

/// An object store, as declared or as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreShape {
    /// Its name.
    pub name: String,
    /// Where its rows carry their keys; none where keys lie beside the rows.
    pub key_path: Option<KeyPath>,
    /// Whether it numbers its rows by itself.
    pub auto_increment: bool,
    /// Its indexes.
    pub indexes: Vec<Index>,
}

/// A change of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make an object store with its indexes, and move the rows into it that lie in the shared store under its name.
    Create(StoreShape),
    /// Copy every row to its key under another key path. These are the store's shape and indexes afterwards.
    Rekey(StoreShape),
    /// Remove an index.
    DropIndex {
        /// Whose.
        store: String,
        /// Its name.
        index: String,
    },
    /// Add an index over all rows.
    AddIndex {
        /// Whose.
        store: String,
        /// The index.
        index: Index,
    },
}

/// What may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The application opens its store: its declarations count.
    Opening,
    /// A connection comes back. Another version of the application may have changed the schema meanwhile; were each to
    /// undo the other's changes, two tabs would upgrade for ever. So only what is missing altogether is made.
    ComingBack,
}

/// The steps from what is found to what is wanted, in order; none where nothing is missing.
///
/// # Behavior
///
/// - A store that is not wanted stays as it is.
/// - An index over the tags of a blind one is removed where it is not wanted: what tells of values goes.
/// - Any other index that is not wanted stays, for the version of the application that wants it. If it is unique it stays as
///   one that is not, since it would go on refusing records.
/// - Taking the steps and planning again gives no steps.
/// - When a connection comes back, nothing that is there is changed.
///
/// # Errors
///
/// `INVALID_CONFIG` for a store of another making whose rows are numbered, or are to be and are not.
pub fn plan(found: &[StoreShape], wanted: &[StoreShape], occasion: Occasion) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for shape in wanted {
        match found.iter().find(|there| there.name == shape.name) {
            None => steps.push(Step::Create(shape.clone())),
            Some(_) if occasion == Occasion::ComingBack => {}
            Some(there) if there.auto_increment != shape.auto_increment => {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "an object store of this name was made by other code, and numbers its rows otherwise; declare another name",
                )
                .with("collection", &shape.name));
            }
            Some(there) if there.key_path != shape.key_path => {
                let kept = there.indexes.iter().filter(|index| !names(&shape.indexes, index) && !is_over_tags(index));
                let kept = kept.map(lenient);
                let indexes = shape.indexes.iter().cloned().chain(kept).collect();
                steps.push(Step::Rekey(StoreShape { indexes, ..shape.clone() }));
            }
            Some(there) => indexes(there, shape, &mut steps),
        }
    }
    Ok(steps)
}

fn indexes(there: &StoreShape, wanted: &StoreShape, steps: &mut Vec<Step>) {
    let drop = |index: &Index| Step::DropIndex { store: there.name.clone(), index: index.name.clone() };
    let add = |index: Index| Step::AddIndex { store: there.name.clone(), index };
    for index in &there.indexes {
        match names(&wanted.indexes, index) {
            false if is_over_tags(index) => steps.push(drop(index)),
            false if index.unique => steps.extend([drop(index), add(lenient(index))]),
            _ => {}
        }
    }
    for index in &wanted.indexes {
        match there.indexes.iter().find(|there| there.name == index.name) {
            Some(there) if there == index => {}
            Some(there) => steps.extend([drop(there), add(index.clone())]),
            None => steps.push(add(index.clone())),
        }
    }
}

fn names(indexes: &[Index], index: &Index) -> bool {
    indexes.iter().any(|other| other.name == index.name)
}

/// What the key path of an index begins with that is over the tags of a blind one.
pub const BLIND_TAGS: &str = "_tidekeep.blind.";

/// Whether an index that was found is over the tags of a blind one.
#[must_use]
pub fn is_over_tags(index: &Index) -> bool {
    index.key_path.paths().iter().any(|path| path.starts_with(BLIND_TAGS))
}

/// The index, refusing nothing.
fn lenient(index: &Index) -> Index {
    Index { unique: false, ..index.clone() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_over_tags_goes_where_it_is_not_wanted() {
        let path = KeyPath::Single(format!("{BLIND_TAGS}email"));
        let email = Index { name: "email".to_owned(), key_path: path, ..Index::parse("email").unwrap() };
        let mut there = shape("people", None, &["name"]);
        there.indexes.push(email.clone());
        let dropped = Step::DropIndex { store: "people".to_owned(), index: "email".to_owned() };
        let found = core::slice::from_ref(&there);
        assert_eq!(
            plan(found, &[shape("people", None, &[])], Occasion::Opening).unwrap(),
            core::slice::from_ref(&dropped)
        );
        assert_eq!(plan(found, &[shape("people", None, &[])], Occasion::ComingBack).unwrap(), []);
        let steps = plan(found, &[shape("people", None, &["email"])], Occasion::Opening).unwrap();
        assert_eq!(steps.first(), Some(&dropped), "one of the same name over the value");
        let steps = plan(found, &[shape("people", Some("id"), &[])], Occasion::Opening).unwrap();
        assert!(!format!("{steps:?}").contains(BLIND_TAGS), "nor is it kept by another key path");
    }

    fn shape(name: &str, key_path: Option<&str>, indexes: &[&str]) -> StoreShape {
        StoreShape {
            name: name.to_owned(),
            key_path: key_path.map(|path| KeyPath::Single(path.to_owned())),
            auto_increment: false,
            indexes: indexes.iter().map(|text| Index::parse(text).unwrap()).collect(),
        }
    }

    /// What the steps make of the stores.
    fn taken(mut stores: Vec<StoreShape>, steps: Vec<Step>) -> Vec<StoreShape> {
        for step in steps {
            match step {
                Step::Create(shape) => stores.push(shape),
                Step::Rekey(shape) => {
                    stores.retain(|store| store.name != shape.name);
                    stores.push(shape);
                }
                Step::DropIndex { store, index } => {
                    let store = stores.iter_mut().find(|other| other.name == store).unwrap();
                    store.indexes.retain(|other| other.name != index);
                }
                Step::AddIndex { store, index } => {
                    let store = stores.iter_mut().find(|other| other.name == store).unwrap();
                    assert!(!names(&store.indexes, &index), "an index that is there cannot be added");
                    store.indexes.push(index);
                }
            }
        }
        stores
    }

    fn stores() -> impl Strategy<Value = Vec<StoreShape>> {
        let index = prop_oneof![Just("a"), Just("&a"), Just("*b"), Just("&c"), Just("c"), Just("[a+b]")];
        let key_path = prop_oneof![Just(None), Just(Some("id")), Just(Some("slug"))];
        let store = (key_path, prop::collection::vec(index, 0..4)).prop_map(|(key_path, indexes)| {
            let mut shape = shape("", key_path, &indexes);
            let mut names: Vec<String> = Vec::new();
            shape.indexes.retain(|index| {
                let first = !names.contains(&index.name);
                names.push(index.name.clone());
                first
            });
            shape
        });
        prop::collection::vec(prop::option::of(store), 4).prop_map(|stores| {
            let named = stores.into_iter().zip(["w", "x", "y", "z"]);
            named.filter_map(|(store, name)| store.map(|store| StoreShape { name: name.to_owned(), ..store })).collect()
        })
    }

    proptest! {
        #[test]
        fn after_the_steps_everything_wanted_is_there_nothing_is_gone_and_nothing_is_left_to_do(
            found in stores(), wanted in stores()
        ) {
            let steps = plan(&found, &wanted, Occasion::Opening).unwrap();
            let after = taken(found.clone(), steps);
            for store in &wanted {
                let there = after.iter().find(|there| there.name == store.name).unwrap();
                prop_assert_eq!(&there.key_path, &store.key_path);
                prop_assert!(store.indexes.iter().all(|index| there.indexes.contains(index)));
                let stray = |index: &&Index| index.unique && !names(&store.indexes, index);
                prop_assert_eq!(there.indexes.iter().find(stray), None);
            }
            for store in &found {
                let there = after.iter().find(|there| there.name == store.name).unwrap();
                prop_assert!(store.indexes.iter().all(|index| names(&there.indexes, index)));
                if wanted.iter().all(|other| other.name != store.name) {
                    prop_assert_eq!(there, store);
                }
            }
            prop_assert_eq!(plan(&after, &wanted, Occasion::Opening).unwrap(), []);
        }

        #[test]
        fn whoever_comes_back_to_the_schema_of_another_version_changes_nothing_of_it(
            older in stores(), newer in stores()
        ) {
            let at_first = taken(Vec::new(), plan(&[], &older, Occasion::Opening).unwrap());
            let upgraded = taken(at_first.clone(), plan(&at_first, &newer, Occasion::Opening).unwrap());
            prop_assert_eq!(plan(&upgraded, &older, Occasion::ComingBack).unwrap(), []);
        }
    }

    #[test]
    fn a_new_key_path_copies_the_rows_and_keeps_every_index() {
        let found = [shape("notes", Some("id"), &["place", "&title"])];
        let wanted = [shape("notes", Some("slug"), &["author"])];
        let after = shape("notes", Some("slug"), &["author", "place", "title"]);
        assert_eq!(plan(&found, &wanted, Occasion::Opening).unwrap(), [Step::Rekey(after)]);
    }

    #[test]
    fn a_store_that_numbers_its_rows_is_no_collection() {
        let found = [StoreShape { auto_increment: true, ..shape("notes", None, &[]) }];
        let refused = plan(&found, &[shape("notes", None, &[])], Occasion::Opening).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    }
}

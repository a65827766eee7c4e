//! Which way is chosen, and what remains to be checked.

use super::*;
use crate::model::{Index, Key, KeyPath};
use crate::platform::Payload;
use crate::query::{Field, Operator, Order};

fn collection(key_path: Option<KeyPath>, indexes: &[&str]) -> Collection {
    let indexes = indexes.iter().map(|text| Index::parse(text).unwrap()).collect();
    Collection { key_path, indexes, ..Collection::default() }
}

fn places() -> Collection {
    let id = KeyPath::Single("id".to_owned());
    collection(Some(id), &["name", "country", "*tags", "&code", "[country+name]", "[country+kind+size]"])
}

fn is(field: &str, operator: &str, json: &str) -> Filter {
    let value = Payload::from_wire(json).unwrap();
    Filter::compare_with(Field::parse(field).unwrap(), Operator::parse(operator).unwrap(), &value).unwrap()
}

fn by(text: &str) -> Vec<Sort> {
    let sort = |field: &str| match field.strip_prefix('-') {
        Some(field) => Sort { field: Field::parse(field).unwrap(), order: Order::Descending },
        None => Sort { field: Field::parse(field).unwrap(), order: Order::Ascending },
    };
    text.split_whitespace().map(sort).collect()
}

/// A plan in one line: the source, the ranges, what remains, who orders.
fn told_of(plan: &Plan) -> String {
    let source = plan.index.as_deref().unwrap_or("primary");
    let rest = plan.residual_names.join(", ");
    let order = match (plan.order, plan.direction) {
        (OrderedBy::Index, Direction::Forward) => " forward",
        (OrderedBy::Index, Direction::Backward) => " backward",
        (OrderedBy::IndexThenMemory, Direction::Forward) => " forward, then sorted",
        (OrderedBy::IndexThenMemory, Direction::Backward) => " backward, then sorted",
        (OrderedBy::Memory, _) => " sorted",
        (OrderedBy::None, _) => "",
    };
    format!("{source} {} | {rest}{order}", plan.range)
}

fn told(conditions: &[Filter], sort: &str) -> String {
    let filter = Filter::And(conditions.to_vec());
    told_of(&plan(Some(&filter), &by(sort), Some(&places()), Extent::All))
}

#[test]
fn without_anything_to_go_by_everything_is_read() {
    assert_eq!(told_of(&plan(None, &[], None, Extent::All)), "primary all | ");
    assert_eq!(told_of(&plan(None, &by("-$key"), None, Extent::All)), "primary all |  backward");
    assert_eq!(told(&[is("size", "gt", "1")], "name"), "primary all | size gt sorted");
    assert_eq!(told(&[is("name", "ne", "1")], ""), "primary all | name ne");
}

#[test]
fn a_prefix_on_an_index_reads_its_hits_only() {
    assert_eq!(told(&[is("name", "startsWith", r#""Ber""#)], ""), r#"name ["Ber" .. "Bes") | "#);
    assert_eq!(told(&[is("name", "startsWith", r#""Ber""#)], "-name"), r#"name ["Ber" .. "Bes") |  backward"#);
}

#[test]
fn ranges_stay_within_the_type_of_their_operand() {
    assert_eq!(told(&[is("name", "gt", "5")], ""), r#"name (5 .. {"number":"Infinity"}] | "#);
    assert_eq!(told(&[is("name", "lt", "5")], ""), r#"name [{"number":"-Infinity"} .. 5) | "#);
    assert_eq!(told(&[is("name", "gte", "\"m\"")], ""), r#"name ["m" .. {"bytes":""}) | "#);
    assert_eq!(told(&[is("name", "lte", r#"{"$":"date","v":5}"#)], ""), {
        r#"name [{"date":-8640000000000000} .. {"date":5}] | "#
    });
    assert_eq!(told(&[is("name", "gte", "[1]")], ""), "name [[1] .. ) | name gte");
}

#[test]
fn conditions_on_one_field_are_cut_with_each_other() {
    let both = [is("name", "gte", "\"a\""), is("name", "lt", "\"c\"")];
    assert_eq!(told(&both, ""), r#"name ["a" .. "c") | "#);
    let contrary = [is("name", "gt", "\"c\""), is("name", "lt", "\"a\"")];
    assert_eq!(told(&contrary, "name"), "name nothing |  forward");
}

#[test]
fn the_key_is_best_then_unique_then_the_most_equalities() {
    let (key, unique) = (is("$key", "eq", "1"), is("code", "eq", "\"x\""));
    let (country, name) = (is("country", "eq", "\"DE\""), is("name", "eq", "\"Ulm\""));
    let all = [country.clone(), name.clone(), unique.clone(), key];
    assert_eq!(told(&all, ""), "primary [1] | country eq, name eq, code eq");
    assert_eq!(told(&[country.clone(), name.clone(), unique], ""), r#"code ["x"] | country eq, name eq"#);
    assert_eq!(told(&[country.clone(), name], ""), r#"[country+name] [["DE","Ulm"]] | "#);
    assert_eq!(told(&[country, is("name", "gt", "\"U\"")], ""), {
        r#"[country+name] [["DE","U\u0000"] .. ["DE",{"bytes":""}]) | "#
    });
}

#[test]
fn a_closed_range_beats_a_prefix_and_a_prefix_a_half_open_one() {
    let collection = collection(None, &["half", "prefix", "closed"]);
    let half = is("half", "gt", "1");
    let prefix = is("prefix", "startsWith", "\"a\"");
    let closed = is("closed", "between", "[1,2]");
    let chosen = |filters: &[&Filter]| {
        let filter = Filter::And(filters.iter().copied().cloned().collect());
        plan(Some(&filter), &[], Some(&collection), Extent::All).index.unwrap()
    };
    assert_eq!(chosen(&[&half, &prefix, &closed]), "closed");
    assert_eq!(chosen(&[&half, &prefix]), "prefix");
}

#[test]
fn the_field_of_the_key_path_is_the_key() {
    assert_eq!(told(&[is("id", "eq", "5")], ""), "primary [5] | ");
    assert_eq!(told(&[is("id", "gte", "5"), is("$key", "lt", "9")], "-id"), "primary [5 .. 9) |  backward");
    assert_eq!(told(&[], "id"), "primary all |  forward");
    assert_eq!(told(&[], "id -name"), "primary all |  forward");
}

#[test]
fn a_list_becomes_sorted_ranges_without_repeats() {
    assert_eq!(told(&[is("$key", "in", "[3,1,3,\"a\"]")], ""), r#"primary [1], [3], ["a"] | "#);
    let descending = plan(Some(&is("name", "in", "[1,2]")), &by("-name"), Some(&places()), Extent::All);
    assert_eq!(descending.branches[0].ranges, [KeyRange::only(Key::from(2)), KeyRange::only(Key::from(1))]);
    assert_eq!(told_of(&descending), "name [1], [2] |  backward");
    assert_eq!(told(&[is("name", "in", "[1,null]")], ""), "primary all | name in");
    assert_eq!(told(&[is("country", "eq", "1"), is("name", "in", "[3,2]")], "name"), {
        "[country+name] [[1,2]], [[1,3]] |  forward"
    });
}

#[test]
fn membership_is_read_from_a_multi_entry_index() {
    assert_eq!(told(&[is("tags", "contains", "\"a\"")], "$key"), r#"tags ["a"] |  forward"#);
    assert_eq!(told(&[is("tags", "contains", "\"a\"")], "tags"), r#"tags ["a"] |  sorted"#);
    let two = [is("tags", "contains", "\"a\""), is("tags", "contains", "\"b\"")];
    assert_eq!(told(&two, ""), r#"tags ["a"] | tags contains"#);
    assert_eq!(told(&[is("name", "contains", "\"a\"")], ""), "primary all | name contains");
}

#[test]
fn a_range_of_elements_is_checked_and_may_repeat_a_record() {
    let range = plan(Some(&is("tags", "startsWith", "\"a\"")), &by("tags"), Some(&places()), Extent::All);
    assert!(range.branches[0].distinct);
    assert_eq!(told_of(&range), r#"tags ["a" .. "b") | tags startsWith sorted"#);
    assert_eq!(told(&[is("tags", "gt", "[1]")], ""), "primary all | tags gt");
}

#[test]
fn a_compound_index_is_used_only_where_each_of_its_fields_is_asked_for() {
    let collection = collection(None, &["[a+b]"]);
    let told =
        |filters: &[Filter]| told_of(&plan(Some(&Filter::And(filters.to_vec())), &[], Some(&collection), Extent::All));
    assert_eq!(told(&[is("a", "eq", "1")]), "primary all | a eq");
    assert_eq!(told(&[is("a", "eq", "1"), is("b", "exists", "true")]), "primary all | a eq, b exists");
    assert_eq!(told(&[is("a", "gt", "1"), is("b", "eq", "2")]), {
        r#"[a+b] [[1.0000000000000002] .. [{"date":-8640000000000000}]) | b eq"#
    });
}

#[test]
fn a_compound_index_whose_last_field_is_the_key_path_needs_its_first_only() {
    let id = KeyPath::Single("id".to_owned());
    let collection = collection(Some(id), &["[country+id]"]);
    let told = |sort| told_of(&plan(Some(&is("country", "eq", "\"DE\"")), &by(sort), Some(&collection), Extent::All));
    assert_eq!(told("-id"), r#"[country+id] [["DE"] .. ["DE\u0000"]) |  backward"#);
}

#[test]
fn a_compound_key_path_is_read_by_its_parts() {
    let collection = collection(Some(KeyPath::Compound(vec!["kind".to_owned(), "id".to_owned()])), &[]);
    let told =
        |filter: Option<Filter>, sort| told_of(&plan(filter.as_ref(), &by(sort), Some(&collection), Extent::All));
    assert_eq!(told(Some(is("kind", "eq", "\"a\"")), "-id"), r#"primary [["a"] .. ["a\u0000"]) |  backward"#);
    assert_eq!(told(None, "kind id"), "primary all |  forward");
    assert_eq!(told(None, "kind"), "primary all |  forward");
    assert_eq!(told(None, "id"), "primary all |  sorted");
}

#[test]
fn an_index_orders_only_where_its_field_is_asked_for_and_nothing_else_varies() {
    let (country, name) = (is("country", "eq", "\"DE\""), is("name", "gt", "\"\""));
    assert!(told(core::slice::from_ref(&country), "name").ends_with("sorted"));
    assert!(told(&[country.clone(), name.clone()], "name").ends_with("forward"));
    assert!(told(&[country.clone(), name.clone()], "country -name").ends_with("backward"));
    assert!(told(&[country.clone(), name.clone()], "name -$key").ends_with("sorted"));
    assert!(told(core::slice::from_ref(&country), "-$key").ends_with("backward"));
    assert!(told(&[name], "$key").ends_with("sorted"));
    let sized = [country, is("kind", "gt", "1"), is("size", "gt", "1")];
    assert!(told(&sized, "kind").ends_with("sorted"));
    assert!(told(&sized, "kind size").ends_with("forward"));
}

#[test]
fn an_or_over_one_field_is_ranges_of_its_index() {
    let or = |filters: &[Filter]| told(&[Filter::Or(filters.to_vec())], "");
    assert_eq!(or(&[is("name", "eq", "3"), is("name", "in", "[1,3]")]), "name [1], [3] | ");
    let ranges =
        [is("name", "gte", "\"x\""), is("name", "between", "[\"a\",\"c\"]"), is("name", "startsWith", "\"b\"")];
    assert_eq!(or(&ranges), r#"name ["a" .. "c"], ["x" .. {"bytes":""}) | "#);
    let nested = Filter::And(vec![is("name", "gt", "1"), is("name", "lt", "5"), is("size", "eq", "1")]);
    assert_eq!(or(&[nested, is("name", "eq", "9")]), {
        "name (1 .. 5), [9] | ((name gt and name lt and size eq) or name eq)"
    });
    assert_eq!(or(&[is("tags", "contains", "\"b\""), is("tags", "contains", "\"a\"")]), r#"tags ["a"], ["b"] | "#);
    assert_eq!(or(&[is("name", "eq", "1"), is("name", "ne", "2")]), "primary all | (name eq or name ne)");
    let both = [Filter::Or(vec![is("name", "eq", "1"), is("name", "eq", "5")]), is("name", "gt", "2")];
    assert_eq!(told(&both, "name"), "name [5] |  forward");
}

#[test]
fn or_and_not_remain_to_be_checked() {
    let or = Filter::Or(vec![is("name", "eq", "1"), is("size", "eq", "1")]);
    let not = Filter::Not(Box::new(is("name", "eq", "1")));
    assert_eq!(told(&[or, not], ""), "primary all | (name eq or size eq), not name eq");
    let inner = Filter::And(vec![Filter::Or(vec![is("name", "eq", "1")])]);
    assert_eq!(told(&[inner], ""), "name [1] | ");
}

#[test]
fn in_a_sealed_collection_fields_are_checked_even_where_the_key_answers() {
    let id = KeyPath::Single("id".to_owned());
    let sealed = Collection { encrypted: true, ..collection(Some(id), &[]) };
    assert_eq!(told_of(&plan(Some(&is("id", "eq", "1")), &[], Some(&sealed), Extent::All)), "primary [1] | id eq");
}

#[test]
fn lists_are_not_multiplied_beyond_bounds() {
    let list = format!("[{}]", (0..2000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let filter = Filter::And(vec![is("country", "in", &list), is("name", "in", &list)]);
    let plan = plan(Some(&filter), &[], Some(&places()), Extent::All);
    assert_eq!(plan.branches[0].ranges.len(), 2000);
}

#[test]
fn an_or_over_several_fields_is_a_union_of_their_indexes() {
    let or = |filters: &[Filter]| Filter::Or(filters.to_vec());
    let (name, tag, key) = (is("name", "eq", "\"Ulm\""), is("tags", "contains", "\"a\""), is("$key", "eq", "1"));
    assert_eq!(told(&[or(&[name.clone(), tag.clone()])], ""), r#"name or tags name ["Ulm"] or tags ["a"] | "#);
    assert_eq!(told(&[or(&[key, name.clone()])], "name"), r#"$key or name $key [1] or name ["Ulm"] |  sorted"#);
    // Branches of one index are one, and an `or` within the `or` is a part of it.
    let nested = or(&[name.clone(), or(&[tag.clone(), is("name", "eq", "\"Bonn\"")])]);
    assert_eq!(told(&[nested], ""), r#"name or tags name ["Bonn"], ["Ulm"] or tags ["a"] | "#);
    // What a branch does not answer is checked, and so is what stands beside the `or`.
    let checked = or(&[Filter::And(vec![name.clone(), is("size", "gt", "1")]), tag.clone()]);
    assert_eq!(told(&[checked, is("size", "lt", "9")], ""), {
        r#"name or tags name ["Ulm"] or tags ["a"] | ((name eq and size gt) or tags contains), size lt"#
    });
    // A branch that no index serves would read everything, and so it is read once.
    assert_eq!(told(&[or(&[name.clone(), is("size", "eq", "1")])], ""), "primary all | (name eq or size eq)");
    // What stands beside the `or` may serve every branch as well, or better.
    assert_eq!(told(&[or(&[name, tag]), is("code", "eq", "1")], ""), "code [1] | (name eq or tags contains)");
}

#[test]
fn a_page_is_read_in_the_order_of_an_index_and_then_of_what_that_leaves_out() {
    let id = KeyPath::Single("id".to_owned());
    let collection = collection(Some(id), &["name", "country", "*tags", "[country+size]", "[country+kind+size]"]);
    let told = |conditions: &[Filter], sort| {
        told_of(&plan(Some(&Filter::And(conditions.to_vec())), &by(sort), Some(&collection), Extent::Page))
    };
    let german = is("country", "eq", "\"DE\"");
    assert_eq!(told(&[], "name"), "name all |  forward, then sorted");
    assert_eq!(told(&[], "-name -id"), "name all |  backward, then sorted");
    assert_eq!(told(&[is("size", "gt", "1")], "name"), "name all | size gt forward, then sorted");
    let sized = r#"[country+size] [["DE"] .. ["DE\u0000"]) |  forward, then sorted"#;
    assert_eq!(told(core::slice::from_ref(&german), "size"), sized);
    assert_eq!(told(core::slice::from_ref(&german), "country size"), sized);
    // By several fields, what an index leaves out may come in between.
    assert_eq!(told(&[], "country size"), "primary all |  sorted");
    assert_eq!(told(core::slice::from_ref(&german), "kind size"), r#"country ["DE"] |  sorted"#);
    assert_eq!(told(&[german, is("name", "eq", "\"a\"")], "size"), r#"name ["a"] | country eq sorted"#);
    assert_eq!(told(&[], "tags"), "primary all |  sorted");
    assert_eq!(told(&[], "other"), "primary all |  sorted");
}

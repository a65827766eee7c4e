//! `docs/protocol.md` and `docs/openapi.json` say what the endpoint does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidekeep::sync::protocol::{
    Change, ChangesResponse, Failure, PushRequest, PushResponse, SnapshotEnd, SnapshotHead, SpaceStatus,
};
use tidekeep_server::{Edition, route_list};

fn document(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn openapi() -> Value {
    serde_json::from_str(&document("openapi.json")).unwrap()
}

/// The fenced blocks of JSON that name a type: the name, and the text.
fn examples(markdown: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for block in markdown.split("```json").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        found.push((name.trim().to_owned(), rest.split("```").next().unwrap().to_owned()));
    }
    found
}

/// Reads an example as a type of the protocol and writes it again: nothing may be lost.
fn survives<T: DeserializeOwned + Serialize>(text: &str) {
    let read: T = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let written: Value = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    let expected: Value = serde_json::from_str(text).unwrap();
    assert_eq!(written, expected);
}

fn check(kind: &str, text: &str) {
    match kind {
        "SpaceStatus" => survives::<SpaceStatus>(text),
        "PushRequest" => survives::<PushRequest>(text),
        "PushResponse" => survives::<PushResponse>(text),
        "ChangesResponse" => survives::<ChangesResponse>(text),
        "Failure" => survives::<Failure>(text),
        "Snapshot" => {
            let lines: Vec<&str> = text.trim().lines().collect();
            survives::<SnapshotHead>(lines[0]);
            lines[1..lines.len() - 1].iter().for_each(|line| survives::<Change>(line));
            survives::<SnapshotEnd>(lines[lines.len() - 1]);
        }
        "Token" | "TokenRequest" | "TokenResponse" | "Health" => {
            serde_json::from_str::<Value>(text).unwrap();
        }
        other => panic!("an example of no known type: {other}"),
    }
}

#[test]
fn every_example_of_the_protocol_is_in_the_protocol() {
    let examples = examples(&document("protocol.md"));
    for (kind, text) in &examples {
        check(kind, text);
    }
    let kinds: BTreeSet<&str> = examples.iter().map(|(kind, _)| kind.as_str()).collect();
    for kind in ["SpaceStatus", "PushRequest", "PushResponse", "ChangesResponse", "Failure", "Snapshot"] {
        assert!(kinds.contains(kind), "no example of {kind}");
    }
    println!("{} examples", examples.len());
}

#[test]
fn every_route_is_in_the_openapi_file_and_every_path_of_it_is_a_route() {
    let api = openapi();
    let routes: BTreeSet<(String, String)> = route_list(Edition::Development)
        .iter()
        .map(|route| (route.method.to_lowercase(), route.path.to_owned()))
        .collect();
    let mut described = BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "delete", "head", "patch"] {
            if item.get(method).is_some() {
                described.insert((method.to_owned(), path.clone()));
            }
        }
    }
    assert_eq!(described, routes);
}

#[test]
fn every_reference_of_the_openapi_file_leads_somewhere() {
    fn walk(value: &Value, root: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    assert!(root.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to}");
                }
                map.values().for_each(|inner| walk(inner, root));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, root)),
            _ => {}
        }
    }
    let api = openapi();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    walk(&api, &api);
}

#[test]
fn the_openapi_examples_are_in_the_protocol() {
    let api = openapi();
    let schemas = api["components"]["schemas"].as_object().unwrap();
    let mut count = 0;
    for (name, schema) in schemas {
        for example in schema["examples"].as_array().into_iter().flatten() {
            match name.as_str() {
                "Change" => survives::<Change>(&example.to_string()),
                "SnapshotHead" => survives::<SnapshotHead>(&example.to_string()),
                "SnapshotEnd" => survives::<SnapshotEnd>(&example.to_string()),
                kind => check(kind, &example.to_string()),
            }
            count += 1;
        }
    }
    assert!(count >= 6, "{count}");
}

#[test]
fn every_code_of_the_endpoint_is_in_both_documents() {
    let (protocol, api) = (document("protocol.md"), document("openapi.json"));
    for code in [
        "invalid",
        "unauthorized",
        "forbidden",
        "not_found",
        "method_not_allowed",
        "timeout",
        "reset",
        "too_large",
        "unsupported_encoding",
        "rate_limited",
        "unavailable",
        "internal",
        "invalid_collection",
        "invalid_id",
        "invalid_body",
        "too_deep",
        "clock_ahead",
    ] {
        assert!(protocol.contains(&format!("`{code}`")), "{code} is not in protocol.md");
        assert!(api.contains(&format!("\"{code}\"")), "{code} is not in openapi.json");
    }
}

//! The second wall: row-level security.

use serde_json::Value;
use tidekeep_server::start;

use super::support::{Cluster, Endpoint, call, config, mint, op};

#[tokio::test]
async fn a_query_that_forgets_its_space_sees_nothing_of_others() {
    let endpoint = Endpoint::start().await;
    for space in ["mine", "other"] {
        endpoint.client(space).push("c", &[op(1, "a", 1, space), op(2, "b", 2, space)]).await;
    }
    let client = Cluster::shared().connect(&endpoint.url).await;
    client.batch_execute("SET search_path TO tidekeep").await.unwrap();
    let count = async |table: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    };
    let tables = ["documents", "clients", "results", "spaces"];
    for table in tables {
        assert_eq!(count(table).await, 0, "{table}, with no space named");
    }
    client.batch_execute("SET tidekeep.space TO 'mine'").await.unwrap();
    for (table, own) in tables.iter().zip([2, 1, 2, 1]) {
        assert_eq!(count(table).await, own, "{table}");
    }
    let rows = client.query("SELECT space FROM documents", &[]).await.unwrap();
    assert!(rows.iter().all(|row| row.get::<_, &str>(0) == "mine"));
    for statement in [
        "UPDATE documents SET body = 'x'",
        "DELETE FROM results",
        "DELETE FROM documents",
        "UPDATE documents SET seq = seq + 10 WHERE space = 'other'",
    ] {
        client.execute(statement, &[]).await.unwrap();
    }
    let moved = client.execute("INSERT INTO documents VALUES ('other', 'n', 'z', 9, 'x', NULL, 0)", &[]).await;
    assert!(moved.is_err(), "a row of another space cannot be written");
    assert_eq!(endpoint.client("other").changes("").await.changes.len(), 2);
    // The list of spaces, for what cleans up, shows no document.
    client.batch_execute("SET tidekeep.space TO '*'").await.unwrap();
    for (table, all) in tables.iter().zip([0, 0, 0, 2]) {
        assert_eq!(count(table).await, all, "{table}");
    }
}

#[tokio::test]
async fn a_role_that_passes_row_level_security_is_refused() {
    let endpoint = Endpoint::start().await;
    let name = endpoint.url.rsplit('/').next().unwrap();
    let Ok(database) = Cluster::shared().url("postgres", name).parse();
    let refused = start(config(database)).await.unwrap_err().to_string();
    assert!(refused.contains("BYPASSRLS"), "{refused}");
}

/// Probes; `TIDEKEEP_PROBES` sets another number.
const PROBES: u64 = 2_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_probe_of_any_route_shows_another_tenants_document() {
    let probes = std::env::var("TIDEKEEP_PROBES").ok().and_then(|probes| probes.parse().ok()).unwrap_or(PROBES);
    let endpoint = Endpoint::start().await;
    let spaces: Vec<String> = (0..8).map(|number| format!("tenant-{number}")).collect();
    let mut cursors = Vec::new();
    for space in &spaces {
        let client = endpoint.client(space);
        client.push(space, &[op(1, "shared-id", 1, &format!("canary-{space}-"))]).await;
        cursors.push(client.changes("").await.cursor);
    }
    let mut refused = 0;
    for probe in 0..probes {
        // A reproducible walk over the combinations.
        let pick = |salt: u32, most: usize| {
            let mixed = (probe + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17 * salt % 64) >> 33;
            usize::try_from(mixed).unwrap() % most
        };
        let (owner, target, cursor) = (pick(1, 8), pick(2, 8), &cursors[pick(3, 8)]);
        let token = format!("Bearer {}", mint("someone", &[&spaces[owner]]));
        let (method, path, body) = match pick(4, 6) {
            0 => ("GET", format!("/v1/{}", spaces[target]), Vec::new()),
            1 => ("GET", format!("/v1/{}/changes", spaces[target]), Vec::new()),
            2 => ("GET", format!("/v1/{}/changes?since={cursor}", spaces[target]), Vec::new()),
            3 => ("GET", format!("/v1/{}/snapshot", spaces[target]), Vec::new()),
            4 => ("GET", format!("/v1/{}/live?since=x{cursor}", spaces[target]), Vec::new()),
            _ => {
                // An older stamp for another's document: whoever sees it would be shown the current one.
                let ops = [op(probe + 2, "shared-id", 0, "probe")];
                let body = super::support::push_body(&spaces[pick(5, 8)], &ops);
                ("POST", format!("/v1/{}/push", spaces[target]), body)
            }
        };
        let answer = call(endpoint.address(), method, &path, &[("authorization", &token)], body).await;
        assert!(answer.status < 500, "{path}: {}", answer.status);
        for (number, space) in spaces.iter().enumerate() {
            assert!(number == owner || !answer.text().contains(&format!("canary-{space}-")), "{path} as {owner}");
        }
        if answer.status == 403 {
            assert!(owner != target && serde_json::from_slice::<Value>(&answer.body).is_ok());
            refused += 1;
        }
    }
    println!("{probes} probes over every route, {refused} refused, 0 leaks");
}

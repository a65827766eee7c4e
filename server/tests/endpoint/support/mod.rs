//! Endpoints to test, and a client to test them with.

mod cluster;
mod events;
mod folder;
mod http;
mod ops;
mod program;
mod token;

pub(crate) use cluster::{Cluster, Sync};
pub(crate) use events::Events;
pub(crate) use folder::Folder;
pub(crate) use http::{Answer, Connection, call, raw, try_call};
pub(crate) use ops::{body, delete, op, push_body, stamp};
pub(crate) use program::Program;
pub(crate) use token::{good_claims, mint, mint_with, seconds, sign_raw};

use std::net::SocketAddr;

use serde_json::Value;
use tidekeep::sync::protocol::{ChangesResponse, Limits, PushOp, PushResponse, SpaceStatus};
use tidekeep_server::{AuthOptions, Config, Database, Edition, Rate, Running, Secret, start};

/// The secret of all tests.
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Over which database the suite runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The name of a new database of the kind that this run of the suite is about.
pub(crate) async fn new_database(folder: &Folder) -> String {
    match crate::KIND {
        Kind::Sqlite => folder.path().join("test.sqlite").to_str().unwrap().to_owned(),
        Kind::Postgres => Cluster::shared().database().await,
    }
}

/// What the endpoints of tests are told.
pub(crate) fn config(database: Database) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        metrics: None,
        database,
        pool: 16,
        retention: None,
        edition: Edition::Production,
        static_dir: None,
        origins: Vec::new(),
        auth: AuthOptions { secret: Secret::new(SECRET).unwrap(), audience: None, issuer: None },
        limits: Limits::default(),
        rate: Rate { per_second: 0, burst: 0 },
        space_rate: Rate { per_second: 0, burst: 0 },
        connections: 256,
    }
}

/// An endpoint in this process, on a free port and a new database.
pub(crate) struct Endpoint {
    running: Option<Running>,
    pub(crate) folder: Folder,
    address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) url: String,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        let url = new_database(&folder).await;
        Self::at(url, folder, change).await
    }

    /// An endpoint on a database that is there.
    pub(crate) async fn at(url: String, folder: Folder, change: impl FnOnce(&mut Config)) -> Self {
        let Ok(database) = url.parse();
        let mut config = config(database);
        change(&mut config);
        let database = config.database.clone();
        let running = start(config).await.unwrap();
        Self { address: running.address(), running: Some(running), folder, database, url }
    }

    /// Another instance on the same database.
    pub(crate) async fn beside(&self) -> Self {
        Self::at(self.url.clone(), Folder::new(), |_| {}).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn metrics(&self) -> SocketAddr {
        self.running.as_ref().unwrap().metrics_address().unwrap()
    }

    /// Changes the database behind the endpoint's back, for the space `mine`.
    pub(crate) async fn sql(&self, statements: &str) {
        match &self.database {
            Database::Sqlite(path) => {
                rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
            }
            Database::Postgres(_) => {
                let client = Cluster::shared().connect(&self.url).await;
                let enter = "SET search_path TO tidekeep; SET tidekeep.space TO 'mine'";
                client.batch_execute(enter).await.unwrap();
                client.batch_execute(statements).await.unwrap();
            }
        }
    }

    /// A client that may use `space`.
    pub(crate) fn client(&self, space: &str) -> Client {
        Client::new(self.address, space)
    }

    pub(crate) async fn stop(mut self) {
        self.running.take().unwrap().stop().await;
    }
}

/// A client of one space with a token for it.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) space: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, space: &str) -> Self {
        Self { address, space: space.to_owned(), token: mint("someone", &[space]) }
    }

    pub(crate) async fn get(&self, rest: &str) -> Answer {
        let path = format!("/v1/{}{rest}", self.space);
        call(self.address, "GET", &path, &[("authorization", &format!("Bearer {}", self.token))], Vec::new()).await
    }

    pub(crate) async fn post(&self, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Answer {
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        call(self.address, "POST", &format!("/v1/{}/push", self.space), &all, body.into()).await
    }

    pub(crate) async fn status(&self) -> SpaceStatus {
        self.get("").await.read(200)
    }

    pub(crate) async fn push(&self, client: &str, ops: &[PushOp]) -> PushResponse {
        self.post(push_body(client, ops), &[]).await.read(200)
    }

    pub(crate) async fn changes(&self, query: &str) -> ChangesResponse {
        self.get(&format!("/changes{query}")).await.read(200)
    }

    /// The lines of the snapshot, parsed.
    pub(crate) async fn snapshot(&self) -> Vec<Value> {
        self.get("/snapshot").await.lines()
    }
}

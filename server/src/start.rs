//! Listening, answering, stopping.

use core::fmt;
use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::app::{self, App};
use crate::auth::Tokens;
use crate::config::{Config, ConfigError};
use crate::database::Database;
use crate::listen::Listeners;
use crate::maintain;
use crate::metrics::Metrics;
use crate::rate::Limiter;
use crate::store::{PostgresStore, SqliteStore, Store, StoreError};

/// How long a request's head may take to arrive, and an idle connection may stay.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long requests in flight may take to end once the endpoint is to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// Connections that ask for metrics at the same time.
const WATCHERS: usize = 16;
/// File descriptors that are kept for other things than connections.
const RESERVED_FILES: usize = 128;
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;

/// A running endpoint. It runs on when this is dropped; [`stop`](Running::stop) ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    watched: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens: the real port, if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics, if it does.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.watched
    }

    /// Takes no further connection, ends live streams, lets requests in flight end within ten seconds, and returns.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.task.await.is_err() {
            tracing::error!("the endpoint did not stop in order");
        }
    }
}

/// Starts an endpoint in this process, on the current Tokio runtime.
///
/// # Errors
///
/// Where the configuration makes no sense, the database cannot be opened, or the address cannot be listened on.
pub async fn start(config: Config) -> Result<Running, StartError> {
    config.check().map_err(StartError::Config)?;
    let listeners = Arc::new(Listeners::default());
    let store = open(&config, Arc::clone(&listeners)).await?;
    let listener = TcpListener::bind(config.listen).await.map_err(StartError::Listen)?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    let (stop, stopping) = watch::channel(false);
    let app = App {
        store: Arc::clone(&store),
        tokens: Arc::new(Tokens::new(config.auth.clone())),
        limiter: Arc::new(Limiter::new(config.rate)),
        space_limiter: Arc::new(Limiter::new(config.space_rate)),
        metrics: Arc::new(Metrics::default()),
        listeners,
        limits: config.limits,
        stopping: stopping.clone(),
    };
    if let Some(retention) = config.retention {
        tokio::spawn(maintain::run(store, retention, stopping.clone()));
    }
    let watched = match config.metrics {
        Some(at) => {
            let listener = TcpListener::bind(at).await.map_err(StartError::Listen)?;
            let address = listener.local_addr().map_err(StartError::Listen)?;
            let router = app::watch_router(app.clone());
            tokio::spawn(accept(listener, router, WATCHERS, Arc::default(), stopping.clone()));
            Some(address)
        }
        None => None,
    };
    let metrics = Arc::clone(&app.metrics);
    let router = app::router(app, &config);
    let task = tokio::spawn(accept(listener, router, affordable(config.connections), metrics, stopping));
    Ok(Running { address, watched, stop, task })
}

/// Gives every space of the database a new epoch, and answers with how many there are.
///
/// # Errors
///
/// Where the database cannot be opened or written.
pub async fn renew(config: &Config) -> Result<usize, StartError> {
    let store = open(config, Arc::new(Listeners::default())).await?;
    Ok(store.renew().await?)
}

async fn open(config: &Config, listeners: Arc<Listeners>) -> Result<Arc<dyn Store>, StartError> {
    Ok(match &config.database {
        Database::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        Database::Postgres(url) => Arc::new(PostgresStore::open(url, config.pool, listeners).await?),
    })
}

/// As many connections as there can be files open, if that is fewer: a database that cannot open its file is worse than
/// a client that waits.
fn affordable(connections: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    match files.map(|files: usize| files.saturating_sub(RESERVED_FILES).max(1)) {
        Some(most) if most < connections => {
            tracing::warn!(connections, most, "fewer files may be open than connections are allowed; raise the limit");
            most
        }
        _ => connections,
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    connections: usize,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(connections));
    loop {
        let accepted = tokio::select! {
            accepted = async { (Arc::clone(&places).acquire_owned().await, listener.accept().await) } => accepted,
            Ok(_) = stopping.wait_for(|stop| *stop) => break,
        };
        let (Ok(place), Ok((stream, _))) = accepted else {
            // Out of file descriptors, most likely; some are given back soon.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let connection = graceful.watch(serve(stream, router.clone()));
        let open = metrics.connect();
        tokio::spawn(async move {
            // A connection that breaks off is the client's affair; what it asked for has been logged.
            drop(connection.await);
            drop((place, open));
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn serve(stream: TcpStream, router: Router) -> Connection {
    // Only latency is at stake.
    drop(stream.set_nodelay(true));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

/// Why the endpoint did not start.
#[derive(Debug)]
pub enum StartError {
    /// An option makes no sense.
    Config(ConfigError),
    /// The database cannot be opened.
    Database(String),
    /// The address cannot be listened on.
    Listen(std::io::Error),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Database(what) => write!(f, "cannot open the database: {what}"),
            Self::Listen(error) => write!(f, "cannot listen on the address: {error}; choose another with --listen"),
        }
    }
}

impl core::error::Error for StartError {}

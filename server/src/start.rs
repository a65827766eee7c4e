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
use crate::listen::Listeners;
use crate::rate::Limiter;
use crate::store::{SqliteStore, StoreError};

/// How long a request's head may take to arrive, and an idle connection may stay.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How long requests in flight may take to end once the endpoint is to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 << 10;

/// A running endpoint. It runs on when this is dropped; [`stop`](Running::stop) ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens: the real port, if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no further connection, lets requests in flight end within ten seconds, and returns.
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
    let store = SqliteStore::open(&config.database).map_err(|error| StartError::Database(error.to_string()))?;
    let listener = TcpListener::bind(config.listen).await.map_err(StartError::Listen)?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    let (stop, stopping) = watch::channel(false);
    let app = App {
        store: Arc::new(store),
        tokens: Arc::new(Tokens::new(config.auth.clone())),
        limiter: Arc::new(Limiter::new(config.rate)),
        listeners: Arc::new(Listeners::default()),
        limits: config.limits,
        stopping: stopping.clone(),
    };
    let router = app::router(app, &config);
    let task = tokio::spawn(accept(listener, router, config.connections, stopping));
    Ok(Running { address, stop, task })
}

async fn accept(listener: TcpListener, router: Router, connections: usize, mut stopping: watch::Receiver<bool>) {
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
        tokio::spawn(async move {
            // A connection that breaks off is the client's affair; what it asked for has been logged.
            drop(connection.await);
            drop(place);
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

//! Reaching the database: what it must be, its tables, the pool of connections.

use core::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use super::convert::failed;
use crate::store::StoreError;

/// How long to wait for a connection, new or free.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be silent before it is taken for dead.
const SILENCE: Duration = Duration::from_secs(15);
/// The oldest release that is known to do: 15.
const OLDEST: i32 = 150_000;

/// What every connection begins with.
///
/// A commit is durable where it is acknowledged, even where the database's default is not to wait; a space that somebody
/// holds and does not let go of is let go of by the database.
const SESSION: &str = "
SET search_path TO tidekeep;
SET statement_timeout TO '30s';
SET lock_timeout TO '10s';
SET idle_in_transaction_session_timeout TO '60s';
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
";

mod steps {
    refinery::embed_migrations!("src/store/postgres/migrations");
}

/// Reads a URL, with patience that ends where the URL says nothing of it.
pub(super) fn settings(url: &str) -> Result<Config, StoreError> {
    let mut config: Config = url
        .parse()
        .map_err(|_| StoreError::Failed("--database is no URL of PostgreSQL; see docs/hosting.md".to_owned()))?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(StoreError::Failed(
            "the URL asks for sslmode=require, and the connection to the database is plain; use a tunnel or a private \
             network, see docs/hosting.md"
                .to_owned(),
        ));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_application_name().is_none() {
        config.application_name("tidekeep-server");
    }
    config.keepalives_idle(SILENCE);
    Ok(config)
}

/// A connection outside of the pool, and what drives it.
pub(super) async fn connect(
    config: &Config,
) -> Result<(Client, tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>), StoreError>
{
    let connecting = tokio::time::timeout(PATIENCE, config.connect(NoTls));
    connecting.await.map_err(|_| StoreError::Away)?.map_err(failed)
}

/// Checks the database, and brings its tables up to date.
///
/// # Errors
///
/// Where it cannot be reached, is too old, keeps text in another encoding than UTF-8, or lets the role past row-level
/// security.
pub(super) async fn prepare(config: &Config) -> Result<(), StoreError> {
    let (mut client, connection) = connect(config).await?;
    let driver = tokio::spawn(connection);
    let prepared = async {
        check(&client).await?;
        client
            .batch_execute("CREATE SCHEMA IF NOT EXISTS tidekeep; SET search_path TO tidekeep")
            .await
            .map_err(failed)?;
        // Instances that start at the same time take turns.
        client.batch_execute("SELECT pg_advisory_lock(hashtext('tidekeep'))").await.map_err(failed)?;
        steps::migrations::runner()
            .run_async(&mut client)
            .await
            .map(drop)
            .map_err(|error| StoreError::Failed(format!("the tables cannot be brought up to date: {error}")))
    };
    let prepared = prepared.await;
    drop(client);
    driver.abort();
    prepared
}

async fn check(client: &Client) -> Result<(), StoreError> {
    let row = client
        .query_one(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
                    rolsuper OR rolbypassrls, current_setting('fsync')
             FROM pg_roles WHERE rolname = current_user",
            &[],
        )
        .await
        .map_err(failed)?;
    let refuse = |what: &str| Err(StoreError::Failed(what.to_owned()));
    if row.get::<_, i32>(0) < OLDEST {
        return refuse("the database is older than PostgreSQL 15");
    }
    if row.get::<_, &str>(1) != "UTF8" {
        return refuse("the database's encoding is not UTF8; create one with ENCODING 'UTF8'");
    }
    if row.get::<_, bool>(2) {
        return refuse(
            "the role is a superuser or has BYPASSRLS, and row-level security would not hold it; connect as an ordinary \
             role that owns the database",
        );
    }
    if row.get::<_, &str>(3) == "off" {
        tracing::warn!("the database runs with fsync=off: what is acknowledged does not survive a power cut");
    }
    Ok(())
}

/// The pool.
pub(super) fn pool(config: Config, size: usize) -> Result<Pool, StoreError> {
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|error| StoreError::Failed(error.to_string()))
}

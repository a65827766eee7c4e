//! What the endpoint is told at its start.

use core::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use clap::Parser;
use tidekeep::sync::protocol::Limits;

use crate::database::Database;
use crate::log::LogLevel;
use crate::rate::Rate;
use crate::secret::Secret;

/// The variable that holds the token secret where no file does.
const SECRET_VARIABLE: &str = "TIDEKEEP_SECRET";
/// The variable that names the database where no option does: a URL with a password does not belong on a command line,
/// which every user of the machine can read.
const DATABASE_VARIABLE: &str = "TIDEKEEP_DATABASE";
/// The database where neither does.
const DEFAULT_DATABASE: &str = "tidekeep.sqlite";

/// The command line of `tidekeep-server`.
#[derive(Debug, Clone, Parser)]
#[command(name = "tidekeep-server", version, about = "The reference sync endpoint of tidekeep.")]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8787", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The database: a SQLite file, made if it is not there, or `postgres://…`; without it, the variable
    /// `TIDEKEEP_DATABASE`, or else `tidekeep.sqlite`.
    #[arg(long, value_name = "FILE|URL")]
    pub database: Option<String>,
    /// Connections to PostgreSQL at most.
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub pool: usize,
    /// Days after which deletions are forgotten; a client that was away for longer takes a snapshot. 0 for never.
    #[arg(long, default_value_t = 180, value_name = "DAYS")]
    pub retention: u64,
    /// Gives every space a new epoch and ends: for a database that was restored from a backup, before it is used.
    #[arg(long)]
    pub new_epoch: bool,
    /// Development: issues a token to whoever asks at POST /dev/token. Loopback addresses only.
    #[arg(long)]
    pub dev: bool,
    /// A built web application to serve on the same port.
    #[arg(long = "static", value_name = "DIR")]
    pub static_dir: Option<PathBuf>,
    /// A web origin that may call, such as <https://app.example>; may be given several times.
    #[arg(long = "allow-origin", value_name = "URL")]
    pub allow_origin: Vec<String>,
    /// The file with the secret that tokens are signed with; without it, the variable `TIDEKEEP_SECRET`.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// The audience that tokens must be for.
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// The issuer that tokens must be from.
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// Requests per second that a token's subject may make in the long run; 0 for no limit.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub rate: u32,
    /// Requests that a token's subject may make at once.
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub burst: u32,
    /// Requests per second that all subjects together may make of one space in the long run; 0 for no limit.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub space_rate: u32,
    /// Requests that all subjects together may make of one space at once.
    #[arg(long, default_value_t = 5000, value_name = "N")]
    pub space_burst: u32,
    /// An address and port of its own for Prometheus (`/metrics`) and probes; not for the public.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Connections held at the same time; further ones wait.
    #[arg(long, default_value_t = 4096, value_name = "N")]
    pub connections: usize,
    /// How much to log, to standard error.
    #[arg(long, value_enum, default_value_t = LogLevel::Info, value_name = "LEVEL")]
    pub log: LogLevel,
}

/// Whether the endpoint serves others or its developer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Tokens come from elsewhere.
    Production,
    /// Tokens are given to whoever asks, on loopback only.
    Development,
}

/// How tokens are checked.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// The secret that they are signed with.
    pub secret: Secret,
    /// The audience that they must name.
    pub audience: Option<String>,
    /// The issuer that they must name.
    pub issuer: Option<String>,
}

/// Everything that [`start`](crate::start) needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The database.
    pub database: Database,
    /// Connections to it at most, where it is PostgreSQL.
    pub pool: usize,
    /// How long deletions are remembered; nothing for ever.
    pub retention: Option<Duration>,
    /// Production or development.
    pub edition: Edition,
    /// A web application to serve.
    pub static_dir: Option<PathBuf>,
    /// Web origins that may call.
    pub origins: Vec<HeaderValue>,
    /// How tokens are checked.
    pub auth: AuthOptions,
    /// What a push and a document may be at most.
    pub limits: Limits,
    /// How often one subject may call.
    pub rate: Rate,
    /// How often all subjects together may call one space.
    pub space_rate: Rate,
    /// Where to serve metrics, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// How many connections are held at the same time.
    pub connections: usize,
}

impl TryFrom<Arguments> for Config {
    type Error = ConfigError;

    fn try_from(arguments: Arguments) -> Result<Self, ConfigError> {
        let edition = if arguments.dev { Edition::Development } else { Edition::Production };
        let named = arguments.database.or_else(|| std::env::var(DATABASE_VARIABLE).ok());
        let Ok(database) = named.as_deref().unwrap_or(DEFAULT_DATABASE).parse::<Database>();
        let secret = match (&arguments.secret_file, std::env::var(SECRET_VARIABLE), edition) {
            (Some(path), _, _) => Secret::from_file(path)?,
            (None, Ok(text), _) => Secret::new(text.trim())?,
            (None, Err(_), Edition::Development) => Secret::beside(database.file().unwrap_or(Path::new("tidekeep")))?,
            (None, Err(_), Edition::Production) => {
                return Err(ConfigError::new(
                    "no token secret; give --secret-file FILE or set TIDEKEEP_SECRET, or use --dev to try it out",
                ));
            }
        };
        let origins = arguments.allow_origin.iter().map(|text| origin(text)).collect::<Result<_, _>>()?;
        let config = Self {
            listen: arguments.listen,
            database,
            pool: arguments.pool,
            retention: (arguments.retention > 0)
                .then(|| Duration::from_secs(arguments.retention.saturating_mul(24 * 60 * 60))),
            edition,
            static_dir: arguments.static_dir,
            origins,
            auth: AuthOptions { secret, audience: arguments.audience, issuer: arguments.issuer },
            limits: Limits::default(),
            rate: Rate { per_second: arguments.rate, burst: arguments.burst },
            space_rate: Rate { per_second: arguments.space_rate, burst: arguments.space_burst },
            metrics: arguments.metrics,
            connections: arguments.connections,
        };
        config.check()?;
        Ok(config)
    }
}

impl Config {
    /// Refuses what must not run.
    ///
    /// # Errors
    ///
    /// Development mode on an address that others reach; a folder to serve that is none, or that holds the database; no
    /// connection at all.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.edition == Edition::Development && !self.listen.ip().is_loopback() {
            return Err(ConfigError::new(
                "--dev gives a token to whoever asks, so it listens on loopback only; use --listen 127.0.0.1:8787",
            ));
        }
        if let Some(dir) = &self.static_dir
            && !dir.join("index.html").is_file()
        {
            return Err(ConfigError::new(format!(
                "--static {} holds no index.html; build the application first",
                dir.display()
            )));
        }
        if let (Some(dir), Some(beside)) = (&self.static_dir, self.database.file().and_then(Path::parent))
            && is_within(beside, dir)
        {
            return Err(ConfigError::new(
                "the database lies in the folder that --static serves to everyone; give --database another place",
            ));
        }
        if self.connections == 0 {
            return Err(ConfigError::new("--connections must be at least 1"));
        }
        if self.pool == 0 {
            return Err(ConfigError::new("--pool must be at least 1"));
        }
        if [self.rate, self.space_rate].iter().any(|rate| rate.per_second > 0 && rate.burst == 0) {
            return Err(ConfigError::new("--burst and --space-burst must be at least 1"));
        }
        Ok(())
    }
}

/// Whether `inner` is `outer` or lies in it, links followed.
fn is_within(inner: &Path, outer: &Path) -> bool {
    let inner = if inner.as_os_str().is_empty() { Path::new(".") } else { inner };
    match (inner.canonicalize(), outer.canonicalize()) {
        (Ok(inner), Ok(outer)) => inner.starts_with(outer),
        _ => false,
    }
}

/// Reads a web origin: scheme, host and port, nothing more.
fn origin(text: &str) -> Result<HeaderValue, ConfigError> {
    let refuse =
        || ConfigError::new(format!("--allow-origin {text} is no origin; give scheme://host or scheme://host:port"));
    let text = text.strip_suffix('/').unwrap_or(text);
    let uri: Uri = text.parse().map_err(|_| refuse())?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.path().is_empty() || uri.path() == "/" && !text.ends_with('/');
    let named = uri.authority().is_some_and(|authority| !authority.as_str().contains(['@', '*']));
    if !web || !bare || !named || uri.query().is_some() {
        return Err(refuse());
    }
    HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| refuse())
}

/// An option that makes no sense, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, read) in [
            ("https://app.example", "https://app.example"),
            ("http://localhost:5173/", "http://localhost:5173"),
            ("HTTPS://App.Example", "https://app.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(origin(text).unwrap(), read, "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://a.example/app",
            "https://a.example?x",
            "ftp://a",
            "https://*.example",
            "https://user@a.example",
            "https://a.example//",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn development_mode_refuses_an_address_that_others_reach() {
        for listen in ["0.0.0.0:0", "192.168.1.4:80", "[::]:0"] {
            let folder = std::env::temp_dir().join(format!("tidekeep-config-{}.sqlite", std::process::id()));
            let arguments = Arguments::parse_from(
                ["x", "--dev", "--listen", listen, "--database"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([folder.display().to_string()]),
            );
            assert!(Config::try_from(arguments).is_err(), "{listen}");
            let _ = std::fs::remove_file(folder.with_extension("sqlite.secret"));
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Secret::new("short").is_err());
        assert!(!format!("{:?}", Secret::new("0123456789abcdef0123456789abcdef").unwrap()).contains("0123"));
    }
}

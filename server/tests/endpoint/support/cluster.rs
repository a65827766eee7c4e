//! A PostgreSQL of the tests' own, in a folder that is gone with it.

use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

use super::Folder;

/// Runs the database until its standard input ends, which it does with this process, however that ends.
const WATCH: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=$3 -c max_connections=200 >"$2/log" 2>&1 &
database=$!
cat >/dev/null
kill -INT $database; wait $database; rm -rf "$2"
"#;

static SHARED: OnceLock<Cluster> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Whether what is committed must survive a power cut, which is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    On,
    Off,
}

/// A running PostgreSQL.
pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    sync: Sync,
    /// Dies with its standard input, and the database with it.
    watch: std::sync::Mutex<Child>,
}

impl Cluster {
    /// The one that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start(Sync::Off))
    }

    pub(crate) fn start(sync: Sync) -> Self {
        let binaries = binaries();
        // The tests' own folder is removed by what watches the database, after it has ended.
        let folder = Folder::unwatched("pg");
        let user = not_root();
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        let mut initdb = as_user(binaries.join("initdb"), user);
        initdb.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--username=postgres", "--no-sync", "-D"]);
        let output = initdb.arg(folder.join("data")).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let watch = std::sync::Mutex::new(watch(&binaries, &folder, user, sync));
        let cluster = Self { binaries, folder, user, sync, watch };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let begun = Instant::now();
        let mut ready = Command::new(self.binaries.join("pg_isready"));
        ready.arg("-h").arg(&self.folder).stdout(Stdio::null());
        while !ready.status().unwrap().success() {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the database at once, as `kill -9` would, and leaves its files.
    pub(crate) fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        // The processes of its connections end once they see that it is gone.
        std::thread::sleep(Duration::from_millis(300));
    }

    /// Starts a database that was ended.
    pub(crate) fn again(&self) {
        let mut old = self.watch.lock().unwrap();
        let _ = std::fs::remove_file(self.folder.join("data/postmaster.pid"));
        // The old watcher must not remove the folder.
        old.kill().unwrap();
        old.wait().unwrap();
        *old = watch(&self.binaries, &self.folder, self.user, self.sync);
        drop(old);
        self.wait();
    }

    /// A new database of an ordinary role, as an operator would make it.
    pub(crate) async fn database(&self) -> String {
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let client = self.connect(&self.url("postgres", "postgres")).await;
        client.batch_execute(&format!("CREATE ROLE {name} LOGIN")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await.unwrap();
        self.url(&name, &name)
    }

    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        let bytes = self.folder.to_str().unwrap().bytes();
        let host = bytes.fold(String::new(), |text, byte| text + &format!("%{byte:02x}"));
        format!("postgresql://{user}@{host}/{database}")
    }

    pub(crate) async fn connect(&self, url: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

fn watch(binaries: &Path, folder: &Path, user: Option<(u32, u32)>, sync: Sync) -> Child {
    let mut watch = as_user("sh".into(), user);
    watch.args(["-c", WATCH, "sh"]).arg(binaries).arg(folder).arg(if sync == Sync::On { "on" } else { "off" });
    watch.stdin(Stdio::piped()).current_dir(folder).spawn().unwrap()
}

fn as_user(program: PathBuf, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// Who runs the database, where this process is root: PostgreSQL refuses to be.
fn not_root() -> Option<(u32, u32)> {
    let mut status = String::new();
    std::fs::File::open("/proc/self/status").unwrap().read_to_string(&mut status).unwrap();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    if uid.split_whitespace().next() != Some("0") {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let line = users.lines().find_map(|line| line.strip_prefix(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}

/// Where PostgreSQL's programs are: the newest that Debian has installed, or those on the path.
fn binaries() -> PathBuf {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = releases.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest
        .or_else(|| std::env::split_paths(&path).find(|bin| bin.join("initdb").exists()))
        .expect("PostgreSQL is not installed; `cargo xtask setup` installs it")
}

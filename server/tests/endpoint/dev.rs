//! Development mode, and the program's command line.

use serde_json::{Value, json};
use tidekeep_server::Edition;

use super::support::{Answer, Client, Endpoint, Folder, Program, call};

async fn ask(endpoint: &Endpoint, body: Value, headers: &[(&str, &str)]) -> Answer {
    call(endpoint.address(), "POST", "/dev/token", headers, body.to_string().into_bytes()).await
}

#[tokio::test]
async fn development_gives_a_token_that_opens_its_space() {
    let endpoint = Endpoint::with(|config| {
        config.edition = Edition::Development;
        config.auth.audience = Some("notes".to_owned());
        config.auth.issuer = Some("here".to_owned());
    })
    .await;
    let given: Value = ask(&endpoint, json!({ "sub": "ada", "space": "mine" }), &[]).await.read(200);
    let mut client = endpoint.client("mine");
    client.token = given["token"].as_str().unwrap().to_owned();
    assert_eq!(client.get("").await.status, 200);
    client.space = "other".to_owned();
    assert_eq!(client.get("").await.status, 403);
    for bad in
        [json!({}), json!({ "sub": "ada" }), json!({ "sub": "", "space": "x" }), json!({ "sub": "a", "space": "a b" })]
    {
        assert_eq!(ask(&endpoint, bad, &[]).await.code(400), "invalid");
    }
    let rebound = ask(&endpoint, json!({ "sub": "ada", "space": "mine" }), &[("host", "evil.example")]).await;
    assert_eq!(rebound.code(403), "forbidden");
}

#[tokio::test]
async fn production_gives_no_tokens() {
    let endpoint = Endpoint::start().await;
    assert_eq!(ask(&endpoint, json!({ "sub": "ada", "space": "mine" }), &[]).await.code(404), "not_found");
}

#[tokio::test]
async fn the_development_secret_is_made_once_beside_the_database_for_its_owner_alone() {
    let folder = Folder::new();
    let database = folder.path().join("test.sqlite");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let mut command = Program::command(&database, &["--dev", "--log", "off"]);
        command.env_remove("TIDEKEEP_SECRET");
        let program = Program::from(command).await;
        let body = json!({ "sub": "ada", "space": "mine" }).to_string().into_bytes();
        let given: Value = call(program.address(), "POST", "/dev/token", &[], body).await.read(200);
        tokens.push(given["token"].as_str().unwrap().to_owned());
        let mut client = Client::new(program.address(), "mine");
        // The first one's token is still good at the second start.
        client.token.clone_from(&tokens[0]);
        assert_eq!(client.get("").await.status, 200);
        assert!(program.stop().await.1);
    }
    let secret = folder.path().join("test.sqlite.secret");
    assert!(std::fs::read_to_string(&secret).unwrap().len() >= 64);
    #[cfg(unix)]
    for path in [secret, database] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn what_must_not_run_says_why_and_does_not() {
    let folder = Folder::new();
    let database = folder.path().join("test.sqlite");
    std::fs::write(folder.path().join("other.txt"), "not a database, but long enough to look at".repeat(50)).unwrap();
    let foreign = folder.path().join("foreign.sqlite");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let other = folder.path().join("other.txt").display().to_string();
    let foreign = foreign.display().to_string();
    let missing = folder.path().join("no/such/folder/x.sqlite").display().to_string();
    let short = folder.path().join("short").display().to_string();
    std::fs::write(&short, "short").unwrap();
    let here = folder.path().display().to_string();
    std::fs::write(folder.path().join("index.html"), "home").unwrap();
    for (arguments, expected) in [
        (vec!["--dev", "--listen", "0.0.0.0:0"], "loopback only"),
        (vec!["--dev", "--listen", "[::]:0"], "loopback only"),
        (vec!["--static", "/no/such/folder"], "index.html"),
        (vec!["--static", &here], "another place"),
        (vec!["--allow-origin", "*"], "is no origin"),
        (vec!["--allow-origin", "https://a.example/path"], "is no origin"),
        (vec!["--database", &other], "not a database"),
        (vec!["--database", &foreign], "another program"),
        (vec!["--database", &missing], "cannot open"),
        (vec!["--secret-file", &short], "32 bytes"),
        (vec!["--nonsense"], "unexpected argument"),
    ] {
        let mut command = Program::bare();
        if !arguments.contains(&"--database") {
            command.arg("--database").arg(&database);
        }
        command.args(&arguments);
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let mut without = Program::command(&database, &[]);
    without.env_remove("TIDEKEEP_SECRET");
    let said = String::from_utf8_lossy(&without.output().await.unwrap().stderr).into_owned();
    assert!(said.contains("no token secret"), "{said}");
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone() {
    let folder = Folder::new();
    let database = folder.path().join("test.sqlite");
    assert!(Program::start(&database, &["--log", "off"]).await.stop().await.1);
    rusqlite::Connection::open(&database).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let output = Program::command(&database, &[]).output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("newer release"));
}

#[tokio::test]
async fn a_program_that_is_asked_to_stop_as_soon_as_it_listens_ends_well() {
    let folder = Folder::new();
    for _ in 0..10 {
        let program = Program::start(&folder.path().join("test.sqlite"), &["--log", "off"]).await;
        assert!(program.stop().await.1);
    }
}

//! A built web application on the same port.

use super::support::{Answer, Endpoint, Folder, call};

struct Site {
    endpoint: Endpoint,
    _folder: Folder,
}

impl Site {
    async fn start() -> Self {
        let folder = Folder::new();
        let root = folder.path().join("dist");
        std::fs::create_dir_all(root.join("assets")).unwrap();
        for (name, text) in [
            ("index.html", "<!doctype html>home"),
            ("sw.js", "self.x = 1"),
            ("app.webmanifest", "{}"),
            ("assets/app-1a2b.js", "export {}"),
            ("assets/core-1a2b.wasm", "\0asm"),
            ("assets/style-1a2b.css", "a{}"),
            ("../outside.txt", "outside"),
        ] {
            std::fs::write(root.join(name), text).unwrap();
        }
        let endpoint = Endpoint::with(|config| config.static_dir = Some(root)).await;
        Self { endpoint, _folder: folder }
    }

    async fn get(&self, path: &str, accept: &str) -> Answer {
        call(self.endpoint.address(), "GET", path, &[("accept", accept)], Vec::new()).await
    }
}

#[tokio::test]
async fn files_have_their_types_and_a_strict_policy() {
    let site = Site::start().await;
    for (path, kind, kept) in [
        ("/", "text/html", false),
        ("/sw.js", "text/javascript", false),
        ("/app.webmanifest", "application/manifest+json", false),
        ("/assets/app-1a2b.js", "text/javascript", true),
        ("/assets/core-1a2b.wasm", "application/wasm", true),
        ("/assets/style-1a2b.css", "text/css", true),
    ] {
        let answer = site.get(path, "*/*").await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").starts_with(kind), "{path}: {}", answer.header("content-type"));
        assert_eq!(answer.header("cache-control").contains("immutable"), kept, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("service-worker-allowed"), "/");
    }
}

#[tokio::test]
async fn an_address_of_the_application_is_its_page_and_a_missing_file_is_not() {
    let site = Site::start().await;
    for path in ["/notes/7", "/settings"] {
        let answer = site.get(path, "text/html,*/*").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "<!doctype html>home"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert!(!answer.header("content-security-policy").is_empty());
    }
    for (path, accept) in [
        ("/assets/gone.js", "*/*"),
        ("/gone.wasm", "text/html"),
        ("/notes/7", "application/json"),
        ("/v1/mine/nothing", "text/html"),
    ] {
        assert_eq!(site.get(path, accept).await.code(404), "not_found", "{path}");
    }
    assert_eq!(site.get("/v1/mine", "text/html").await.code(401), "unauthorized");
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    let site = Site::start().await;
    for path in [
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/assets/../../outside.txt",
        "/.%2e/outside.txt",
        "//outside.txt",
        "/..\\outside.txt",
        "/%2e%2e%5coutside.txt",
        "/assets/%00",
        "/....//outside.txt",
    ] {
        let answer = site.get(path, "*/*").await;
        assert!(!answer.text().contains("outside") && answer.status < 500, "{path}: {}", answer.status);
    }
}

//! Drives Chromium through `chromedriver`: the few commands of the WebDriver protocol that the tests need,
//! each a request with a JSON body. A client of its own would bring a second HTTP stack for them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);
/// What an element's id is called on the wire.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one session.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one. Where there is no Chromium on this machine, it is said, and there is none; in CI that is
    /// a failure.
    pub(crate) fn start(dark: bool) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) => {
                let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
                assert!(!in_ci, "chromedriver cannot be started: {error}");
                eprintln!("left out: there is no chromedriver on this machine");
                return None;
            }
        };
        let mut browser = Self { driver, port, session: String::new() };
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        if dark {
            arguments.push("--force-dark-mode");
        }
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let body = json!({ "capabilities": { "alwaysMatch": options } });
        let began = Instant::now();
        let made = loop {
            match browser.ask("POST", "/session", &body) {
                Some((200, made)) => break made,
                other => assert!(began.elapsed() < PATIENCE, "no session: {other:?}"),
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let id = made["value"]["sessionId"].as_str().unwrap();
        browser.session = format!("/session/{id}");
        Some(browser)
    }

    /// Sends a command; nothing where the driver does not listen yet.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        // The driver may keep the line open: the head says how much there is.
        let mut part = [0; 65536];
        loop {
            let read = stream.read(&mut part).ok()?;
            answer.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, rest)) = text.split_once("\r\n\r\n") else {
                assert!(read > 0, "the driver hung up");
                continue;
            };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if read == 0 || length.is_some_and(|length: usize| rest.len() >= length) {
                let code = head.split(' ').nth(1)?.parse().ok()?;
                return Some((code, serde_json::from_str(rest).unwrap_or_default()));
            }
        }
    }

    /// A command of the session, whose value it gives.
    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.ask(method, &format!("{}{path}", self.session), body) {
            Some((200, mut answer)) => answer["value"].take(),
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn go(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// The first element of a selector, as soon as there is one that is shown.
    #[track_caller]
    pub(crate) fn wait(&self, css: &str) -> String {
        let began = Instant::now();
        let path = format!("{}/elements", self.session);
        let body = json!({ "using": "css selector", "value": css });
        loop {
            if let Some((200, found)) = self.ask("POST", &path, &body) {
                let all = found["value"].as_array().cloned().unwrap_or_default();
                if let Some(id) = all.first().and_then(|one| one[ELEMENT].as_str()) {
                    return id.to_owned();
                }
            }
            if began.elapsed() > PATIENCE {
                let source = self.command("GET", "/source", &Value::Null);
                panic!("there is no {css} in {source}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A command about the first element of a selector; once more where the page was another meanwhile.
    #[track_caller]
    fn on(&self, css: &str, method: &str, what: &str, body: &Value) -> Value {
        let began = Instant::now();
        loop {
            let path = format!("{}/element/{}/{what}", self.session, self.wait(css));
            match self.ask(method, &path, body) {
                Some((200, mut answer)) => return answer["value"].take(),
                Some((_, answer)) if is_gone(&answer) && began.elapsed() < PATIENCE => {}
                other => panic!("{method} {path}: {other:?}"),
            }
        }
    }

    #[track_caller]
    pub(crate) fn click(&self, css: &str) {
        self.on(css, "POST", "click", &json!({}));
    }

    #[track_caller]
    pub(crate) fn write(&self, css: &str, text: &str) {
        self.on(css, "POST", "value", &json!({ "text": text }));
    }

    #[track_caller]
    pub(crate) fn text(&self, css: &str) -> String {
        self.on(css, "GET", "text", &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Goes into a frame.
    #[track_caller]
    pub(crate) fn enter(&self, css: &str) {
        let id = self.wait(css);
        self.command("POST", "/frame", &json!({ "id": { ELEMENT: id } }));
    }

    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    #[track_caller]
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.command("POST", "/window/rect", &json!({ "width": width, "height": height }));
    }

    /// The window that it is in, and all of them.
    #[track_caller]
    pub(crate) fn windows(&self) -> (Option<String>, Vec<String>) {
        let own = self.ask("GET", &format!("{}/window", self.session), &Value::Null);
        let own = own.and_then(|(_, own)| own["value"].as_str().map(str::to_owned));
        let all = self.command("GET", "/window/handles", &Value::Null);
        let all = all.as_array().cloned().unwrap_or_default();
        (own, all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
    }

    #[track_caller]
    pub(crate) fn switch(&self, window: &str) {
        self.command("POST", "/window", &json!({ "handle": window }));
    }

    /// Where the window is.
    #[track_caller]
    pub(crate) fn address(&self) -> String {
        let address = self.command("GET", "/url", &Value::Null);
        address.as_str().unwrap_or_default().to_owned()
    }

    /// Closes the window that it is in.
    #[track_caller]
    pub(crate) fn close(&self) {
        self.command("DELETE", "/window", &Value::Null);
    }

    /// A picture, for whoever wants to look: `LINCHPIN_PICTURES` names the folder.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("LINCHPIN_PICTURES") else { return };
        let picture = self.command("GET", "/screenshot", &Value::Null);
        // As it came, in base64: whoever looks decodes it.
        let text = picture.as_str().unwrap_or_default();
        std::fs::write(Path::new(&folder).join(format!("{name}.png.base64")), text).unwrap();
    }
}

/// Whether an element was meant that is of a page before this one: WebDriver has a word for it, and Chromium's
/// own inspector another where the page goes while the driver is asking.
fn is_gone(answer: &Value) -> bool {
    let of = &answer["value"];
    of["error"] == "stale element reference"
        || of["message"]
            .as_str()
            .is_some_and(|said| said.contains("does not belong to the document"))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes its browser with it only when it is asked to.
        drop(self.ask("DELETE", &self.session, &Value::Null));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

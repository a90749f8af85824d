//! `linchpin serve` in the background, its log line by line, and its port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::commands::site::Site;

/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A service that is running.
pub(crate) struct Service {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reading: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts it.
    pub(crate) fn start(site: &Site, environment: &[(&str, &str)]) -> Self {
        let mut command = site.command(&["serve", "--log", "json"]);
        command.envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&lines);
        let reading = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                // What is no object is an error's text.
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                into.lock().unwrap().push(value);
            }
        });
        Self { child, lines, reading: Some(reading) }
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The first line of its log that is so, as soon as there is one.
    #[track_caller]
    pub(crate) fn wait_for(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            if let Some(line) = self.lines.lock().unwrap().iter().find(|line| is_so(line)) {
                return line.clone();
            }
            let lines = || self.lines.lock().unwrap().clone();
            assert!(began.elapsed() < PATIENCE, "it was not said: {:#?}", lines());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status().unwrap();
        assert!(sent.success(), "{name} could not be sent");
    }

    /// What it answers.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.get_as(path, "")
    }

    /// What it answers whoever has a token.
    pub(crate) fn get_as(&self, path: &str, token: &str) -> (u16, Value) {
        let mut stream = self.ask(path, token);
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (code, serde_json::from_str(body).unwrap_or_default())
    }

    /// What it answers whoever has a token and sends a JSON text.
    pub(crate) fn post_as(&self, path: &str, token: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connect();
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (code, serde_json::from_str(body).unwrap_or_default())
    }

    /// The port that it answers on.
    pub(crate) fn port(&self) -> u16 {
        let line = self.wait_for(|line| line["address"].is_string());
        let address: std::net::SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
        address.port()
    }

    /// A line to it, on which nothing was said yet.
    pub(crate) fn connect(&self) -> TcpStream {
        let line = self.wait_for(|line| line["address"].is_string());
        let stream = TcpStream::connect(line["address"].as_str().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A line to it, on which something is asked.
    pub(crate) fn ask(&self, path: &str, token: &str) -> TcpStream {
        let mut stream = self.connect();
        let token = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{token}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// Its exit code and its whole log, when it has ended.
    pub(crate) fn end(mut self) -> (i32, Vec<Value>) {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        self.reading.take().unwrap().join().unwrap();
        (code, self.lines.lock().unwrap().clone())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

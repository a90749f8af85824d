//! Lines to a service, kept open, on which much is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A line.
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Asks, and reads the answer to its end; gives its code.
    pub(crate) async fn ask(&mut self, request: &str) -> u16 {
        self.0.get_mut().write_all(request.as_bytes()).await.unwrap();
        let (code, length) = self.head().await;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        code
    }

    /// Code and length of an answer.
    async fn head(&mut self) -> (u16, usize) {
        let (mut code, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).await.unwrap() > 0, "the line was cut");
            let line = line.trim_end();
            if line.is_empty() {
                return (code, length);
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                code = rest.split(' ').next().unwrap().parse().unwrap();
            } else if let Some(rest) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            }
        }
    }
}

/// What is asked, how often and how long.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Requests per second.
    pub(crate) rate: u32,
    pub(crate) time: Duration,
    /// Lines that are open at once.
    pub(crate) workers: usize,
    /// The code that every answer must have.
    pub(crate) expected: u16,
}

/// How long answers took.
pub(crate) struct Spread {
    micros: Vec<u64>,
    wrong: usize,
    elapsed: Duration,
}

impl Spread {
    fn of(mut micros: Vec<u64>, wrong: usize, elapsed: Duration) -> Self {
        micros.sort_unstable();
        Self { micros, wrong, elapsed }
    }

    fn at(&self, permille: usize) -> f64 {
        let place = (self.micros.len() * permille / 1000).min(self.micros.len().saturating_sub(1));
        self.micros.get(place).map_or(0.0, |micros| *micros as f64 / 1000.0)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "count": self.micros.len(),
            "wrong": self.wrong,
            "per_second": (self.micros.len() as f64 / self.elapsed.as_secs_f64()).round(),
            "p50_ms": self.at(500), "p90_ms": self.at(900), "p99_ms": self.at(990),
            "max_ms": self.at(1000),
        })
    }
}

/// Asks at a steady rate, whatever comes back; each request is counted from when it was due.
pub(crate) async fn steady(load: &Load, requests: Vec<String>) -> Spread {
    let count = usize::try_from(u64::from(load.rate) * load.time.as_secs()).unwrap();
    let (next, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(requests));
    let (began, gap) = (Instant::now(), Duration::from_secs(1) / load.rate);
    let mut workers = JoinSet::new();
    for _ in 0..load.workers {
        let (next, requests) = (Arc::clone(&next), Arc::clone(&requests));
        let (address, expected) = (load.address, load.expected);
        workers.spawn(async move {
            let mut line = Line::to(address).await;
            let (mut micros, mut wrong) = (Vec::new(), 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return (micros, wrong);
                }
                let due = began + gap * u32::try_from(number).unwrap();
                tokio::time::sleep_until(due).await;
                let code = line.ask(&requests[number % requests.len()]).await;
                wrong += usize::from(code != expected);
                micros.push(u64::try_from(due.elapsed().as_micros()).unwrap());
            }
        });
    }
    let (mut micros, mut wrong) = (Vec::new(), 0);
    while let Some(done) = workers.join_next().await {
        let (own, failed) = done.unwrap();
        micros.extend(own);
        wrong += failed;
    }
    Spread::of(micros, wrong, began.elapsed())
}

/// Followers that wait.
pub(crate) struct Following(Vec<Line>);

/// Opens so many streams.
pub(crate) async fn follow(address: SocketAddr, request: &str, count: usize) -> Following {
    let mut lines = Vec::new();
    for _ in 0..count {
        let mut line = Line::to(address).await;
        line.0.get_mut().write_all(request.as_bytes()).await.unwrap();
        let (code, _) = line.head().await;
        assert_eq!(code, 200);
        lines.push(line);
    }
    Following(lines)
}

impl Following {
    /// Lets something happen, and says how long after it each follower heard.
    pub(crate) async fn after(self, act: impl FnOnce()) -> Spread {
        let mut hearing = JoinSet::new();
        for mut line in self.0 {
            hearing.spawn(async move {
                loop {
                    let mut text = String::new();
                    assert!(line.0.read_line(&mut text).await.unwrap() > 0, "the stream ended");
                    if text.starts_with("data:") {
                        return Instant::now();
                    }
                }
            });
        }
        tokio::task::block_in_place(act);
        let mut heard = Vec::new();
        while let Some(at) = hearing.join_next().await {
            heard.push(at.unwrap());
        }
        let first = heard.iter().min().copied().unwrap();
        let last = heard.iter().max().copied().unwrap();
        let micros = heard.iter().map(|at| u64::try_from((*at - first).as_micros()).unwrap());
        Spread::of(micros.collect(), 0, (last - first).max(Duration::from_millis(1)))
    }
}

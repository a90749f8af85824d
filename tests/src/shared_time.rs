//! One time for several processes: it stands still as long as anybody is at work, and then jumps to the
//! first instant that anybody waits for. One process conducts, the others join it over a local port; one that
//! is killed has left.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_daemon::Timer;
use core_sync::Clock;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};

/// Who conducts.
pub struct Conductor {
    state: Arc<Mutex<State>>,
    address: SocketAddr,
}

struct State {
    now_us: i64,
    until_us: i64,
    over: bool,
    members: BTreeMap<u64, Member>,
}

struct Member {
    to: mpsc::UnboundedSender<String>,
    /// What it waits for: an instant, or none at all; nothing while it is at work.
    wish: Option<Option<i64>>,
    /// It is at work beside that.
    held: bool,
}

impl Conductor {
    /// Conducts from then until then. The time begins to run with the first who joins.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State {
            now_us: from.timestamp_micros(),
            until_us: until.timestamp_micros(),
            over: false,
            members: BTreeMap::new(),
        }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                tokio::spawn(attend(Arc::clone(&shared), number, stream));
            }
        });
        Ok(Self { state, address })
    }

    /// Where it is joined.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(lock(&self.state).now_us).unwrap_or_default()
    }

    /// Whether nothing is left to be done before the end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        lock(&self.state).over
    }
}

fn lock<T>(state: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Attends to a process until it has left.
async fn attend(state: Arc<Mutex<State>>, number: u64, stream: TcpStream) {
    let (reading, mut writing) = stream.into_split();
    let (to, mut lines) = mpsc::unbounded_channel::<String>();
    {
        let mut state = lock(&state);
        // An error is that it has left already, which the reading finds out.
        drop(to.send(format!("now {}\n", state.now_us)));
        state.members.insert(number, Member { to, wish: None, held: false });
    }
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            if writing.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let mut lines = BufReader::new(reading).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut state = lock(&state);
        let Some(member) = state.members.get_mut(&number) else { return };
        match line.split_once(' ') {
            Some(("idle", at)) => member.wish = Some(at.parse().ok()),
            None if line == "busy" => member.wish = None,
            None if line == "hold" => {
                member.held = true;
                drop(member.to.send("held\n".to_owned()));
            }
            None if line == "free" => member.held = false,
            _ => return,
        }
        state.go_on();
    }
    let mut state = lock(&state);
    state.members.remove(&number);
    state.go_on();
}

impl State {
    /// Jumps to the first instant that anybody waits for, where nobody is at work.
    fn go_on(&mut self) {
        let at_work = |member: &Member| member.held || member.wish.is_none();
        if self.members.is_empty() || self.members.values().any(at_work) {
            return;
        }
        let wishes = self.members.values().filter_map(|member| member.wish.flatten());
        let first = wishes.min().filter(|at| *at <= self.until_us);
        self.now_us = self.now_us.max(first.unwrap_or(self.until_us));
        self.over = first.is_none();
        let word = if self.over { "over" } else { "now" };
        for member in self.members.values_mut() {
            if member.wish.flatten().is_some_and(|at| at <= self.now_us) {
                // It is at work until it says something else.
                member.wish = None;
            }
            drop(member.to.send(format!("{word} {}\n", self.now_us)));
        }
    }
}

/// The time that is shared, in a process that joined.
pub struct SharedTime {
    now: watch::Sender<i64>,
    clock: Arc<AtomicI64>,
    words: mpsc::UnboundedSender<String>,
    held: Arc<Notify>,
    over: Arc<Notify>,
}

impl SharedTime {
    /// Joins whoever conducts there.
    ///
    /// # Errors
    /// When nobody does.
    pub async fn join(address: &str) -> Result<Arc<Self>> {
        let (reading, mut writing) = TcpStream::connect(address).await?.into_split();
        let mut lines = BufReader::new(reading).lines();
        let first = lines.next_line().await?.context("nobody conducts")?;
        let now_us = first.strip_prefix("now ").context("no time")?.parse()?;
        let (words, mut sent) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(line) = sent.recv().await {
                if writing.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let time = Arc::new(Self {
            now: watch::Sender::new(now_us),
            clock: Arc::new(AtomicI64::new(now_us)),
            words,
            held: Arc::default(),
            over: Arc::default(),
        });
        let shared = Arc::clone(&time);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                shared.hear(&line);
            }
            // Without a conductor there is no time.
            std::process::exit(3);
        });
        Ok(time)
    }

    fn hear(&self, line: &str) {
        match line.split_once(' ') {
            Some((word, at)) => {
                let at = at.parse().unwrap_or_default();
                self.clock.fetch_max(at, Ordering::SeqCst);
                self.now.send_replace(at);
                if word == "over" {
                    self.over.notify_one();
                }
            }
            None => self.held.notify_one(),
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let clock = Arc::clone(&self.clock);
        Clock::new(move || {
            DateTime::from_timestamp_micros(clock.load(Ordering::SeqCst)).unwrap_or_default()
        })
    }

    /// Waits until there is nothing more to do before the end.
    pub async fn over(&self) {
        self.over.notified().await;
    }

    /// Lets the time stand still for something that is done beside the daemon's jobs.
    pub async fn hold(&self) {
        drop(self.words.send("hold\n".to_owned()));
        self.held.notified().await;
    }

    /// Lets it go on.
    pub fn free(&self) {
        drop(self.words.send("free\n".to_owned()));
    }
}

#[async_trait]
impl Timer for SharedTime {
    fn now(&self) -> DateTime<Utc> {
        self.clock().now()
    }

    async fn until(&self, at: Option<DateTime<Utc>>, busy: bool) {
        if busy {
            drop(self.words.send("busy\n".to_owned()));
            return std::future::pending().await;
        }
        let mut now = self.now.subscribe();
        let at = at.map(|at| at.timestamp_micros());
        let wish = at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        drop(self.words.send(format!("idle {wish}\n")));
        loop {
            if at.is_some_and(|at| self.clock.load(Ordering::SeqCst) >= at) {
                return;
            }
            if now.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

//! A hub that is none: what it sends is put there by a test, what it hears is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_runner::{
    Agent, AgentSettings, Bearer, Done, Enrol, Enrolled, HubKey, Journal, Machine, Order, Outcome,
    Phase, Piece, Poll, Result, Shell, Signed, State, Taken, Uplink, UplinkError, Work, enrol,
    paths,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const ME: Uuid = Uuid::from_u128(77);

#[derive(Default)]
struct Kept {
    commands: BTreeMap<Uuid, Signed>,
    output: BTreeMap<Uuid, Vec<u8>>,
    done: BTreeMap<Uuid, Outcome>,
    keys: BTreeSet<String>,
    pieces: usize,
    away: bool,
    twice: bool,
}

/// The hub.
#[derive(Clone)]
pub(crate) struct Hub {
    key: Arc<HubKey>,
    kept: Arc<Mutex<Kept>>,
}

/// A machine with a folder, and the hub.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) hub: Hub,
}

/// An order for this runner, that holds.
pub(crate) fn order() -> Order {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Order {
        runner: ME,
        run: Uuid::new_v4(),
        shell: Shell::Sh,
        text_sha256: String::new(),
        stdin_sha256: None,
        limit_s: 60,
        output_limit: 1 << 20,
        not_after_s: i64::try_from(now).unwrap() + 60,
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let key = Arc::new(HubKey::parse(&HubKey::text([5; 32])).unwrap());
        Self { folder: tempfile::tempdir().unwrap(), hub: Hub { key, kept: Arc::default() } }
    }

    pub(crate) async fn enrolled() -> Self {
        let bench = Self::new();
        bench.enrol().await.unwrap();
        bench
    }

    pub(crate) fn state(&self) -> State {
        State::open(&self.folder.path().join("state")).unwrap()
    }

    pub(crate) async fn enrol(&self) -> Result<Enrolled> {
        let token = Bearer::new("lpe_token");
        let hub = ("https://hub.example", &token);
        enrol(&self.state(), hub, &self.hub, &Machine::default()).await
    }

    pub(crate) fn start(&self) -> JoinHandle<()> {
        let hub = self.hub.clone();
        let settings = AgentSettings { parallel: 4, wait_s: 1 };
        let agent = Agent::open(self.state(), Machine::default(), settings, |_| Box::new(hub));
        tokio::spawn(agent.unwrap().run(std::future::pending()))
    }

    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "it did not come to it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the runner has written down that the hub knows of a run.
    pub(crate) async fn told(&self, run: Uuid) {
        let told = || {
            let journal = Journal::open(&self.state().journal()).unwrap();
            journal.get(run).is_some_and(|entry| entry.phase == Phase::Told)
        };
        self.until(told).await;
    }

    /// Every file of the runner.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.path().join("state")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

impl Hub {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    fn put(&self, signed: Signed) -> Uuid {
        let run = signed.order.run;
        self.kept().commands.insert(run, signed);
        run
    }

    pub(crate) fn sign(&self, order: Order, text: &str, stdin: Option<&str>) -> Uuid {
        let (order, signature) = self.key.sign(order, text, stdin);
        let stdin = stdin.map(str::to_owned);
        self.put(Signed { order, signature, text: text.to_owned(), stdin })
    }

    pub(crate) fn send(&self, text: &str, stdin: Option<&str>) -> Uuid {
        self.sign(order(), text, stdin)
    }

    /// Sends what another key signed.
    pub(crate) fn forge(&self, order: Order, text: &str) -> Uuid {
        let other = HubKey::parse(&HubKey::text([6; 32])).unwrap();
        let (order, signature) = other.sign(order, text, None);
        self.put(Signed { order, signature, text: text.to_owned(), stdin: None })
    }

    /// Sends another text than was signed.
    pub(crate) fn change(&self, order: Order, signed: &str, text: &str) -> Uuid {
        let (order, signature) = self.key.sign(order, signed, None);
        self.put(Signed { order, signature, text: text.to_owned(), stdin: None })
    }

    /// Forgets what came of a run, and sends it again.
    pub(crate) fn replay(&self, run: Uuid) {
        self.kept().done.remove(&run);
    }

    pub(crate) fn away(&self, away: bool) {
        self.kept().away = away;
    }

    pub(crate) fn twice(&self, twice: bool) {
        self.kept().twice = twice;
    }

    pub(crate) fn pieces(&self) -> usize {
        self.kept().pieces
    }

    pub(crate) fn keys(&self) -> usize {
        self.kept().keys.len()
    }

    /// What came of a run, and what it printed.
    pub(crate) async fn over(&self, run: Uuid) -> (Outcome, String) {
        let began = Instant::now();
        loop {
            {
                let kept = self.kept();
                if let Some(outcome) = kept.done.get(&run) {
                    let printed = kept.output.get(&run).cloned().unwrap_or_default();
                    return (outcome.clone(), String::from_utf8(printed).unwrap());
                }
            }
            assert!(began.elapsed() < PATIENCE, "nothing came of {run}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn polled(&self, poll: &Poll) -> Vec<Signed> {
        let kept = self.kept();
        let open = |signed: &&Signed| {
            let run = signed.order.run;
            !kept.done.contains_key(&run) && !poll.have.contains(&run)
        };
        let mut commands: Vec<Signed> = kept.commands.values().filter(open).cloned().collect();
        if kept.twice {
            commands.extend(commands.clone());
        }
        commands
    }

    fn took(&self, run: Uuid, piece: &Piece) -> Taken {
        let data = STANDARD.decode(&piece.data).unwrap();
        let mut kept = self.kept();
        let output = kept.output.entry(run).or_default();
        if output.len() as u64 == piece.at {
            output.extend(data);
        }
        let length = output.len() as u64;
        kept.pieces += 1;
        Taken { length }
    }
}

fn json<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

#[async_trait]
impl Uplink for Hub {
    async fn post(
        &self,
        path: &str,
        _: &Bearer,
        body: Vec<u8>,
        _: Duration,
    ) -> std::result::Result<Vec<u8>, UplinkError> {
        let away = self.kept().away;
        if path == paths::ENROL {
            let asked: Enrol = serde_json::from_slice(&body).unwrap();
            // Also where its answer is lost.
            self.kept().keys.insert(asked.key);
        }
        if away {
            return Err(UplinkError::Away("nobody is there".to_owned()));
        }
        if path == paths::ENROL {
            let hub_key = self.key.public();
            return Ok(json(&Enrolled { runner: ME, hub_key, tenant: "Acme".to_owned() }));
        }
        if path == paths::POLL {
            let poll: Poll = serde_json::from_slice(&body).unwrap();
            let commands = self.polled(&poll);
            if commands.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            return Ok(json(&Work { commands }));
        }
        if let Some(run) = path.strip_prefix(paths::OUTPUT) {
            let piece: Piece = serde_json::from_slice(&body).unwrap();
            return Ok(json(&self.took(run.parse().unwrap(), &piece)));
        }
        let run: Uuid = path.strip_prefix(paths::DONE).unwrap().parse().unwrap();
        let done: Done = serde_json::from_slice(&body).unwrap();
        self.kept().done.entry(run).or_insert(done.outcome);
        Ok(b"{}".to_vec())
    }
}

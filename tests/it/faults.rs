//! Every fault that the mocks know, each at one call in twenty: repeated syncs end in the model that
//! an undisturbed one ends in, and what is not whole says so. Each by itself, so that a failure names
//! the fault; and all of them at once at that rate each, which spoils six calls of ten.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use core_model::run::{Outcome, Run};
use core_sync::{CollectOutcome, Hub, ModelView, SyncOptions};
use mocks::faults::{Fault, Rule, When};
use mocks::world::Options;
use tests::Estate;
use tests::databases;

use crate::support::{both_databases, difference, ensure_verified, paging_hub, seeds, told, view};

/// Calls that go wrong, by each fault.
const RATE: f64 = 0.05;
/// What is expected of one fault.
const ONE: Patience = Patience { syncs: 25, believes: false };
/// A vendor that says "there is nothing" where there never was anything is believed, until it says
/// otherwise.
const EMPTY: Patience = Patience { believes: true, ..ONE };
/// What is expected of all faults together: five to twenty-two syncs were seen, and one case in eight or
/// ten needs more than fifty. Rows that are doubled or left out spoil a listing as a whole, and of
/// twenty pages one listing in ten has none of either, so that the number has no near bound.
const ALL: Patience = Patience { syncs: 250, ..EMPTY };

/// Faults that take real seconds.
const SLOW: &[Fault] =
    &[Fault::Throttled, Fault::ThrottledDecimal, Fault::ThrottledBare, Fault::Slow];
/// How often each of those happens at most among all others. They make a test long and nothing else:
/// with the calls of so many syncs it would wait for many minutes.
const SLOW_TIMES: u32 = 12;

/// Faults that come with an answer of another status, or late.
const REFUSALS: &[Fault] = &[
    Fault::Throttled,
    Fault::ThrottledDecimal,
    Fault::ThrottledBare,
    Fault::Slow,
    Fault::Unavailable,
    Fault::ServerError,
    Fault::TokenRevoked,
    Fault::Forbidden,
    Fault::NotFound,
    Fault::Gone,
    Fault::DeltaExpired,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_at_one_call_in_twenty_ends_in_the_same_model() -> Result<()> {
    one_after_the_other(REFUSALS).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_spoilt_answer_at_one_call_in_twenty_ends_in_the_same_model() -> Result<()> {
    let spoilt = Fault::ALL.iter().filter(|fault| !REFUSALS.contains(fault));
    one_after_the_other(&spoilt.copied().collect::<Vec<_>>()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_together_end_in_the_same_model_on_both_databases() -> Result<()> {
    for seed in seeds([31]) {
        let subject = Subject::start(60, seed).await?;
        for database in both_databases().await? {
            let hub = paging_hub(&subject.estate, database.open().await?)?;
            let story = subject.overcome(&hub, rules(Fault::ALL, Some(SLOW_TIMES)), ALL).await;
            println!("{}, all faults: {}", database.name, story.context(database.name)?);
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

async fn one_after_the_other(faults: &[Fault]) -> Result<()> {
    for seed in seeds([31]) {
        let subject = Subject::start(100, seed).await?;
        let mut wrong = Vec::new();
        for &fault in faults {
            let database = databases::sqlite()?;
            let hub = paging_hub(&subject.estate, database.open().await?)?;
            let patience = if fault == Fault::EmptyList { EMPTY } else { ONE };
            match subject.overcome(&hub, rules(&[fault], None), patience).await {
                Ok(story) => println!("{fault:?}: {story}"),
                Err(error) => wrong.push(format!("{fault:?}: {error:#}")),
            }
        }
        ensure!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// Each of these faults at its rate; those that take real seconds so often at most.
fn rules(faults: &[Fault], slow: Option<u32>) -> Vec<Rule> {
    let rule = |&fault: &Fault| {
        let times = slow.filter(|_| SLOW.contains(&fault));
        Rule { fault, face: None, path: None, when: When::Rate(RATE), times }
    };
    faults.iter().map(rule).collect()
}

/// How much a fault may cost.
#[derive(Clone, Copy)]
struct Patience {
    /// Syncs after which it must have been overcome.
    syncs: usize,
    /// Whether streams may all say that they are whole, while the model is not yet.
    believes: bool,
}

/// Connection and stream.
type Name = (String, String);

/// An estate, and what an undisturbed sync makes of it.
struct Subject {
    estate: Estate,
    at: DateTime<Utc>,
    model: ModelView,
    /// The scopes of each stream.
    scopes: BTreeMap<Name, BTreeSet<String>>,
    /// Scopes in which there is nothing to read: not licensed, or not allowed.
    skipped: BTreeSet<(Name, String)>,
    /// Streams that have bad records also when nothing goes wrong.
    bad: BTreeSet<Name>,
    /// Machines that never answer.
    silent: usize,
}

impl Subject {
    async fn start(computers: usize, seed: u64) -> Result<Self> {
        let options = Options {
            computers,
            seed,
            command_latency_ms: (1, 5),
            delta_page: 10,
            ..Options::default()
        };
        let estate = Estate::serve(&options).await?;
        let database = databases::sqlite()?;
        let hub = paging_hub(&estate, database.open().await?)?;
        let runs = hub.sync(&[], &SyncOptions::default()).await?;
        let silent = hub.collect().await?.failed;
        let at = Utc::now();
        let model = view(&hub, at).await?;
        let nothing = runs.iter().filter(|run| run.outcome == Outcome::Skipped);
        let skipped = nothing.map(|run| (name(run), run.scope.clone())).collect();
        let scopes = whole(&runs, &skipped);
        let bad = runs.iter().filter(|run| run.counts.rejected > 0).map(name).collect();
        Ok(Self { estate, at, model, scopes, skipped, bad, silent })
    }

    /// Syncs under these faults until all is whole, twice: everything, and what changed since.
    async fn overcome(&self, hub: &Hub, rules: Vec<Rule>, patience: Patience) -> Result<String> {
        let before = self.fired();
        self.estate.running.set_faults(rules);
        let mut options = SyncOptions::default();
        let first = self.until_whole(hub, &options, patience).await.context("at first")?;
        let mut then = 0;
        // Some faults are rare, or meet only what changed, or only a full reading; they must have
        // met something.
        while then == 0 || (self.fired() == before && then < patience.syncs) {
            then += self.until_whole(hub, &options, patience).await.context("the next day")?;
            options.full = !options.full;
        }
        self.estate.running.set_faults(Vec::new());
        let fired = self.fired() - before;
        ensure!(fired > 0, "it never happened");
        ensure_verified(hub).await?;
        Ok(format!("happened {fired} times, overcome by {first} and {then} syncs"))
    }

    /// Syncs until every stream was read to its end once, and says how often that was.
    async fn until_whole(
        &self,
        hub: &Hub,
        options: &SyncOptions,
        patience: Patience,
    ) -> Result<usize> {
        let mut read: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
        let (mut last, mut wrong) = (String::new(), Vec::new());
        for number in 1..=patience.syncs {
            let runs = hub.sync(&[], options).await?;
            let asked = hub.collect().await?;
            read.extend(whole(&runs, &self.skipped));
            // What is in quarantine is told, and comes with the next listing.
            let told_bad = runs.iter().filter(|run| run.counts.rejected > 0).map(name);
            told_bad
                .filter(|name| !self.bad.contains(name))
                .for_each(|name| drop(read.remove(&name)));
            let unread = runs.iter().find(|run| !read.contains_key(&name(run)));
            if let Some(open) = unread.map(told).or_else(|| self.unasked(asked)) {
                last = open;
                continue;
            }
            // Every stream says that it is whole: then it is.
            last = if read == self.scopes {
                difference(&self.model, &view(hub, self.at).await?)
            } else {
                format!("read {read:?}, there is {:?}", self.scopes)
            };
            if last.is_empty() {
                return Ok(number);
            }
            ensure!(
                patience.believes,
                "a silent half after {number} syncs: wanted (-), found (+){last}"
            );
            wrong.push(format!("after {number}: {last}"));
            read.clear();
        }
        let wrong = wrong.join("\n");
        bail!("not overcome by {} syncs: {last}\nread whole and not so:\n{wrong}", patience.syncs)
    }

    fn unasked(&self, asked: CollectOutcome) -> Option<String> {
        (asked.failed > self.silent).then(|| format!("{asked:?}"))
    }

    fn fired(&self) -> u64 {
        self.estate.running.fired().iter().map(|fired| fired.times).sum()
    }
}

fn name(run: &Run) -> Name {
    (run.connection.clone(), run.stream.clone())
}

/// The streams of which every scope was read to its end, with these scopes. What has nothing to
/// read is named in `skipped`; that nobody else says so is no end.
fn whole(runs: &[Run], skipped: &BTreeSet<(Name, String)>) -> BTreeMap<Name, BTreeSet<String>> {
    let mut scopes: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
    for run in runs {
        scopes.entry(name(run)).or_default().insert(run.scope.clone());
    }
    for run in runs {
        let fine = run.outcome == Outcome::Complete
            || (run.outcome == Outcome::Skipped
                && skipped.contains(&(name(run), run.scope.clone())));
        if !fine {
            scopes.remove(&name(run));
        }
    }
    scopes
}

//! What is mailed, when, how often, and by whom.

use std::sync::atomic::{AtomicI64, Ordering};

use core_model::queue::QueueRules;
use core_store::Store;
use core_sync::{Clock, Settings};
use serde_json::Value;

use super::*;

/// A post office that takes mail or says why not.
#[derive(Default)]
struct Office {
    refuses: Mutex<Option<String>>,
    needs: Mutex<Vec<Told>>,
    sent: Mutex<Vec<News>>,
    tried: Mutex<Vec<String>>,
}

#[async_trait]
impl Post for Office {
    async fn needs(&self) -> std::result::Result<Vec<Told>, String> {
        Ok(self.needs.lock().unwrap().clone())
    }

    async fn send(&self, news: &News) -> std::result::Result<(), String> {
        self.tried.lock().unwrap().push(news.id.clone());
        if let Some(why) = self.refuses.lock().unwrap().clone() {
            return Err(why);
        }
        self.sent.lock().unwrap().push(news.clone());
        Ok(())
    }
}

struct Bench {
    hub: Arc<Hub>,
    office: Arc<Office>,
    mailer: Mailer,
    now: Arc<AtomicI64>,
    metrics: Arc<Metrics>,
    folder: Arc<tempfile::TempDir>,
}

/// 2026-11-23 00:00 UTC, a Monday.
const MONDAY: i64 = 1_795_392_000;

impl Bench {
    async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::on(folder, Arc::new(AtomicI64::new(MONDAY)), Arc::default()).await
    }

    async fn on(folder: Arc<tempfile::TempDir>, now: Arc<AtomicI64>, office: Arc<Office>) -> Self {
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let seconds = Arc::clone(&now);
        let at = move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).unwrap();
        let hub = Hub::new(store, Vec::new(), Settings::default(), Clock::new(at));
        let hub = Arc::new(hub);
        let desk = crate::Desk { hub: Arc::clone(&hub), notes: None, queue: QueueRules::default() };
        let (desk, mailing) = (watch::channel(desk).1, watch::channel(None).1);
        let metrics = Arc::new(Metrics::default());
        let mailer = Mailer::new(desk, mailing, Arc::clone(&office) as _, Arc::clone(&metrics));
        Self { hub, office, mailer, now, metrics, folder }
    }

    fn needs(&self, keys: &[(&str, &str)]) {
        let told = |(key, what): &(&str, &str)| Told {
            key: (*key).to_owned(),
            what: (*what).to_owned(),
            data: Value::Null,
        };
        *self.office.needs.lock().unwrap() = keys.iter().map(told).collect();
    }

    /// Looks so many seconds later, and gives what was sent: new, over, still open.
    async fn look(&self, seconds: i64, mailing: &Mailing) -> Vec<(String, String, String)> {
        self.now.fetch_add(seconds, Ordering::Relaxed);
        self.mailer.look(&self.hub, mailing).await.unwrap();
        let list = |told: &[Told]| -> Vec<String> {
            told.iter().map(|one| format!("{}={}", one.key, one.what)).collect()
        };
        let sent = std::mem::take(&mut *self.office.sent.lock().unwrap());
        let shown = |news: &News| {
            let over: Vec<String> =
                news.settled.iter().map(|(key, what)| format!("{key}={what}")).collect();
            (list(&news.raised).join(" "), over.join(" "), list(&news.open).join(" "))
        };
        sent.iter().map(shown).collect()
    }

    async fn state(&self) -> WebhookState {
        self.hub.store.webhooks().await.unwrap().remove(MAIL).unwrap()
    }
}

fn news(raised: &str, over: &str, open: &str) -> Vec<(String, String, String)> {
    vec![(raised.to_owned(), over.to_owned(), open.to_owned())]
}

fn at_once(wait: u32) -> Mailing {
    Mailing { spec: "x".to_owned(), at_once: Some(wait), digest: None }
}

fn daily() -> Mailing {
    let digest = Schedule::new("0 7 * * *".parse().unwrap(), chrono_tz::UTC);
    Mailing { spec: "x".to_owned(), at_once: None, digest: Some(digest) }
}

#[tokio::test]
async fn a_need_is_mailed_once_and_once_more_when_it_is_over() {
    let bench = Bench::new().await;
    let mailing = at_once(300);
    assert_eq!(bench.look(0, &mailing).await, []);
    bench.needs(&[("a", "one"), ("b", "one")]);
    assert_eq!(bench.look(60, &mailing).await, [], "it waits for others");
    bench.needs(&[("a", "one"), ("b", "one"), ("c", "one")]);
    assert_eq!(bench.look(240, &mailing).await, []);
    assert_eq!(bench.look(60, &mailing).await, news("a=one b=one c=one", "", ""));
    // The same with another count is the same need.
    bench.needs(&[("a", "two"), ("b", "one"), ("c", "one")]);
    assert_eq!(bench.look(3600, &mailing).await, []);
    // What is over waits for the next mail, for an hour; what comes back before was never away.
    bench.needs(&[("a", "two")]);
    assert_eq!(bench.look(3600, &mailing).await, []);
    bench.needs(&[("a", "two"), ("c", "one"), ("d", "one")]);
    assert_eq!(bench.look(60, &mailing).await, []);
    assert_eq!(bench.look(300, &mailing).await, news("d=one", "b=one", "a=two c=one"));
    bench.needs(&[("b", "again")]);
    assert_eq!(bench.look(60, &mailing).await, []);
    assert_eq!(bench.look(300, &mailing).await, news("b=again", "a=one c=one d=one", ""));
    assert_eq!(bench.look(86_400, &mailing).await, []);
}

#[tokio::test]
async fn what_is_over_is_mailed_by_itself_and_mailed_again_when_it_comes_back() {
    let bench = Bench::new().await;
    let mailing = at_once(300);
    bench.needs(&[("a", "january")]);
    assert_eq!(bench.look(0, &mailing).await, []);
    assert_eq!(bench.look(300, &mailing).await, news("a=january", "", ""));
    for _ in 0..3 {
        bench.needs(&[]);
        assert_eq!(bench.look(60, &mailing).await, []);
        assert_eq!(bench.look(3599, &mailing).await, [], "it may come back");
        bench.needs(&[("a", "january")]);
        assert_eq!(bench.look(60, &mailing).await, [], "it was never away");
    }
    bench.needs(&[]);
    assert_eq!(bench.look(60, &mailing).await, []);
    assert_eq!(bench.look(3600, &mailing).await, news("", "a=january", ""));
    assert_eq!(bench.look(150 * 86_400, &mailing).await, []);
    bench.needs(&[("a", "june")]);
    assert_eq!(bench.look(60, &mailing).await, []);
    assert_eq!(bench.look(300, &mailing).await, news("a=june", "", ""));
    // Where new needs wait for longer than an hour, so does this.
    bench.needs(&[]);
    assert_eq!(bench.look(60, &at_once(7200)).await, []);
    assert_eq!(bench.look(7199, &at_once(7200)).await, []);
    *bench.office.refuses.lock().unwrap() = Some("451 try later".to_owned());
    assert_eq!(bench.look(1, &at_once(7200)).await, []);
    assert_eq!(bench.state().await.attempts, 1);
    // What was not sent waits for nothing but its next try, also by another daemon.
    *bench.office.refuses.lock().unwrap() = None;
    let (folder, now) = (Arc::clone(&bench.folder), Arc::clone(&bench.now));
    let other = Bench::on(folder, now, Arc::clone(&bench.office)).await;
    assert_eq!(other.look(60, &at_once(7200)).await, news("", "a=june", ""));
}

#[tokio::test]
async fn a_digest_comes_at_its_time_and_only_where_something_changed() {
    let bench = Bench::new().await;
    bench.needs(&[("a", "one")]);
    assert_eq!(bench.look(0, &daily()).await, [], "it begins now");
    assert_eq!(bench.look(6 * 3600, &daily()).await, []);
    assert_eq!(bench.look(3600, &daily()).await, news("a=one", "", ""));
    assert_eq!(bench.look(86_400, &daily()).await, [], "nothing changed");
    bench.needs(&[]);
    assert_eq!(bench.look(3600, &daily()).await, []);
    // Also where it was down at that time, and once for several days.
    assert_eq!(bench.look(3 * 86_400, &daily()).await, news("", "a=one", ""));
    assert_eq!(bench.look(3600, &daily()).await, []);
    // Both: what is new at once, what is over after an hour where it is not seven before.
    let both = Mailing { at_once: Some(0), ..daily() };
    bench.needs(&[("b", "one")]);
    assert_eq!(bench.look(60, &both).await, news("b=one", "", ""));
    bench.needs(&[]);
    assert_eq!(bench.look(60, &both).await, []);
    assert_eq!(bench.look(3600, &both).await, news("", "b=one", ""));
    bench.needs(&[("c", "one")]);
    assert_eq!(bench.look(60, &both).await, news("c=one", "", ""));
    assert_eq!(bench.look(86_400, &both).await, []);
    // From 10:03 to ten minutes before the next digest.
    bench.needs(&[]);
    assert_eq!(bench.look(74_820, &both).await, []);
    assert_eq!(bench.look(660, &both).await, news("", "c=one", ""));
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_later_and_later_as_the_same_mail() {
    let bench = Bench::new().await;
    let mailing = at_once(0);
    bench.needs(&[("a", "one"), (UNSENT, "mail cannot be sent")]);
    *bench.office.refuses.lock().unwrap() = Some("451 try later".to_owned());
    let mut tries = 0;
    for (wait, more) in [(0, 1), (59, 0), (1, 1), (299, 0), (1, 1), (900, 1), (1800, 1)] {
        assert_eq!(bench.look(wait, &mailing).await, []);
        tries += more;
        assert_eq!(bench.office.tried.lock().unwrap().len(), tries, "after {wait} seconds more");
    }
    let state = bench.state().await;
    assert_eq!((state.attempts, state.error.as_deref()), (5, Some("451 try later")));
    assert_eq!(state.failing_us, Some(MONDAY * 1_000_000));
    assert_eq!(state.disabled_us, None, "mail is never given up");
    *bench.office.refuses.lock().unwrap() = None;
    // That mail cannot be sent is no news of a mail.
    assert_eq!(bench.look(3600, &mailing).await, news("a=one", "", ""));
    let tried = bench.office.tried.lock().unwrap().clone();
    assert!(tried.iter().all(|id| *id == tried[0]), "{tried:?}");
    assert_eq!(bench.state().await.attempts, 0);
    let text = bench.metrics.text(&bench.hub.store, 0).await.unwrap();
    assert!(text.contains("linchpin_mails_total{outcome=\"failed\"} 5"), "{text}");
    assert!(text.contains("linchpin_mails_total{outcome=\"sent\"} 1"), "{text}");
    // Elsewhere it is tried at once.
    *bench.office.refuses.lock().unwrap() = Some("550 no".to_owned());
    bench.needs(&[("a", "one"), ("b", "one")]);
    assert_eq!(bench.look(60, &mailing).await, []);
    *bench.office.refuses.lock().unwrap() = None;
    let elsewhere = Mailing { spec: "y".to_owned(), ..at_once(0) };
    assert_eq!(bench.look(1, &elsewhere).await, news("b=one", "", "a=one"));
}

#[tokio::test]
async fn of_several_daemons_one_mails_and_none_repeats_it() {
    let first = Bench::new().await;
    let (folder, now) = (Arc::clone(&first.folder), Arc::clone(&first.now));
    let second = Bench::on(folder, now, Arc::clone(&first.office)).await;
    first.needs(&[("a", "one")]);
    let mailing = at_once(0);
    let (one, other) = tokio::join!(
        first.mailer.look(&first.hub, &mailing),
        second.mailer.look(&second.hub, &mailing)
    );
    one.unwrap();
    other.unwrap();
    assert_eq!(first.look(60, &mailing).await.len() + second.look(60, &mailing).await.len(), 1);
    assert_eq!(first.office.tried.lock().unwrap().len(), 1);
}

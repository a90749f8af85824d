//! What is told, in which order, how often, and when it is given up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use core_connector::Secret;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::queue::QueueRules;
use core_store::ModelChange;
use core_sync::{Clock, Settings};

use super::*;

/// An endpoint that answers with a status, and what it got.
struct Ear {
    status: AtomicU16,
    got: Mutex<Vec<(String, Value)>>,
    needs: Mutex<Vec<Told>>,
}

#[async_trait]
impl Outside for Ear {
    async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> std::result::Result<u16, String> {
        assert_eq!(url, "https://ear.example/hook");
        let header = |name: &str| {
            headers
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.clone())
                .unwrap()
        };
        let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
        let expected = key().sign(&id, seconds.parse().unwrap(), &body);
        assert_eq!(header("webhook-signature"), expected);
        let status = self.status.load(Ordering::Relaxed);
        if (200..300).contains(&status) {
            self.got.lock().unwrap().push((id, serde_json::from_str(&body).unwrap()));
        }
        match status {
            0 => Err("nobody answers".to_owned()),
            status => Ok(status),
        }
    }

    async fn needs(&self) -> std::result::Result<Vec<Told>, String> {
        Ok(self.needs.lock().unwrap().clone())
    }
}

fn key() -> SigningKey {
    SigningKey::of(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap()
}

fn endpoint(topics: &[Topic], tenants: Option<&[&str]>) -> Endpoint {
    Endpoint {
        name: "ear".to_owned(),
        url: "https://ear.example/hook".to_owned(),
        key: key(),
        topics: topics.to_vec(),
        tenants: tenants.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
    }
}

struct Bench {
    hub: Arc<Hub>,
    ear: Arc<Ear>,
    outbound: Outbound,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let hub = Hub::new(store, Vec::new(), Settings::default(), Clock::system());
        let hub = Arc::new(hub);
        let ear = Arc::new(Ear {
            status: AtomicU16::new(204),
            got: Mutex::default(),
            needs: Mutex::default(),
        });
        let desk = crate::Desk { hub: Arc::clone(&hub), notes: None, queue: QueueRules::default() };
        let (_, desk) = watch::channel(desk);
        let (_, endpoints) = watch::channel(Vec::new());
        let outbound = Outbound::new(desk, endpoints, Arc::clone(&ear) as _);
        Self { hub, ear, outbound, _folder: folder }
    }

    async fn put(&self, id: &str, tenant: &str, version: i64) {
        let document = json!({ "id": id, "version": version }).to_string();
        let row = EntityRow {
            kind: EntityKind::Computer,
            id: id.to_owned(),
            tenant: Some(tenant.to_owned()),
            name: id.to_owned(),
            document,
        };
        let cause = Cause::Run;
        let change = ModelChange {
            upserts: vec![row],
            removals: Vec::new(),
            cause: &cause,
            cursors: &[],
            now_us: version,
        };
        self.hub.store.apply(change).await.unwrap();
    }

    async fn tell(&self, endpoint: &Endpoint) -> WebhookState {
        self.outbound.tell(&self.hub, endpoint, true).await.unwrap();
        self.hub.store.webhook("ear").await.unwrap().unwrap()
    }

    fn got(&self) -> Vec<String> {
        let got = std::mem::take(&mut *self.ear.got.lock().unwrap());
        got.iter().map(|(id, body)| format!("{id} {}", body["type"].as_str().unwrap())).collect()
    }

    /// Makes the next attempt due.
    async fn wait(&self) {
        let mut state = self.hub.store.webhook("ear").await.unwrap().unwrap();
        state.next_try_us = None;
        self.hub.store.put_webhook("ear", &state).await.unwrap();
    }
}

#[tokio::test]
async fn what_happens_from_now_on_is_told_in_order_and_once() {
    let bench = Bench::new().await;
    let endpoint = endpoint(&[Topic::Changes], Some(&["ten_a"]));
    bench.put("old", "ten_a", 1).await;
    bench.tell(&endpoint).await;
    assert!(bench.got().is_empty(), "what was before is not told");
    bench.put("pc1", "ten_a", 2).await;
    bench.put("pc2", "ten_b", 3).await;
    bench.put("pc1", "ten_a", 4).await;
    let state = bench.tell(&endpoint).await;
    assert_eq!(bench.got(), ["evt_2 computer.created", "evt_4 computer.changed"]);
    assert!(state.delivered_us.is_some() && state.attempts == 0);
    bench.tell(&endpoint).await;
    assert!(bench.got().is_empty());
}

#[tokio::test]
async fn what_does_not_arrive_is_tried_again_and_nothing_overtakes_it() {
    let bench = Bench::new().await;
    let endpoint = endpoint(&[Topic::Changes], None);
    bench.tell(&endpoint).await;
    bench.put("pc1", "ten_a", 1).await;
    bench.put("pc2", "ten_a", 2).await;
    for (attempt, status) in [(1, 500), (2, 0), (3, 301)] {
        bench.ear.status.store(status, Ordering::Relaxed);
        let state = bench.tell(&endpoint).await;
        assert_eq!(state.attempts, attempt);
        assert!(state.next_try_us > state.failing_us && state.error.is_some());
        bench.ear.status.store(204, Ordering::Relaxed);
        bench.tell(&endpoint).await;
        assert!(bench.got().is_empty(), "it is not tried before its time");
        bench.wait().await;
    }
    let state = bench.tell(&endpoint).await;
    assert_eq!(bench.got(), ["evt_1 computer.created", "evt_2 computer.created"]);
    assert_eq!((state.attempts, state.failing_us, state.error), (0, None, None));
}

#[tokio::test]
async fn who_is_away_for_days_or_gone_is_given_up_and_begins_anew_at_another_address() {
    let bench = Bench::new().await;
    let mut one = endpoint(&[Topic::Changes], None);
    bench.tell(&one).await;
    bench.put("pc1", "ten_a", 1).await;
    bench.ear.status.store(500, Ordering::Relaxed);
    let mut state = bench.tell(&one).await;
    state.failing_us = state.failing_us.map(|at| at - GIVEN_UP_US);
    state.next_try_us = None;
    bench.hub.store.put_webhook("ear", &state).await.unwrap();
    assert!(bench.tell(&one).await.disabled_us.is_some());
    bench.ear.status.store(204, Ordering::Relaxed);
    bench.tell(&one).await;
    assert!(bench.got().is_empty());
    one.url = "https://ear.example/hook".to_owned() + "";
    let mut known = bench.hub.store.webhook("ear").await.unwrap().unwrap();
    known.spec = "elsewhere".to_owned();
    bench.hub.store.put_webhook("ear", &known).await.unwrap();
    assert_eq!(bench.tell(&one).await.disabled_us, None);
    bench.put("pc2", "ten_a", 2).await;
    bench.ear.status.store(410, Ordering::Relaxed);
    assert!(bench.tell(&one).await.disabled_us.is_some(), "410 is for good");
}

#[tokio::test]
async fn a_need_is_told_once_and_that_it_is_over() {
    let bench = Bench::new().await;
    let endpoint = endpoint(&[Topic::Needs], None);
    let need = |what: &str| Told {
        key: "halo".to_owned(),
        data: json!({ "what": what }),
        what: what.to_owned(),
    };
    let set = |needs: Vec<Told>| *bench.ear.needs.lock().unwrap() = needs;
    let types =
        || bench.got().iter().map(|one| one.split(' ').nth(1).unwrap().to_owned()).collect();
    set(vec![need("the secret ended")]);
    bench.tell(&endpoint).await;
    bench.tell(&endpoint).await;
    let told: Vec<String> = types();
    assert_eq!(told, ["need.raised"]);
    set(vec![need("a permission is missing")]);
    bench.tell(&endpoint).await;
    set(Vec::new());
    bench.tell(&endpoint).await;
    let told: Vec<String> = types();
    assert_eq!(told, ["need.raised", "need.settled"]);
    bench.put("pc1", "ten_a", 1).await;
    bench.tell(&endpoint).await;
    assert!(bench.got().is_empty(), "it wants needs and nothing else");
}

#[tokio::test]
async fn where_nothing_is_to_be_told_no_lease_is_taken() {
    let bench = Bench::new().await;
    let endpoint = endpoint(&[Topic::Changes], None);
    bench.tell(&endpoint).await;
    // Whoever takes a lease raises its number by one.
    let store = bench.hub.store.clone();
    let number =
        || async { store.take_lease("webhook/ear", "test", 0, 0).await.unwrap().unwrap().token };
    let before = number().await;
    bench.tell(&endpoint).await;
    bench.tell(&endpoint).await;
    assert_eq!(number().await, before + 1, "by this test alone");
    bench.put("pc1", "ten_a", 1).await;
    bench.tell(&endpoint).await;
    assert_eq!(number().await, before + 3, "and once to tell");
    assert_eq!(bench.got(), ["evt_1 computer.created"]);
}

#[tokio::test]
async fn an_endpoint_that_was_gone_from_the_settings_begins_anew() {
    let bench = Bench::new().await;
    let endpoint = endpoint(&[Topic::Changes, Topic::Needs], None);
    let need = Told { key: "halo".to_owned(), data: json!({}), what: "it ended".to_owned() };
    *bench.ear.needs.lock().unwrap() = vec![need];
    bench.tell(&endpoint).await;
    assert_eq!(bench.got().len(), 1);
    let store = &bench.hub.store;
    store.put_webhook(MAIL, &WebhookState::default()).await.unwrap();
    store.note_announced(MAIL, "halo", Some("it ended"), 1).await.unwrap();
    store.set_cursor(MAIL, 5).await.unwrap();

    forget_endpoints_but(store, &["ear", MAIL]).await.unwrap();
    bench.tell(&endpoint).await;
    assert!(bench.got().is_empty(), "it is as it was");
    assert_eq!(store.announced(MAIL).await.unwrap().len(), 1);
    forget_endpoints_but(store, &["ear"]).await.unwrap();
    let known: Vec<String> = store.webhooks().await.unwrap().into_keys().collect();
    assert_eq!(known, ["ear"]);
    assert!(store.announced(MAIL).await.unwrap().is_empty());
    assert_eq!(store.cursor(MAIL).await.unwrap(), 0);

    forget_endpoints_but(store, &[]).await.unwrap();
    assert!(store.webhook("ear").await.unwrap().is_none());
    assert!(store.announced("ear").await.unwrap().is_empty());
    bench.put("pc1", "ten_a", 1).await;
    bench.tell(&endpoint).await;
    let got = bench.got();
    assert!(got.len() == 1 && got[0].ends_with("need.raised"), "{got:?}");
}

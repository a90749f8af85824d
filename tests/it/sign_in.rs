//! Signing in by a provider, over HTTP, against one that was written from the standards and shares
//! nothing with the hub: who is let in with which rights, and what is not believed.

use std::sync::{Arc, RwLock};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use core_daemon::{Health, SystemTimer};
use core_model::access::Role;
use core_server::{Answers, Api, Desk, Fetch, Fetched, Grant, SignIn, Unanswered};
use core_store::{AuditQuery, Store};
use core_sync::Clock;
use mocks::provider::{Lie, Person, Provider};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::both_databases;

const SECRET: &str = "planted client secret/+&=";

struct Program(RwLock<Arc<SignIn>>);

#[async_trait]
impl Answers for Program {
    async fn status(&self) -> Result<Value, Unanswered> {
        Ok(Value::Null)
    }

    async fn winners(&self, _computer: &str, _as_of: Option<&str>) -> Result<Value, Unanswered> {
        Ok(Value::Null)
    }

    fn sign_in(&self) -> Arc<SignIn> {
        Arc::clone(&self.0.read().unwrap())
    }

    async fn fetch(&self, request: Fetch) -> Result<Fetched, String> {
        core_http::fetch(request).await.map_err(|error| error.to_string())
    }
}

fn person(subject: &str, username: &str, roles: &[&str]) -> Person {
    Person {
        subject: subject.to_owned(),
        username: username.to_owned(),
        name: "Ana Silva".to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
    }
}

/// The hub, a provider, and a browser with its cookies.
struct Scene {
    store: Store,
    hub: String,
    provider: Provider,
    program: Arc<Program>,
}

impl Scene {
    async fn start(store: Store) -> Result<Self> {
        let ana = person("s-1", "Ana@Example.com", &["Hub.Admin"]);
        let provider = Provider::serve("hub-client", SECRET, ana).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let hub = format!("http://{}", listener.local_addr()?);
        provider.sends_back_to(&format!("{hub}/sign-in/callback"));
        let grant = |value: &str, role, tenants: Option<&[&str]>| Grant {
            value: value.to_owned(),
            role,
            tenants: tenants.map(|all| all.iter().map(|&one| one.to_owned()).collect()),
        };
        let vouches = core_server::Provider {
            name: "Sign in with Microsoft".to_owned(),
            issuer: provider.issuer(),
            client_id: "hub-client".to_owned(),
            client_secret: core_server::Provider::secret(SECRET.to_owned()),
            scopes: vec!["profile".to_owned()],
            claim: "roles".to_owned(),
            grants: vec![
                grant("Hub.Admin", Role::Admin, None),
                grant("Hub.Desk", Role::Technician, Some(&["ten_a"])),
            ],
        };
        let sign_in =
            SignIn { public_url: Some(hub.clone()), provider: Some(vouches), ..SignIn::default() };
        let program = Arc::new(Program(RwLock::new(Arc::new(sign_in))));
        let health = Arc::new(Health::new(store.clone()));
        let timer = Arc::new(SystemTimer::new(Clock::system()));
        let api = Api::new(store.clone(), health, timer, Arc::clone(&program) as _, Desk::closed());
        tokio::spawn(core_server::serve(listener, api, std::future::pending()));
        Ok(Self { store, hub, provider, program })
    }

    /// What a browser gets at an address, with these cookies.
    async fn get(&self, address: &str, cookies: &str) -> Result<Fetched> {
        let mut request = Fetch::new(Vec::new());
        let address = if address.starts_with('/') {
            format!("{}{address}", self.hub)
        } else {
            address.to_owned()
        };
        *request.uri_mut() = address.parse()?;
        if !cookies.is_empty() {
            request.headers_mut().insert("cookie", cookies.parse()?);
        }
        Ok(core_http::fetch(request).await?)
    }

    /// The way to the provider and back: where one is sent back to, and the cookie of the way.
    async fn way(&self, next: &str) -> Result<(String, String)> {
        let left = self.get(&format!("/sign-in/provider?next={next}"), "").await?;
        let flow = cookie(&left, "__Host-linchpin-flow").context("no cookie of the way")?;
        let asked = location(&left)?;
        for part in
            ["code_challenge=", "code_challenge_method=S256", "nonce=", "state=", "scope=openid"]
        {
            ensure!(asked.contains(part), "{part}: {asked}");
        }
        ensure!(!asked.contains("planted"), "{asked}");
        let back = self.get(&asked, "").await?;
        Ok((location(&back)?, flow))
    }

    /// The whole of it: where one ends, and the cookie of the session, if there is one.
    async fn sign_in(&self) -> Result<(String, Option<String>)> {
        let (back, flow) = self.way("/docs").await?;
        let arrived = self.get(&back, &flow).await?;
        ensure!(arrived.status().as_u16() == 303, "{arrived:?}");
        Ok((location(&arrived)?, cookie(&arrived, "__Host-linchpin")))
    }

    async fn me(&self, cookie: &str) -> Result<Value> {
        let answer = self.get("/v1/me", cookie).await?;
        Ok(serde_json::from_slice(answer.body())?)
    }
}

fn location(answer: &Fetched) -> Result<String> {
    let place = answer.headers().get("location").with_context(|| format!("{answer:?}"))?;
    Ok(place.to_str()?.to_owned())
}

fn cookie(answer: &Fetched, name: &str) -> Option<String> {
    let all = answer.headers().get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
    let pairs = all.filter_map(|one| one.split(';').next());
    let mut found =
        pairs.filter(|pair| pair.split_once('=').is_some_and(|(n, v)| n == name && !v.is_empty()));
    found.next().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_signs_in_whoever_has_a_role_with_the_rights_of_the_moment() -> Result<()> {
    for database in both_databases().await? {
        let scene = Scene::start(database.open().await?).await?;
        let (place, session) = scene.sign_in().await?;
        assert_eq!(place, "/docs");
        let session = session.context("no session")?;
        let me = scene.me(&session).await?;
        assert_eq!((&me["name"], &me["shown"]), (&"ana@example.com".into(), &"Ana Silva".into()));
        assert_eq!((&me["role"], me["tenants"].is_null()), (&"admin".into(), true));

        // Another role at the next sign-in, and the session from before has no more than that.
        scene.provider.is_used_by(person("s-1", "ana.new@example.com", &["Hub.Desk", "Else"]));
        let (_, again) = scene.sign_in().await?;
        for cookie in [&session, &again.context("no session")?] {
            let me = scene.me(cookie).await?;
            assert_eq!(
                (&me["name"], &me["role"]),
                (&"ana@example.com".into(), &"technician".into())
            );
            assert_eq!(me["tenants"][0], "ten_a");
        }
        // Somebody else of that name is somebody else.
        scene.provider.is_used_by(person("s-2", "ana@example.com", &["Hub.Desk"]));
        let (_, other) = scene.sign_in().await?;
        let name = scene.me(&other.context("no session")?).await?["name"].clone();
        assert!(name.as_str().unwrap().starts_with("ana@example.com#"), "{name}");
        // Without a role nobody is let in; nor is who was switched off.
        scene.provider.is_used_by(person("s-3", "eve@example.com", &["Else"]));
        assert_eq!(scene.sign_in().await?, ("/sign-in?error=rights".to_owned(), None));
        scene.provider.is_used_by(person("s-1", "ana@example.com", &["Hub.Admin"]));
        scene.store.set_disabled("ana@example.com", true, "tests", 1).await?;
        assert_eq!(scene.sign_in().await?, ("/sign-in?error=rights".to_owned(), None));

        let lines = scene.store.audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).await?;
        let outcomes: Vec<_> = lines.iter().rev().map(|line| &*line.outcome).collect();
        assert_eq!(outcomes, ["done", "done", "done", "refused", "refused"]);
        assert!(!format!("{lines:?}").contains("planted"), "{lines:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_lies_signs_nobody_in() -> Result<()> {
    let database = tests::databases::sqlite()?;
    let scene = Scene::start(database.open().await?).await?;
    for lie in [Lie::Audience, Lie::Issuer, Lie::Nonce, Lie::Expired, Lie::Signature, Lie::Unsigned]
    {
        scene.provider.lies(Some(lie));
        let ended = scene.sign_in().await?;
        assert_eq!(ended, ("/sign-in?error=provider".to_owned(), None), "{lie:?}");
    }
    scene.provider.lies(None);
    assert!(scene.sign_in().await?.1.is_some());
    // A key that is new since its keys were read is looked for once.
    scene.provider.changes_its_key()?;
    assert!(scene.sign_in().await?.1.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_counts_only_for_the_browser_that_was_sent_and_once() -> Result<()> {
    let database = tests::databases::sqlite()?;
    let scene = Scene::start(database.open().await?).await?;
    let refused = ("/sign-in?error=provider".to_owned(), None);
    let arrive = async |back: &str, flow: &str| -> Result<(String, Option<String>)> {
        let arrived = scene.get(back, flow).await?;
        Ok((location(&arrived)?, cookie(&arrived, "__Host-linchpin")))
    };
    // Without the cookie, and with that of somebody else who was sent.
    let (back, flow) = scene.way("/").await?;
    let (_, other) = scene.way("/").await?;
    assert_eq!(arrive(&back, "").await?, refused);
    assert_eq!(arrive(&back, &other).await?, refused);
    assert_eq!(arrive(&back, "__Host-linchpin-flow=nonsense").await?, refused);
    // With another state, without a code.
    assert_eq!(arrive(&back.replace("state=", "state=x"), &flow).await?, refused);
    assert_eq!(arrive(&back.replace("code=", "kode="), &flow).await?, refused);
    assert!(arrive(&back, &flow).await?.1.is_some());
    assert_eq!(arrive(&back, &flow).await?, refused, "a second time");
    // Nobody is sent anywhere else than the hub in the end.
    let (back, flow) = scene.way("//evil.example").await?;
    assert_eq!(arrive(&back, &flow).await?.0, "/");

    // Another secret is refused, and is in no error.
    let wrong = {
        let now = scene.program.0.read().unwrap();
        let provider = now.provider.clone().map(|provider| core_server::Provider {
            client_secret: core_server::Provider::secret("planted-wrong".to_owned()),
            ..provider
        });
        SignIn { provider, ..SignIn::clone(&now) }
    };
    *scene.program.0.write().unwrap() = Arc::new(wrong);
    assert_eq!(scene.sign_in().await?, refused);
    let lines = scene.store.audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).await?;
    assert!(!format!("{lines:?}").contains("planted"), "{lines:?}");

    // Without a provider there is no such path.
    *scene.program.0.write().unwrap() = Arc::default();
    assert_eq!(scene.get("/sign-in/provider", "").await?.status().as_u16(), 404);
    Ok(())
}

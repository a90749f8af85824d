//! Where one run calls: a listener on this machine alone, for as long as the run runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderMap};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_connector::Secret;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::call::{Call, CallAnswer, Fault};
use crate::limit::{CallLimits, Meter};
use crate::reply::Refusal;
use crate::{plain, reply};

/// Calls that may wait to be answered.
const WAITING: usize = 16;

/// A call, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub call: Call,
    answer: oneshot::Sender<Result<CallAnswer, Fault>>,
}

impl Asked {
    /// Answers it. Whoever asked may be gone.
    pub fn answer(self, answer: Result<CallAnswer, Fault>) {
        if self.answer.send(answer).is_err() {
            tracing::debug!("a script did not wait for the answer to its call");
        }
    }
}

/// Where one run calls.
#[derive(Debug)]
pub struct Desk {
    /// Where it is: `http://127.0.0.1:PORT/runs/RUN`.
    pub url: String,
    /// What the run is known by, and nobody else has.
    pub token: Secret,
    calls: mpsc::Receiver<Asked>,
    server: JoinHandle<()>,
}

/// What a request is answered by.
struct Counter {
    run: String,
    host: String,
    /// The token itself is the script's: what it is compared with does not give it away.
    digest: [u8; 32],
    meter: Meter,
    limits: CallLimits,
    calls: mpsc::Sender<Asked>,
}

impl Desk {
    /// Opens one, under a name and a token that no other run has.
    ///
    /// # Errors
    /// Where this machine gives no port.
    pub async fn open(limits: CallLimits) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let host = listener.local_addr()?.to_string();
        let run = Uuid::new_v4().to_string();
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let (sender, calls) = mpsc::channel(WAITING);
        let url = format!("http://{host}/runs/{run}");
        let digest = Sha256::digest(&token).into();
        let meter = Meter::new(limits, Instant::now());
        let counter = Arc::new(Counter { run, host, digest, meter, limits, calls: sender });
        let router = Router::new()
            .route("/runs/{run}/invoke", post(invoke))
            .route("/runs/{run}/facts", get(facts))
            .route("/runs/{run}/facts/{*path}", get(facts))
            .route("/runs/{run}/report", post(report))
            .route("/runs/{run}/token", get(token_of))
            .fallback(unknown)
            .method_not_allowed_fallback(unknown)
            .with_state(counter);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "a script in the hub cannot call the hub any more");
            }
        });
        Ok(Self { url, token: Secret::new(token), calls, server })
    }

    /// The next call. It can be dropped and called again.
    pub async fn next(&mut self) -> Option<Asked> {
        self.calls.recv().await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // Connections that are open outlive the listener, and hear that the run is over.
        self.server.abort();
    }
}

async fn unknown(State(counter): State<Arc<Counter>>, request: Request) -> Response {
    let text = reply::wants_text(request.headers());
    let path = request.uri().path();
    let run = path.strip_prefix("/runs/").and_then(|rest| rest.split('/').next());
    let refusal = match counter.admit(run.unwrap_or_default(), request.headers()) {
        Ok(()) => Fault::Missing(format!("there is no {} {path}", request.method())).into(),
        Err(refusal) => refusal,
    };
    reply::written(Err(refusal), text)
}

impl Counter {
    /// Whether a request is of this run: the path names it, the token is its own, and it was meant for this machine.
    fn is_of_it(&self, run: &str, headers: &HeaderMap) -> bool {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let token = header(AUTHORIZATION).and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let digest = token.map(|(_, token)| Sha256::digest(token.trim()).into());
        run == self.run && digest == Some(self.digest) && header(HOST) == Some(&*self.host)
    }

    /// Who may ask, and not too much.
    fn admit(&self, run: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.is_of_it(run, headers) || self.calls.is_closed() {
            return Err(Refusal::Unknown);
        }
        Ok(self.meter.count(Instant::now())?)
    }

    async fn ask(&self, call: Call) -> Result<CallAnswer, Refusal> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { call, answer };
        let Ok(()) = self.calls.send(asked).await else { return Err(Refusal::Unknown) };
        match answered.await {
            Ok(answer) => Ok(answer?),
            // It ended with the call open.
            Err(_) => Err(Refusal::Unknown),
        }
    }

    /// A request's headers and body, as far as whoever asks may, and one may be.
    async fn read(&self, run: &str, request: Request) -> Result<(HeaderMap, Vec<u8>), Refusal> {
        let (parts, body) = request.into_parts();
        self.admit(run, &parts.headers)?;
        let most = self.limits.request;
        let body = to_bytes(body, most).await.map_err(|_| Refusal::TooLarge(most))?;
        Ok((parts.headers, body.to_vec()))
    }
}

async fn invoke(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    request: Request,
) -> Response {
    let text = reply::wants_text(request.headers());
    let answered = async {
        let (headers, body) = counter.read(&run, request).await?;
        let invocation = plain::invocation(&headers, &body)?;
        counter.meter.count_invocation()?;
        counter.ask(Call::Invoke(Box::new(invocation))).await
    };
    reply::written(answered.await, text)
}

#[derive(serde::Deserialize)]
struct Below {
    run: String,
    #[serde(default)]
    path: String,
}

async fn facts(
    State(counter): State<Arc<Counter>>,
    Path(Below { run, path }): Path<Below>,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        counter.admit(&run, &headers)?;
        let CallAnswer::Document(facts) = counter.ask(Call::Facts).await? else {
            return Err(Refusal::Unknown);
        };
        let missing = || Fault::Missing(format!("nothing is known under `{path}`"));
        let part = reply::at(&facts, &path).cloned().ok_or_else(missing)?;
        Ok(CallAnswer::Document(part))
    };
    reply::written(answered.await, reply::wants_text(&headers))
}

async fn report(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    request: Request,
) -> Response {
    let text = reply::wants_text(request.headers());
    let answered = async {
        let (headers, body) = counter.read(&run, request).await?;
        let report = plain::report(&headers, &body)?;
        let CallLimits { line, result, .. } = counter.limits;
        if report.line.as_ref().is_some_and(|text| text.len() > line) {
            return Err(Refusal::TooLarge(line));
        }
        if report.result.as_ref().is_some_and(|one| one.to_string().len() > result) {
            return Err(Refusal::TooLarge(result));
        }
        counter.ask(Call::Report(report)).await
    };
    reply::written(answered.await, text)
}

#[derive(serde::Deserialize)]
struct Wanted {
    resource: Option<String>,
    client: Option<String>,
}

async fn token_of(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    Query(Wanted { resource, client }): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let answered = async {
        counter.admit(&run, &headers)?;
        let missing = || Fault::Wrong("a token is of a `resource`: graph".to_owned());
        let resource = resource.ok_or_else(missing)?;
        counter.ask(Call::Token { resource, client }).await
    };
    reply::written(answered.await, reply::wants_text(&headers))
}

//! Where one run calls: a listener on this machine alone, for as long as the run runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
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
    match counter.run_of(request.uri().path(), request.headers()) {
        true => {
            let what = format!("there is no {} {}", request.method(), request.uri().path());
            reply::faulty(&Fault::Missing(what), text)
        }
        false => reply::unknown(text),
    }
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

    fn run_of(&self, path: &str, headers: &HeaderMap) -> bool {
        let run = path.strip_prefix("/runs/").and_then(|rest| rest.split('/').next());
        run.is_some_and(|run| self.is_of_it(run, headers)) && !self.calls.is_closed()
    }

    /// Who may ask, and not too much.
    fn admit(&self, run: &str, headers: &HeaderMap) -> Result<(), Response> {
        let text = reply::wants_text(headers);
        if !self.is_of_it(run, headers) || self.calls.is_closed() {
            return Err(reply::unknown(text));
        }
        self.meter.count(Instant::now()).map_err(|much| reply::too_much(much, text))
    }

    async fn ask(&self, call: Call, text: bool) -> Result<CallAnswer, Response> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { call, answer };
        let Ok(()) = self.calls.send(asked).await else { return Err(reply::unknown(text)) };
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) => Err(reply::faulty(&fault, text)),
            // It ended with the call open.
            Err(_) => Err(reply::unknown(text)),
        }
    }
}

/// A request's body, as far as one may be.
async fn body(counter: &Counter, body: Body, text: bool) -> Result<Vec<u8>, Response> {
    let most = counter.limits.request;
    match to_bytes(body, most).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(_) => Err(reply::too_large(most, text)),
    }
}

async fn invoke(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    request: Request,
) -> Response {
    let text = reply::wants_text(request.headers());
    let answered = async {
        let (parts, content) = request.into_parts();
        counter.admit(&run, &parts.headers)?;
        let content = body(&counter, content, text).await?;
        let invocation = plain::invocation(&parts.headers, &content);
        let invocation = invocation.map_err(|fault| reply::faulty(&fault, text))?;
        let counted = counter.meter.count_invocation();
        counted.map_err(|much| reply::too_much(much, text))?;
        counter.ask(Call::Invoke(Box::new(invocation)), text).await
    };
    answered.await.map_or_else(|refused| refused, |answer| reply::answered(answer, text))
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
    let text = reply::wants_text(&headers);
    let answered = async {
        counter.admit(&run, &headers)?;
        let CallAnswer::Document(facts) = counter.ask(Call::Facts, text).await? else {
            return Err(reply::unknown(text));
        };
        let part = reply::at(&facts, &path).cloned();
        let missing = || Fault::Missing(format!("nothing is known under `{path}`"));
        part.map(CallAnswer::Document).ok_or_else(|| reply::faulty(&missing(), text))
    };
    answered.await.map_or_else(|refused| refused, |answer| reply::answered(answer, text))
}

async fn report(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    request: Request,
) -> Response {
    let text = reply::wants_text(request.headers());
    let answered = async {
        let (parts, content) = request.into_parts();
        counter.admit(&run, &parts.headers)?;
        let content = body(&counter, content, text).await?;
        let report = plain::report(&parts.headers, &content);
        let report = report.map_err(|fault| reply::faulty(&fault, text))?;
        let limits = counter.limits;
        if report.line.as_ref().is_some_and(|line| line.len() > limits.line) {
            return Err(reply::too_large(limits.line, text));
        }
        if report.result.as_ref().is_some_and(|one| one.to_string().len() > limits.result) {
            return Err(reply::too_large(limits.result, text));
        }
        counter.ask(Call::Report(report), text).await
    };
    answered.await.map_or_else(|refused| refused, |answer| reply::answered(answer, text))
}

#[derive(serde::Deserialize)]
struct Wanted {
    resource: Option<String>,
    client: Option<String>,
}

async fn token_of(
    State(counter): State<Arc<Counter>>,
    Path(run): Path<String>,
    axum::extract::Query(Wanted { resource, client }): axum::extract::Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    let text = reply::wants_text(&headers);
    let answered = async {
        counter.admit(&run, &headers)?;
        let Some(resource) = resource else {
            let what = "a token is of a `resource`: graph".to_owned();
            return Err(reply::faulty(&Fault::Wrong(what), text));
        };
        counter.ask(Call::Token { resource, client }, text).await
    };
    answered.await.map_or_else(|refused| refused, |answer| reply::answered(answer, text))
}

//! `linchpin agent`: this machine as a runner of a hub. It needs no settings and no database.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use core_http::{FetchOptions, fetch_with};
use core_runner::{
    Agent, AgentSettings, Bearer, Error, Machine, State, Uplink, UplinkError, enrol,
};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};

use super::account::line_of_input;
use crate::cli::{AgentAction, AgentEnrolArgs, AgentRunArgs, Global};
use crate::config::secret_at;
use crate::failure::{Exit, Failure};
use crate::output;

/// Where a token may be in the environment.
const TOKEN: &str = "LINCHPIN_ENROLMENT_TOKEN";
/// Bytes of an answer: commands with their texts.
const LARGEST: usize = 32 << 20;

pub(crate) async fn run(global: &Global, action: &AgentAction) -> Result<Exit, Failure> {
    match action {
        AgentAction::Enrol(args) => begin(global, args).await,
        AgentAction::Run(args) => work(args).await,
    }
}

fn failed(error: &Error) -> Failure {
    match error {
        Error::NotEnrolled(_) | Error::Enrolled(_) => Failure::usage(error.to_string()),
        Error::State { .. } => {
            let who = if cfg!(windows) { "an administrator" } else { "root" };
            Failure::failed(error.to_string()).with_remedy(format!(
                "run it as {who}, or name a folder of your own with `--state PATH`"
            ))
        }
        Error::Refused(_) => Failure::failed(error.to_string())
            .with_remedy("`linchpin runners --tokens` at the hub shows which tokens hold"),
        Error::Away(_) => Failure::failed(error.to_string()).with_remedy(
            "check the address and whether this machine reaches it; then run it again",
        ),
    }
}

async fn begin(global: &Global, args: &AgentEnrolArgs) -> Result<Exit, Failure> {
    let hub = args.hub.trim_end_matches('/').to_owned();
    let uplink = Https { hub: hub.clone(), allow_http: args.allow_http };
    let place = match (&args.token_file, args.token_env) {
        (Some(path), _) => Some(format!("file:{}", path.display())),
        (None, true) => Some(format!("env:{TOKEN}")),
        (None, false) => None,
    };
    let token = match place {
        Some(place) => secret_at(&place, Path::new("."))
            .map_err(|(what, remedy)| Failure::usage(what).with_remedy(remedy))?,
        None => line_of_input("the enrolment token")?,
    };
    let state = State::open(&args.state).map_err(|error| failed(&error))?;
    let token = Bearer::new(token.trim());
    let enrolled = enrol(&state, (&*hub, &token), &uplink, &Machine::default()).await;
    let enrolled = enrolled.map_err(|error| failed(&error))?;
    if global.json {
        output::json(&json!({
            "runner": enrolled.runner,
            "tenant": enrolled.tenant,
            "hub_key": enrolled.hub_key,
        }));
    } else {
        let tenant = output::printable(&enrolled.tenant);
        output::line(&format!("This machine is runner {} of {tenant}.", enrolled.runner));
        output::line("`linchpin agent run` asks the hub for work.");
    }
    Ok(Exit::Ok)
}

async fn work(args: &AgentRunArgs) -> Result<Exit, Failure> {
    let state = State::open(&args.state).map_err(|error| failed(&error))?;
    let settings = AgentSettings { parallel: args.parallel, ..AgentSettings::default() };
    let allow_http = args.allow_http;
    let agent = Agent::open(state, Machine::default(), settings, |identity| {
        Box::new(Https { hub: identity.hub.clone(), allow_http })
    });
    let agent = agent.map_err(|error| failed(&error))?;
    tracing::info!(runner = %agent.id(), "the runner works");
    agent.run(told_to_stop()?).await;
    tracing::info!("the runner stops");
    Ok(Exit::Ok)
}

/// Ends when the process is told to stop.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Failure::io("listening for signals", &error);
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

/// Ends when the process is told to stop: by Ctrl-C or Ctrl-Break, by the end of its console, or by that of Windows.
/// That somebody logs off stops nothing: it need not be who it runs as.
#[cfg(windows)]
fn told_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    let failed = |error: std::io::Error| Failure::io("listening for the end", &error);
    let (mut c, mut pause) = (ctrl_c().map_err(failed)?, ctrl_break().map_err(failed)?);
    let (mut close, mut down) = (ctrl_close().map_err(failed)?, ctrl_shutdown().map_err(failed)?);
    Ok(async move {
        tokio::select! {
            _ = c.recv() => {}
            _ = pause.recv() => {}
            _ = close.recv() => {}
            _ = down.recv() => {}
        }
    })
}

/// The hub over HTTPS.
struct Https {
    hub: String,
    allow_http: bool,
}

#[async_trait]
impl Uplink for Https {
    async fn post(
        &self,
        path: &str,
        bearer: &Bearer,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Vec<u8>, UplinkError> {
        let away = |error: String| UplinkError::Away(error);
        let request = http::Request::post(format!("{}{path}", self.hub))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", bearer.reveal()))
            .body(body)
            .map_err(|error| away(error.to_string()))?;
        let options = FetchOptions {
            setting: "URL",
            timeout: patience,
            largest: LARGEST,
            allow_http: self.allow_http,
        };
        let answer = fetch_with(request, options).await.map_err(|error| away(error.to_string()))?;
        let status = answer.status().as_u16();
        match status {
            200..=299 => Ok(answer.into_body()),
            429 | 500.. => Err(away(format!("it answered {status}: {}", words(answer.body())))),
            _ => Err(UplinkError::Refused { status, why: words(answer.body()) }),
        }
    }
}

/// What a hub says of what is wrong.
fn words(body: &[u8]) -> String {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    match said["detail"].as_str() {
        Some(detail) => output::printable(detail).chars().take(300).collect(),
        None => "that is no answer of a hub: check the address".to_owned(),
    }
}

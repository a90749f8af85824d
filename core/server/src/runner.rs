//! What the hub's own runners ask: `/runner/…`. Whoever asks is known by a key of its own, or by an enrolment token;
//! no user's token opens anything here, and no runner's key anything elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::response::{IntoResponse, Response};
use core_runner_hub::{Office, Refused};
use core_store::RunnerRow;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::Api;
use crate::access::bearer;
use crate::asked::Asked;
use crate::problem::Problem;

/// Bytes that a runner may send at once: a piece of output in base64.
pub(crate) const LARGEST: u64 = 128 * 1024;
/// Requests of all runners at once: most of them wait for work.
const MOST: usize = 10_000;
/// Requests of one runner at once.
const OF_ONE: u32 = 12;
/// Enrolments at once.
const ENROLLING: usize = 4;
/// Refused enrolments of a minute after which none is looked at.
const REFUSALS: u32 = 60;
/// A minute, microseconds.
const MINUTE_US: i64 = 60 * 1_000_000;

/// Who is being answered, so that nobody takes more than a share.
pub(crate) struct Crowd {
    all: Semaphore,
    enrolling: Semaphore,
    each: Mutex<HashMap<String, u32>>,
    refused: Mutex<(i64, u32)>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            all: Semaphore::new(MOST),
            enrolling: Semaphore::new(ENROLLING),
            each: Mutex::default(),
            refused: Mutex::default(),
        }
    }
}

/// A place among them, given back when it is dropped.
struct Place<'a> {
    crowd: &'a Crowd,
    runner: &'a str,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut each = self.crowd.each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = each.get_mut(self.runner) {
            *count -= 1;
            if *count == 0 {
                each.remove(self.runner);
            }
        }
    }
}

impl Crowd {
    fn place<'a>(&'a self, runner: &'a str) -> Result<Place<'a>, Problem> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let count = each.entry(runner.to_owned()).or_default();
        if *count >= OF_ONE {
            return Err(Problem::crowded("this runner asks too much at once"));
        }
        *count += 1;
        Ok(Place { crowd: self, runner })
    }

    /// How many enrolments were refused in this minute, with as many more.
    fn refusals(&self, now_us: i64, more: u32) -> u32 {
        let minute = now_us / MINUTE_US;
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.0 != minute {
            *refused = (minute, 0);
        }
        refused.1 = refused.1.saturating_add(more);
        refused.1
    }
}

fn office(api: &Api) -> Result<Office, Problem> {
    api.answers.runners().ok_or_else(Problem::no_path)
}

/// The key or token that is shown; blank where there is none.
fn shown(asked: &Asked) -> &str {
    bearer(&asked.headers).unwrap_or_default()
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Stranger(why) => Self::no_runner(why),
            Refused::Wrong(why) => {
                Self::wrong(why, "run the `linchpin agent` of this hub's version")
            }
            Refused::Unknown => Self::gone(
                "this runner has no such run",
                "it was taken back, or is older than what the hub keeps",
            ),
            Refused::Fault(error) => {
                tracing::error!(error, "a runner was not answered");
                Self::fault()
            }
        }
    }
}

/// Makes a machine a runner.
pub(crate) async fn enrol(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let office = office(&api)?;
    let crowd = &api.crowd;
    if crowd.refusals(api.now_us(), 0) >= REFUSALS {
        return Err(Problem::crowded("too many enrolments were refused in this minute"));
    }
    let _place = crowd.enrolling.acquire().await.map_err(|_| Problem::fault())?;
    match office.enrol(shown(&asked), &asked.body).await {
        Ok(enrolled) => Ok(Json(enrolled).into_response()),
        Err(refused) => {
            if let Refused::Stranger(why) = &refused {
                crowd.refusals(api.now_us(), 1);
                tracing::warn!(address = asked.address, why, "an enrolment was refused");
            }
            Err(refused.into())
        }
    }
}

/// Waits until there is work for the runner that asks.
pub(crate) async fn poll(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let (office, runner) = known(&api, &asked).await?;
    let _all = crowd(&api)?;
    let _place = api.crowd.place(&runner.id)?;
    Ok(Json(office.poll(&runner, &asked.body).await?).into_response())
}

/// Takes a piece of what a run prints.
pub(crate) async fn output(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let (office, runner) = known(&api, &asked).await?;
    let _all = crowd(&api)?;
    let _place = api.crowd.place(&runner.id)?;
    Ok(Json(office.output(&runner, asked.id("run"), &asked.body).await?).into_response())
}

/// Takes what came of a run.
pub(crate) async fn done(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let (office, runner) = known(&api, &asked).await?;
    let _all = crowd(&api)?;
    let _place = api.crowd.place(&runner.id)?;
    office.done(&runner, asked.id("run"), &asked.body).await?;
    Ok(Json(json!({})).into_response())
}

async fn known(api: &Api, asked: &Asked) -> Result<(Office, RunnerRow), Problem> {
    let office = office(api)?;
    let runner = office.known(shown(asked)).await?;
    Ok((office, runner))
}

fn crowd(api: &Api) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
    api.crowd.all.try_acquire().map_err(|_| Problem::crowded("too many runners ask at once"))
}

//! What faces send by themselves: handshakes while a caller waits, and what they tell others, tried again
//! for a while where nobody takes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::shared::Shared;
use crate::vendor::{Handshake, Outgoing};

/// How long an address may take to answer a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long it may take to take something.
const DELIVERY: Duration = Duration::from_secs(3);
/// How often it is looked whether there is something to tell.
const LOOK: Duration = Duration::from_millis(50);
/// How long what nobody took waits, and how often it is tried.
const WAIT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 60;
/// Requests at once, and those that wait at most: of more the oldest are dropped.
const AT_ONCE: usize = 8;
const LONGEST: usize = 10_000;

/// A client that asks the address itself, whatever proxy the environment names.
pub(super) fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().unwrap_or_default()
}

/// Whether an address gives the text back that it was sent.
pub(super) async fn answers(client: &reqwest::Client, handshake: &Handshake) -> bool {
    let asked = client
        .post(&handshake.url)
        .header("content-type", "text/plain; charset=utf-8")
        .timeout(HANDSHAKE)
        .send()
        .await;
    let Ok(answer) = asked else { return false };
    let plain = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
    let is_plain = plain.is_some_and(|kind| kind.starts_with("text/plain"));
    answer.status() == 200
        && is_plain
        && answer.text().await.is_ok_and(|text| text == handshake.expects)
}

/// Something that waits to be sent.
struct Waiting {
    what: Outgoing,
    attempts: u32,
    at: Instant,
}

/// Tells what faces have to tell, for as long as the servers run.
pub(super) async fn tell(shared: Arc<Shared>) {
    let mut queue: VecDeque<Waiting> = VecDeque::new();
    loop {
        tokio::time::sleep(LOOK).await;
        for face in shared.faces.values() {
            let at = Instant::now();
            let new = face.tells(&shared.world);
            queue.extend(new.into_iter().map(|what| Waiting { what, attempts: 0, at }));
        }
        let too_many = queue.len().saturating_sub(LONGEST);
        queue.drain(..too_many);
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = queue.drain(..).partition(|one| one.at <= now);
        queue.extend(later);
        for flock in due.chunks(AT_ONCE) {
            let taken = join_all(flock.iter().map(|one| take(&shared.client, &one.what))).await;
            for (one, taken) in flock.iter().zip(taken) {
                let attempts = one.attempts + 1;
                if !taken && attempts < ATTEMPTS {
                    let what = one.what.clone();
                    queue.push_back(Waiting { what, attempts, at: Instant::now() + WAIT });
                }
            }
        }
    }
}

async fn take(client: &reqwest::Client, what: &Outgoing) -> bool {
    let sent = client
        .post(&what.url)
        .header("content-type", "application/json; charset=utf-8")
        .timeout(DELIVERY)
        .body(what.body.to_string())
        .send()
        .await;
    sent.is_ok_and(|answer| answer.status().is_success())
}

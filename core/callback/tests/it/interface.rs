//! Who may ask, how much, and what is answered to everybody else.

use core_callback::{Asked, Call, CallAnswer, CallLimits, Desk};
use serde_json::json;

use crate::{Given, answering, desk, sh, text};

/// The status of a call by `curl`, with whatever else it is given.
fn status(path: &str, more: &str) -> String {
    format!("curl -q -s -o /dev/null -w '%{{http_code}}\\n' --noproxy '*' {more} \"{path}\"\n")
}

const OWN: &str = "-H \"Authorization: Bearer $LINCHPIN_TOKEN\"";

fn known(asked: Asked) {
    let answer = match asked.call {
        Call::Facts => CallAnswer::Document(json!({})),
        _ => CallAnswer::Taken,
    };
    asked.answer(Ok(answer));
}

#[tokio::test]
async fn whoever_has_not_this_runs_token_is_told_nothing_whatever_is_asked() {
    let mut one = desk().await;
    let other = desk().await;
    let (mine, theirs) = (Given::of(&one), Given::of(&other));
    let stranger = format!("-H 'Authorization: Bearer {}'", theirs.token);
    let there = mine.url.replace(mine.url.rsplit('/').next().unwrap(), "another");
    let script = [
        status("$LINCHPIN_URL/facts", OWN),
        // Often in one run.
        status("$LINCHPIN_URL/facts", OWN),
        status("$LINCHPIN_URL/facts", ""),
        status("$LINCHPIN_URL/facts", &stranger),
        status(&format!("{there}/facts"), OWN),
        status("$LINCHPIN_URL/nothing", OWN),
        status("$LINCHPIN_URL/nothing", &stranger),
        status("$LINCHPIN_URL/facts", &format!("{OWN} -H 'Host: hub.example'")),
        status("$LINCHPIN_URL/token", OWN),
        // By the right token, at another run's.
        status(&format!("{}/facts", theirs.url), OWN),
    ];
    let output = answering(&mut one, known, sh(mine, &script.concat())).await;
    let told: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(
        told,
        ["200", "200", "401", "401", "401", "404", "401", "401", "400", "401"],
        "{output:?}"
    );
}

#[tokio::test]
async fn nothing_is_answered_after_the_run() {
    let one = desk().await;
    let given = Given::of(&one);
    drop(one);
    // The listener is gone with the run, and what its port is given to next does not know the token.
    let other = desk().await;
    let again = Given { url: other.url.clone(), token: given.token.clone() };
    let output = sh(given, &format!("{} true", status("$LINCHPIN_URL/facts", OWN))).await;
    assert_ne!(text(&output.stdout).trim(), "200", "{output:?}");
    let output = sh(again, &status("$LINCHPIN_URL/facts", OWN)).await;
    assert_eq!(text(&output.stdout).trim(), "401", "{output:?}");
}

#[tokio::test]
async fn a_script_that_calls_in_a_loop_is_slowed_down() {
    let limits = CallLimits { burst: 5, per_second: 1, ..CallLimits::default() };
    let mut desk = Desk::open(limits).await.unwrap();
    let script = status("$LINCHPIN_URL/facts", OWN).repeat(12);
    let work = sh(Given::of(&desk), &script);
    let output = answering(&mut desk, known, work).await;
    let told = text(&output.stdout);
    let of = |status: &str| told.lines().filter(|line| *line == status).count();
    assert!(of("200") >= 5 && of("429") >= 1 && of("200") + of("429") == 12, "{told}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_anybody_hears_of_it() {
    let mut desk = desk().await;
    let heard = std::cell::Cell::new(0);
    let script = "head -c 600000 /dev/zero | tr '\\0' x | linchpin_invoke -r >/dev/null 2>&1; echo $?\n\
                  head -c 5000 /dev/zero | tr '\\0' x | linchpin_call POST report --data-binary @- 2>/dev/null; echo\n\
                  linchpin_report fine && echo fine";
    let work = sh(Given::of(&desk), script);
    let answer = |asked: Asked| {
        heard.set(heard.get() + 1);
        asked.answer(Ok(CallAnswer::Taken));
    };
    let output = answering(&mut desk, answer, work).await;
    let told = text(&output.stdout);
    assert_eq!(heard.get(), 1, "{output:?}");
    assert!(told.starts_with("125\n") && told.contains("4096 bytes"), "{told}");
    assert!(told.ends_with("fine\n"), "{told}");
}

#[tokio::test]
async fn a_call_that_is_open_when_the_run_ends_is_answered_that_it_is_over() {
    let mut desk = desk().await;
    let given = Given::of(&desk);
    let script = status("$LINCHPIN_URL/report", &format!("{OWN} -d x"));
    let work = tokio::spawn(async move { sh(given, &script).await });
    let asked = desk.next().await.unwrap();
    drop(asked);
    drop(desk);
    assert_eq!(text(&work.await.unwrap().stdout).trim(), "401");
}

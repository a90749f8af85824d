//! The context of whoever is logged on, and secrets.

use chrono::{DateTime, Utc};
use core_connector::Secret;
use core_script::{Answer, NotRun, secret_document};
use mocks::once::Once;
use serde_json::json;

use super::*;

const TOKEN: &str = "one-run-token-0123456789";

#[test]
fn a_script_of_the_user_runs_as_who_is_logged_on() {
    let mut desk = Desk::new();
    let body = "\"$env:USERNAME|$(whoami)|$([Environment]::UserName)\"";
    let run = finished(desk.runs(&as_user(body), &nothing()));
    let LastValue::Text(told) = &run.value else { panic!("{run:?}") };
    let system = desk.value(body);
    assert!(!told.to_lowercase().contains("system") && told.len() > 6, "{told}");
    assert_eq!(
        system,
        text(&format!("{}$|nt authority\\system|SYSTEM", desk.world.machines[desk.no].host))
    );
    let parts: Vec<&str> = told.split('|').collect();
    assert_eq!(parts[0], parts[2]);
    assert!(parts[1].ends_with(&parts[0].to_lowercase()), "{told}");
    let values = given(&[("a", json!({ "b": [1, 2] }))]);
    let run = finished(desk.runs(&as_user("Write-Host 'hello'; $a.b; exit 5"), &values));
    assert_eq!((run.exit, run.value), (Some(5), number(2)));
    assert_eq!(run.output.head, "hello\n1\n2\n");
}

#[test]
fn it_has_no_more_rights_than_the_user() {
    let mut desk = Desk::new();
    let write = |path: &str| format!("[IO.File]::WriteAllText('{path}', 'x'); $true");
    for path in
        [r"C:\Program Files\x.txt", r"C:\Windows\x.txt", "$PSScriptRoot\\new.txt", "$PSCommandPath"]
    {
        let body = write(path).replace('\'', "\"");
        let run = finished(desk.runs(&as_user(&body), &nothing()));
        assert_eq!(run.exit, Some(1), "{path}: {run:?}");
        assert!(run.errors.head.contains("denied"), "{path}: {run:?}");
    }
    let run = finished(desk.runs(&as_user(&write(r"C:\Users\Public\x.txt")), &nothing()));
    assert_eq!(run.verdict(), Some(true), "{run:?}");
    assert_eq!(desk.powershell(&write(r"C:\Program Files\x.txt")).verdict(), Some(true));
    // What is staged for the machine itself no user reads.
    let peek = "Get-Content \"$env:ProgramFiles\\Linchpin\\runs\\0000000000000fff\\p0\"; 'read'";
    let script = Script::new(&"# long\n".repeat(9_000));
    desk.nonce = 0xffe;
    let delivery = desk.deliver(&script, &nothing(), None);
    desk.send(delivery.parts[0].expose());
    let run = finished(desk.runs(&as_user(peek), &nothing()));
    assert!(run.errors.head.contains("denied"), "{run:?}");
}

#[test]
fn where_nobody_is_logged_on_nothing_starts() {
    let mut desk = Desk::new();
    desk.world.machines[desk.no].logged_on = LoggedOn::Nobody;
    let body = "[IO.File]::WriteAllText('C:\\Users\\Public\\ran.txt', 'x')";
    assert_eq!(desk.runs(&as_user(body), &nothing()), Answer::NobodyLoggedOn);
    let state = mocks::machine::state(&desk.world, desk.no);
    assert!(!state.files.contains_key(r"c:\users\public\ran.txt") && state.tasks.is_empty());
}

#[test]
fn a_script_of_the_user_that_hangs_is_ended_and_its_task_goes_away() {
    let mut desk = Desk::new();
    desk.limit_s = 30;
    let body = "'begun'; Start-Sleep -Seconds 900; [IO.File]::WriteAllText('C:\\Users\\Public\\ran.txt', 'x')";
    match desk.runs(&as_user(body), &nothing()) {
        Answer::TimedOut { after_s: 30, until_then } => {
            assert_eq!(until_then.output.head, "begun\n")
        }
        other => panic!("{other:?}"),
    }
    desk.world.clock_ahead += 3_600;
    mocks::machine::settle(&mut desk.world);
    let state = mocks::machine::state(&desk.world, desk.no);
    assert!(!state.files.contains_key(r"c:\users\public\ran.txt") && state.tasks.is_empty());
}

/// A server that gives the secret, and how the machine gets there.
async fn secret(token: &str) -> (Once, SecretFetch) {
    let secrets = [("password".to_owned(), Secret::new("pä$$ 'word'"))].into();
    let once = Once::serve(TOKEN, secret_document(&secrets).expose()).await.unwrap();
    let url = once.url().parse().unwrap();
    let fetch = SecretFetch::new(url, Secret::new(token), DateTime::<Utc>::MAX_UTC).unwrap();
    (once, fetch)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_fetches_its_secrets_once() {
    let estate = tests::Estate::of(40, 5).await.unwrap();
    let (once, fetch) = secret(TOKEN).await;
    let mut desk = Desk::new();
    desk.world.states.web = estate.running.world().read().unwrap().states.web.clone();
    for (context, body) in [("system", "$password"), ("again", "$password")] {
        let delivery = desk.deliver(&Script::new(body), &with_secret(), Some(&fetch));
        assert!(!delivery.run.expose().contains("word'"));
        let answer = read(&desk.send(delivery.run.expose()), Nonce(desk.nonce));
        match context {
            "system" => assert_eq!(finished(answer).value, text("pä$$ 'word'")),
            // Whoever comes second is refused, and nothing runs.
            _ => assert!(
                matches!(&answer, Answer::NotRun(NotRun::Secrets(why)) if why.contains("410")),
                "{answer:?}"
            ),
        }
    }
    assert_eq!(once.answered(), [200, 410]);
    let (once, fetch) = secret("another-token-0123456789").await;
    let delivery = desk.deliver(&as_user("$password"), &with_secret(), Some(&fetch));
    let answer = read(&desk.send(delivery.run.expose()), Nonce(desk.nonce));
    assert!(
        matches!(&answer, Answer::NotRun(NotRun::Secrets(why)) if why.contains("401")),
        "{answer:?}"
    );
    assert_eq!(once.answered(), [401]);
    drop(once);
    let delivery = desk.deliver(&Script::new("$password"), &with_secret(), Some(&fetch));
    let answer = read(&desk.send(delivery.run.expose()), Nonce(desk.nonce));
    assert!(matches!(&answer, Answer::NotRun(NotRun::Secrets(_))), "{answer:?}");
}

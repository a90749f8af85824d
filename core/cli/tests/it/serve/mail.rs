//! Mail, from the settings to a server that takes it, refuses it, wants to be asked again, or is lost.

use std::time::{Duration, Instant};

use base64::Engine as _;
use mocks::smtp::{Fault, Mail, Smtp, Tls};

use super::service::Service;
use super::site;
use crate::run::Place;

const HUB: &str = "[hub]\ndatabase = \"sqlite://hub.db\"\n";

/// The table of a server; more lines of it may follow.
fn table(smtp: &Smtp, tls: &str, more: &str) -> String {
    format!(
        "\n[mail]\nserver = \"localhost\"\nport = {}\ntls = \"{tls}\"\n\
         from = \"Linchpin <hub@msp.example>\"\nto = [\"ana@msp.example\", \"Ops <ops@msp.example>\"]\n\
         {more}\n",
        smtp.port()
    )
}

fn place(smtp: &Smtp, tls: &str, more: &str) -> Place {
    let place = Place::with(&format!("{HUB}{}", table(smtp, tls, more)));
    place.write("ca.pem", smtp.certificate());
    place
}

/// A field of the head.
pub(super) fn field(mail: &Mail, name: &str) -> String {
    let line = mail.data.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{}", mail.data)).to_owned()
}

/// The parts of a mail, decoded.
pub(super) fn parts(mail: &Mail) -> Vec<String> {
    let boundary = mail.data.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let boundary = format!("--{boundary}");
    let parts = mail.data.split(&boundary).skip(1);
    parts.filter(|part| part.contains("Content-Type: ")).map(decoded).collect()
}

fn decoded(part: &str) -> String {
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    if head.contains("base64") {
        let body: String = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let body = body.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), body.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'=' => {
                let code = [rest.next().unwrap(), rest.next().unwrap()];
                let code = std::str::from_utf8(&code).unwrap();
                bytes.push(u8::from_str_radix(code, 16).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_arrives_over_each_kind_of_way() {
    for (tls, word) in
        [(Tls::Starttls, "starttls"), (Tls::Implicit, "implicit"), (Tls::None, "none")]
    {
        let smtp = Smtp::start(tls, Some(("hub", "planted-password"))).await.unwrap();
        let ca = if tls == Tls::None { "" } else { "ca_file = \"ca.pem\"" };
        let place = place(&smtp, word, &format!("user = \"hub\"\npassword = \"env:P\"\n{ca}"));
        let ran = place.run_with(&["mail", "test"], &[("P", "planted-password")]).ended(0);
        assert!(ran.out.contains("localhost took a mail to ana@msp.example, "), "{}", ran.out);
        let mails = smtp.mails();
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        assert_eq!(mail.sealed, tls != Tls::None, "{word}");
        assert_eq!((mail.from.as_str(), mail.user.as_deref()), ("hub@msp.example", Some("hub")));
        assert_eq!(mail.to, ["ana@msp.example", "ops@msp.example"]);
        assert_eq!(field(mail, "Subject"), "Linchpin: a trial");
        assert_eq!(field(mail, "Auto-Submitted"), "auto-generated");
        let parts = parts(mail);
        assert_eq!(parts.len(), 2, "{}", mail.data);
        assert!(parts.iter().all(|part| part.contains("This is a trial")), "{parts:?}");
        assert!(parts[1].contains("<html>") && !mail.data.contains("planted"), "{}", mail.data);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_with_a_trial_is_said_in_words_that_name_the_setting() {
    let smtp = Smtp::start(Tls::Starttls, Some(("hub", "right"))).await.unwrap();
    let account = "user = \"hub\"\npassword = \"env:P\"\n";
    let trusting = place(&smtp, "starttls", &format!("{account}ca_file = \"ca.pem\""));
    let tried = |place: &Place, parts: &[&str]| {
        let ran = place.run_with(&["mail", "test"], &[("P", "right")]).ended(1).silent();
        ran.complained(parts);
    };
    smtp.fail(&[
        Fault::Recipient("550 5.1.1 nobody of that name".to_owned()),
        Fault::Recipient("451 4.7.1 greylisted, come back".to_owned()),
        Fault::LostAfterData,
        Fault::Gone,
    ]);
    tried(&trusting, &["refuses the mail: 550", "nobody of that name", "`from` and `to`"]);
    tried(&trusting, &["does not take it now: 451", "greylisted", "it is tried again"]);
    tried(&trusting, &["no mail was sent: ", "[mail]"]);
    tried(&trusting, &["no mail was sent: ", "[mail]"]);
    let wrong = trusting.run_with(&["mail", "test"], &[("P", "wrong-planted")]).ended(1);
    assert!(!wrong.err.contains("planted"), "{}", wrong.err);
    wrong.complained(&["535", "check `user` and `password` of [mail]"]);
    trusting.run(&["mail", "test"]).refused(&["`password` of [mail]", "`P` is not set"]);
    tried(&place(&smtp, "starttls", account), &["no TLS with localhost", "`ca_file`"]);
    // A server without TLS gets neither password nor mail where TLS is asked for.
    let plain = Smtp::start(Tls::None, None).await.unwrap();
    tried(&place(&plain, "starttls", account), &["check `tls` and `user` of [mail]"]);
    assert_eq!(plain.mails(), []);
    let port = plain.port();
    drop(plain);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let gone = Place::with(&format!(
        "{HUB}[mail]\nserver = \"localhost\"\nport = {port}\ntls = \"none\"\nfrom = \"a@b.example\"\n\
         to = [\"a@b.example\"]\n"
    ));
    tried(&gone, &["fails", "check `server` and `port` of [mail]"]);
    Place::with(HUB).run(&["mail", "test"]).refused(&["names no server", "config/default.toml"]);
    let lost: Vec<bool> = smtp.mails().iter().map(|mail| mail.acknowledged).collect();
    assert_eq!(lost, [false]);
}

#[test]
fn a_table_that_cannot_send_is_refused_with_its_line_and_a_readable_way_is_warned_of() {
    let place = Place::with(&format!("{HUB}[mail]\nserver = \"localhost\"\nto = [\"nobody\"]\n"));
    place.run(&["config", "check"]).refused(&[
        "`nobody` is no mail address",
        "mail is sent from somebody to somebody",
        "linchpin.toml:4",
    ]);
    let whole = "from = \"a@b.example\"\nto = [\"a@b.example\"]\n";
    for (server, more, part) in [
        ("mail.example", "user = \"x\"\n", "`user` and `password` go together"),
        ("mail.example", "tls = \"none\"\nuser = \"x\"\npassword = \"env:P\"\n", "travel readable"),
        ("mail.example", "digest = \"at seven\"\n", "`digest` cannot be planned"),
        ("mail.example", "tls = \"ssl\"\n", "implicit"),
    ] {
        let text = format!("{HUB}[mail]\nserver = \"{server}\"\n{whole}{more}");
        Place::with(&text).run(&["config", "check"]).refused(&[part]);
    }
    let relay = format!("{HUB}[mail]\nserver = \"relay.example\"\n{whole}tls = \"none\"\n");
    let ran = Place::with(&relay).run(&["config", "check"]).ended(0);
    assert!(!ran.err.contains("never sends"), "{}", ran.err);
    ran.complained(&["warning: mail to relay.example travels readable"]);
    for (more, never) in
        [("", true), ("digest = \"off\"\n", true), ("digest = \"0 7 * * *\"\n", false)]
    {
        let text =
            format!("{HUB}[mail]\nserver = \"mail.example\"\n{whole}at_once = false\n{more}");
        let ran = Place::with(&text).run(&["config", "check"]).ended(0);
        assert_eq!(ran.err.contains("warning: [mail] never sends anything"), never, "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_that_is_taken_ends_the_wait_for_the_next_try() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let place = place(&smtp, "none", "");
    let waits = core_store::WebhookState {
        attempts: 6,
        failing_us: Some(1),
        next_try_us: Some(4_102_444_800_000_000),
        error: Some("550 no".to_owned()),
        delivered_us: Some(1_000_000),
        ..core_store::WebhookState::default()
    };
    note(&place, waits).await;
    smtp.fail(&[Fault::Recipient("451 4.7.1 greylisted".to_owned())]);
    place.run(&["mail", "test"]).ended(1);
    let shown = place.run(&["mail", "--json"]).ended(0).value();
    assert_eq!((&shown["state"], &shown["attempts"]), (&"failing".into(), &6.into()));
    place.run(&["mail", "test"]).ended(0);
    let shown = place.run(&["mail", "--json"]).ended(0).value();
    assert_eq!((&shown["state"], &shown["attempts"]), (&"ok".into(), &0.into()));
    for key in ["next_try", "failing_since", "error"] {
        assert!(shown[key].is_null(), "{key} in {shown}");
    }
    assert!(shown["sent"].is_string(), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_mails_what_needs_somebody_once_and_says_when_nobody_takes_it() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let quiet = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) =
        site(60, 88, &format!("{quiet}{}", table(&smtp, "none", "gather_minutes = 0"))).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let needs = site.run(&["needs", "--json"]).ended(0).json();
    assert!(!needs.is_empty());
    smtp.fail(&[Fault::Recipient("451 4.7.1 greylisted".to_owned())]);
    let service = Service::start(&site, &[]);
    let failed = service.wait_for(|line| line["message"] == "a mail was not sent");
    assert!(failed["error"].as_str().unwrap().contains("greylisted"), "{failed}");
    let shown = site.run(&["mail"]).ended(0).out;
    assert!(shown.contains("mail: failing") && shown.contains("greylisted"), "{shown}");
    // One refusal is how strangers are greeted, and no need; the second one is.
    assert_eq!(site.run(&["needs", "--json"]).ended(0).json(), needs);
    service.signal("TERM");
    assert_eq!(service.end().0, 0);

    let state = |attempts| core_store::WebhookState {
        attempts,
        failing_us: Some(1),
        error: Some("451 greylisted".to_owned()),
        ..core_store::WebhookState::default()
    };
    note(&site.place, state(2)).await;
    let told = site.run(&["needs", "--json"]).ended(0).json();
    assert!(told.iter().any(|need| need["kind"] == "mail" && need["key"] == "mail"), "{told:?}");
    note(&site.place, state(0)).await;

    for start in 0..2 {
        let service = Service::start(&site, &[]);
        service.wait_for(|line| line["message"] == "the daemon works");
        let began = Instant::now();
        if start == 0 {
            service.wait_for(|line| line["message"] == "a mail was sent");
        }
        while start == 1 && began.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        service.signal("TERM");
        assert_eq!(service.end().0, 0);
        assert_eq!(smtp.mails().len(), 1, "start {start}");
    }
    let mail = smtp.mails().remove(0);
    let parts = parts(&mail);
    let plain = parts[0].replace("\r\n", "\n");
    for need in &needs {
        for key in ["what", "remedy"] {
            let text = need[key].as_str().unwrap();
            assert!(plain.contains(text), "{text} is not in\n{plain}");
        }
    }
    assert!(parts[1].contains("<code>linchpin"), "{}", parts[1]);
    let faces = site.running.discovery()["faces"].clone();
    for (face, key) in [("cw-automate", "password"), ("halopsa", "client_secret")] {
        let secret = faces[face][key].as_str().unwrap();
        assert!(parts.iter().all(|part| !part.contains(secret)), "{face} {key} is in a mail");
    }
    let shown = site.run(&["mail", "--json"]).ended(0).value();
    assert_eq!((&shown["state"], &shown["needs_told"]), (&"ok".into(), &needs.len().into()));
}

/// Puts down how mail fares.
async fn note(place: &Place, state: core_store::WebhookState) {
    let path = place.path().join("hub.db");
    let store = core_store::Store::open(path.to_str().unwrap()).await.unwrap();
    store.put_webhook(core_daemon::MAIL, &state).await.unwrap();
    store.close().await;
}

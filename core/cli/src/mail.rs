//! Mail: written here, and handed to the server of the settings. What goes wrong is said in words that name
//! the setting which mends it.

use std::error::Error as _;
use std::time::Duration;

use core_daemon::News;
use lettre::message::{MultiPart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{MailServer, TlsWord};

mod outgoing;
mod text;

pub(crate) use self::outgoing::{INLINE, NotTaken, Outgoing, hand_over, is_reached};
pub(crate) use self::text::{Letter, of_news, trial};

/// How long the server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Hands a mail to the server; gives what it answered.
///
/// # Errors
/// In words, with what to do about it.
pub(crate) async fn send(server: &MailServer, letter: Letter) -> Result<String, String> {
    let message = message(server, letter)?;
    let transport = transport(server)?;
    let answer = transport.send(message).await.map_err(|error| in_words(server, &error))?;
    let said: Vec<&str> = answer.message().collect();
    Ok(format!("{} {}", answer.code(), said.join(" ")).trim_end().to_owned())
}

/// The name under which a mail can be told from every other.
fn id_of(server: &MailServer, id: &str) -> String {
    format!("<linchpin.{id}@{}>", server.from.email.domain())
}

fn message(server: &MailServer, letter: Letter) -> Result<Message, String> {
    let mut message = Message::builder()
        .from(server.from.clone())
        .subject(letter.subject)
        .message_id(Some(id_of(server, &letter.id)))
        // Nobody's holiday note is wanted: RFC 3834.
        .raw_header(header::HeaderValue::new(
            header::HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &server.to {
        message = message.to(to.clone());
    }
    let parts = MultiPart::alternative_plain_html(letter.plain, letter.html);
    message.multipart(parts).map_err(|error| format!("the mail cannot be written: {error}"))
}

fn transport(server: &MailServer) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = || {
        let mut tls = TlsParameters::builder(server.host.clone());
        if let Some(path) = &server.ca_file {
            let wrong = |why: String| format!("`ca_file` of [mail], {}: {why}", path.display());
            let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            let authority =
                Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
            tls = tls.add_root_certificate(authority);
        }
        tls.build_rustls().map_err(|error| format!("TLS for {} fails: {error}", server.host))
    };
    let tls = match server.tls {
        TlsWord::Starttls => Tls::Required(tls()?),
        TlsWord::Implicit => Tls::Wrapper(tls()?),
        TlsWord::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
        .port(server.port)
        .tls(tls)
        .timeout(Some(TIMEOUT));
    if let Some((user, password)) = &server.user {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

/// What went wrong, and what to do about it.
fn in_words(server: &MailServer, error: &Error) -> String {
    let place = format!("{}:{}", server.host, server.port);
    let mut cause = String::new();
    let mut inner = error.source();
    while let Some(error) = inner {
        cause = error.to_string();
        inner = error.source();
    }
    let cause = crate::output::printable(cause.trim());
    if let Some(code) = error.status() {
        let help = match u16::from(code) {
            530 | 534 | 535 | 538 => "check `user` and `password` of [mail]",
            550..=559 => {
                "check `from` and `to` of [mail], and what the server lets this machine send"
            }
            400..=499 => {
                "it is tried again; many servers refuse a stranger's first mail for minutes"
            }
            _ => "the server's log says more",
        };
        let lasting =
            if error.is_permanent() { "refuses the mail" } else { "does not take it now" };
        return format!("{place} {lasting}: {code} {cause}; {help}");
    }
    // What rustls says while hands are shaken comes as a broken connection.
    let of_tls =
        ["certificate", "alert", "corrupt message"].iter().any(|word| cause.contains(word));
    if error.is_tls() || of_tls {
        let help = "check `server`, which its certificate must name, `ca_file`, and whether its port \
                    wants `tls = \"implicit\"` or \"starttls\"";
        return format!("no TLS with {place}: {cause}; {help}");
    }
    if error.is_timeout() {
        return format!(
            "{place} does not answer in time; check `port` and `tls` of [mail], and firewalls between"
        );
    }
    if error.is_client() {
        let help = "check `tls` and `user` of [mail] against what the server offers";
        return format!("nothing was sent to {place}: {cause}; {help}");
    }
    if error.is_response() {
        return format!(
            "what {place} answers is no SMTP: {cause}; check `port` and `tls` of [mail]"
        );
    }
    let cause = if cause.is_empty() { "it ended".to_owned() } else { cause };
    format!("the connection to {place} fails: {cause}; check `server` and `port` of [mail]")
}

/// Hands news to the server.
///
/// # Errors
/// In words.
pub(crate) async fn tell(
    server: &MailServer,
    news: &News,
    page: Option<&str>,
    zone: chrono_tz::Tz,
) -> Result<(), String> {
    send(server, of_news(news, page, zone)).await.map(|_| ())
}

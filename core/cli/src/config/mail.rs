//! Who is told by mail of what waits for a human: the table `[mail]` of the settings.

use std::path::PathBuf;

use chrono_tz::Tz;
use core_connector::Secret;
use core_daemon::Mailing;
use core_schedule::{Pattern, Schedule};
use core_toml::Node;
use lettre::message::Mailbox;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::plan::{OFF, wrong_pattern};
use super::problem::Problem;
use super::secret::{self, Missing};
use crate::output::printable;

/// Mail about what waits for a human.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MailTable {
    /// The server that takes the mail. Left out, none is sent.
    pub(crate) server: Option<String>,
    /// Its port; 587 with `starttls`, 465 with `implicit`, 25 with `none`.
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
    /// `starttls` asks for TLS and sends nothing without it, `implicit` begins with it, `none` sends
    /// readable: for a relay on this machine.
    pub(crate) tls: TlsWord,
    /// A PEM file with a certificate authority to trust besides the public ones.
    pub(crate) ca_file: Option<PathBuf>,
    /// Who signs in; nobody where it is left out.
    pub(crate) user: Option<String>,
    /// With what.
    #[schemars(extend("x-linchpin-secret" = true))]
    pub(crate) password: Option<String>,
    /// Who it is from: `Linchpin <linchpin@example.com>`.
    pub(crate) from: Option<String>,
    /// Who gets it.
    pub(crate) to: Vec<String>,
    /// Whether new needs are mailed at once, and what is over without a new one after an hour.
    pub(crate) at_once: bool,
    /// Minutes that a new need waits for others, so that one mail has them.
    #[schemars(range(max = 1440))]
    pub(crate) gather_minutes: u32,
    /// When what changed since the last mail is mailed: a cron pattern, or "off". Its time zone is that of
    /// `schedule`.
    pub(crate) digest: String,
}

impl Default for MailTable {
    fn default() -> Self {
        Self {
            server: None,
            port: None,
            tls: TlsWord::Starttls,
            ca_file: None,
            user: None,
            password: None,
            from: None,
            to: Vec::new(),
            at_once: true,
            gather_minutes: 5,
            digest: OFF.to_owned(),
        }
    }
}

/// How the way to the server is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TlsWord {
    /// By STARTTLS, or nothing is sent.
    Starttls,
    /// From the beginning.
    Implicit,
    /// Not at all.
    None,
}

/// A server that takes mail, with its secret looked up.
#[derive(Clone)]
pub(crate) struct MailServer {
    /// Its name.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the way to it is sealed.
    pub(crate) tls: TlsWord,
    /// A certificate authority to trust besides.
    pub(crate) ca_file: Option<PathBuf>,
    /// Who signs in, and with what.
    pub(crate) user: Option<(String, Secret)>,
    /// Who it is from.
    pub(crate) from: Mailbox,
    /// Who gets it.
    pub(crate) to: Vec<Mailbox>,
}

/// Texts of this table that have a form, and what must be there together.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let Some(table) = root.get("mail") else { return Vec::new() };
    let mut problems: Vec<Problem> =
        table.get("digest").and_then(|node| wrong_pattern("digest", node)).into_iter().collect();
    let to = table.get("to").map(Node::items).unwrap_or_default();
    for node in table.get("from").into_iter().chain(to) {
        let Some(text) = node.text() else { continue };
        if text.parse::<Mailbox>().is_err() {
            let what = format!("`{}` is no mail address", printable(text));
            let help = "write it like \"ops@example.com\" or \"Ops <ops@example.com>\"";
            problems.push(Problem::new(node.span.clone(), what).label("no address").help(help));
        }
    }
    let Some(server) = table.get("server") else { return problems };
    let text = |key: &str| table.get(key).and_then(Node::text);
    let mut missing = |what: &str, help: &str| {
        let problem = Problem::new(server.span.clone(), what).label("without it").help(help);
        problems.push(problem);
    };
    if table.get("from").is_none() || to.is_empty() {
        let help =
            "write `from = \"Linchpin <linchpin@example.com>\"` and `to = [\"ops@example.com\"]`";
        missing("mail is sent from somebody to somebody", help);
    }
    if table.get("user").is_some() != table.get("password").is_some() {
        missing("`user` and `password` go together", "write both, or neither");
    }
    let here = matches!(server.text(), Some("localhost" | "127.0.0.1" | "::1"));
    if text("tls") == Some("none") && table.get("password").is_some() && !here {
        let help = "write `tls = \"starttls\"` or `tls = \"implicit\"`";
        missing("the password would travel readable to another machine", help);
    }
    problems
}

/// What is no mistake, and better otherwise.
pub(super) fn warnings(root: &Node) -> Vec<String> {
    let Some(table) = root.get("mail") else { return Vec::new() };
    let text = |key: &str| table.get(key).and_then(Node::text);
    let Some(server) = text("server") else { return Vec::new() };
    let mut warnings = Vec::new();
    if text("tls") == Some("none") {
        warnings.push(format!(
            "mail to {} travels readable, `tls` of [mail] is \"none\": that is for a relay on this \
             machine or in a network of your own",
            printable(server)
        ));
    }
    let at_once = table.get("at_once").map(Node::json) != Some(Value::Bool(false));
    if !at_once && text("digest").is_none_or(|digest| digest == OFF) {
        warnings.push(
            "[mail] never sends anything, `at_once` is false and `digest` is \"off\": set one of them, \
             or leave out `server`"
                .to_owned(),
        );
    }
    warnings
}

/// The server, if mail is sent.
pub(super) fn server(
    table: &MailTable,
    (folder, kept): (&std::path::Path, &secret::Kept),
) -> Result<Option<MailServer>, Missing> {
    let Some(host) = &table.server else { return Ok(None) };
    let user = match (&table.user, &table.password) {
        (Some(user), Some(password)) => {
            let password = secret::look_up_with(password, folder, kept)?;
            Some((user.clone(), Secret::new(password)))
        }
        _ => None,
    };
    // Checked before.
    let address = |text: &String| text.parse::<Mailbox>().ok();
    let Some(from) = table.from.as_ref().and_then(address) else { return Ok(None) };
    Ok(Some(MailServer {
        host: host.trim().to_owned(),
        port: table.port.unwrap_or(match table.tls {
            TlsWord::Starttls => 587,
            TlsWord::Implicit => 465,
            TlsWord::None => 25,
        }),
        tls: table.tls,
        ca_file: table.ca_file.as_ref().map(|path| folder.join(path)),
        user,
        from,
        to: table.to.iter().filter_map(address).collect(),
    }))
}

/// When mail is sent, if it is.
pub(super) fn mailing(table: &MailTable, zone: Tz) -> Option<Mailing> {
    let server = table.server.as_ref()?;
    let digest = table.digest.parse::<Pattern>().ok();
    Some(Mailing {
        // All that decides whether a server takes it, but the password.
        spec: format!(
            "{server} {:?} {:?} {:?} {:?} {:?} {:?}",
            table.port, table.tls, table.ca_file, table.user, table.from, table.to
        ),
        at_once: table.at_once.then_some(table.gather_minutes * 60),
        digest: digest.map(|pattern| Schedule::new(pattern, zone)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_mended_but_the_password_is_tried_at_once() {
        type Change = fn(&mut MailTable);
        let changes: [Change; 7] = [
            |table| table.server = Some("other.example".to_owned()),
            |table| table.port = Some(2525),
            |table| table.tls = TlsWord::Implicit,
            |table| table.ca_file = Some(PathBuf::from("ca.pem")),
            |table| table.user = Some("hub".to_owned()),
            |table| table.from = Some("hub@msp.example".to_owned()),
            |table| table.to = vec!["ops@msp.example".to_owned()],
        ];
        let spec = |change: Change| {
            let mut table =
                MailTable { server: Some("mail.example".to_owned()), ..MailTable::default() };
            change(&mut table);
            mailing(&table, Tz::UTC).unwrap().spec
        };
        let before = spec(|_| {});
        for (place, change) in changes.into_iter().enumerate() {
            assert_ne!(spec(change), before, "change {place}");
        }
        assert_eq!(spec(|table| table.password = Some("planted".to_owned())), before);
    }
}

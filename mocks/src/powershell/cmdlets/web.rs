//! What machines fetch: packages of the source, and what an address of this machine really answers.

use super::{Call, Cmdlet};
use crate::machine::{catalogue, paths};
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::show::from_json;
use crate::powershell::value::Value;
use crate::world::{Content, DownloadTrouble, WebAnswer, WebRequest};

pub(super) const TABLE: &[Cmdlet] = &[Cmdlet {
    names: &[
        "Invoke-WebRequest",
        "iwr",
        "wget",
        "curl",
        "Invoke-RestMethod",
        "irm",
        "Start-BitsTransfer",
    ],
    params: "Uri! OutFile! Source Destination -UseBasicParsing Method Headers TimeoutSec Body ContentType MaximumRedirection UserAgent",
    act: web_request,
}];

/// Milliseconds that an answer takes.
const ROUND_MS: u64 = 60;

impl Run<'_> {
    /// Fetches an address into a file, or as text. What there is to be had is the package source's.
    pub(in crate::powershell) fn download(
        &mut self,
        by: &str,
        url: &str,
        to: Option<&str>,
    ) -> Outcome<String> {
        let address = url.split(['?', '#']).next().unwrap_or_default();
        let file = paths::leaf(address).to_owned();
        let web = address.to_lowercase();
        let Some(package) = catalogue::by_file(&file).filter(|_| web.starts_with("http")) else {
            self.sim.pass(150)?;
            return fail(by, "The remote server returned an error: (404) Not Found.");
        };
        let faults = self.sim.download_faults.iter();
        let trouble = faults.filter(|(f, _)| f.eq_ignore_ascii_case(&file)).map(|(_, t)| *t).next();
        // Some 20 megabytes a second.
        let mut takes = 200 + (package.size() >> 20) * 50;
        match trouble {
            Some(DownloadTrouble::Missing) => {
                self.sim.pass(150)?;
                return fail(by, "The remote server returned an error: (404) Not Found.");
            }
            Some(DownloadTrouble::Broken) => {
                self.sim.pass(takes / 2)?;
                return fail(
                    by,
                    "Unable to read data from the transport connection: The connection was closed.",
                );
            }
            Some(DownloadTrouble::Takes(seconds)) => takes = u64::from(seconds) * 1_000,
            Some(DownloadTrouble::Corrupt) | None => {}
        }
        self.sim.pass(takes)?;
        let whole = trouble != Some(DownloadTrouble::Corrupt);
        let content = Content::Installer { file: package.file.to_owned(), whole };
        let Some(path) = to else { return Ok(super::text_of(&content)) };
        self.check_write(path)?;
        self.put_file(path, content);
        Ok(String::new())
    }
}

fn web_request(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let url = call.text("Uri").or_else(|| call.text("Source")).unwrap_or_default();
    let to = call.text("OutFile").or_else(|| call.text("Destination"));
    let leaf = paths::leaf(url.split(['?', '#']).next().unwrap_or_default()).to_owned();
    if catalogue::by_file(&leaf).is_none() && is_here(&url) {
        return asked(run, call, &url, to.as_deref(), out);
    }
    let text = run.download(&call.name, &url, to.as_deref())?;
    if to.is_none() {
        let fields = vec![("StatusCode", Value::Int(200)), ("Content", Value::text(text))];
        out.push(Value::of("WebResponse", fields));
    }
    Ok(())
}

/// Whether an address is one of the computer that the mocks run on: there is no other net.
fn is_here(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]"))
}

fn asked(
    run: &mut Run<'_>,
    call: &Call,
    url: &str,
    to: Option<&str>,
    out: &mut Out,
) -> Outcome<()> {
    run.sim.pass(ROUND_MS)?;
    let headers = match call.get("Headers") {
        Some(Value::Object(table)) => {
            let fields = table.fields();
            fields.iter().map(|(name, value)| (name.to_string(), value.show())).collect()
        }
        _ => Vec::new(),
    };
    let mut request = WebRequest {
        method: call.text("Method").unwrap_or_else(|| "Get".to_owned()).to_uppercase(),
        url: url.to_owned(),
        headers,
        body: call.text("Body").unwrap_or_default().into_bytes(),
        redirects: call
            .int("MaximumRedirection")
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(5),
    };
    if let Some(kind) = call.text("ContentType") {
        request.headers.push(("Content-Type".to_owned(), kind));
    }
    let Some(web) = run.sim.web.clone() else {
        return fail(&call.name, "Unable to connect to the remote server");
    };
    let answer = match (web.0)(request) {
        Ok(answer) => answer,
        Err(why) => return fail(&call.name, why),
    };
    match answer.status {
        300..=399 => {
            let text = "The maximum redirection count has been exceeded. To increase the number of redirections allowed, supply a higher value to the -MaximumRedirection parameter.";
            return run.complain(&call.name, text, call.action().as_deref());
        }
        200..=299 => {}
        status => {
            let reason = http::StatusCode::from_u16(status).ok();
            let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
            let text = format!("The remote server returned an error: ({status}) {reason}.");
            return fail(&call.name, text);
        }
    }
    if let Some(path) = to {
        return run.put_bytes(path, answer.body);
    }
    out.extend(answered(call, &answer).items());
    Ok(())
}

/// `Invoke-RestMethod` takes JSON apart; the other gives the answer as it is.
fn answered(call: &Call, answer: &WebAnswer) -> Value {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let rest = matches!(call.name.to_lowercase().as_str(), "invoke-restmethod" | "irm");
    if !rest {
        let fields = vec![
            ("StatusCode", Value::Int(i64::from(answer.status))),
            ("Content", Value::text(text)),
        ];
        return Value::of("WebResponse", fields);
    }
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) if answer.kind.contains("json") => from_json(&json),
        _ => Value::text(text),
    }
}

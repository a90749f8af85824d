//! A hub that runs elsewhere, asked over its API with a token: what it answers, or why not, in words.

use std::path::Path;
use std::time::Duration;

use core_connector::Secret;
use core_http::FetchOptions;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::cli::AskArgs;
use crate::config::secret_at;
use crate::failure::Failure;
use crate::output::{self, printable};

/// Where the token is, where no file is named. On the command line everybody on the machine would see it.
const TOKEN: &str = "env:LINCHPIN_TOKEN";
/// Bytes of an answer: of a hub with thousands of directories.
const LARGEST: usize = 64 << 20;
/// A hub that has much to do answers within thirty seconds or says that it cannot.
const TIMEOUT: Duration = Duration::from_secs(40);
/// What is wrong with an address is said of this.
const SERVER: &str = "--server";

/// A hub, and what opens it.
pub(super) struct Remote {
    base: Url,
    token: Secret,
}

impl Remote {
    /// The hub that the arguments name; none where it is the one of the settings.
    ///
    /// # Errors
    /// Where the address is none, or the token is not there (exit code 2).
    pub(super) fn of(args: &AskArgs) -> Result<Option<Self>, Failure> {
        let Some(server) = &args.server else { return Ok(None) };
        let settings = core_http::HttpSettings::default();
        let base = core_http::base_url(SERVER, server, &settings).map_err(|error| {
            Failure::usage(error.to_string())
                .with_remedy("write it like https://hub.example.com; http:// for this machine only")
        })?;
        let place = match &args.token_file {
            Some(path) => format!("file:{}", path.display()),
            None => TOKEN.to_owned(),
        };
        let token = secret_at(&place, Path::new("")).map_err(|(what, _)| {
            let remedy = "a token of that hub (`linchpin token create NAME --role operator` there) is \
                          read from LINCHPIN_TOKEN or from the file of --token-file";
            Failure::usage(what).with_remedy(remedy)
        })?;
        Ok(Some(Self { base, token: Secret::new(token.trim().to_owned()) }))
    }

    /// What it answers at a path.
    ///
    /// # Errors
    /// Where it does not answer (exit code 1), does not know the token or refuses it (exit code 2).
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let url = format!("{}{}", self.base, path.trim_start_matches('/'));
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token.expose()))
            .map_err(|_| Failure::usage("the token holds characters that no token has"))?;
        bearer.set_sensitive(true);
        let request = http::Request::get(url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, bearer)
            .body(Vec::new())
            .map_err(|error| Failure::usage(format!("{SERVER} is no address: {error}")))?;
        let options =
            FetchOptions { setting: SERVER, timeout: TIMEOUT, largest: LARGEST, allow_http: false };
        let answer = core_http::fetch_with(request, options).await.map_err(|error| {
            Failure::failed(format!("the hub at {} does not answer: {error}", self.base)).with_remedy(
                "is `linchpin serve` running there, and does `listen` in its [server], or the proxy \
                 before it, take connections from this machine?",
            )
        })?;
        let status = answer.status().as_u16();
        let body: Option<Value> = serde_json::from_slice(answer.body()).ok();
        match (status, body) {
            (200, Some(body)) => Ok(body),
            (_, body) => Err(self.refused(status, path, &body.unwrap_or_default())),
        }
    }

    fn refused(&self, status: u16, path: &str, problem: &Value) -> Failure {
        let hub = &self.base;
        let said = |key: &str| problem[key].as_str().map(printable);
        match status {
            // Which of the three it is, a hub tells nobody.
            401 => Failure::usage(format!(
                "the hub at {hub} does not take the token: it is unknown there, has expired, or was \
                 revoked"
            ))
            .with_remedy("`linchpin token list` there says which; `linchpin token create` makes another"),
            403 => {
                let why = said("detail").unwrap_or_else(|| "its role is too small".to_owned());
                Failure::usage(format!("the hub at {hub} refuses the token: {why}")).with_remedy(
                    "use a token of all tenants whose role is operator or admin",
                )
            }
            404 => Failure::failed(format!(
                "what answers at {hub} has no {path}: it is no hub, or one of an earlier version"
            ))
            .with_remedy("check the address; /healthz there says whether it is a hub"),
            _ => {
                let why = said("detail").unwrap_or_else(|| "what it says is no JSON".to_owned());
                let remedy = said("remedy").unwrap_or_else(|| {
                    "check that the address is the hub's own and no other page's".to_owned()
                });
                Failure::failed(format!("the hub at {hub} answered {status}: {why}"))
                    .with_remedy(remedy)
            }
        }
    }

    /// Reads an answer of a hub that says which version it is. One of another version whose answer
    /// can be read is told of, on standard error.
    ///
    /// # Errors
    /// Where the answer is none that this program knows (exit code 1).
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        answer: Value,
        theirs: Option<&str>,
    ) -> Result<T, Failure> {
        let ours = env!("CARGO_PKG_VERSION");
        let theirs = printable(theirs.unwrap_or("of an unknown version"));
        let other = format!("the hub at {} is linchpin {theirs}, and this is {ours}", self.base);
        let read = serde_json::from_value(answer).map_err(|error| {
            Failure::failed(format!("{other}: its answer cannot be read: {error}"))
                .with_remedy("use the same version here as there")
        })?;
        if theirs != ours {
            output::error_line(&format!("{other}: it may say more than is shown here"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Remote {
        let base = Url::parse("https://hub.example/").unwrap();
        Remote { base, token: Secret::new("lpt_planted") }
    }

    #[test]
    fn a_hub_of_another_version_is_told_by_name() {
        let hub = remote();
        assert!(hub.read::<Vec<u8>>(serde_json::json!([1]), Some("99.0.0")).is_ok());
        let failure = hub.read::<Vec<u8>>(serde_json::json!({}), Some("99.0.0")).unwrap_err();
        let said = failure.in_full();
        for part in ["linchpin 99.0.0", env!("CARGO_PKG_VERSION"), "use the same version"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn each_refusal_says_what_to_do_and_none_shows_the_token() {
        let hub = remote();
        for (status, part) in [
            (401, "has expired"),
            (403, "role is operator"),
            (404, "of an earlier version"),
            (502, "no other page's"),
        ] {
            let said = hub.refused(status, "/v1/status", &Value::Null).in_full();
            assert!(said.contains(part) && !said.contains("planted"), "{said}");
        }
    }
}

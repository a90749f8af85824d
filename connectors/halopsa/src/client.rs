//! The client of one instance: signed requests, and how their answers are read.

use std::sync::Arc;

use core_connector::{Error, ErrorKind, Result};
use core_http::{Http, HttpOptions, Request, decode};
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::fault;
use crate::sign_in::SignIn;

/// A Halo instance.
pub(crate) struct Halo {
    pub(crate) http: Http,
    /// Rows asked for per page.
    pub(crate) page_size: u32,
    /// The host, to name the account where Halo does not.
    pub(crate) host: String,
    /// The origin of its pages: hosted and installed, they are where the API is.
    pub(crate) origin: String,
}

impl Halo {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let addresses = config.addresses()?;
        let auth = Arc::new(SignIn::new(config, &addresses)?);
        let host = addresses.api.host_str().unwrap_or_default().to_owned();
        let origin = addresses.api.origin().ascii_serialization();
        let http = Http::new(HttpOptions {
            base: addresses.api,
            settings: config.http.clone(),
            auth,
            classify: fault::classify,
            pause: fault::pause,
        })?;
        Ok(Self { http, page_size: config.page_size, host, origin })
    }

    /// Reads one object or unpaged list, and how many bytes it took.
    ///
    /// # Errors
    /// As any call; `Protocol` with Halo's own complaint where that came in its place.
    pub(crate) async fn get<T: DeserializeOwned>(&self, request: &Request) -> Result<(T, u64)> {
        self.http
            .call(request, |answer| {
                let value =
                    decode::json(answer).map_err(|error| {
                        match serde_json::from_slice(&answer.body)
                            .ok()
                            .as_ref()
                            .and_then(fault::complaint)
                        {
                            Some(said) => Error::new(
                                ErrorKind::Protocol,
                                &answer.operation,
                                format!("Halo answers with a complaint in place of data: {said}"),
                            ),
                            None => error,
                        }
                    })?;
                Ok((value, answer.body.len() as u64))
            })
            .await
    }
}

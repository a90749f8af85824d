//! The HTTP toolkit of the connectors: one client per connection that signs in, keeps to limits,
//! retries what time can mend, reads answers with the JSON path of what is wrong, and never lets a
//! token follow a link to another host.
//!
//! A connector describes a [`Request`] and how to read its answer; everything else happens here.

mod answer;
mod client;
mod fetch;
mod limit;
mod request;
mod retry;
mod settings;

pub mod auth;
pub mod decode;

pub use answer::{Answer, parse_retry_after};
pub use client::{Classify, Http, HttpOptions, PauseScope};
pub use fetch::{FetchOptions, fetch, fetch_with};
pub use request::{Body, Request};
pub use settings::{HttpSettings, base_url};

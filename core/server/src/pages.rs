//! Every route outside `/v1`, once: pages, what they are made with, and what browsers post.
//!
//! To add a page: write `async fn page(api: Arc<Api>, asked: Asked) -> Result<Response, Problem>` in a
//! file of its own, and a line in [`all`]. Whom it is for says [`For`]: `AtLeast(role)` leads whoever
//! is not signed in to `/sign-in` and back, and refuses a lesser role; `Anybody` comes with
//! `asked.caller` as it is, which may be nobody. In it, `asked.caller()?` is who asks: `.name`,
//! `.must_be(Role::Technician)?`, `.scope.sees(Some(tenant))`, and `.csrf()` for the hidden field
//! `csrf` of its forms (or the header `x-csrf-token` of its scripts): without it nothing that a cookie
//! comes with is let through but GET. `asked.id("name")` is a part of the path, `asked.field("name")`
//! of a form. `page::html(status, &template, framed_by)` is the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use core_model::access::Role;
use core_runner::paths;

use crate::asked::{Asked, Ids};
use crate::limits::largest;
use crate::page::{refused, to_sign_in};
use crate::problem::Problem;
use crate::{
    Api, assets, docs, home, maintenance, metrics, notification, provider, runner, sign_in,
    technician, webhooks,
};

/// What a page is, once it is there.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

/// Whom a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Whoever comes, signed in or not.
    Anybody,
    /// Whoever comes, to sign in: what is sent must come from our own pages, whoever was signed in
    /// before.
    Newcomers,
    /// Who is signed in, and has at least this role.
    AtLeast(Role),
}

/// A page.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) whom: For,
    handler: fn(Arc<Api>, Asked) -> Answering,
}

const TICKET: &str = "/technician/{connection}/ticket/{key}";
const TICKET_EVENTS: &str = "/technician/{connection}/ticket/{key}/events";
const TICKET_DEPLOY: &str = "/technician/{connection}/ticket/{key}/deploy";
const TICKET_CANCEL: &str = "/technician/{connection}/ticket/{key}/cancel";
const TICKET_EXCEPT: &str = "/technician/{connection}/ticket/{key}/except";
const TICKET_JOIN: &str = "/technician/{connection}/ticket/{key}/join";

const NOTIFICATION: &str = "/notification/{key}";

const RUNNER_OUTPUT: &str = "/runner/output/{run}";
const RUNNER_DONE: &str = "/runner/done/{run}";

/// Every page.
pub(crate) fn all() -> Vec<Page> {
    [own(), of_mail()].concat()
}

/// What a mail about a session leads to.
fn of_mail() -> Vec<Page> {
    vec![
        page("GET", NOTIFICATION, For::Anybody, |api, asked| {
            Box::pin(notification::page(api, asked))
        }),
        page("POST", NOTIFICATION, For::Newcomers, |api, asked| {
            Box::pin(notification::act(api, asked))
        }),
    ]
}

fn own() -> Vec<Page> {
    vec![
        page("GET", "/", For::AtLeast(Role::Reader), |api, asked| Box::pin(home::page(api, asked))),
        page("GET", "/sign-in", For::Anybody, |api, asked| Box::pin(sign_in::form(api, asked))),
        page("POST", "/sign-in", For::Newcomers, |api, asked| {
            Box::pin(sign_in::with_password(api, asked))
        }),
        page("GET", "/sign-in/provider", For::Anybody, |api, asked| {
            Box::pin(provider::leave(api, asked))
        }),
        page("GET", "/sign-in/callback", For::Anybody, |api, asked| {
            Box::pin(provider::come_back(api, asked))
        }),
        page("POST", "/sign-out", For::AtLeast(Role::Reader), |api, asked| {
            Box::pin(sign_in::out(api, asked))
        }),
        page("POST", "/session/frame", For::Newcomers, |api, asked| {
            Box::pin(sign_in::into_frame(api, asked))
        }),
        page("GET", "/docs", For::AtLeast(Role::Reader), |_, asked| Box::pin(docs::page(asked))),
        page("GET", "/metrics", For::AtLeast(Role::Reader), |api, asked| {
            Box::pin(metrics::page(api, asked))
        }),
        page("GET", "/assets/{name}", For::Anybody, |_, asked| Box::pin(assets::one(asked))),
        page("GET", TICKET, For::Anybody, |api, asked| Box::pin(technician::page(api, asked))),
        page("GET", TICKET_EVENTS, For::AtLeast(Role::Reader), |api, asked| {
            Box::pin(technician::events(api, asked))
        }),
        page("POST", TICKET_DEPLOY, For::AtLeast(Role::Technician), |api, asked| {
            Box::pin(technician::deploy(api, asked))
        }),
        page("POST", TICKET_CANCEL, For::AtLeast(Role::Technician), |api, asked| {
            Box::pin(technician::cancel(api, asked))
        }),
        page("POST", TICKET_EXCEPT, For::AtLeast(Role::Technician), |api, asked| {
            Box::pin(technician::except(api, asked))
        }),
        page("POST", TICKET_JOIN, For::AtLeast(Role::Technician), |api, asked| {
            Box::pin(technician::join(api, asked))
        }),
        page("POST", "/runs/{run}/secrets", For::Anybody, |api, asked| {
            Box::pin(maintenance::secrets(api, asked))
        }),
        page("POST", "/webhooks/{connection}", For::Anybody, |api, asked| {
            Box::pin(webhooks::post(api, asked))
        }),
        page("POST", "/webhooks/{connection}/{*rest}", For::Anybody, |api, asked| {
            Box::pin(webhooks::post(api, asked))
        }),
        page("POST", paths::ENROL, For::Anybody, |api, asked| Box::pin(runner::enrol(api, asked))),
        page("POST", paths::POLL, For::Anybody, |api, asked| Box::pin(runner::poll(api, asked))),
        page("POST", RUNNER_OUTPUT, For::Anybody, |api, asked| {
            Box::pin(runner::output(api, asked))
        }),
        page("POST", RUNNER_DONE, For::Anybody, |api, asked| Box::pin(runner::done(api, asked))),
    ]
}

fn page(
    method: &'static str,
    path: &'static str,
    whom: For,
    handler: fn(Arc<Api>, Asked) -> Answering,
) -> Page {
    Page { method, path, whom, handler }
}

/// Adds every page.
pub(crate) fn add(router: Router<Arc<Api>>) -> Router<Arc<Api>> {
    all().into_iter().fold(router, |router, page| {
        let handler = move |State(api): State<Arc<Api>>, ids: Ids, request: Request| async move {
            let (uri, headers) = (request.uri().clone(), request.headers().clone());
            let is_get = request.method() == Method::GET;
            let answered = async {
                let asked = Asked::read(&api, ids, request, largest(page.path)).await?;
                match page.whom {
                    For::Newcomers => asked.must_be_same_origin(&api)?,
                    For::Anybody | For::AtLeast(_) => asked.must_be_meant(&api)?,
                }
                if let For::AtLeast(least) = page.whom {
                    match &asked.caller {
                        None if is_get => return Ok(to_sign_in(&uri)),
                        None => return Err(Problem::unknown_caller()),
                        Some(caller) => caller.must_be(least)?,
                    }
                }
                (page.handler)(Arc::clone(&api), asked).await
            };
            answered.await.unwrap_or_else(|problem: Problem| refused(problem, &headers))
        };
        router.route(page.path, on(filter(page.method), handler))
    })
}

/// The router's word for a method.
pub(crate) fn filter(method: &str) -> MethodFilter {
    match method {
        "POST" => MethodFilter::POST,
        "PUT" => MethodFilter::PUT,
        "DELETE" => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_open_but_what_signs_in_what_is_signed_and_what_pages_are_made_with() {
        let open = all().into_iter().filter(|page| !matches!(page.whom, For::AtLeast(_)));
        let mut open: Vec<String> =
            open.map(|page| format!("{} {}", page.method, page.path)).collect();
        open.sort();
        let expected = [
            "GET /assets/{name}",
            // By the key of a mail; reading it changes nothing.
            "GET /notification/{key}",
            "GET /sign-in",
            "GET /sign-in/callback",
            "GET /sign-in/provider",
            // To whoever is not known it shows how to sign in, and nothing else.
            "GET /technician/{connection}/ticket/{key}",
            "POST /notification/{key}",
            // With a key of the runner's own, or an enrolment token.
            "POST /runner/done/{run}",
            "POST /runner/enrol",
            "POST /runner/output/{run}",
            "POST /runner/poll",
            // By a token that counts once.
            "POST /runs/{run}/secrets",
            "POST /session/frame",
            "POST /sign-in",
            // Signed, or refused.
            "POST /webhooks/{connection}",
            "POST /webhooks/{connection}/{*rest}",
        ];
        assert_eq!(open, expected);
    }
}

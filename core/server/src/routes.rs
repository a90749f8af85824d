//! Every route, once: the router and the API's description are made from this list.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on};
use core_model::access::Role;
use core_model::entity::EntityKind;

use crate::access::guard;
use crate::answer::tagged;
use crate::asked::{Asked, Ids};
use crate::deeds::{self, Deed};
use crate::entities::{KINDS, Kind};
use crate::params::Params;
use crate::problem::Problem;
use crate::{Api, health, limits, maintenance, openapi, pages, sessions};

/// What a route below `/v1` answers.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    List(&'static Kind),
    One(&'static Kind),
    Winners,
    Changes,
    Events,
    Status,
    Description,
    Deed(&'static Deed),
}

/// Parameters of a computer's winners.
pub(crate) const WINNERS: &[&str] = &["as_of"];

impl Route {
    /// Its path.
    pub(crate) fn path(self) -> String {
        match self {
            Route::List(kind) => format!("/v1/{}", kind.path),
            Route::One(kind) => format!("/v1/{}/{{id}}", kind.path),
            Route::Winners => "/v1/computers/{id}/winners".to_owned(),
            Route::Changes => "/v1/changes".to_owned(),
            Route::Events => "/v1/events".to_owned(),
            Route::Status => "/v1/status".to_owned(),
            Route::Description => "/v1/openapi.json".to_owned(),
            Route::Deed(deed) => deed.path.to_owned(),
        }
    }

    /// Its method.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Route::Deed(deed) => deed.method,
            _ => "GET",
        }
    }

    /// What one must be at least.
    pub(crate) fn least(self) -> Role {
        match self {
            Route::Status => Role::Operator,
            Route::Deed(deed) => deed.least,
            _ => Role::Reader,
        }
    }
}

/// Every route below `/v1`.
pub(crate) fn all() -> Vec<Route> {
    let kinds = KINDS.iter().flat_map(|kind| [Route::List(kind), Route::One(kind)]);
    let others = [Route::Winners, Route::Changes, Route::Events, Route::Status, Route::Description];
    kinds
        .chain(others)
        .chain(
            deeds::ALL
                .iter()
                .chain(deeds::HUB)
                .chain(deeds::SCHEDULES)
                .chain(deeds::STOPS)
                .chain(sessions::DEEDS)
                .chain(sessions::moves::DEEDS)
                .chain(maintenance::DEEDS)
                .map(Route::Deed),
        )
        .collect()
}

pub(crate) fn router(api: Arc<Api>) -> Router {
    let open =
        Router::new().route("/healthz", get(health::healthz)).route("/readyz", get(health::readyz));
    let routed = all().into_iter().fold(pages::add(open), |router, route| {
        let path = route.path();
        let largest = limits::largest(&path);
        let handler = move |State(api): State<Arc<Api>>, ids: Ids, request: Request| async move {
            let answered = async {
                let asked = Asked::read(&api, ids, request, largest).await?;
                asked.must_be_meant(&api)?;
                answer(&api, route, asked).await
            };
            answered.await.unwrap_or_else(IntoResponse::into_response)
        };
        router.route(&path, on(pages::filter(route.method()), handler))
    });
    routed
        .fallback(|| async { Problem::no_path() })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        .layer(from_fn_with_state(Arc::clone(&api), guard))
        .layer(from_fn(limits::limit))
        .layer(from_fn(limits::headers))
        .layer(from_fn_with_state(Arc::clone(&api), limits::log))
        .with_state(api)
}

async fn answer(api: &Arc<Api>, route: Route, asked: Asked) -> Result<Response, Problem> {
    // Whoever got here past the guard without being anybody is refused.
    let caller = asked.caller()?;
    caller.must_be(route.least())?;
    if let Route::Deed(deed) = route {
        return api.deed(deed, asked).await;
    }
    let id = asked.id("id");
    let (uri, headers) = (&asked.uri, &asked.headers);
    match route {
        Route::List(kind) => api.list(kind, caller, (uri, headers)).await,
        Route::One(kind) => api.one(kind, caller, id, (uri, headers)).await,
        Route::Changes => api.changes(caller, (uri, headers)).await,
        Route::Events => api.events(caller, (uri, headers)).await,
        Route::Winners => {
            let params = Params::of(uri, WINNERS)?;
            let computer = api.seen(EntityKind::Computer, "computer", caller, id).await?;
            let _turn = api.questions.acquire().await.map_err(|_| Problem::fault())?;
            tagged(headers, &api.answers.winners(&computer.id, params.get("as_of")).await?)
        }
        Route::Status => {
            Params::of(uri, &[])?;
            caller.must_see_all()?;
            let _turn = api.questions.acquire().await.map_err(|_| Problem::fault())?;
            Ok(axum::Json(api.answers.status().await?).into_response())
        }
        Route::Description => {
            Params::of(uri, &[])?;
            tagged(headers, &openapi::document())
        }
        // Answered above.
        Route::Deed(_) => Err(Problem::no_path()),
    }
}

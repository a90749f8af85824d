//! Microsoft Graph and its sign-in service, on one port.
//!
//! Everything under `/v1.0` and `/beta` is Graph; everything else is the sign-in service. The face
//! reads the world and never changes it. It refuses what the real service refuses (missing
//! permissions, unknown properties, page sizes over the limit, advanced queries without their
//! header), because a client that gets away with it here would fail there.
//!
//! Subscriptions are kept, ask their address back, and are told of what changes (`subscriptions`).
//!
//! Left out: writing to users, groups and devices, interactive sign-in, and `$expand`.

mod aadsts;
mod ask;
mod assertion;
mod batch;
mod cursor;
mod delta;
mod discovery;
mod entity;
mod failure;
mod filter;
mod history;
mod index;
mod list;
mod members;
mod notify;
mod route;
mod signin;
mod subscriptions;
mod tenancy;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use self::ask::Ask;
use self::index::Index;
use self::tokens::{Refused, Tokens};
use self::wire::Problem;
use crate::faults::Fault;
use crate::vendor::{Call, Face, Handshake, Listing, Outgoing, Reply, Rows, Vendor};
use crate::world::World;

/// The face.
#[must_use]
pub fn face() -> Box<dyn Vendor> {
    Box::new(Graph {
        tokens: Tokens::new(),
        index: RwLock::default(),
        histories: RwLock::default(),
        buckets: throttle::Buckets::default(),
        subscriptions: subscriptions::Subscriptions::default(),
        first_is_dead: AtomicBool::new(false),
    })
}

/// The state of the face; the rest is the world's.
struct Graph {
    tokens: Tokens,
    index: RwLock<Index>,
    histories: delta::Histories,
    buckets: throttle::Buckets,
    subscriptions: subscriptions::Subscriptions,
    /// The first refresh token is too old by now; what it was renewed to is not.
    first_is_dead: AtomicBool,
}

impl Vendor for Graph {
    fn face(&self) -> Face {
        Face::Graph
    }

    fn answer(&self, call: &Call, world: &RwLock<World>) -> Reply {
        let world = world.read().unwrap_or_else(PoisonError::into_inner);
        let Some((version, raw)) = route::segments(&call.path) else {
            return self.sign_in(call, &world);
        };
        let index = self.current(&world);
        if raw.len() == 1 && raw[0].eq_ignore_ascii_case("$batch") {
            if let Err(refused) = self.grant(call, &world) {
                return wire::dress(refused.reply(call), call, 1);
            }
            let serve = |inner: &Call| match route::segments(&inner.path) {
                Some((version, raw)) => self.serve(inner, &world, &index, (version, &raw)),
                None => Problem::bad("The url of a request in a batch is relative.").reply(inner),
            };
            let reply = batch::answer(call, &serve).unwrap_or_else(|p| p.reply(call));
            return wire::dress(reply, call, 1);
        }
        self.serve(call, &world, &index, (version, &raw))
    }

    fn listing(&self, call: &Call) -> Option<Listing> {
        failure::listing(call)
    }

    fn is_sign_in(&self, call: &Call) -> bool {
        route::segments(&call.path).is_none()
    }

    fn failure(&self, fault: &Fault, call: &Call) -> Reply {
        if *fault == Fault::TokenRevoked {
            self.tokens.revoke(call.header("authorization"));
        }
        failure::reply(*fault, call, self.is_sign_in(call))
    }

    fn revoke_tokens(&self) {
        self.tokens.revoke_all();
    }

    fn asks(&self, call: &Call, reply: &Reply) -> Vec<Handshake> {
        self.subscriptions.asks(call, reply)
    }

    fn unanswered(&self, call: &Call, reply: Reply) -> Reply {
        let problem = self.subscriptions.unanswered(&reply);
        wire::dress(problem.reply(call), call, 1)
    }

    fn tells(&self, world: &RwLock<World>) -> Vec<Outgoing> {
        if self.subscriptions.is_idle() {
            return Vec::new();
        }
        let world = world.read().unwrap_or_else(PoisonError::into_inner);
        let index = self.current(&world);
        self.subscriptions.tells(&world, &index)
    }

    fn estate(
        &self,
        name: &str,
        fields: &serde_json::Value,
        world: &RwLock<World>,
    ) -> Option<Result<serde_json::Value, String>> {
        let world = world.read().unwrap_or_else(PoisonError::into_inner);
        match name {
            "subscriptions" => Some(Ok(self.subscriptions.all(&world))),
            "lifecycle" => Some(self.subscriptions.lifecycle(fields, &world)),
            "retire_refresh_token" => {
                self.first_is_dead.store(true, Ordering::Relaxed);
                Some(Ok(serde_json::json!({ "retired": true })))
            }
            _ => None,
        }
    }
}

impl Graph {
    /// The index, with every row of the world in it.
    fn current(&self, world: &World) -> RwLockReadGuard<'_, Index> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if index.is_current(world) {
            return index;
        }
        drop(index);
        self.index.write().unwrap_or_else(PoisonError::into_inner).grow(world);
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The grant of the token that was sent.
    fn grant(&self, call: &Call, world: &World) -> Result<tokens::Grant, Problem> {
        self.tokens
            .check(call.header("authorization"), world.now().timestamp())
            .map_err(|refused| unauthorized(refused, call))
    }

    /// Answers one call to Graph.
    fn serve(
        &self,
        call: &Call,
        world: &World,
        index: &Index,
        (version, raw): (&'static str, &[String]),
    ) -> Reply {
        let lower: Vec<String> = raw.iter().map(|s| s.to_ascii_lowercase()).collect();
        let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
        let cost = throttle::cost(call, &parts);
        let answered = self.grant(call, world).and_then(|grant| {
            let used = self.buckets.take(
                grant.appid,
                grant.tid,
                cost,
                world.options.graph_units_per_10_s,
            )?;
            let no = enter(&grant, world)?;
            let directory = &world.directories[no];
            let now = world.now();
            let ask = Ask { call, world, index, grant: &grant, no, directory, version, now };
            Ok((route::answer(self, &ask, &parts, raw)?, used))
        });
        match answered {
            Ok((reply, used)) => {
                let reply = wire::dress(reply, call, cost);
                if used > 0.8 {
                    reply.with_header("x-ms-throttle-limit-percentage", &format!("{used:.1}"))
                } else {
                    reply
                }
            }
            Err(problem) => wire::dress(problem.reply(call), call, cost),
        }
    }

    /// Answers one call to the sign-in service.
    fn sign_in(&self, call: &Call, world: &World) -> Reply {
        let path = call.path.trim_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let lower = path.to_ascii_lowercase();
        let rest = lower.split_once('/').map_or("", |(_, rest)| rest);
        let tenant = parts.first().copied().unwrap_or_default();
        match rest {
            "oauth2/v2.0/token" => {
                let first_is_dead = self.first_is_dead.load(Ordering::Relaxed);
                signin::token(call, tenant, world, (&self.tokens, first_is_dead))
            }
            "v2.0/.well-known/openid-configuration" | ".well-known/openid-configuration" => {
                discovery::openid_configuration(call, tenant, world)
            }
            "discovery/v2.0/keys" | "discovery/keys" => discovery::keys(),
            "discovery/instance" => discovery::instance(call),
            "adminconsent" | "v2.0/adminconsent" => discovery::admin_consent(call, tenant, world),
            _ => Reply::text(404, "Not found"),
        }
    }
}

/// The directory a token is for, as long as the caller still has a place in it.
fn enter(grant: &tokens::Grant, world: &World) -> Result<usize, Problem> {
    let found = world.directories.iter().position(|d| d.id == grant.tid);
    let no = found.filter(|no| world.directories[*no].mark.gone.is_none()).ok_or_else(|| {
        let message = "Unable to read the company information from the directory.";
        Problem::new(404, "Directory_ObjectNotFound", message)
    })?;
    let directory = &world.directories[no];
    if !directory.consented {
        let message = "The identity of the calling application could not be established.";
        return Err(Problem::new(403, "Authorization_IdentityNotFound", message));
    }
    if grant.delegated() && !signin::may_enter(directory, world.now()) {
        return Err(Problem::denied());
    }
    Ok(no)
}

/// 401 as Graph says it; a token that was taken back comes with a claims challenge.
fn unauthorized(refused: Refused, call: &Call) -> Problem {
    let message = match refused {
        Refused::Empty => "Access token is empty.",
        Refused::Malformed => "CompactToken parsing failed with error code: 80049217",
        Refused::Expired => "Lifetime validation failed, the token is expired.",
        Refused::Revoked => {
            "Continuous access evaluation resulted in challenge with result: InteractionRequired \
             and code: TokenIssuedBeforeRevocationTimestamp"
        }
        Refused::Audience => "Access token validation failure. Invalid audience.",
    };
    let mut challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"{}\"",
        call.base,
        tokens::GRAPH
    );
    if refused == Refused::Revoked {
        challenge.push_str(", error=\"insufficient_claims\", claims=\"");
        challenge.push_str("eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"");
    }
    Problem::new(401, "InvalidAuthenticationToken", message)
        .with_header("www-authenticate", &challenge)
}

/// The rows of every listing of Graph.
fn rows() -> Rows {
    Rows::Key("value".into())
}

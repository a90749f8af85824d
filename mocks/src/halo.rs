//! HaloPSA: its REST API and its authorisation server, over the world.
//!
//! Written from what clients of the real one rely on and trip over: a page cap that is echoed and
//! not refused, filters that are ignored when misspelt, lists that hide inactive rows, instants
//! without a zone, ids that are doubles, empty bodies under errors. Rows live in the world; what
//! the world has no place for lives here ([`own`]) and ends with the process. It delivers no
//! webhooks, for a face only answers.

mod action;
mod asset;
mod azure;
mod body;
mod catalogue;
mod client;
mod common;
mod contract;
mod entity;
mod failure;
mod field;
mod index;
mod invoice;
mod item;
mod limit;
mod misc;
mod own;
mod query;
mod route;
mod save;
mod scope;
mod side;
mod signin;
mod site;
#[cfg(test)]
mod tests;
mod ticket;
mod user;
mod wire;

use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use self::entity::Cx;
use self::limit::Budget;
use self::own::Own;
use self::query::Query;
use self::route::{Area, Route};
use self::save::Pen;
use self::signin::Tokens;
use crate::faults::Fault;
use crate::vendor::{Call, Face, Listing, Reply, Vendor};
use crate::world::World;

/// The HaloPSA face.
#[must_use]
pub fn face() -> Box<dyn Vendor> {
    Box::new(Halo {
        tokens: Tokens::new(),
        budget: Budget::default(),
        state: State::default(),
        own: RwLock::default(),
    })
}

/// What speeds up reading.
#[derive(Debug, Default)]
struct State {
    indexes: index::Indexes,
}

struct Halo {
    tokens: Tokens,
    budget: Budget,
    state: State,
    own: RwLock<Own>,
}

impl Halo {
    fn api(&self, call: &Call, route: &Route, world: &RwLock<World>) -> Result<Reply, Reply> {
        {
            let world = world.read().unwrap_or_else(PoisonError::into_inner);
            match route.parts().as_slice() {
                ["authinfo"] => return Ok(misc::auth_info(call, &world)),
                ["instanceinfo"] => return Ok(misc::instance_info(call, &world)),
                _ => {}
            }
            let scopes = self.tokens.check(call.header("authorization"), world.now().timestamp());
            let scopes = scopes.ok_or_else(|| Reply::empty(401))?;
            let limit = world.options.halo_calls_per_5_min;
            if !self.budget.take(limit, Instant::now()) {
                return Err(wire::too_many(limit));
            }
            let writing = route::writes(&call.method)?;
            if !route.allowed(&scopes, writing) {
                return Err(Reply::empty(403));
            }
            if !writing {
                let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
                let cx = Cx {
                    world: &world,
                    own: &own,
                    state: &self.state,
                    query: Query::of(call),
                    base: &call.base,
                    saved: false,
                };
                return route::read(&cx, route);
            }
        }
        let body = route::body(call, route)?;
        let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        let mut pen = Pen { world: &mut world, own: &mut own, state: &self.state, call };
        route::write(&mut pen, route, body.as_ref())
    }
}

impl Vendor for Halo {
    fn face(&self) -> Face {
        Face::Halo
    }

    fn answer(&self, call: &Call, world: &RwLock<World>) -> Reply {
        let route = Route::of(&call.path);
        match route.area {
            Area::Token if call.method == "POST" => {
                self.tokens.answer(call, &world.read().unwrap_or_else(PoisonError::into_inner))
            }
            Area::Discovery if call.method == "GET" => signin::discovery(call),
            Area::Token | Area::Discovery => Reply::empty(405),
            Area::Api => match self.api(call, &route, world) {
                Ok(reply) | Err(reply) => reply,
            },
            Area::Nowhere => Reply::empty(404),
        }
    }

    fn listing(&self, call: &Call) -> Option<Listing> {
        route::listing(call)
    }

    fn is_sign_in(&self, call: &Call) -> bool {
        Route::of(&call.path).area == Area::Token
    }

    fn failure(&self, fault: &Fault, call: &Call) -> Reply {
        if *fault == Fault::TokenRevoked {
            self.tokens.revoke(call.header("authorization"));
        }
        failure::reply(*fault, call)
    }

    fn revoke_tokens(&self) {
        self.tokens.revoke_all();
    }
}

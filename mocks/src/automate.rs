//! ConnectWise Automate as its REST API answers: `/cwa/api/v1` and `/cwa/api/v2`.
//!
//! Paths and query keys are compared without regard to case, lists are bare arrays that end with
//! an empty page, and every call but the sign-in carries the integrator's `clientId` and a bearer
//! token. The face offers what the estate has something to say about; an endpoint it does not
//! offer is answered 404, as a server of another version would.

use std::sync::{PoisonError, RwLock};

use serde_json::json;

use crate::vendor::{Call, Face, Listing, Reply, Rows, Vendor};
use crate::world::World;

mod auth;
mod batch;
mod commands;
mod computers;
mod condition;
mod contacts;
mod customers;
mod evaluate;
mod extra;
mod failure;
#[cfg(test)]
pub(crate) mod fixture;
mod groups;
pub(crate) mod hardware;
mod inventory;
mod list;
mod patching;
mod problem;
mod query;
mod reading;
mod request;
mod row;
mod schedule;
mod system;
#[cfg(test)]
mod tests;

use self::problem::Problem;
use self::request::Request;
use crate::control::SessionIndex;

pub(crate) use self::condition::date as read_date;
pub(crate) use self::evaluate::matches_pattern;

/// The newest agent version; the server's own version in `Agent.aspx` too.
pub(crate) const AGENT_VERSION: &str = "240.331";

/// The face of ConnectWise Automate.
#[must_use]
pub fn face() -> Box<dyn Vendor> {
    Box::new(AutomateFace::default())
}

/// What the face keeps besides the world: tokens, an index.
#[derive(Default)]
struct AutomateFace {
    tokens: auth::Tokens,
    sessions: SessionIndex,
}

impl Vendor for AutomateFace {
    fn face(&self) -> Face {
        Face::Automate
    }

    fn answer(&self, call: &Call, world: &RwLock<World>) -> Reply {
        if call.path.eq_ignore_ascii_case("/labtech/agent.aspx") {
            return Reply::text(200, &format!("Pong||||||{AGENT_VERSION}"));
        }
        self.try_answer(call, world).unwrap_or_else(|problem| problem.reply())
    }

    fn listing(&self, call: &Call) -> Option<Listing> {
        if !call.method.eq_ignore_ascii_case("GET") {
            return None;
        }
        let request = Request::new(call).ok()?;
        let name = reading::listing_name(&request)?;
        let page = u32::try_from(request.options.page).unwrap_or(u32::MAX);
        Some(Listing { name, page, rows: Rows::Bare })
    }

    fn is_sign_in(&self, call: &Call) -> bool {
        request::segments(&call.path).is_some_and(|s| s.first().is_some_and(|s| s == "apitoken"))
    }

    fn failure(&self, fault: &crate::faults::Fault, _call: &Call) -> Reply {
        failure::reply(*fault)
    }

    fn revoke_tokens(&self) {
        self.tokens.revoke();
    }
}

impl AutomateFace {
    fn try_answer(&self, call: &Call, world: &RwLock<World>) -> Result<Reply, Problem> {
        let request = Request::new(call)?;
        if request.path().first() == Some(&"apitoken") {
            let world = world.read().unwrap_or_else(PoisonError::into_inner);
            return self.tokens.answer(&request, &world);
        }
        {
            let world = world.read().unwrap_or_else(PoisonError::into_inner);
            auth::check_client_id(&request, &world)?;
            self.tokens.check_bearer(&request, &world)?;
        }
        self.route(&request, world)
    }

    fn route(&self, request: &Request<'_>, world: &RwLock<World>) -> Result<Reply, Problem> {
        let method = request.method.as_str();
        let path = request.path();
        match (method, path.as_slice()) {
            (_, ["computers", id, "commandexecute" | "commandprompt" | "commandhistory", ..]) => {
                let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
                commands::answer(request, &mut world, request::id(id)?)
            }
            (_, ["clients" | "locations" | "computers" | "contacts", id, "extrafields", ..]) => {
                if method == "GET" {
                    let world = world.read().unwrap_or_else(PoisonError::into_inner);
                    return extra::read(request, &world, request::id(id)?);
                }
                let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
                extra::write(request, &mut world, request::id(id)?)
            }
            ("GET", ["extensionactions", "control", id]) => {
                let world = world.read().unwrap_or_else(PoisonError::into_inner);
                self.launch_url(&world, request::id(id)?)
            }
            ("GET", _) => {
                let world = world.read().unwrap_or_else(PoisonError::into_inner);
                reading::answer(request, &world)
            }
            _ => {
                let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
                batch::answer(request, &mut world)
            }
        }
    }

    /// The Control plugin's launch URL of a computer's session, as a JSON string.
    fn launch_url(&self, world: &World, computer: u64) -> Result<Reply, Problem> {
        let computer = computers::find(world, computer)
            .ok_or_else(|| Problem::missing("Computer", computer))?;
        let session = computer
            .current
            .then(|| self.sessions.current_of(world, computer.machine))
            .flatten()
            .ok_or_else(|| Problem::missing("Control session of computer", computer.id))?;
        let token = hardware::dice(computer.id, 77);
        Ok(Reply::json(
            200,
            &json!(format!(
                "https://control.example.net/App_Extensions/fc234f0e-2e8e-4a1f-b977-ba41b14031f7/\
                 Launch.aspx?SessionID={session}&HostAccessToken={token:016x}"
            )),
        ))
    }
}

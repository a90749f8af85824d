//! ConnectWise Control (ScreenConnect) as its RESTful API Manager extension and its reports
//! answer.
//!
//! Methods take a positional JSON array or an object with parameter names, by GET with a body or
//! by POST; one secret header opens everything. The web interface's own services are not offered.

use std::sync::{PoisonError, RwLock};

use crate::faults::Fault;
use crate::vendor::{Call, Face, Listing, Reply, Rows, Vendor};
use crate::world::World;

mod arguments;
mod commands;
mod failure;
mod fields;
mod filter;
mod index;
mod methods;
mod report;
mod session;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use self::index::SessionIndex;

use self::failure::Problem;

/// The RESTful API Manager, the same on every server.
const EXTENSION: &str = "2d558935-686a-4bd0-9991-07539f5fe749";
/// The Automate extension, now and before.
const AUTOMATE_EXTENSIONS: [&str; 2] =
    ["fc234f0e-2e8e-4a1f-b977-ba41b14031f7", "8e78224d-79db-4dbb-b62a-833276b46c6e"];
/// The server's version.
const SERVER: &str = "ScreenConnect/24.2.5.8917-4087475871";

/// The face of ConnectWise Control, open to every origin.
#[must_use]
pub fn face() -> Box<dyn Vendor> {
    Box::new(ControlFace::default())
}

/// The face with `RESTfulAllowedOrigin` set: calls from another origin are answered 403.
#[must_use]
pub fn face_for_origin(origin: &str) -> Box<dyn Vendor> {
    Box::new(ControlFace { origin: Some(origin.to_owned()), ..ControlFace::default() })
}

#[derive(Default)]
struct ControlFace {
    origin: Option<String>,
    sessions: SessionIndex,
}

impl Vendor for ControlFace {
    fn face(&self) -> Face {
        Face::Control
    }

    fn answer(&self, call: &Call, world: &RwLock<World>) -> Reply {
        let reply = self.route(call, world).unwrap_or_else(|problem| problem.reply());
        reply.with_header("server", SERVER)
    }

    fn listing(&self, call: &Call) -> Option<Listing> {
        let path = path(call);
        let [_, extension, _, method] = segments(&path)?;
        let by_filter = ["getsessionsbyfilter", "sessions-by-filter"].contains(&method);
        (extension == EXTENSION && by_filter).then(|| Listing {
            name: format!("/App_Extensions/{EXTENSION}/Service.ashx/GetSessionsByFilter"),
            page: 1,
            rows: Rows::Bare,
        })
    }

    fn is_sign_in(&self, _call: &Call) -> bool {
        false
    }

    fn failure(&self, fault: &Fault, _call: &Call) -> Reply {
        failure::reply(*fault).with_header("server", SERVER)
    }

    /// There are no tokens: the secret stands until somebody changes it.
    fn revoke_tokens(&self) {}
}

impl ControlFace {
    fn route(&self, call: &Call, world: &RwLock<World>) -> Result<Reply, Problem> {
        let path = path(call);
        match path.as_str() {
            "/" | "/host" | "/login" => return Ok(home()),
            "/script.ashx" => return Ok(script(&read(world).control_instance)),
            "/report.json" => {
                report::check_access(call, &read(world).credentials.control_secret)?;
                return self.reported(world, &report::Request::from_query(&call.query));
            }
            _ => {}
        }
        let [_, extension, service, method] = segments(&path).ok_or_else(Problem::not_found)?;
        match service {
            "service.ashx" if extension == EXTENSION => {
                self.check_secret(call, &read(world).credentials.control_secret)?;
                methods::answer(call, method, &self.sessions, world)
            }
            "reportservice.ashx" if AUTOMATE_EXTENSIONS.contains(&extension) => {
                report::check_access(call, &read(world).credentials.control_secret)?;
                if method != "generatereportforautomate" {
                    return Err(Problem::no_method());
                }
                match report::Request::from_body(&call.body)? {
                    Some(request) => self.reported(world, &request),
                    None => Ok(Reply::json(200, &report::variables())),
                }
            }
            _ => Err(Problem::not_found()),
        }
    }

    fn reported(&self, world: &RwLock<World>, request: &report::Request) -> Result<Reply, Problem> {
        {
            let mut world = world.write().unwrap_or_else(PoisonError::into_inner);
            commands::settle_all(&mut world);
        }
        Ok(Reply::json(200, &report::generate(&read(world), request)?))
    }

    /// The secret first, then the origin, as the extension does.
    fn check_secret(&self, call: &Call, secret: &str) -> Result<(), Problem> {
        if call.header("ctrlauthheader") != Some(secret) {
            return Err(Problem::unauthorized());
        }
        match &self.origin {
            Some(allowed) if call.header("origin") != Some(allowed) => {
                Err(Problem::new(403, "UnauthorizedAccessException", "Origin is not allowed"))
            }
            _ => Ok(()),
        }
    }
}

fn read(world: &RwLock<World>) -> std::sync::RwLockReadGuard<'_, World> {
    world.read().unwrap_or_else(PoisonError::into_inner)
}

/// The path in lower case without a slash at the end.
fn path(call: &Call) -> String {
    let path = call.path.to_ascii_lowercase();
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// `App_Extensions`, the extension, the service and the method.
fn segments(path: &str) -> Option<[&str; 4]> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let parts: [&str; 4] = parts.try_into().ok()?;
    (parts[0] == "app_extensions").then_some(parts)
}

fn home() -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: b"<!DOCTYPE html><html><head><title>ScreenConnect Remote Support Software</title>\
                </head><body></body></html>"
            .to_vec(),
    }
}

/// The script in which installers find the relay's host, port and key.
fn script(instance: &str) -> Reply {
    let text = format!(
        "SC.context = {{\"clp\":{{\"h\":\"relay.{instance}.example.net\",\"p\":443,\
         \"k\":\"BgIAAACkAABSU0ExAAgAAAEAAQ%2b%2f{instance}\",\"i\":\"{instance}\"}}}};\n"
    );
    Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/javascript; charset=utf-8".into())],
        body: text.into_bytes(),
    }
}

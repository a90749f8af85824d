//! Everything that is read and changes nothing, by path.

use serde_json::json;

use super::auth::zoneless;
use super::computers::{self, Computers};
use super::contacts::Contacts;
use super::customers::{Clients, Locations};
use super::groups::{GroupComputers, Groups};
use super::inventory::{self, Chassis, Maintenance, Retired, Software};
use super::list::{Source, one, page, single, wanted};
use super::patching;
use super::problem::Problem;
use super::request::{Request, id};
use super::system;
use crate::vendor::Reply;
use crate::world::World;

/// Answers a GET.
pub(super) fn answer(request: &Request<'_>, world: &World) -> Result<Reply, Problem> {
    let path = request.path();
    match path.as_slice() {
        ["computers", rest @ ..] => computer(request, world, rest),
        ["patchinformation"] => Ok(single(system::patch_information(world), &request.options)),
        ["databaseservertime"] => Ok(Reply::json(200, &json!(zoneless(world.now())))),
        ["permissions", "users"] | ["permissions", "clients", _] => {
            Ok(Reply::json(200, &system::permissions()))
        }
        [_] => page(source(request, world)?.as_ref(), &request.options),
        ["system", "serverinformation"] => page(&system::servers(), &request.options),
        [what, number] => {
            let source = source(request, world)?;
            one(source.as_ref(), &request.options, singular(what), id(number)?)
        }
        _ => Err(Problem::no_resource()),
    }
}

/// The name of the listing that a GET reads a page of.
pub(super) fn listing_name(request: &Request<'_>) -> Option<String> {
    let path = request.path();
    let name = match path.as_slice() {
        ["computers"] => "Computers",
        ["computers", "chassis"] => "Computers/Chassis",
        ["computers", "software"] => "Computers/Software",
        ["computers", "maintenancemodes"] => "Computers/MaintenanceModes",
        ["clients"] => "Clients",
        ["locations"] => "Locations",
        ["groups"] => "Groups",
        ["groupcomputers"] => "GroupComputers",
        ["contacts"] => "Contacts",
        ["retiredassets"] => "RetiredAssets",
        ["commands"] => "Commands",
        ["searches"] => "Searches",
        ["users"] => "Users",
        ["featureflags"] => "FeatureFlags",
        ["system", "serverinformation"] => "System/ServerInformation",
        _ => return None,
    };
    Some(format!("/cwa/api/v{}/{name}", request.version))
}

fn source<'w>(request: &Request<'_>, world: &'w World) -> Result<Box<dyn Source + 'w>, Problem> {
    Ok(match request.path().first().copied().unwrap_or_default() {
        "clients" => Box::new(Clients::new(world)),
        "locations" => Box::new(Locations::new(world)),
        "groups" => Box::new(Groups::new(world)),
        "groupcomputers" => Box::new(GroupComputers::new(world)),
        "contacts" | "systemcontacts" => Box::new(Contacts::new(world, request.version)),
        "retiredassets" => Box::new(Retired(world)),
        "commands" => Box::new(system::commands()),
        "searches" => Box::new(system::searches()),
        "featureflags" => Box::new(system::feature_flags()),
        "users" => Box::new(system::users(world)),
        _ => return Err(Problem::no_resource()),
    })
}

fn computer(request: &Request<'_>, world: &World, rest: &[&str]) -> Result<Reply, Problem> {
    let options = &request.options;
    match rest {
        [] => return page(&Computers::new(world), options),
        ["chassis"] => return page(&Chassis(world), options),
        ["maintenancemodes"] => return page(&Maintenance(world), options),
        ["software"] => return page(&Software { world, computer: None }, options),
        _ => {}
    }
    let [number, below @ ..] = rest else {
        return Err(Problem::no_resource());
    };
    let number = id(number)?;
    let found =
        computers::find(world, number).ok_or_else(|| Problem::missing("Computer", number))?;
    match below {
        [] => {
            let key = computers::position(world, number)
                .ok_or_else(|| Problem::missing("Computer", number))?;
            Ok(single(Computers::new(world).row(key, &wanted(options)), options))
        }
        ["bios"] => Ok(single(inventory::bios(world, found), options)),
        ["microsoftupdates"] => page(&patching::updates(world, found), options),
        ["patchingstats"] => Ok(single(patching::stats(world, found), options)),
        ["operatingsystem"] => Ok(single(inventory::operating_system(world, found), options)),
        ["software"] => page(&Software { world, computer: Some(number) }, options),
        _ => Err(Problem::no_resource()),
    }
}

fn singular(what: &str) -> &'static str {
    match what {
        "clients" => "Client",
        "locations" => "Location",
        "groups" => "Group",
        "groupcomputers" => "GroupComputer",
        "commands" => "Command",
        _ => "Entity",
    }
}

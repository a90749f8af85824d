//! Which call is which: paths in all the spellings that clients use.

use uuid::Uuid;

use super::Graph;
use super::ask::{Ask, Query};
use super::delta;
use super::entity::{Entity, Selection, Shown, single_only};
use super::list::{self, Paging};
use super::members;
use super::tenancy;
use super::wire::{Problem, Value, object};
use crate::vendor::Reply;
use crate::world::{EntraDevice, Group, IntuneDevice, Person};

const USERS: [&str; 2] = ["User.Read.All", "Directory.Read.All"];
const GROUPS: [&str; 3] = ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"];
const DEVICES: [&str; 2] = ["Device.Read.All", "Directory.Read.All"];
const MANAGED: [&str; 1] = ["DeviceManagementManagedDevices.Read.All"];

/// The version and the segments of a path: `/v1.0/users('x')/memberOf` is `users`, `x`,
/// `memberOf`. `None` where the path is not Graph's.
pub(super) fn segments(path: &str) -> Option<(&'static str, Vec<String>)> {
    let mut parts = path.trim_start_matches('/').split('/');
    let version = match parts.next()?.to_ascii_lowercase().as_str() {
        "v1.0" => "v1.0",
        "beta" => "beta",
        _ => return None,
    };
    let mut segments = Vec::new();
    for part in parts.filter(|p| !p.is_empty()) {
        let (name, key) = match part.split_once('(').filter(|_| part.ends_with(')')) {
            Some((name, key)) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') => {
                (name, key.trim_end_matches(')'))
            }
            _ => (part, ""),
        };
        let bare = name.strip_prefix("microsoft.graph.").unwrap_or(name);
        let function = bare.eq_ignore_ascii_case("delta")
            || bare.to_ascii_lowercase().starts_with("findtenantinformation");
        segments.push(if function { bare } else { name }.to_string());
        if !key.is_empty() {
            let plain = key.strip_prefix('\'').and_then(|k| k.strip_suffix('\''));
            segments.push(plain.map_or_else(|| key.to_string(), |k| k.replace("''", "'")));
        }
    }
    Some((version, segments))
}

/// Answers a call that was let in.
pub(super) fn answer(
    graph: &Graph,
    ask: &Ask<'_>,
    parts: &[&str],
    raw: &[String],
) -> Result<Reply, Problem> {
    let query = Query::read(ask.call)?;
    let key = |n: usize| raw.get(n).map_or("", String::as_str);
    if let ["subscriptions", rest @ ..] = parts {
        return subscriptions(graph, ask, &query, rest);
    }
    if ask.call.method != "GET" {
        return Err(Problem::method());
    }
    match parts {
        ["users", rest @ ..] => users(graph, ask, &query, rest, key(1)),
        ["groups", rest @ ..] => groups(graph, ask, &query, rest, key(1)),
        ["devices", rest @ ..] => devices(graph, ask, &query, rest, key(1)),
        ["devicemanagement", "manageddevices", rest @ ..] => managed(ask, &query, rest, key(2)),
        ["me"] => me(ask, &query),
        ["organization"] => tenancy::organizations(ask, &query, None),
        ["organization", _] => tenancy::organizations(ask, &query, Some(key(1))),
        ["domains"] => tenancy::domains(ask, &query, None),
        ["domains", _] => tenancy::domains(ask, &query, Some(key(1))),
        ["contracts"] => tenancy::contracts(ask, &query, None),
        ["contracts", _] => tenancy::contracts(ask, &query, Some(key(1))),
        ["tenantrelationships", "delegatedadminrelationships"] => {
            tenancy::relationships(ask, &query, None)
        }
        ["tenantrelationships", "delegatedadminrelationships", _] => {
            tenancy::relationships(ask, &query, Some(key(2)))
        }
        ["tenantrelationships", "delegatedadmincustomers"] => tenancy::customers(ask, &query, None),
        ["tenantrelationships", "delegatedadmincustomers", _] => {
            tenancy::customers(ask, &query, Some(key(2)))
        }
        ["tenantrelationships", by, _] if by.starts_with("findtenantinformation") => {
            tenancy::find_tenant(ask, by, key(2))
        }
        ["directory", "deleteditems", kind] => deleted_items(ask, &query, kind),
        _ => Err(no_segment(raw.last().map_or("", String::as_str))),
    }
}

fn no_segment(name: &str) -> Problem {
    Problem::new(400, "BadRequest", format!("Resource not found for the segment '{name}'."))
}

fn users(
    graph: &Graph,
    ask: &Ask<'_>,
    query: &Query,
    rest: &[&str],
    key: &str,
) -> Result<Reply, Problem> {
    if let [_, of, ..] = rest {
        let no = find_user(ask, key)?;
        let cast = rest.get(2).copied();
        return match *of {
            "memberof" => members::of_user(ask, query, no, false, cast),
            "transitivememberof" => members::of_user(ask, query, no, true, cast),
            "registereddevices" | "owneddevices" => members::devices_of_user(ask, query, no),
            other => Err(no_segment(other)),
        };
    }
    ask.need(&USERS)?;
    match rest {
        [] => list::entities::<Person>(ask, query, Paging::DIRECTORY, false),
        ["$count"] => list::count::<Person>(ask, query),
        ["delta"] => delta::answer::<Person>(ask, query, &graph.histories),
        _ => {
            let no = find_user(ask, key)?;
            single(ask, query, &ask.world.persons[no])
        }
    }
}

/// A user by object id or UPN (in whatever case).
fn find_user(ask: &Ask<'_>, key: &str) -> Result<usize, Problem> {
    let there = |no: &usize| {
        ask.world.persons.get(*no).is_some_and(|p| p.directory == ask.no && p.mark.gone.is_none())
    };
    let found = match key.parse::<Uuid>() {
        Ok(id) => ask.index.users.find(id).filter(there),
        Err(_) => {
            let wanted = key.to_lowercase();
            let numbers = ask.index.users.of(ask.no).iter().map(|no| *no as usize);
            numbers.filter(there).find(|no| {
                ask.world.persons.get(*no).is_some_and(|p| p.upn.to_lowercase() == wanted)
            })
        }
    };
    found.ok_or_else(|| Problem::missing(key))
}

/// A row of this directory by its object id.
fn find<'a, E: Entity>(ask: &Ask<'a>, key: &str) -> Result<&'a E, Problem> {
    let id = key
        .parse::<Uuid>()
        .map_err(|_| Problem::bad(format!("Invalid object identifier '{key}'.")))?;
    let row = E::rows(ask.index).find(id).and_then(|no| E::all(ask.world).get(no));
    row.filter(|r| r.directory() == ask.no && r.mark().gone.is_none())
        .ok_or_else(|| Problem::missing(key))
}

fn groups(
    graph: &Graph,
    ask: &Ask<'_>,
    query: &Query,
    rest: &[&str],
    key: &str,
) -> Result<Reply, Problem> {
    ask.need(&GROUPS)?;
    match rest {
        [] => list::entities::<Group>(ask, query, Paging::DIRECTORY, false),
        ["$count"] => list::count::<Group>(ask, query),
        ["delta"] => delta::answer::<Group>(ask, query, &graph.histories),
        [_] => single(ask, query, find::<Group>(ask, key)?),
        [_, "members", cast @ ..] => {
            let group = find::<Group>(ask, key)?;
            members::of_group(ask, query, group, false, cast.first().copied())
        }
        [_, "transitivemembers", cast @ ..] => {
            let group = find::<Group>(ask, key)?;
            members::of_group(ask, query, group, true, cast.first().copied())
        }
        [.., other] => Err(no_segment(other)),
    }
}

fn devices(
    graph: &Graph,
    ask: &Ask<'_>,
    query: &Query,
    rest: &[&str],
    key: &str,
) -> Result<Reply, Problem> {
    ask.need(&DEVICES)?;
    match rest {
        [] => list::entities::<EntraDevice>(ask, query, Paging::DIRECTORY, false),
        ["$count"] => list::count::<EntraDevice>(ask, query),
        ["delta"] => delta::answer::<EntraDevice>(ask, query, &graph.histories),
        [_] => single(ask, query, find_device(ask, key)?),
        [_, "registeredowners" | "registeredusers"] => {
            members::owners_of_device(ask, query, find_device(ask, key)?)
        }
        [.., other] => Err(no_segment(other)),
    }
}

/// A device by object id, or by `deviceId='..'`.
fn find_device<'a>(ask: &Ask<'a>, key: &str) -> Result<&'a EntraDevice, Problem> {
    let Some((name, value)) = key.split_once('=') else { return find(ask, key) };
    let wanted = value.trim_matches('\'').parse::<Uuid>().ok();
    let numbers = ask.index.devices.of(ask.no).iter();
    let mut rows = numbers.filter_map(|no| ask.world.entra_devices.get(*no as usize));
    rows.find(|d| {
        name.eq_ignore_ascii_case("deviceId")
            && Some(d.device_id) == wanted
            && d.mark.gone.is_none()
    })
    .ok_or_else(|| Problem::missing(value))
}

fn managed(ask: &Ask<'_>, query: &Query, rest: &[&str], key: &str) -> Result<Reply, Problem> {
    ask.need(&MANAGED)?;
    if !ask.directory.intune {
        let message = "Request not applicable to target tenant.";
        return Err(Problem::new(400, "BadRequest", message));
    }
    match rest {
        [] => list::entities::<IntuneDevice>(ask, query, Paging::INTUNE, false),
        ["delta"] => Err(delta::refuse()),
        [_] => managed_device(ask, query, find(ask, key)?),
        [.., other] => Err(no_segment(other)),
    }
}

/// A managed device by itself: with `$select`, what listings leave out is there.
fn managed_device(ask: &Ask<'_>, query: &Query, device: &IntuneDevice) -> Result<Reply, Problem> {
    let selection = Selection::new(query.select.as_deref(), false, ask.lenient())?;
    let context =
        ask.context(&format!("deviceManagement/managedDevices{}/$entity", selection.context()));
    let named = |name: &str| query.select.iter().flatten().any(|s| s.eq_ignore_ascii_case(name));
    Ok(object(|object| {
        object.member("@odata.context", &Value::text(&context));
        for prop in &selection.props {
            let told = if named(prop.name) { single_only(device, prop.name) } else { None };
            object.member(prop.name, &told.unwrap_or_else(|| (prop.get)(device, ask.source())));
        }
        if ask.lenient() && named("hardwareInformation") {
            let told = single_only(device, "hardwareInformation").unwrap_or(Value::Null);
            object.member("hardwareInformation", &told);
        }
    }))
}

fn single<E: Entity>(ask: &Ask<'_>, query: &Query, row: &E) -> Result<Reply, Problem> {
    let mut selection = Selection::<E>::new(query.select.as_deref(), false, ask.lenient())?;
    if query.select.is_none() {
        selection.props.retain(|p| p.shown == Shown::Always);
    }
    let context = ask.context(&format!("{}{}/$entity", E::SET, selection.context()));
    Ok(object(|object| {
        object.member("@odata.context", &Value::text(&context));
        selection.write(row, ask.source(), object);
    }))
}

/// The partner's user: the first administrator of the partner's directory. Elsewhere it is no
/// object of the directory, and an app has no self at all.
fn me(ask: &Ask<'_>, query: &Query) -> Result<Reply, Problem> {
    if !ask.grant.delegated() {
        let message = "/me request is only valid with delegated authentication flow.";
        return Err(Problem::new(400, "BadRequest", message));
    }
    let numbers = ask.index.users.of(ask.no).iter();
    let mut rows = numbers.filter_map(|no| ask.world.persons.get(*no as usize));
    let user = rows.find(|p| ask.directory.partner && p.mark.gone.is_none() && p.enabled);
    single(ask, query, user.ok_or_else(|| Problem::missing("me"))?)
}

fn deleted_items(ask: &Ask<'_>, query: &Query, kind: &str) -> Result<Reply, Problem> {
    match kind.trim_start_matches("microsoft.graph.") {
        "user" => {
            ask.need(&USERS)?;
            list::entities::<Person>(ask, query, Paging::DIRECTORY, true)
        }
        "group" => {
            ask.need(&GROUPS)?;
            list::entities::<Group>(ask, query, Paging::DIRECTORY, true)
        }
        other => Err(no_segment(other)),
    }
}

fn subscriptions(
    graph: &Graph,
    ask: &Ask<'_>,
    query: &Query,
    rest: &[&str],
) -> Result<Reply, Problem> {
    let all = &graph.subscriptions;
    match (ask.call.method.as_str(), rest) {
        ("POST", []) => all.create(ask),
        ("GET", []) => all.list(ask, query),
        ("GET" | "PATCH" | "DELETE", [id]) => all.one(ask, id, &ask.call.method),
        ("POST", [id, "reauthorize"]) => all.one(ask, id, "REAUTHORIZE"),
        (_, [] | [_]) => Err(Problem::method()),
        (_, [.., other]) => Err(no_segment(other)),
    }
}

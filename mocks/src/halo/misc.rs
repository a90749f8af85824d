//! Single calls: who is there, what changed, the tree above the clients, reports.

use serde_json::{Value, json};

use super::body::Body;
use super::entity::{self, Cx};
use super::own;
use super::user::GENERAL_USER;
use super::wire::{self, Fields};
use crate::vendor::{Call, Reply};
use crate::world::World;

/// Product version this face speaks as.
const VERSION: &str = "2.236.133";

/// `GET /api/authinfo`, without signing in.
pub(super) fn auth_info(call: &Call, world: &World) -> Reply {
    Reply::json(
        200,
        &json!({
            "auth_url": format!("{}/auth", call.base),
            "tenant_id": world.credentials.halo_tenant,
            "hosted_group": "",
            "client_id": "",
        }),
    )
}

/// `GET /api/InstanceInfo`, without signing in.
pub(super) fn instance_info(call: &Call, world: &World) -> Reply {
    Reply::json(
        200,
        &json!({
            "dbid": "linchpin-mock",
            "app_version": VERSION,
            "database_version": VERSION,
            "nhserver_version": VERSION,
            "agent_count": 3,
            "licensed_agent_count": 3,
            "online_agent_count": 1,
            "last_login": wire::stamp(world.now(), 3),
            "app_name": "Halo PSA",
            "agent_url": call.base,
            "portal_url": format!("{}/portal", call.base),
            "auth_url": format!("{}/auth", call.base),
            "tenant_id": world.credentials.halo_tenant,
            "hosted_group": "",
            "mobileapp_enabled": true,
            "teamsbot_enabled": false,
        }),
    )
}

/// `GET /TopLevel`.
pub(super) fn top_level(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let row = json!({ "id": 1, "name": "Customers", "inactive": false, "use": "toplevel" });
    entity::small_list(cx.query, "tree", &[row])
}

/// `GET /UserChange?change_date=`: which contacts changed since.
pub(super) fn user_changes(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let since = cx.query.instant("change_date");
    let general = cx.query.flag("exclude_generaluser");
    let mut changed: Vec<_> = cx
        .world
        .halo
        .users
        .iter()
        .filter(|user| since.is_none_or(|at| user.mark.modified.naive_utc() >= at))
        .filter(|user| !(general && user.name == GENERAL_USER))
        .collect();
    changed.sort_by_key(|user| (user.mark.modified, user.id));
    let rows: Vec<Value> = changed
        .into_iter()
        .map(|user| {
            Fields::new()
                .with("id", user.id)
                .with("user_id", user.id)
                .with("user_name", user.name.as_str())
                .with("datetime", wire::stamp(user.mark.modified, user.id))
                .with("deleted", user.mark.gone.is_some())
                .json()
        })
        .collect();
    entity::small_list(cx.query, "changes", &rows)
}

/// `GET /AssetChange?asset_id=`: the history of one asset. Over all assets it only times out in
/// the field; here it is empty.
pub(super) fn asset_changes(cx: &Cx<'_>) -> Result<Reply, Reply> {
    let asset = cx.query.id("asset_id")?;
    let mine = cx
        .own
        .asset_changes
        .iter()
        .rev()
        .filter(|row| asset.is_some() && own::number(row, "asset_id") == asset);
    let rows: Vec<Value> = mine.cloned().map(Value::Object).collect();
    entity::small_list(cx.query, "changehistory", &rows)
}

/// `GET /Control`: of the settings only the map of Automate's clients to Halo's (module 215).
pub(super) fn control(cx: &Cx<'_>) -> Result<Reply, Reply> {
    if cx.query.int("integrationmoduleid")? != Some(215) {
        return Ok(Reply::json(200, &json!({ "id": 1 })));
    }
    let there = cx.world.halo.clients.iter().filter(|c| c.mark.gone.is_none());
    let rows: Vec<Value> = there
        .filter_map(|client| {
            let theirs = client.automate_id?;
            Some(json!({
                "third_party_client_id": theirs.to_string(),
                "halo_client_id": client.id,
                "halo_client_name": client.name,
            }))
        })
        .collect();
    Ok(Reply::json(200, &json!({ "id": 1, "automate_sitemappings": rows })))
}

/// `POST /Report`: ad-hoc SQL. There is no SQL server behind this face, and Halo says such things
/// with 200 and an error in the report.
pub(super) fn report(body: &Body) -> Result<Reply, Reply> {
    let elements = body.elements();
    let last = elements.last().ok_or_else(|| wire::model_state("", "A report was expected."))?;
    let sql = last.text("sql").unwrap_or_default();
    let word: String = sql.split_whitespace().take(1).collect();
    let error = format!("Incorrect syntax near '{word}'.");
    Ok(Reply::json(
        200,
        &json!({ "id": 0, "sql": sql, "report": { "rows": [], "load_error": error } }),
    ))
}

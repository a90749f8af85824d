//! Who we are at Halo, and what the token does not allow: each list is asked for one row.

use core_connector::{Account, Error, ErrorKind, Missing, Result};
use core_http::{Request, decode};
use serde::Deserialize;
use serde_json::Value;

use crate::client::Halo;
use crate::fault::scope_of;

/// What each list is for.
const PROBES: [(&str, &str); 8] = [
    ("Client", "no clients: nothing can be told whose it is"),
    ("Site", "no sites"),
    ("Users", "no contacts: a ticket's user is not known"),
    ("Asset", "no assets: a ticket's machine is not known"),
    ("Item", "no products"),
    ("ClientContract", "no agreements"),
    ("RecurringInvoice", "no agreement lines"),
    ("Tickets", "no tab in tickets"),
];

#[derive(Debug, Deserialize)]
struct Agent {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Instance {
    app_version: Option<String>,
    app_name: Option<String>,
}

pub(crate) async fn check(halo: &Halo) -> Result<Account> {
    let agent = match halo.get::<Agent>(&Request::get("Agent/me")).await {
        Ok((agent, _)) => agent.name,
        Err(error) if lacking(&error) => None,
        Err(error) => return Err(error),
    };
    let name = agent.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| halo.host.clone());
    // The version is good to know and nothing depends on it; on some instances it is not public.
    let request = Request::get("InstanceInfo").unsigned();
    let instance = halo.get::<Instance>(&request).await.ok().map(|(instance, _)| instance);
    let version = instance.and_then(|instance| {
        let (product, version) = (instance.app_name, instance.app_version?);
        Some(product.map_or_else(|| version.clone(), |product| format!("{product} {version}")))
    });
    let mut missing = Vec::new();
    for (path, costs) in PROBES {
        missing.extend(probe(halo, path, costs).await?);
    }
    Ok(Account { name, version, missing })
}

async fn probe(halo: &Halo, path: &str, costs: &str) -> Result<Option<Missing>> {
    let request =
        Request::get(path).query("pageinate", "true").query("page_size", "1").query("page_no", "1");
    let asked = halo.http.call(&request, |answer| decode::json::<Value>(answer).map(|_| ())).await;
    match asked {
        Ok(()) => Ok(None),
        Err(error) if lacking(&error) => Ok(Some(Missing {
            permission: scope_of(error.operation()).to_owned(),
            costs: costs.to_owned(),
            scope: String::new(),
        })),
        Err(error) => Err(error),
    }
}

fn lacking(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound)
}

//! What Graph says about directories themselves: organisation, domains, and the partner's view of
//! its customers (contracts, delegated-admin relationships, delegated-admin customers).

use chrono::Duration;
use serde_json::{Value, json};

use super::ask::{Ask, Query};
use super::list::{self, Paging, selected};
use super::wire::{Problem, instant, tree};
use crate::vendor::Reply;
use crate::world::{Directory, Relationship};

/// The role template of a directory reader.
const DIRECTORY_READER: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";

fn organization(ask: &Ask<'_>) -> Value {
    let directory = ask.directory;
    let domains: Vec<Value> = domains_of(directory)
        .iter()
        .map(|name| {
            json!({
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": name.eq_ignore_ascii_case(&directory.default_domain),
                "isInitial": name.eq_ignore_ascii_case(&directory.initial_domain),
                "name": name,
                "type": "Managed",
            })
        })
        .collect();
    let synced = directory.on_premises.is_some();
    json!({
        "id": directory.id,
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": null,
        "createdDateTime": instant(directory.mark.created),
        "defaultUsageLocation": null,
        "displayName": directory.display_name,
        "marketingNotificationEmails": [],
        "onPremisesLastSyncDateTime": synced.then(|| instant(directory.mark.modified)),
        "onPremisesSyncEnabled": if synced { json!(true) } else { Value::Null },
        "postalCode": null,
        "preferredLanguage": "en",
        "securityComplianceNotificationMails": [],
        "securityComplianceNotificationPhones": [],
        "state": null,
        "street": null,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": domains,
    })
}

/// All verified domains, the initial one among them.
fn domains_of(directory: &Directory) -> Vec<String> {
    let mut domains = directory.domains.clone();
    for name in [&directory.default_domain, &directory.initial_domain] {
        if !domains.iter().any(|d| d.eq_ignore_ascii_case(name)) {
            domains.push(name.clone());
        }
    }
    domains
}

fn domain_rows(directory: &Directory) -> Vec<Value> {
    let names = domains_of(directory);
    let row = |name: &String| {
        let below = |root: &String| name.ends_with(&format!(".{root}"));
        json!({
            "authenticationType": "Managed",
            "availabilityStatus": null,
            "id": name,
            "isAdminManaged": true,
            "isDefault": name.eq_ignore_ascii_case(&directory.default_domain),
            "isInitial": name.eq_ignore_ascii_case(&directory.initial_domain),
            "isRoot": !names.iter().any(below),
            "isVerified": true,
            "supportedServices": ["Email", "OfficeCommunicationsOnline"],
            "passwordValidityPeriodInDays": null,
            "passwordNotificationWindowInDays": null,
            "state": null,
        })
    };
    names.iter().map(row).collect()
}

/// `/organization` and `/organization/{id}`.
pub(super) fn organizations(
    ask: &Ask<'_>,
    query: &Query,
    id: Option<&str>,
) -> Result<Reply, Problem> {
    ask.need(&["Directory.Read.All", "Organization.Read.All"])?;
    let row = organization(ask);
    match id {
        None => list::trees(ask, query, Paging::DIRECTORY, "organization", vec![row]),
        Some(id) if id.eq_ignore_ascii_case(&ask.directory.id.to_string()) => {
            Ok(single(ask, query, "organization", &row))
        }
        Some(id) => Err(Problem::missing(id)),
    }
}

/// `/domains` and `/domains/{name}`.
pub(super) fn domains(ask: &Ask<'_>, query: &Query, id: Option<&str>) -> Result<Reply, Problem> {
    ask.need(&["Directory.Read.All", "Domain.Read.All"])?;
    let rows = domain_rows(ask.directory);
    one_or_all(ask, query, Paging::DIRECTORY, "domains", (rows, id))
}

/// `/contracts`: there are some in the partner's directory only. Name and domain are copies from the
/// day the contract was made; where the world says the name is stale, the domain is as old.
pub(super) fn contracts(ask: &Ask<'_>, query: &Query, id: Option<&str>) -> Result<Reply, Problem> {
    ask.need(&["Directory.Read.All"])?;
    let partner = ask.directory.partner;
    let there = ask.world.directories.iter().filter(|d| partner && d.mark.gone.is_none());
    let rows = there
        .filter_map(|d| {
            let stale = d.contract_name.as_ref().filter(|n| **n != d.display_name);
            Some(json!({
                "id": d.contract?,
                "deletedDateTime": null,
                "contractType": "ResellerPartner",
                "customerId": d.id,
                "defaultDomainName":
                    if stale.is_some() { &d.initial_domain } else { &d.default_domain },
                "displayName": stale.unwrap_or(&d.display_name),
            }))
        })
        .collect();
    one_or_all(ask, query, Paging::DIRECTORY, "contracts", (rows, id))
}

/// Whether a relationship is in force at this instant.
fn in_force(ask: &Ask<'_>, relationship: &Relationship) -> bool {
    super::signin::is_active(relationship, ask.now)
}

fn relationship_row(ask: &Ask<'_>, directory: &Directory, relationship: &Relationship) -> Value {
    let start = relationship.end - Duration::days(730);
    let over = relationship.status == "active" && !in_force(ask, relationship);
    let status = if over { "expired" } else { relationship.status.as_str() };
    json!({
        "@odata.etag": format!("W/\"{:016x}\"", directory.mark.changed),
        "id": relationship.id,
        "displayName": relationship.display_name,
        "duration": "P730D",
        "autoExtendDuration": "PT0S",
        "customer": {"tenantId": directory.id, "displayName": directory.display_name},
        "accessDetails": {"unifiedRoles": [{"roleDefinitionId": DIRECTORY_READER}]},
        "status": status,
        "createdDateTime": instant(start),
        "activatedDateTime": instant(start),
        "lastModifiedDateTime": instant(start),
        "endDateTime": instant(relationship.end),
    })
}

/// Delegated only: an app by itself gets nothing here, whatever was consented.
fn need_delegated_partner(ask: &Ask<'_>) -> Result<(), Problem> {
    if !ask.grant.delegated() || !ask.directory.partner {
        return Err(Problem::denied());
    }
    ask.need(&["DelegatedAdminRelationship.Read.All"])
}

/// `/tenantRelationships/delegatedAdminRelationships`.
pub(super) fn relationships(
    ask: &Ask<'_>,
    query: &Query,
    id: Option<&str>,
) -> Result<Reply, Problem> {
    need_delegated_partner(ask)?;
    let of = |d| move |r| relationship_row(ask, d, r);
    let there = ask.world.directories.iter().filter(|d| d.mark.gone.is_none());
    let rows = there.flat_map(|d| d.relationships.iter().map(of(d))).collect();
    let set = "tenantRelationships/delegatedAdminRelationships";
    one_or_all(ask, query, Paging::PARTNER, set, (rows, id))
}

/// `/tenantRelationships/delegatedAdminCustomers`: customers with an active relationship.
pub(super) fn customers(ask: &Ask<'_>, query: &Query, id: Option<&str>) -> Result<Reply, Problem> {
    need_delegated_partner(ask)?;
    let rows = ask
        .world
        .directories
        .iter()
        .filter(|d| d.mark.gone.is_none() && d.relationships.iter().any(|r| in_force(ask, r)))
        .map(|d| {
            json!({
                "@odata.etag": format!("W/\"{:016x}\"", d.mark.changed),
                "id": d.id,
                "tenantId": d.id,
                "displayName": d.display_name,
            })
        })
        .collect();
    let set = "tenantRelationships/delegatedAdminCustomers";
    one_or_all(ask, query, Paging::PARTNER, set, (rows, id))
}

/// `/tenantRelationships/findTenantInformationBy...(...)`.
pub(super) fn find_tenant(ask: &Ask<'_>, by: &str, argument: &str) -> Result<Reply, Problem> {
    ask.need(&["CrossTenantInformation.ReadBasic.All"])?;
    let wanted = argument.split_once('=').map_or(argument, |(_, v)| v).trim_matches('\'');
    let found = ask.world.directories.iter().find(|d| {
        d.mark.gone.is_none()
            && if by == "findtenantinformationbytenantid" {
                d.id.to_string().eq_ignore_ascii_case(wanted)
            } else {
                domains_of(d).iter().any(|n| n.eq_ignore_ascii_case(wanted))
            }
    });
    let directory = found.ok_or_else(|| Problem::missing(wanted))?;
    Ok(tree(
        200,
        &json!({
            "@odata.context": ask.context("microsoft.graph.tenantInformation"),
            "tenantId": directory.id,
            "federationBrandName": null,
            "displayName": directory.display_name,
            "defaultDomainName": directory.default_domain,
        }),
    ))
}

fn one_or_all(
    ask: &Ask<'_>,
    query: &Query,
    paging: Paging,
    set: &str,
    (rows, id): (Vec<Value>, Option<&str>),
) -> Result<Reply, Problem> {
    let Some(id) = id else { return list::trees(ask, query, paging, set, rows) };
    let same = |row: &&Value| row["id"].as_str().is_some_and(|i| i.eq_ignore_ascii_case(id));
    let row = rows.iter().find(same).ok_or_else(|| Problem::missing(id))?;
    Ok(single(ask, query, set, row))
}

fn single(ask: &Ask<'_>, query: &Query, set: &str, row: &Value) -> Reply {
    let mut body = json!({"@odata.context": ask.context(&format!("{set}/$entity"))});
    let row = selected(row, query.select.as_deref());
    if let (Some(body), Some(row)) = (body.as_object_mut(), row.as_object()) {
        body.extend(row.clone());
    }
    tree(200, &body)
}

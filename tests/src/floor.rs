//! The least that reading can cost: a bare loop that downloads and parses, and keeps nothing.

use std::sync::Arc;

use anyhow::{Context, Result};
use core_connector::{Resume, Secret};
use core_http::auth::{ClientAuth, Grant, OAuth, TokenRequest};
use core_http::{Http, HttpOptions, HttpSettings, PauseScope, Request, base_url};
use serde::Deserialize;
use serde_json::Value;

use crate::{ConnectionSettings, connections_of};

/// A user, as somebody who only wants to have parsed him would write it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed, and kept by nobody")]
struct User {
    id: String,
    user_principal_name: Option<String>,
    display_name: Option<String>,
    mail: Option<String>,
    account_enabled: Option<bool>,
    #[serde(default)]
    proxy_addresses: Vec<String>,
}

#[derive(Deserialize)]
struct Users {
    value: Vec<User>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Reads what a case is about and keeps nothing; gives the records read.
///
/// # Errors
/// When the estate does not answer.
pub async fn read(case: &str, discovery: &Value, settings: &ConnectionSettings) -> Result<u64> {
    if case == "users" {
        return users(discovery, settings).await;
    }
    let mut records = 0;
    for connection in connections_of(settings, &["azure-ad", "cw-automate", "cw-control"])? {
        for stream in connection.connector.streams() {
            for scope in stream.source.scopes().await? {
                let mut resume = Resume::Start;
                while let Ok(page) = stream.source.page(&scope, resume).await {
                    records += page.records.len() as u64;
                    let last = page.is_last();
                    match page.checkpoint {
                        Some(checkpoint) if !last => resume = Resume::From(checkpoint),
                        _ => break,
                    }
                }
            }
        }
    }
    Ok(records)
}

async fn users(discovery: &Value, settings: &ConnectionSettings) -> Result<u64> {
    let graph = &discovery["faces"]["azure-ad"];
    let text =
        |name: &str| graph[name].as_str().map(str::to_owned).with_context(|| name.to_owned());
    let login = text("login_url")?;
    let http = HttpSettings::default();
    let scope = format!("{}/.default", text("graph_url")?);
    let auth = OAuth::new(
        &http,
        text("client_id")?,
        ClientAuth::Secret(Secret::new(text("client_secret")?)),
        Grant::RefreshToken(tokio::sync::Mutex::new(Secret::new(text("refresh_token")?))),
        move |directory| TokenRequest {
            url: format!("{login}/{directory}/oauth2/v2.0/token"),
            scopes: vec![scope.clone()],
        },
        |operation, error, description| {
            let detail = format!("{error}: {description}");
            core_connector::Error::new(core_connector::ErrorKind::Auth, operation, detail)
        },
    )?;
    let client = Http::new(HttpOptions {
        base: base_url("graph_url", &text("graph_url")?, &http)?,
        settings: http,
        auth: Arc::new(auth),
        classify: |_| Ok(()),
        pause: |_| PauseScope::Scope,
    })?;
    let connections = connections_of(settings, &["azure-ad"])?;
    let streams = connections[0].connector.streams();
    let stream = streams.iter().find(|stream| stream.name == "users").context("no users")?;
    let mut records = 0;
    for scope in stream.source.scopes().await? {
        let select = "id,userPrincipalName,displayName,givenName,surname,mail,accountEnabled,userType,\
             proxyAddresses,department,jobTitle,employeeId,onPremisesSamAccountName,onPremisesDomainName";
        let mut next = Some(format!("v1.0/users/delta?$select={select}"));
        while let Some(target) = next {
            let request = Request::get(target).scope(scope.key.clone());
            let page: Users = client.call(&request, core_http::decode::json).await?;
            records += page.value.len() as u64;
            next = page.next;
        }
    }
    Ok(records)
}

//! Which directories are read: our own, and the customers'. The list is kept for a few minutes, so
//! that the streams of one run do not each ask for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use core_connector::{Error, ErrorKind, Result, Scope};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::Graph;
use crate::config::{Customers, Reach};
use crate::listing;
use crate::wire::{Contract, Organization, Relationship, text};

/// How long a list is good for.
const KEPT: Duration = Duration::from_secs(300);

/// A directory that is read.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// Its GUID, lower case.
    pub(crate) id: String,
    /// What the list calls it, where it does. Lists keep a copy from the relationship's start.
    pub(crate) name: Option<String>,
    /// Its default domain, as the list has it.
    pub(crate) domain: Option<String>,
    /// It is our own.
    pub(crate) own: bool,
    /// Its row in the list, or nothing.
    pub(crate) raw: String,
}

/// What a directory says of itself.
pub(crate) struct SelfPortrait {
    /// Its GUID, lower case.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: Option<String>,
    /// Default domain, lower case.
    pub(crate) default_domain: Option<String>,
    /// All verified domains, lower case, sorted.
    pub(crate) domains: Vec<String>,
    /// The vendor's row.
    pub(crate) raw: String,
}

/// The list of directories.
pub(crate) struct Directories {
    graph: Arc<Graph>,
    reach: Reach,
    kept: Mutex<Option<(Instant, Arc<[Directory]>)>>,
}

impl Directories {
    /// The list that the settings ask for.
    pub(crate) fn new(graph: Arc<Graph>, reach: Reach) -> Self {
        Self { graph, reach, kept: Mutex::new(None) }
    }

    /// What the settings ask for.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The directories, by id. Whoever asks while the list is read waits for it.
    pub(crate) async fn all(&self) -> Result<Arc<[Directory]>> {
        let mut kept = self.kept.lock().await;
        if let Some((read, list)) = &*kept
            && read.elapsed() < KEPT
        {
            return Ok(Arc::clone(list));
        }
        let list: Arc<[Directory]> = self.list().await?.into();
        *kept = Some((Instant::now(), Arc::clone(&list)));
        Ok(list)
    }

    /// The directories as they are listed now.
    pub(crate) async fn fresh(&self) -> Result<Arc<[Directory]>> {
        *self.kept.lock().await = None;
        self.all().await
    }

    /// The directories as parts of a stream.
    pub(crate) async fn scopes(&self) -> Result<Vec<Scope>> {
        let scope = |directory: &Directory| Scope {
            key: directory.id.clone(),
            name: directory.name.clone().unwrap_or_else(|| directory.id.clone()),
        };
        Ok(self.all().await?.iter().map(scope).collect())
    }

    /// What our own directory says of itself.
    pub(crate) async fn own(&self) -> Result<SelfPortrait> {
        let tenant = &self.reach.tenant_id;
        let own = portrait(&self.graph, tenant).await?;
        if is_guid(tenant) && own.id != *tenant {
            let detail = format!("`{tenant}` is named, and the token is for directory {}", own.id);
            return Err(Error::new(ErrorKind::Config, "setting `tenant_id`", detail));
        }
        Ok(own)
    }

    async fn list(&self) -> Result<Vec<Directory>> {
        let mut found: BTreeMap<String, Directory> =
            self.customers().await?.into_iter().map(|d| (d.id.clone(), d)).collect();
        if self.reach.own_directory {
            let own = self.own_in_list().await?;
            found.insert(own.id.clone(), own);
        } else {
            found.remove(&self.reach.tenant_id);
        }
        found.retain(|id, _| !self.reach.exclude.contains(id));
        Ok(found.into_values().collect())
    }

    /// Our own directory in the list. Without the permission to ask for its name it is read all
    /// the same, if the settings name it by its GUID.
    async fn own_in_list(&self) -> Result<Directory> {
        let tenant = &self.reach.tenant_id;
        match self.own().await {
            Ok(own) => Ok(Directory {
                id: own.id,
                name: own.name,
                domain: own.default_domain,
                own: true,
                raw: own.raw,
            }),
            Err(error) if is_forbidden_here(&error) && is_guid(tenant) => {
                Ok(Directory { own: true, ..unnamed(tenant) })
            }
            Err(error) => Err(error),
        }
    }

    async fn customers(&self) -> Result<Vec<Directory>> {
        if !self.reach.directories.is_empty() {
            return Ok(self.reach.directories.iter().map(|id| unnamed(id)).collect());
        }
        match self.reach.customers {
            Customers::None => Ok(Vec::new()),
            Customers::Relationships => self.relationships().await,
            Customers::Contracts => self.contracts().await,
            Customers::Auto => match self.relationships().await {
                Err(error) if is_forbidden_here(&error) || is_not_here(&error) => {
                    tracing::debug!(%error, "customers are listed by contract instead");
                    self.contracts().await
                }
                result => result,
            },
        }
    }

    /// Customers by active delegated-admin relationship. Several for one customer are common, and
    /// those that Microsoft's Lighthouse makes for itself (`MLT_`) are not ours.
    async fn relationships(&self) -> Result<Vec<Directory>> {
        const OPERATION: &str = "GET /tenantRelationships/delegatedAdminRelationships";
        const START: &str = "tenantRelationships/delegatedAdminRelationships\
            ?$filter=status%20eq%20'active'&$top=300&$count=true";
        let tenant = &self.reach.tenant_id;
        let listed = listing::whole::<Relationship>(&self.graph, tenant, START, OPERATION).await;
        let rows = listed.map_err(|error| match is_forbidden_here(&error) {
            true => error.with_remedy(
                "grant the delegated permission `DelegatedAdminRelationship.Read.All` and sign in \
                 with a `refresh_token`: an application by itself may not list relationships; or \
                 set `customers = \"contracts\"`",
            ),
            false => error,
        })?;
        let mut newest: BTreeMap<String, (String, Directory)> = BTreeMap::new();
        for (row, raw) in rows {
            let Some((end, directory)) = related(row, raw) else { continue };
            match newest.get(&directory.id) {
                Some((known, _)) if *known >= end => {}
                _ => {
                    newest.insert(directory.id.clone(), (end, directory));
                }
            }
        }
        Ok(newest.into_values().map(|(_, directory)| directory).collect())
    }

    /// Customers by reseller contract; one may have several.
    async fn contracts(&self) -> Result<Vec<Directory>> {
        const OPERATION: &str = "GET /contracts";
        const START: &str = "contracts?$top=999";
        let tenant = &self.reach.tenant_id;
        let rows = listing::whole::<Contract>(&self.graph, tenant, START, OPERATION).await?;
        let directory = |(row, raw): (Contract, String)| Directory {
            id: row.customer_id.trim().to_lowercase(),
            name: text(row.display_name),
            domain: text(row.default_domain_name).map(|domain| domain.to_lowercase()),
            own: false,
            raw,
        };
        Ok(rows.into_iter().map(directory).collect())
    }
}

/// What a directory says of itself, with a token for it: this also shows that the token is for
/// the directory that is meant.
pub(crate) async fn portrait(graph: &Graph, directory: &str) -> Result<SelfPortrait> {
    const OPERATION: &str = "GET /organization";
    const START: &str = "organization?$select=id,displayName,verifiedDomains";
    let rows = listing::whole::<Organization>(graph, directory, START, OPERATION).await?;
    let Some((row, raw)) = rows.into_iter().next() else {
        let detail = "the directory does not name itself";
        return Err(Error::new(ErrorKind::Protocol, OPERATION, detail));
    };
    let verified = row.verified_domains.unwrap_or_default();
    let default_domain =
        verified.iter().find(|d| d.is_default == Some(true)).map(|d| d.name.to_lowercase());
    let mut domains: Vec<String> = verified.iter().map(|d| d.name.to_lowercase()).collect();
    domains.sort_unstable();
    domains.dedup();
    let id = row.id.to_lowercase();
    Ok(SelfPortrait { id, name: text(row.display_name), default_domain, domains, raw })
}

fn related(row: Relationship, raw: String) -> Option<(String, Directory)> {
    let is_active = row.status.as_deref().is_none_or(|s| s.eq_ignore_ascii_case("active"));
    let is_microsofts = row.display_name.is_some_and(|name| name.starts_with("MLT_"));
    let customer = row.customer.filter(|_| is_active && !is_microsofts)?;
    let id = text(customer.tenant_id)?.trim().to_lowercase();
    let name = text(customer.display_name);
    let directory = Directory { id, name, domain: None, own: false, raw };
    Some((row.end_date_time.unwrap_or_default(), directory))
}

fn unnamed(id: &str) -> Directory {
    Directory { id: id.to_owned(), name: None, domain: None, own: false, raw: String::new() }
}

fn is_guid(text: &str) -> bool {
    uuid::Uuid::parse_str(text).is_ok()
}

/// Graph refuses this request; the sign-in was good.
fn is_forbidden_here(error: &Error) -> bool {
    error.kind() == ErrorKind::Forbidden && !is_signin(error)
}

/// Graph has no such thing in this directory.
fn is_not_here(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotOffered | ErrorKind::NotFound) && !is_signin(error)
}

/// Whether the sign-in failed, and not the request.
pub(crate) fn is_signin(error: &Error) -> bool {
    error.operation() == "sign in"
}

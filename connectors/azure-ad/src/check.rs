//! Signs in and asks for a little of everything, to say what the application may not do. Asking is
//! surer than reading the roles in the token: those say nothing of GDAP roles, policies and
//! licences.

use core_connector::{Account, Error, ErrorKind, Missing, Result};
use futures::stream::{self, StreamExt};

use crate::client::Graph;
use crate::directories::{Directories, Directory, is_signin};
use crate::permissions::need_of;
use crate::wire::RowsPage;
use crate::{devices, groups, managed_devices, users};

/// Customers that are asked; a fault in the application's set-up shows in the first few.
const CUSTOMERS: usize = 5;
/// Directories that are asked at once.
const AT_ONCE: usize = 3;

/// Who we are, and what we may not do.
pub(crate) async fn account(graph: &Graph, directories: &Directories) -> Result<Account> {
    let reach = directories.reach();
    let (name, mut missing) = if reach.needs_own() {
        own_name(directories).await?
    } else {
        (format!("application {}", reach.client_id), Vec::new())
    };
    let list = match directories.fresh().await {
        Ok(list) => list,
        Err(error) if error.kind() == ErrorKind::Forbidden && !is_signin(&error) => {
            missing.push(lacking(&error, String::new()));
            return Ok(Account { name, version: Some("v1.0".to_owned()), missing });
        }
        Err(error) => return Err(error),
    };
    let own = list.iter().filter(|directory| directory.own);
    let customers = list.iter().filter(|directory| !directory.own).take(CUSTOMERS);
    let asking: Vec<_> = own.chain(customers).map(|directory| ask(graph, directory)).collect();
    let answers: Vec<_> = stream::iter(asking).buffered(AT_ONCE).collect().await;
    for answer in answers {
        missing.extend(answer?);
    }
    Ok(Account { name, version: Some("v1.0".to_owned()), missing })
}

async fn own_name(directories: &Directories) -> Result<(String, Vec<Missing>)> {
    match directories.own().await {
        Ok(own) => {
            let name = own.name.unwrap_or_else(|| own.id.clone());
            let domain = own.default_domain.map(|domain| format!(" ({domain})"));
            Ok((format!("{name}{}", domain.unwrap_or_default()), Vec::new()))
        }
        Err(error) if error.kind() == ErrorKind::Forbidden && !is_signin(&error) => {
            let name = directories.reach().tenant_id.clone();
            Ok((name.clone(), vec![lacking(&error, name)]))
        }
        Err(error) => Err(error),
    }
}

/// Asks a directory for a little of each stream.
async fn ask(graph: &Graph, directory: &Directory) -> Result<Vec<Missing>> {
    let name = directory.name.clone().unwrap_or_else(|| directory.id.clone());
    let now =
        |spec: crate::delta::Spec| (format!("{}&$deltatoken=latest", spec.start), spec.operation);
    let mut questions = vec![
        now(users::SPEC),
        now(groups::SPEC),
        now(devices::SPEC),
        (
            "deviceManagement/managedDevices?$top=1&$select=id".to_owned(),
            managed_devices::OPERATION,
        ),
    ];
    if !directory.own {
        questions.insert(0, ("organization?$select=id".to_owned(), "GET /organization"));
    }
    let mut missing = Vec::new();
    for (target, operation) in questions {
        let read = |answer: &_| RowsPage::read(answer, &target, graph.base());
        let Err(error) = graph.get(&directory.id, &target, operation, read).await else { continue };
        match error.kind() {
            ErrorKind::NotOffered => {}
            ErrorKind::Forbidden if !is_signin(&error) => {
                missing.push(lacking(&error, name.clone()));
            }
            _ if directory.own => return Err(error),
            ErrorKind::Auth if is_signin(&error) => return Err(error),
            _ => {
                missing.push(shut(&error, name));
                break;
            }
        }
    }
    Ok(missing)
}

fn lacking(error: &Error, scope: String) -> Missing {
    let need = need_of(error.operation());
    Missing {
        permission: need.map_or("Directory.Read.All", |need| need.permission).to_owned(),
        costs: need.map_or("it cannot be read", |need| need.costs).to_owned(),
        scope,
    }
}

/// A customer's directory that cannot be read at all.
fn shut(error: &Error, scope: String) -> Missing {
    let permission = if is_signin(error) { "sign-in" } else { "access" };
    let costs = format!("nothing of this directory is read: {error}. {}", error.remedy());
    Missing { permission: permission.to_owned(), costs, scope }
}

//! `linchpin check`: signs in to each connection, and names the permissions that are missing.

use core_connector::{Account, Error, Missing, Registry};
use core_store::Store;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::cli::{CheckArgs, Global};
use crate::config::{Config, ConnectionSettings, Problem, laid_out};
use crate::failure::{Exit, Failure};
use crate::{connectors, output};

/// What signing in to a connection brought.
enum Checked {
    /// It let us in.
    In(Account),
    /// It did not.
    Refused(Error),
    /// Its settings cannot work.
    Wrong(Vec<Problem>),
}

pub(crate) async fn run(global: &Global, args: &CheckArgs) -> Result<Exit, Failure> {
    let registry = connectors::registry();
    let mut config = Config::load(&global.config, &registry)?;
    // Signing in renews what is kept there, and begins with it.
    if config.uses_store() {
        let store = Store::open(&config.database()?).await?;
        config.take_kept(&store).await?;
    }
    let asked = config.named(&args.connections)?;
    let results = check(&config, &asked, &registry).await;
    for (connection, checked) in asked.iter().zip(&results) {
        if global.json {
            output::json(&as_json(connection, checked));
        } else {
            print(connection, checked);
        }
    }
    Ok(exit(&config, results))
}

/// Signs in to all of them at once.
async fn check(
    config: &Config,
    asked: &[&ConnectionSettings],
    registry: &Registry,
) -> Vec<Checked> {
    let checks = asked.iter().map(|connection| {
        let built = config.connect(connection, registry);
        async move {
            match built {
                Ok(connector) => match connector.check().await {
                    Ok(account) => Checked::In(account),
                    Err(error) => Checked::Refused(error),
                },
                Err(problems) => Checked::Wrong(problems),
            }
        }
    });
    join_all(checks).await
}

/// What signing in to these connections brings, for machines.
pub(super) async fn answer(
    config: &Config,
    connections: &[String],
    registry: &Registry,
) -> Result<Value, Failure> {
    let asked = config.named(connections)?;
    let results = check(config, &asked, registry).await;
    let items = asked.iter().zip(&results).map(|(connection, one)| as_json(connection, one));
    Ok(json!({ "items": items.collect::<Vec<_>>() }))
}

/// The exit code; mistakes in the settings are shown with their places.
fn exit(config: &Config, results: Vec<Checked>) -> Exit {
    let total = results.len();
    let (mut failed, mut wrong) = (0, 0);
    let mut problems = Vec::new();
    for checked in results {
        match checked {
            Checked::In(_) => continue,
            Checked::Refused(_) => {}
            Checked::Wrong(found) => {
                wrong += 1;
                problems.extend(found);
            }
        }
        failed += 1;
    }
    if !problems.is_empty() {
        output::error_line(laid_out(&config.problems(problems)).trim_end());
    }
    match failed {
        0 => Exit::Ok,
        _ if wrong == total => Exit::Usage,
        _ if failed == total => Exit::Failed,
        _ => Exit::Partly,
    }
}

fn as_json(connection: &ConnectionSettings, checked: &Checked) -> Value {
    let mut answer = json!({ "connection": connection.name, "kind": connection.kind });
    match checked {
        Checked::In(account) => {
            let missing = account.missing.iter().map(|missing| {
                json!({
                    "permission": missing.permission,
                    "costs": missing.costs,
                    "scope": missing.scope,
                })
            });
            answer["ok"] = true.into();
            answer["account"] = account.name.clone().into();
            answer["version"] = account.version.clone().into();
            answer["missing"] = missing.collect();
        }
        Checked::Refused(error) => {
            answer["ok"] = false.into();
            answer["error"] = json!({
                "kind": error.kind().as_str(),
                "message": error.to_string(),
                "remedy": error.remedy(),
            });
        }
        Checked::Wrong(problems) => {
            let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
            answer["ok"] = false.into();
            answer["error"] = json!({
                "kind": "config",
                "message": messages.join("; "),
                "remedy": "run `linchpin config check`; it shows the place and what to do",
            });
        }
    }
    answer
}

fn print(connection: &ConnectionSettings, checked: &Checked) {
    let name = &connection.name;
    match checked {
        Checked::In(account) => {
            let version = account.version.as_ref().map(|version| format!(", version {version}"));
            let signed_in = output::printable(&account.name);
            output::line(&format!(
                "{name}: signed in as {signed_in}{}",
                version.map(|text| output::printable(&text)).unwrap_or_default()
            ));
            for missing in &account.missing {
                print_missing(missing);
            }
        }
        Checked::Refused(error) => {
            output::line(&format!("{name}: failed ({})", error.kind().as_str()));
            output::line(&format!("  {}", output::printable(&error.to_string())));
            output::line(&format!("  fix: {}", error.remedy()));
        }
        Checked::Wrong(problems) => {
            output::line(&format!("{name}: its settings cannot work"));
            for problem in problems {
                output::line(&format!("  {problem}"));
            }
        }
    }
}

fn print_missing(missing: &Missing) {
    let place = match missing.scope.as_str() {
        "" => String::new(),
        scope => format!(" in {}", output::printable(scope)),
    };
    let permission = &missing.permission;
    output::line(&format!("  lacks {permission}{place}: {}", output::printable(&missing.costs)));
}

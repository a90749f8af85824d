//! `linchpin config check`, and the schemas of what people write.

use core_store::Store;
use serde_json::json;

use crate::cli::{ConfigAction, Global};
use crate::config::{Config, file_schema};
use crate::failure::{Exit, Failure};
use crate::{connectors, output};

pub(crate) async fn run(global: &Global, action: ConfigAction) -> Result<Exit, Failure> {
    match action {
        ConfigAction::Check => check(global).await,
        ConfigAction::Schema => {
            output::pretty_json(&file_schema(&connectors::registry()));
            Ok(Exit::Ok)
        }
        ConfigAction::RulesSchema => {
            output::pretty_json(&core_library::schema());
            Ok(Exit::Ok)
        }
    }
}

/// Checks the file, and also what other commands look at only when they need it: the secrets, and
/// whether each connector takes its settings.
async fn check(global: &Global) -> Result<Exit, Failure> {
    let registry = connectors::registry();
    let mut config = Config::load(&global.config, &registry)?;
    let mut problems: Vec<_> = config.database_problem().into_iter().collect();
    if problems.is_empty() && config.uses_store() {
        let store = Store::open(&config.database()?).await?;
        config.take_kept(&store).await?;
    }
    let mut fine = Vec::new();
    for connection in config.connections.iter().filter(|connection| connection.enabled) {
        match config.connect(connection, &registry) {
            Ok(_) => fine.push(connection),
            Err(found) => problems.extend(found),
        }
    }
    if let (true, Err(failure)) = (config.sealing_keys_are_named(), config.sealing_keys()) {
        return Err(failure);
    }
    config.sign_in()?;
    config.traces()?;
    config.mail_server()?;
    config.notification()?;
    let warnings = config.warnings(&registry);
    let bad = !problems.is_empty();
    if !global.json {
        for connection in &fine {
            let text = format!("connection `{}` ({}): fine", connection.name, connection.kind);
            if bad { output::error_line(&text) } else { output::line(&text) }
        }
    }
    if bad {
        return Err(config.problems(problems).into());
    }
    let disabled = config.connections.iter().filter(|connection| !connection.enabled);
    let disabled: Vec<&str> = disabled.map(|connection| connection.name.as_str()).collect();
    if global.json {
        let connections = fine.iter().map(|c| json!({ "name": c.name, "kind": c.kind }));
        output::json(&json!({
            "file": config.path,
            "ok": true,
            "connections": connections.collect::<Vec<_>>(),
            "disabled": disabled,
            "warnings": warnings,
        }));
        return Ok(Exit::Ok);
    }
    for warning in &warnings {
        output::error_line(&format!("warning: {warning}"));
    }
    for name in &disabled {
        output::line(&format!("connection `{name}`: not enabled, not checked"));
    }
    if config.connections.is_empty() {
        output::line("no connections yet: add a [[connection]]; see `linchpin connectors`");
    }
    output::line(&format!("{}: fine", config.path.display()));
    Ok(Exit::Ok)
}

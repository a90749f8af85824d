//! `linchpin init`: writes a settings file with every key explained. It never overwrites one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use serde_json::json;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output;

/// The file that is written: every key with its default.
const DEFAULT: &str = include_str!("../../../../config/default.toml");

pub(crate) fn run(global: &Global) -> Result<Exit, Failure> {
    let path = &global.config;
    let doing = format!("writing {}", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Somebody will write a secret into it.
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} is there already; nothing was written", path.display()))
                .with_remedy("edit it, move it away, or name another with `--config PATH`")
        }
        _ => Failure::io(&doing, &error).with_remedy("check the folder and its rights"),
    })?;
    file.write_all(DEFAULT.as_bytes()).map_err(|error| Failure::io(&doing, &error))?;
    if global.json {
        output::json(&json!({ "file": path }));
    } else {
        output::line(&format!("wrote {}", path.display()));
        output::line("next: fill in your connections, then run");
        output::line("  linchpin config check   whether the file is right");
        output::line("  linchpin check          whether each system lets the hub in");
        output::line("  linchpin sync           read them all");
    }
    Ok(Exit::Ok)
}

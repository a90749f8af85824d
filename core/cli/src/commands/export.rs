//! `linchpin export`: writes what the hub has defined as files; reading them gives the same.

use std::fs;
use std::path::Path;

use core_resolve::RunKind;
use serde_json::json;

use crate::cli::{ExportArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::World;

pub(crate) async fn run(global: &Global, args: &ExportArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let world = World::load(&context, &WhenArgs::default(), RunKind::default()).await?;
    let folder = &args.folder;
    if !args.force && holds_files(folder) {
        let what = format!("{} holds *.toml files already", folder.display());
        return Err(Failure::usage(what).with_remedy(
            "name another folder, or use --force: files of the same names are written over",
        ));
    }
    let names = core_snapshot::names(&world.loaded.input);
    let files = core_library::export(&world.loaded.library, &names);
    for file in &files {
        let path = folder.join(&file.path);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, &file.text)
        };
        write().map_err(|error| Failure::io(&format!("writing {}", path.display()), &error))?;
        if !global.json {
            output::line(&path.display().to_string());
        }
    }
    if global.json {
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        output::json(&json!({ "revision": world.loaded.revision, "files": paths }));
    } else if files.is_empty() {
        output::line("Nothing is defined.");
    }
    Ok(Exit::Ok)
}

/// Whether a folder holds files that a library would be read from.
fn holds_files(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|end| end == "toml"))
}

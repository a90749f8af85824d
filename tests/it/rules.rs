//! The example rules in `config/rules` fit the imaginary provider, whatever its seed.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use core_library::{Library, Names, SourceFile, read, script_paths};
use core_model::id::{ComputerId, GroupId, ProductId, TenantId};
use mocks::world::{Options, World};

fn files() -> Result<Vec<SourceFile>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/rules");
    let mut files = Vec::new();
    walk(&folder, "", &mut files)?;
    ensure!(!files.is_empty(), "there are no example rules");
    for path in script_paths(&files) {
        files.push(SourceFile::script(&path, &fs::read_to_string(folder.join(&path))?));
    }
    Ok(files)
}

fn walk(folder: &Path, below: &str, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if path.ends_with(".toml") {
            files.push(SourceFile::new(&path, &fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

/// The estate under the names that a hub has for it: tenants are called what their directory is.
fn names(world: &World) -> Names {
    let mut names = Names::new();
    let id = |no: usize| TenantId::of_text(&no.to_string(), 0);
    for (no, tenant) in world.tenants.iter().enumerate() {
        let directory = tenant.directory.map(|directory| &world.directories[directory]);
        let name = directory.map_or(&tenant.name, |directory| &directory.display_name);
        names.tenant(id(no), name);
    }
    for group in &world.groups {
        if let Some(tenant) = world.directories[group.directory].tenants.first() {
            let group_id = GroupId::of_text(&group.id.to_string(), 0);
            names.group(group_id, id(*tenant), &group.name);
        }
    }
    for machine in &world.machines {
        let key = format!("{} {}", machine.tenant, machine.host);
        names.computer(ComputerId::of_text(&key, 0), id(machine.tenant), &machine.host);
    }
    for item in &world.halo.items {
        names.product(ProductId::of_text(&item.id.to_string(), 0), "halopsa", &item.name);
    }
    names
}

#[test]
fn the_example_rules_fit_every_estate() -> Result<()> {
    let files = files()?;
    for seed in 0..8 {
        for computers in [300, 2_000] {
            let world =
                mocks::generate::generate(&Options { seed, computers, ..Options::default() });
            let told = match read(&files, &names(&world), &Library::default(), 0) {
                Ok(_) => continue,
                Err(problems) => problems.iter().map(|one| one.text(false)).collect::<String>(),
            };
            anyhow::bail!("seed {seed}, {computers} computers\n{told}");
        }
    }
    Ok(())
}

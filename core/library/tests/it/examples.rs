//! The example rules in `config/rules`: they fit the schema, and are read.

use std::fs;
use std::path::Path;

use core_library::{
    FileRole, Library, Names, SourceFile, diff, export, lacks, read, schema, script_paths,
};
use core_model::id::{ComputerId, GroupId, ProductId, TenantId};
use core_toml::Document;

fn files() -> Vec<SourceFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rules");
    let mut files = Vec::new();
    walk(&folder, "", &mut files);
    for path in script_paths(&files) {
        let body = fs::read_to_string(folder.join(&path)).expect("a script is there");
        files.push(SourceFile::script(&path, &body));
    }
    files.sort();
    files
}

fn walk(folder: &Path, below: &str, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("there is a folder of examples") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = format!("{below}{}", name.unwrap_or_default());
        if path.is_dir() {
            walk(&path, &format!("{name}/"), files);
        } else if name.ends_with(".toml") {
            let text = fs::read_to_string(&path).expect("it is text");
            files.push(SourceFile::new(&name, &text));
        }
    }
}

/// What of the demo's provider the examples name. That it is there in every estate is a test of the
/// whole (`tests`).
fn names() -> Names {
    let mut names = Names::new();
    let keystone = TenantId::of_text("keystone", 0);
    let customer = TenantId::of_text("customer", 0);
    names.tenant(keystone, "KEYSTONE IT PARTNERS llc").tenant(customer, "Highland Tooling");
    names.group(GroupId::of_text("1", 0), keystone, "All Staff");
    names.group(GroupId::of_text("2", 0), customer, "All Staff");
    names.computer(ComputerId::of_text("mill", 0), customer, "CNC-MILL-01");
    names.product(ProductId::of_text("1", 0), "halopsa", "Managed Security");
    names.product(ProductId::of_text("2", 0), "halopsa", "Off-boarding");
    names
}

#[test]
fn every_example_fits_the_schema_that_editors_use() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let files = files();
    assert!(files.len() >= 6, "{files:?}");
    for file in files.into_iter().filter(|file| file.role == FileRole::Definitions) {
        let value = Document::parse(&file.path, &file.text).root.json();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.path);
    }
    let wrong = Document::parse("x", "[[deployment]]\nname = 'x'\nlables = 'y'").root.json();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn the_examples_are_read_and_come_through_an_export() {
    let (files, names) = (files(), names());
    let library = read(&files, &names, &Library::default(), 0).unwrap();
    assert_eq!((library.deployments.len(), library.expectations.len()), (9, 1));
    let written = export(&library, &names);
    assert_eq!(read(&written, &names, &library, 1).unwrap(), library);
    let created = diff(&Library::default(), &library, &names);
    assert_eq!(created.len(), 8 + 9 + 1 + 2 + 3);
    assert_eq!(library.schedules.len(), 3);
    assert_eq!(lacks(&library), [], "what the examples want can be done");
}

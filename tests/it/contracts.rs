//! The mock faces against the vendors' published contracts (OpenAPI), where somebody has put them
//! beside the project or `LINCHPIN_CONTRACTS` names their folder. The contracts are the vendors'
//! and not part of this project; without them a small sample of fields is checked, which is
//! checked in any case.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use mocks::vendor::Face;
use serde_json::Value;

use self::calls::Caller;
use self::schema::Contract;

mod calls;
mod sample;
mod schema;

/// What the contracts have wrong, or leave out, as the vendors' own clients show: a finding that
/// holds one of these is none.
const KNOWN: &[(Face, &str)] = &[
    // Halo sends these; its contract forgot them.
    (Face::Halo, "Actions: ('who' was unexpected)"),
    (Face::Halo, ": ('summary' was unexpected)"),
    (Face::Halo, "Item: ('description' was unexpected)"),
    // Three settings of an extra field, of which one is filled and two are null.
    (Face::Automate, "Settings: null is not of type"),
];

#[test]
fn the_faces_answer_as_the_published_contracts_say() -> Result<()> {
    let Some(folder) = contracts()? else {
        println!("no contracts were found beside the project, and LINCHPIN_CONTRACTS is not set");
        return Ok(());
    };
    let mut wrong = Vec::new();
    for (face, file) in [
        (Face::Graph, "microsoft-graph.openapi.json"),
        (Face::Automate, "cw-automate.openapi.json"),
        (Face::Halo, "halopsa.openapi.json"),
    ] {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let contract = Contract::read(serde_json::from_str(&text)?);
        let found = check(face, &contract)?;
        wrong.extend(found.into_iter().filter(|finding| !is_known(face, finding)));
    }
    ensure!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[test]
fn the_faces_send_the_fields_that_every_client_relies_on() -> Result<()> {
    let mut wrong = Vec::new();
    for face in [Face::Graph, Face::Automate, Face::Control, Face::Halo] {
        let caller = Caller::new(face)?;
        for sample in sample::FIELDS.iter().filter(|sample| sample.face == face) {
            let answer = caller.get(sample.path)?;
            wrong.extend(sample.check(&answer));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A wrong name in the test itself would look like a pass.
#[test]
fn a_face_that_breaks_its_contract_is_noticed() -> Result<()> {
    let contract = Contract::read(serde_json::json!({
        "paths": {},
        "components": { "schemas": { "Row": {
            "type": "object",
            "properties": {
                "id": { "type": "integer" },
                "name": { "type": "string", "nullable": true },
                "site": { "$ref": "#/components/schemas/Site", "nullable": true },
            },
            "required": ["id"],
            "additionalProperties": false,
        }, "Site": { "type": "object", "properties": { "id": { "type": "integer" } } } } },
    }));
    let findings = |row: Value| contract.check_named("Row", "row", &row);
    let good = serde_json::json!({ "id": 1, "name": null, "site": { "id": 2 } });
    ensure!(findings(good)?.is_empty());
    for bad in [
        serde_json::json!({ "name": "x" }),
        serde_json::json!({ "id": "1" }),
        serde_json::json!({ "id": null }),
        serde_json::json!({ "id": 1, "nome": "x" }),
        serde_json::json!({ "id": 1, "site": { "id": "2" } }),
    ] {
        ensure!(!findings(bad.clone())?.is_empty(), "{bad} passed");
    }
    Ok(())
}

fn check(face: Face, contract: &Contract) -> Result<Vec<String>> {
    let caller = Caller::new(face)?;
    let mut found = Vec::new();
    let mut checked = 0;
    for path in calls::paths(face, &caller)? {
        let answer = caller.get(&path.call)?;
        let rows = match path.rows {
            None => vec![&answer],
            Some(key) => {
                answer[key].as_array().map(|rows| rows.iter().collect()).unwrap_or_default()
            }
        };
        ensure!(!rows.is_empty(), "{face:?} {}: no rows: {answer}", path.call);
        for row in rows {
            checked += 1;
            found.extend(match path.schema {
                Some(name) => contract.check_named(name, &path.call, row)?,
                None => contract.check_answer(&path.template, &path.call, row)?,
            });
        }
    }
    ensure!(checked > 10, "only {checked} answers of {face:?} were checked");
    found.sort();
    found.dedup();
    Ok(found)
}

fn is_known(face: Face, finding: &str) -> bool {
    KNOWN.iter().any(|(at, what)| *at == face && finding.contains(what))
}

/// The folder with the contracts.
fn contracts() -> Result<Option<PathBuf>> {
    if let Some(named) = std::env::var_os("LINCHPIN_CONTRACTS").filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        if !named.is_dir() {
            bail!("LINCHPIN_CONTRACTS names {}, which is no folder", named.display());
        }
        return Ok(Some(named));
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/contracts");
    Ok(beside.is_dir().then_some(beside))
}

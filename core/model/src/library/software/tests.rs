use super::*;

fn software() -> Software {
    Software::new(SoftwareId::of_text("reader", 0), "reader")
}

fn version(text: &str) -> SoftwareVersion {
    SoftwareVersion::new(VersionId::of_text(text, 0), text)
}

#[test]
fn a_script_of_a_version_beats_that_of_the_software() {
    let mut one = software();
    one.scripts.install = Some(Script::new("software"));
    one.scripts.test = Some(Script::new("test"));
    let mut newer = version("2");
    newer.scripts.install = Some(Script::new("version"));
    let body = |purpose, version| one.script(purpose, version).map(|script| &*script.body);
    assert_eq!(body(ScriptPurpose::Install, Some(&newer)), Some("version"));
    let older = version("1");
    assert_eq!(body(ScriptPurpose::Install, Some(&older)), Some("software"));
    assert_eq!(body(ScriptPurpose::Install, None), Some("software"));
    assert_eq!(body(ScriptPurpose::Test, Some(&newer)), Some("test"));
    assert_eq!(body(ScriptPurpose::Repair, Some(&newer)), None);
    assert_eq!(body(ScriptPurpose::Set, Some(&newer)), None);
}

#[test]
fn every_purpose_of_a_version_has_a_place_of_its_own() {
    let mut all = SoftwareScripts::default();
    for purpose in ScriptPurpose::OF_VERSIONS {
        all = all.with(*purpose, Some(Script::new(purpose.key())));
    }
    let there: Vec<(ScriptPurpose, &str)> =
        all.iter().map(|(purpose, script)| (purpose, &*script.body)).collect();
    let expected: Vec<(ScriptPurpose, &str)> =
        ScriptPurpose::OF_VERSIONS.iter().map(|purpose| (*purpose, purpose.key())).collect();
    assert_eq!(there, expected);
}

#[test]
fn a_detection_script_and_dynamic_versions_are_the_softwares() {
    let mut one = software();
    assert_eq!(one.script(ScriptPurpose::Detect, None), None);
    one.detection = Some(Detection::Script(Script::new("find")));
    one.dynamic_versions = Some(Script::new("list"));
    let newest = version("2");
    let body = |purpose| one.script(purpose, Some(&newest)).map(|script| &*script.body);
    assert_eq!(body(ScriptPurpose::Detect), Some("find"));
    assert_eq!(body(ScriptPurpose::DynamicVersions), Some("list"));
}

#[test]
fn a_version_upgrades_as_it_says_itself() {
    let mut one = software();
    one.upgrade = UpgradeStrategy::InstallOver;
    let mut newer = version("2");
    assert_eq!(one.upgrade_to(Some(&newer)), UpgradeStrategy::InstallOver);
    newer.upgrade = Some(UpgradeStrategy::None);
    assert_eq!(one.upgrade_to(Some(&newer)), UpgradeStrategy::None);
    assert_eq!(one.upgrade_to(None), UpgradeStrategy::InstallOver);
}

#[test]
fn what_the_table_reports_uninstalls_what_the_table_finds() {
    let mut one = software();
    assert_eq!(one.removal(None), None, "nobody knows whether it is there");
    one.detection =
        Some(Detection::SoftwareTable { name: "Reader".to_owned(), matching: NameMatch::Contains });
    assert_eq!(one.removal(None), Some(Removal::Reported));
    let mut newer = version("2");
    newer.scripts.uninstall = Some(Script::new("out"));
    assert_eq!(one.removal(Some(&newer)), Some(Removal::Script(&Script::new("out"))));
    one.reported_uninstall = false;
    assert_eq!(one.removal(None), None);
    one.reported_uninstall = true;
    one.detection = Some(Detection::Script(Script::new("find")));
    assert_eq!(one.removal(None), None, "a script finds no uninstall string");
}

#[test]
fn product_codes_of_versions_count_where_it_is_found_by_them() {
    let mut one = software();
    let mut newer = version("2");
    newer.product_code = Some("{B}".to_owned());
    one.versions = vec![version("1"), newer];
    assert!(one.product_codes().is_empty());
    one.detection = Some(Detection::ProductCodes(["{A}".to_owned()].into()));
    assert_eq!(one.product_codes(), ["{A}", "{B}"].into());
}

#[test]
fn the_tenants_own_licence_and_that_of_fewer_versions_come_first() {
    let tenant = |name: &str| TenantId::of_text(name, 0);
    let licence = |name: &str, of: Option<&str>, version: Option<&str>| Licence {
        name: name.to_owned(),
        value: KeptSecret::parse(&format!("store:{name}")).unwrap(),
        tenant: of.map(tenant),
        version: version.map(str::to_owned),
    };
    let licensing = Licensing {
        requirement: LicenceRequirement::Required,
        kind: LicenceKind::Key,
        licences: vec![
            licence("any", None, None),
            licence("24", None, Some("24")),
            licence("contoso", Some("contoso"), None),
        ],
    };
    let name = |of: &str, version: &str| {
        licensing.for_version(tenant(of), version).map(|one| one.name.as_str())
    };
    assert_eq!(name("contoso", "24.1"), Some("contoso"));
    assert_eq!(name("fabrikam", "24.1"), Some("24"));
    assert_eq!(name("fabrikam", "24"), Some("24"));
    assert_eq!(name("fabrikam", "240"), Some("any"));
    assert_eq!(Licensing::default().for_version(tenant("x"), "1"), None);
}

#[test]
fn what_was_stored_when_software_had_names_only_is_read() {
    let id = SoftwareId::of_text("reader", 0);
    let sfv = VersionId::of_text("1", 0);
    let stored = format!(
        "{{\"id\":\"{id}\",\"name\":\"reader\",\"title\":\"Reader\",\"publisher\":\"Adobe\",\
         \"origin\":\"own\",\"versions\":[{{\"id\":\"{sfv}\",\"version\":\"1\"}}]}}"
    );
    let read: Software = serde_json::from_str(&stored).unwrap();
    assert!(read.reported_uninstall && read.detection.is_none());
    assert_eq!(serde_json::to_string(&read).unwrap(), stored, "and written as it was");
    assert!(serde_json::from_str::<Software>(&stored.replace("publisher", "vendor")).is_err());
}

//! Software, tasks and scripts, as they are read and told.

use core_library::{Library, SourceFile, diff, export, lacks, read};
use core_model::library::{
    Architecture, Detection, LicenceRequirement, NameMatch, NobodyLoggedOn, Order, ParameterKind,
    Prerequisite, PrerequisiteAction, Quantifier, RepairStrategy, ScriptContext, ScriptLanguage,
    ScriptPurpose, TaskMethod, UpgradeStrategy,
};

use crate::world::{NOW_US, names, read_files, read_text, tenant};

const PACKAGE: &str = r#"
[[software]]
name = "reader"
title = "Adobe Acrobat Reader"
detect = { table = "Adobe Acrobat", match = "exact" }
install = { file = "install.ps1", time_limit = 900 }
post_install = "exit 0"
uninstall = { body = "msiexec /x {0}", language = "cmd", context = "user", nobody_logged_on = "fail" }
test = { file = "../common/test.sh", ignores_business_hours = true }
dynamic_versions = { body = "print()", language = "python3", context = "metascript" }
reported_uninstall = false
upgrade_strategy = "uninstall-install"
repair_strategy = "install-over"
reboot_needed = true
configuration = "configure-reader"
licence = "required"
prerequisites = [
    { all_of = ["office", "runtime"], are = "not-installed", then = "install" },
    { any_of = ["office"], are = "installed", then = "uninstall", software = ["runtime"] },
    { any_of = ["runtime"], are = "not-installed", then = "fail" },
]
order = { beginning = 10 }

[[software.licences]]
name = "volume"
value = "store:reader key"
tenant = "Contoso"
version = "24"

[[software.parameters]]
name = "language"
type = "select"
choices = ["en", "de"]
default = "en"

[[software.versions]]
version = "24.1"
architecture = "x64"
url = "https://x.example/reader.exe"
sha256 = "0AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF90AF9"
product_code = "ac76ba86-1033-ffff-7760-bc15014ea700"

[[software.versions]]
version = "25.1"
requires_version = "24.1"
upgrade_strategy = "install-over"
install = "version"
"#;

const OTHERS: &str = r#"
software = [{ name = "office" }, { name = "runtime" }]

[[task]]
name = "configure-reader"
script = { file = "reader/configure.ps1" }
test = "$true"
serial = "printers"
secret_fields = ["recoveryKey", "pin"]
onboarding_only = true
ignored_in_automatic_onboarding = true
order = { end = -1 }

[[task.parameters]]
name = "secret"
type = "password"
required = true
"#;

fn files() -> Vec<SourceFile> {
    vec![
        SourceFile::new("others.toml", OTHERS),
        SourceFile::new("reader/software.toml", PACKAGE),
        SourceFile::script("reader/install.ps1", "\u{feff}Write-Output 1\r\nexit 0\r\n"),
        SourceFile::script("reader/configure.ps1", "param($method)\n"),
        SourceFile::script("common/test.sh", "true\n"),
    ]
}

fn package() -> Library {
    read_files(&files(), &Library::default()).unwrap_or_else(|said| panic!("{said}"))
}

#[test]
fn every_key_of_software_is_read() {
    let library = package();
    let find = |name: &str| library.software.iter().find(|one| one.name == name).unwrap();
    let reader = find("reader");
    let table =
        Detection::SoftwareTable { name: "Adobe Acrobat".to_owned(), matching: NameMatch::Exact };
    assert_eq!(reader.detection, Some(table));
    let install = reader.scripts.install.as_ref().unwrap();
    assert_eq!(install.body, "Write-Output 1\r\nexit 0\r\n", "without the mark of its encoding");
    assert_eq!(install.limit_s(ScriptPurpose::Install), 900);
    let uninstall = reader.scripts.uninstall.as_ref().unwrap();
    assert_eq!(uninstall.language, ScriptLanguage::Cmd);
    assert_eq!(uninstall.context, ScriptContext::User);
    assert_eq!(uninstall.nobody_logged_on, NobodyLoggedOn::Fail);
    let test = reader.scripts.test.as_ref().unwrap();
    assert!(test.language == ScriptLanguage::Sh && test.ignores_business_hours);
    let python = ScriptLanguage::Interpreter("python3".to_owned());
    assert_eq!(reader.dynamic_versions.as_ref().unwrap().language, python);
    assert!(!reader.reported_uninstall && reader.reboot_needed);
    assert_eq!(reader.upgrade, UpgradeStrategy::UninstallInstall);
    assert_eq!(reader.repair, RepairStrategy::InstallOver);
    assert_eq!(reader.configuration, Some(library.tasks[0].id));
    assert_eq!(reader.order, Order::Beginning(10));
    let licence = &reader.licensing.licences[0];
    assert_eq!(reader.licensing.requirement, LicenceRequirement::Required);
    assert_eq!((licence.value.name(), licence.tenant), ("reader key", Some(tenant("contoso"))));
    let choices = vec!["en".to_owned(), "de".to_owned()];
    assert_eq!(reader.parameters[0].kind, ParameterKind::Select(choices));
    let (office, runtime) = (find("office").id, find("runtime").id);
    let [all, any, fails] = reader.prerequisites.as_slice() else { panic!("there are three") };
    assert_eq!((all.quantifier, &all.of), (Quantifier::All, &[office, runtime].into()));
    assert_eq!(all.software, all.of, "left out, it is what the condition is about");
    assert_eq!((any.action, &any.software), (PrerequisiteAction::Uninstall, &[runtime].into()));
    assert_eq!(*fails, Prerequisite::needs(runtime));
}

#[test]
fn every_key_of_versions_and_tasks_is_read() {
    let library = package();
    let reader = library.software.iter().find(|one| one.name == "reader").unwrap();
    let [older, newer] = reader.versions.as_slice() else { panic!("there are two") };
    assert_eq!(older.architecture, Some(Architecture::X64));
    let download = older.download.as_ref().unwrap();
    assert_eq!(download.url, "https://x.example/reader.exe");
    assert_eq!(download.sha256, Some("0af9".repeat(16)));
    assert_eq!(older.product_code.as_deref(), Some("{AC76BA86-1033-FFFF-7760-BC15014EA700}"));
    assert_eq!(newer.requires_version.as_deref(), Some("24.1"));
    assert_eq!(reader.upgrade_to(Some(newer)), UpgradeStrategy::InstallOver);
    assert_eq!(reader.script(ScriptPurpose::Install, Some(newer)).unwrap().body, "version");
    let task = &library.tasks[0];
    assert_eq!(task.scripts.by_method(TaskMethod::Test).unwrap().body, "$true");
    assert_eq!(task.scripts.by_method(TaskMethod::Set).unwrap().body, "param($method)\n");
    assert_eq!(task.serial.as_deref(), Some("printers"));
    assert_eq!(task.secret_fields, ["recoveryKey", "pin"]);
    assert!(task.onboarding_only && task.ignored_in_automatic_onboarding);
    assert_eq!(task.order, Order::End(-1));
    assert!(task.parameters[0].required && task.parameters[0].kind == ParameterKind::Password);
}

#[test]
fn scripts_of_several_lines_are_written_beside_their_definition() {
    let library = package();
    let written = export(&library, &names());
    let paths: Vec<&str> = written.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        "software.toml",
        "software/reader/install.ps1",
        "software/reader/software.toml",
        "software/reader/test.sh",
        "tasks/configure-reader/script.ps1",
        "tasks/configure-reader/task.toml",
    ];
    assert_eq!(paths, expected);
    assert_eq!(written[1].text, "Write-Output 1\r\nexit 0\r\n");
    assert!(written[2].text.contains("value = \"store:reader key\""), "{}", written[2].text);
    assert_eq!(read(&written, &names(), &library, NOW_US).unwrap(), library);
}

#[test]
fn items_of_one_name_as_a_path_and_scripts_of_one_name_are_told_apart() {
    let text = "
        [[software]]
        name = 'A b'
        install = \"1\\n\"
        versions = [{ version = '1', test = \"2\\n\" }, { version = '1.', test = \"3\\n\" },
                    { version = '1-', test = \"2\\n\" }]
        [[software]]
        name = 'A/B'
        install = \"4\\n\"";
    let library = read_text(text).unwrap();
    let written = export(&library, &names());
    let paths: Vec<&str> = written.iter().map(|file| file.path.as_str()).collect();
    let other = paths.iter().filter(|path| path.starts_with("software/a-bsft_")).count();
    assert_eq!(other, 2, "{paths:?}");
    assert!(paths.contains(&"software/a-b/test-1.ps1"), "{paths:?}");
    assert!(paths.contains(&"software/a-b/test-1-2.ps1"), "{paths:?}");
    assert_eq!(read(&written, &names(), &library, NOW_US).unwrap(), library);
}

#[test]
fn a_changed_script_is_told_by_its_lines() {
    let (before, mut changed) = (package(), files());
    changed[2].text = "Write-Output 2\r\nexit 0\r\n".to_owned();
    let after = read_files(&changed, &before).unwrap();
    let changes = diff(&before, &after, &names());
    assert_eq!(
        changes[0].to_string(),
        "~ software reader\n    install: 1 line added, 1 removed\n        - Write-Output 1\n        \
         + Write-Output 2"
    );
    assert_eq!(changes.len(), 1);
    let created = diff(&Library::default(), &before, &names());
    let reader = created.iter().find(|change| change.name == "reader").unwrap().to_string();
    for said in [
        "detect: a name in the software table is \"Adobe Acrobat\"",
        "install: powershell, 2 lines, 900 s",
        "uninstall: cmd, 1 line, user, fails where nobody is logged on",
        "prerequisites: if all of office and runtime not installed, install office and runtime",
        "licences: volume (store:reader key) for Contoso of 24",
        "version 25.1 install: powershell, 1 line",
        "parameters: language (select of en/de, else \"en\")",
    ] {
        // The two of a set are in the order of their ids.
        let turned = said.replace("office and runtime", "runtime and office");
        assert!(reader.contains(said) || reader.contains(&turned), "{said}\n{reader}");
    }
}

#[test]
fn a_secret_that_was_kept_in_clear_before_its_parameter_was_known_is_not_shown() {
    let rule = "[[deployment]]\nname = 'd'\ntask = 't'\nstate = 'audit'\ntarget = 'all'\n";
    let before = read_text(&format!(
        "task = [{{ name = 't' }}]\n{rule}parameters = {{ key = 'hunter2', room = 1 }}"
    ));
    let before = before.unwrap();
    let text = format!(
        "task = [{{ name = 't', parameters = [{{ name = 'key', type = 'password' }}] }}]\n\
         {rule}parameters = {{ key = 'store:key' }}"
    );
    let after = read_files(&[SourceFile::new("rules.toml", &text)], &before).unwrap();
    let told = serde_json::to_string(&diff(&before, &after, &names())).unwrap();
    assert!(told.contains("(hidden)") && told.contains("store:key"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn deployments_that_cannot_be_brought_about_are_told() {
    let rule = |name: &str, item: &str, state: &str| {
        format!("[[deployment]]\nname = '{name}'\n{item}\nstate = '{state}'\ntarget = 'all'\n")
    };
    let text = format!(
        "software = [{{ name = 'reader', detect = {{ table = 'x' }}, install = 'y', versions = ['1'] }}]\n\
         task = [{{ name = 't', test = 'z' }}]\n{}{}{}{}",
        rule("a", "software = 'reader'", "any"),
        rule("b", "software = 'reader'", "latest"),
        rule("c", "task = 't'", "enforce"),
        rule("d", "task = 't'", "audit"),
    );
    let found = lacks(&read_text(&text).unwrap());
    let told: Vec<(&str, &str)> =
        found.iter().map(|lack| (lack.name.as_str(), lack.lacks[0].as_str())).collect();
    let expected =
        [("b", "there is no upgrade strategy: an update fails"), ("c", "there is no set script")];
    assert_eq!(told, expected);
}

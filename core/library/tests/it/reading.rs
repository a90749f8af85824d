//! What is read.

use core_library::{Action, Kind, Library, SourceFile, diff};
use core_model::facts::ConnectionGroupKind;
use core_model::id::TagId;
use core_model::library::{DesiredState, Enforcement, Expected, Target};

use crate::world::{
    NOW_US, computer, group, names, person, product, read_files, read_text, tenant,
};

const ITEMS: &str = "[[software]]\nname = 'reader'\n[[tag]]\nname = 'kiosk'\n";

fn target(text: &str, more: &str) -> Target {
    let rule =
        format!("[[deployment]]\nname = 'd'\nsoftware = 'Reader'\nstate = 'latest'\n{more}\n");
    let text = format!("{ITEMS}{rule}target = {text}\n");
    let library = read_text(&text).unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    library.deployments[0].target.clone()
}

fn not(target: Target) -> Target {
    Target::Not(Box::new(target))
}

fn kiosk() -> Target {
    Target::Tag(TagId::of_text("kiosk", NOW_US))
}

#[test]
fn targets_are_composed_of_others() {
    for (text, expected) in [
        ("{ all_of = ['all', { tag = 'kiosk' }] }", Target::And(vec![Target::All, kiosk()])),
        (
            "{ any_of = [{ tag = 'kiosk' }, { group = 'Finance' }] }",
            Target::Or(vec![kiosk(), Target::Group(group("finance"))]),
        ),
        ("{ not = { tag = 'kiosk' } }", not(kiosk())),
        ("{ except = { tag = 'kiosk' } }", Target::All.except(kiosk())),
        (
            "{ group = 'Finance', except = [{ tag = 'kiosk' }, { computer = 'PC-007' }] }",
            Target::Group(group("finance"))
                .except(Target::Or(vec![kiosk(), Target::Computer(computer("f7"))])),
        ),
    ] {
        assert_eq!(target(text, ""), expected, "{text}");
    }
}

#[test]
fn every_target_has_a_short_form() {
    let contoso = tenant("contoso");
    let location = |key: &str| Target::ConnectionGroup {
        connection: "automate".to_owned(),
        kind: ConnectionGroupKind::Location,
        key: key.to_owned(),
    };
    for (text, expected) in [
        ("'all'", Target::All),
        ("{ tenant = 'contoso' }", Target::tenant(contoso)),
        (
            "{ tenant = 'Contoso', children = true }",
            Target::Tenant { tenant: contoso, children: true },
        ),
        ("{ computer = 'pc-042', tenant = 'Contoso' }", Target::Computer(computer("c42"))),
        ("{ computer = 'PC-007' }", Target::Computer(computer("f7"))),
        ("{ person = 'ana2@contoso.example' }", Target::Person(person("ana2"))),
        ("{ group = 'Finance', tenant = 'Contoso' }", Target::Group(group("finance"))),
        ("{ group = 'Finance' }", Target::Group(group("finance"))),
        ("{ tag = 'Kiosk' }", kiosk()),
        ("{ product = 'SentinelOne' }", Target::product(product("s1"))),
        (
            "{ product = 'Backup', connection = 'halo', children = true }",
            Target::Product { product: product("backup1"), children: true },
        ),
        (
            "{ agreement = 'managed services' }",
            Target::AgreementType {
                connection: None,
                name: "managed services".to_owned(),
                children: false,
            },
        ),
        (
            "{ agent_group = 'Servers', connection = 'automate' }",
            Target::ConnectionGroup {
                connection: "automate".to_owned(),
                kind: ConnectionGroupKind::Group,
                key: "850".to_owned(),
            },
        ),
        ("{ location = 'key:2', connection = 'automate' }", location("2")),
        (
            "{ property = 'Role', value = 'till', connection = 'automate' }",
            Target::CustomProperty {
                connection: "automate".to_owned(),
                name: "Role".to_owned(),
                value: "till".to_owned(),
            },
        ),
        ("{ filter = \"computer.os == 'x'\" }", Target::Filter("computer.os == 'x'".to_owned())),
    ] {
        assert_eq!(target(text, ""), expected, "{text}");
        // By id too, and within all_of.
        assert_eq!(target(&format!("{{ all_of = [{text}] }}"), ""), Target::And(vec![expected]));
    }
    let by_id = format!("{{ computer = '{}' }}", computer("f42"));
    assert_eq!(target(&by_id, ""), Target::Computer(computer("f42")));
}

#[test]
fn names_are_looked_up_at_the_tenant_that_a_deployment_is_for() {
    let at = "tenant = 'Contoso'";
    assert_eq!(target("{ computer = 'PC-042' }", at), Target::Computer(computer("c42")));
    // Its children too: first at the tenant itself, else anywhere.
    let children = "tenant = 'Contoso'\nchildren = true";
    assert_eq!(target("{ computer = 'PC-042' }", children), Target::Computer(computer("c42")));
    assert_eq!(target("{ computer = 'PC-007' }", children), Target::Computer(computer("f7")));
    // One that names its tenant is looked up there.
    let other = "{ computer = 'PC-042', tenant = 'Fabrikam, Inc.' }";
    assert_eq!(target(other, at), Target::Computer(computer("f42")));
}

const WHOLE: &str = r#"
[[software]]
name = "adobe-reader"
title = "Adobe Reader"
versions = ["24.1", "24.2"]

[[task]]
name = "printer"
instances = true

[[tag]]
name = "kiosk"
computers = ["PC-007", { computer = "PC-042", tenant = "Contoso" }]
tenants = ["Fabrikam, Inc."]
persons = ["Bob"]

[[deployment]]
name = "reader-at-contoso"
software = "adobe-reader"
state = ">= 24.1"
target = "all"
tenant = "Contoso"
classes = ["workstations", "portable"]
enforcement = "optional"
approved = [{ computer = "PC-042", tenant = "Contoso" }]
order = 5
enabled = false
from = 2026-12-01
until = 2026-12-31
show_in = ["technician-tools"]
note = "Because."
parameters = { quiet = true, retries = 3 }

[[deployment]]
name = "front-desk-printer"
task = "printer"
instance = "front desk"
state = "enforce"
target = { tag = "kiosk" }

[[expect]]
name = "the till is left alone"
subject = { computer = "PC-007" }
software = "adobe-reader"
outcome = "nobody"

[[tenant]]
name = "Contoso"
parent = "Contoso Holding"
budget = { percent = 10 }

[[computer]]
name = "PC-007"
excluded_from_maintenance = true
"#;

#[test]
fn every_key_is_read() {
    let library = read_text(WHOLE).unwrap_or_else(|problems| panic!("{problems}"));
    let [printer, reader] = &library.deployments[..] else { panic!("{library:?}") };
    assert_eq!(printer.instance.as_deref(), Some("front desk"));
    assert_eq!(reader.state, DesiredState::NewerOrEqual("24.1".to_owned()));
    let approved = [computer("c42").into()].into();
    assert_eq!(reader.enforcement, Enforcement::Optional { approved });
    assert_eq!((reader.order, reader.enabled, reader.created_us), (5, false, NOW_US));
    assert_eq!(reader.dates.end, "2026-12-31".parse().ok());
    assert!(reader.visibility.technician_tools && !reader.visibility.self_service);
    assert_eq!(reader.parameters["retries"], 3);
    assert_eq!(library.expectations[0].expected, Expected::Nobody);
    assert_eq!(library.tags[0].computers.len(), 2);
    assert_eq!(library.tenants[0].parent, Some(tenant("holding")));
    assert_eq!(library.tenants[0].budget.map(|one| (one.percent, one.computers)), Some((10, 25)));
    assert!(library.computers[0].excluded_from_maintenance);
}

#[test]
fn the_files_may_be_cut_anywhere_and_come_in_any_order() {
    let mut files: Vec<SourceFile> = (WHOLE.split("\n\n").enumerate())
        .map(|(at, text)| SourceFile::new(&format!("sub/{at}.toml"), text))
        .collect();
    files.reverse();
    assert_eq!(read_files(&files, &Library::default()), read_text(WHOLE));
}

#[test]
fn what_is_known_keeps_its_id_and_when_it_was_created_under_its_name_in_any_case() {
    let known = read_text(WHOLE).unwrap();
    let again = WHOLE.replace("\"reader-at-contoso\"", "\"Reader-At-Contoso\"");
    let files = [SourceFile::new("x.toml", &again)];
    let later = core_library::read(&files, &names(), &known, NOW_US + 1_000_000).unwrap();
    assert_eq!(later.deployments[1].id, known.deployments[1].id);
    assert_eq!(later.deployments[1].created_us, NOW_US);
    assert_eq!(later.software, known.software);
    let renamed = WHOLE.replace("\"reader-at-contoso\"", "\"reader-there\"");
    let files = [SourceFile::new("x.toml", &renamed)];
    let later = core_library::read(&files, &names(), &known, NOW_US + 1_000_000).unwrap();
    assert_eq!(later.deployments[1].created_us, NOW_US + 1_000_000);
}

#[test]
fn what_is_gone_at_its_source_may_stay_where_it_is_by_id_and_nowhere_else() {
    let gone = computer("gone");
    let text = WHOLE.replace(
        "subject = { computer = \"PC-007\" }",
        &format!("subject = {{ computer = '{gone}' }}"),
    );
    let error = read_text(&text).unwrap_err();
    assert!(error.contains(&format!("there is no computer with the id {gone}")), "{error}");
    let mut known = read_text(WHOLE).unwrap();
    known.expectations[0].subject = gone.into();
    let read = read_files(&[SourceFile::new("x.toml", &text)], &known).unwrap();
    assert_eq!(read.expectations[0].subject, gone.into());
}

#[test]
fn a_change_is_told_field_by_field_in_words() {
    let before = read_text(WHOLE).unwrap();
    assert_eq!(diff(&before, &before, &names()), []);
    let after = WHOLE
        .replace(
            "target = \"all\"",
            "target = { group = \"Finance\", except = { computer = \"PC-042\" } }",
        )
        .replace("until = 2026-12-31\n", "")
        .replace("computers = [\"PC-007\", ", "computers = [")
        .replace("[[expect]]\nname = \"the till", "[[expect]]\nname = \"another till");
    let after = read_files(&[SourceFile::new("x.toml", &after)], &before).unwrap();
    let changes = diff(&before, &after, &names());
    let text: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        text.join("\n"),
        "~ tag kiosk\n    computers: − PC-007 at Fabrikam, Inc.\n\
         ~ deployment reader-at-contoso\n    \
         target: all → group Finance at Contoso except computer PC-042 at Contoso\n    \
         until: 2026-12-31 → none\n\
         + golden case another till is left alone\n    name: another till is left alone\n    \
         subject: computer PC-007 at Fabrikam, Inc.\n    software: adobe-reader\n    \
         outcome: nobody\n\
         - golden case the till is left alone"
    );
    assert_eq!((changes[1].kind, changes[1].action), (Kind::Deployment, Action::Changed));
}

#[test]
fn two_things_of_one_name_are_told_apart_by_their_ids() {
    let text = |upn: &str| {
        format!(
            "{ITEMS}[[deployment]]\nname = 'd'\nsoftware = 'reader'\nstate = 'latest'\ntarget = {{ person = '{upn}' }}\n"
        )
    };
    let before = read_text(&text("ana@contoso.example")).unwrap();
    let after =
        read_files(&[SourceFile::new("x.toml", &text("ana2@contoso.example"))], &before).unwrap();
    let changes = diff(&before, &after, &names());
    let words = &changes[0].fields[0].words;
    assert!(words.contains(&person("ana").to_string()), "{words}");
    assert!(words.contains(&person("ana2").to_string()), "{words}");
}

#[test]
fn s30_the_rings_of_a_deployment_are_read_with_what_is_usual_and_written_without_it() {
    use core_model::library::{Ring, RingMembers};
    let text = "tag = [{ name = 'pilot' }]\nsoftware = [{ name = 'reader' }]\n[[deployment]]\n\
                name = 'd'\nsoftware = 'reader'\nstate = 'latest'\ntarget = 'all'\n\
                rings = [{ name = 'ours', tag = 'Pilot', soak_hours = 0 }, { percent = 5, failures_minimum = 3 }, \
                { percent = 25, reached_percent = 50, failures_percent = 10 }]\n";
    let library = read_text(text).unwrap();
    let tag = RingMembers::Tag(library.tags[0].id);
    let [five, quarter] = [5, 25].map(RingMembers::Percent);
    let rings = [
        Ring { name: "ours".to_owned(), soak_hours: 0, ..Ring::new(tag) },
        Ring { failures_minimum: 3, ..Ring::new(five) },
        Ring { reached_percent: 50, failures_percent: 10, ..Ring::new(quarter) },
    ];
    assert_eq!(library.deployments[0].rings, rings);
    let usual = Ring::new(five);
    let said =
        (usual.soak_hours, usual.reached_percent, usual.failures_percent, usual.failures_minimum);
    assert_eq!(said, (24, 80, 2, 2));
    let files = core_library::export(&library, &core_library::Names::default());
    let file = files.iter().find(|file| file.path == "deployments.toml").unwrap();
    for part in [
        "{ name = \"ours\", tag = \"pilot\", soak_hours = 0 }",
        "{ percent = 5, failures_minimum = 3 }",
    ] {
        assert!(file.text.contains(part), "{}", file.text);
    }
    // Another ring is another deployment, and said in words.
    let mut other = library.clone();
    other.deployments[0].rings.pop();
    let changes = core_library::diff(&library, &other, &core_library::Names::default());
    let told = changes.iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.contains("25 %, soak 24 h, 50 % reached, halt above 10 % failures (2 at least)"),
        "{told}"
    );
}

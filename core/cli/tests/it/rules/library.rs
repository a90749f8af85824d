//! The firm's software, tasks, tags, deployments and golden cases, in two versions.

use core_library::Library;
use core_model::id::{ExpectationId, SoftwareId, TagId, TaskId};
use core_model::library::{
    Deployment, DesiredState, Expectation, Expected, ItemId, Software, SoftwareVersion, SubjectId,
    Tag, Target, Task, TaskCategory, TenantSettings,
};

use super::firm::{computer, group, person, product, tenant};

const MADE: i64 = 1_793_520_000_000_000;

fn software(name: &str) -> SoftwareId {
    SoftwareId::of_text(name, MADE)
}

fn task(name: &str) -> TaskId {
    TaskId::of_text(name, MADE)
}

fn a_software(name: &str, title: &str, versions: &[&str]) -> Software {
    let versions = versions.iter().map(|version| {
        let id = core_model::id::VersionId::of_text(&format!("{name} {version}"), MADE);
        SoftwareVersion::new(id, version)
    });
    Software {
        title: title.to_owned(),
        versions: versions.collect(),
        ..Software::new(software(name), name)
    }
}

fn a_task(name: &str, title: &str, category: TaskCategory, instances: bool) -> Task {
    Task { title: title.to_owned(), category, instances, ..Task::new(task(name), name) }
}

fn expect(name: &str, subject: SubjectId, item: ItemId, expected: Expected) -> Expectation {
    Expectation {
        id: ExpectationId::of_text(name, MADE),
        name: name.to_owned(),
        subject,
        item,
        instance: None,
        as_of: None,
        expected,
        note: String::new(),
    }
}

fn deployments() -> Vec<Deployment> {
    let deploy = |name: &str, item: ItemId, state, target, order| {
        Deployment::new(name, item, state, target, MADE + order)
    };
    let reader: ItemId = software("reader").into();
    let acrobat: ItemId = software("acrobat").into();
    let finance = Target::Group(group("Finance of Contoso"));
    let ceo = Target::Person(person("Carla Stone"));
    let fabrikam = || Target::tenant(tenant("Fabrikam"));
    let kiosk = Target::Tag(TagId::of_text("kiosk", MADE));
    let mut printer =
        deploy("printer-office", task("printer").into(), DesiredState::Enforce, kiosk, 8);
    printer.instance = Some("Office 1".to_owned());
    vec![
        deploy("reader-all", reader, DesiredState::Latest, Target::All, 1),
        deploy("reader-finance", reader, DesiredState::Latest, finance.except(ceo), 2),
        deploy("reader-cnc", reader, DesiredState::Ignored, Target::Computer(computer("CNC-7")), 3),
        deploy(
            "security",
            software("edr").into(),
            DesiredState::Latest,
            Target::product(product("Managed Security")),
            4,
        ),
        deploy(
            "softphone-finance",
            software("softphone").into(),
            DesiredState::AnyVersion,
            Target::Group(group("Finance of Fabrikam")),
            5,
        ),
        deploy("acrobat-gone", acrobat, DesiredState::Absent, fabrikam(), 6),
        deploy("acrobat-any", acrobat, DesiredState::AnyVersion, fabrikam(), 7),
        printer,
        deploy("welcome", task("welcome").into(), DesiredState::Enforce, Target::All, 9),
    ]
}

/// The first save.
pub(crate) fn first() -> Library {
    let reader: ItemId = software("reader").into();
    Library {
        software: vec![
            a_software("reader", "Adobe Reader", &["23.1", "24.2"]),
            a_software("acrobat", "Adobe Acrobat", &[]),
            a_software("edr", "SentinelOne", &[]),
            a_software("softphone", "Softphone", &[]),
        ],
        tasks: vec![
            a_task("printer", "Printer", TaskCategory::Computer, true),
            a_task("welcome", "Welcome mail", TaskCategory::Person, false),
        ],
        tags: vec![Tag {
            id: TagId::of_text("kiosk", MADE),
            name: "Kiosk".to_owned(),
            computers: vec![computer("CNC-7")],
            tenants: Vec::new(),
            persons: Vec::new(),
        }],
        deployments: deployments(),
        expectations: vec![
            expect(
                "the CNC machine is left alone",
                computer("CNC-7").into(),
                reader,
                Expected::State(DesiredState::Ignored),
            ),
            expect(
                "Dora has no softphone",
                computer("FAB-1").into(),
                software("softphone").into(),
                Expected::Nobody,
            ),
        ],
        schedules: Vec::new(),
        tenants: vec![TenantSettings {
            tenant: tenant("Northwind"),
            parent: Some(tenant("Contoso")),
            excluded_from_cross_tenant: false,
            budget: None,
        }],
        computers: Vec::new(),
    }
}

/// The second save: the finance group keeps an old version.
pub(crate) fn second() -> Library {
    let mut library = first();
    for one in library.deployments.iter_mut().filter(|one| one.name == "reader-finance") {
        one.state = DesiredState::ThisVersion("23.1".to_owned());
    }
    library
}

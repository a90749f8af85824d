//! What a technician is offered (scenarios K1, K2, K7), on two tenants whose answers can be told by hand.
//!
//! Contoso: Ana in front of PC1, and PC2. Fabrikam: F1.

use std::sync::Arc;

use chrono::TimeDelta;
use core_model::dates::DateRange;
use core_model::id::{ComputerId, PersonId, SoftwareId, TaskId, TenantId};
use core_model::library::{
    Deployment, DesiredState, Enforcement, ItemId, Origin, Owner, Software, SubjectId, Target,
    Task, TaskCategory, Visibility,
};
use core_resolve::{
    Against, AsOf, ComputerInput, Definitions, Directory, Feed, FeedKind, PersonInput, Resolver,
    RunKind, Snapshot, SnapshotInput, TenantInput,
};

fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

fn computer(name: &str) -> ComputerId {
    ComputerId::of_text(name, 0)
}

fn ana() -> PersonId {
    PersonId::of_text("Ana", 0)
}

fn software(name: &str) -> SoftwareId {
    SoftwareId::of_text(name, 0)
}

fn task(name: &str) -> TaskId {
    TaskId::of_text(name, 0)
}

fn input() -> SnapshotInput {
    let mut input = SnapshotInput::new("2026-11-29T12:00:00Z".parse().unwrap());
    for name in ["Contoso", "Fabrikam"] {
        input.tenants.push(TenantInput::new(tenant(name), name));
    }
    let directory = Directory { connection: "entra".into(), id: "contoso".into() };
    let (tenant_id, name, facts) = (tenant("Contoso"), "Ana".into(), Vec::new());
    input.persons.push(PersonInput { id: ana(), tenant: tenant_id, name, directory, facts });
    for (name, of) in [("PC1", "Contoso"), ("PC2", "Contoso"), ("F1", "Fabrikam")] {
        let mut one = ComputerInput::new(computer(name), tenant(of), name);
        one.primary = (name == "PC1").then(ana);
        input.computers.push(one);
    }
    input.feeds.push(Feed {
        connection: String::new(),
        kind: FeedKind::Affinity,
        tenant: None,
        last_complete: Some(input.known_at - TimeDelta::hours(1)),
        failing: false,
        held: false,
    });
    input
}

/// A deployment on the technician's page.
fn shown(name: &str, item: impl Into<ItemId>, state: DesiredState, target: Target) -> Deployment {
    let visibility = Visibility { technician_tools: true, ..Visibility::default() };
    Deployment { visibility, ..Deployment::new(name, item, state, target, 0) }
}

fn resolver(input: SnapshotInput, deployments: Vec<Deployment>) -> Resolver {
    let software = ["reader", "office"].map(|name| Software::new(software(name), name));
    let tasks = [("welcome", TaskCategory::Person), ("report", TaskCategory::Tenant)];
    let tasks = tasks.map(|(name, category)| Task { category, ..Task::new(task(name), name) });
    let definitions = Definitions::new(software.into(), tasks.into(), deployments, Vec::new());
    let now = AsOf::Instant(input.known_at);
    let run = RunKind::default();
    Resolver::new(Arc::new(Snapshot::new(input)), Arc::new(definitions), now, run)
}

fn names(resolver: &Resolver, subject: impl Into<SubjectId>) -> Vec<String> {
    resolver.offered(subject.into()).into_iter().map(|one| one.deployment.name).collect()
}

fn of(name: &str) -> Target {
    Target::Tenant { tenant: tenant(name), children: false }
}

#[test]
fn k1_what_contains_the_computer_is_offered_each_with_the_target_that_it_came_through() {
    let reader = software("reader");
    let rules = vec![
        shown("cross", reader, DesiredState::Latest, Target::All),
        shown("contoso", reader, DesiredState::Latest, of("Contoso")),
        shown("ana", reader, DesiredState::Latest, Target::Person(ana())),
        shown("pc1", reader, DesiredState::Latest, Target::Computer(computer("PC1"))),
        shown("fabrikam", reader, DesiredState::Latest, of("Fabrikam")),
    ];
    let resolver = resolver(input(), rules);
    assert_eq!(
        names(&resolver, computer("PC1")),
        ["ana", "contoso", "cross", "pc1"].map(String::from)
    );
    assert_eq!(names(&resolver, computer("PC2")), ["contoso", "cross"].map(String::from));
    let why = |name: &str| {
        let all = resolver.offered(computer("PC1").into());
        all.into_iter().find(|one| one.deployment.name == name).unwrap().why
    };
    assert!(why("ana").contains("Ana"), "{}", why("ana"));
    assert!(why("contoso").contains("Contoso"), "{}", why("contoso"));
    assert!(names(&resolver, ComputerId::of_text("nobody", 0)).is_empty());
}

#[test]
fn k1_tasks_for_persons_and_tenants_are_offered_to_them() {
    let rules = vec![
        shown("welcome", task("welcome"), DesiredState::Enforce, Target::All),
        shown("report", task("report"), DesiredState::Enforce, of("Contoso")),
    ];
    let resolver = resolver(input(), rules);
    assert_eq!(names(&resolver, ana()), ["welcome"]);
    assert_eq!(names(&resolver, tenant("Contoso")), ["report"]);
    assert!(names(&resolver, tenant("Fabrikam")).is_empty());
    assert!(names(&resolver, computer("PC1")).is_empty());
}

#[test]
fn k2_a_winner_that_is_not_for_technicians_is_absent() {
    let winner =
        Deployment::new("hidden", software("reader"), DesiredState::Latest, Target::All, 0);
    assert!(names(&resolver(input(), vec![winner]), computer("PC1")).is_empty());
}

#[test]
fn k7_what_the_next_maintenance_undoes_is_offered_with_a_warning() {
    let out = Owner { tenant: tenant("Contoso"), children: false };
    let uninstalled = Deployment {
        owner: Some(out),
        ..Deployment::new("no-reader", software("reader"), DesiredState::Absent, of("Contoso"), 0)
    };
    let repair = Deployment {
        enforcement: Enforcement::AdHoc,
        ..shown("reader-repair", software("reader"), DesiredState::Latest, Target::All)
    };
    let resolver = resolver(input(), vec![uninstalled, repair]);
    let offered = resolver.offered(computer("PC1").into());
    assert_eq!(offered.len(), 1);
    let against = Against::Undone { by: "no-reader".to_owned(), wants: "absent".to_owned() };
    assert_eq!(offered[0].against, Some(against));
    let elsewhere = resolver.offered(computer("F1").into());
    assert_eq!(elsewhere[0].against, None, "nobody else wants anything there");
}

#[test]
fn what_is_off_over_elsewhere_or_not_known_is_not_offered() {
    let reader = software("reader");
    let base = |name: &str| shown(name, reader, DesiredState::Latest, Target::All);
    let yesterday = Some("2026-11-28".parse().unwrap());
    let rules = vec![
        Deployment { enabled: false, ..base("off") },
        Deployment { dates: DateRange { start: None, end: yesterday }, ..base("over") },
        Deployment { origin: Origin::Recommended, ..base("recommended") },
        shown(
            "filter",
            reader,
            DesiredState::Latest,
            Target::Filter("computer.nothing == 1".into()),
        ),
        Deployment { enforcement: Enforcement::Onboarding, ..base("onboarding") },
        Deployment {
            enforcement: Enforcement::Optional { approved: Default::default() },
            ..base("optional")
        },
    ];
    let expected = ["onboarding", "optional"].map(String::from);
    assert_eq!(names(&resolver(input(), rules.clone()), computer("PC1")), expected);
    let mut excluded = input();
    excluded.computers[0].excluded = true;
    assert!(names(&resolver(excluded, rules), computer("PC1")).is_empty());
}

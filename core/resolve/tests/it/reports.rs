//! What was sold beside what is deployed, golden cases, and edges that passed: on a small MSP whose
//! answers can be counted by hand.
//!
//! Contoso (Berlin): C1 to C4, Ana in front of C1. Fabrikam (Chicago): F1, F2. EDR is sold to both, to
//! Contoso on two lines, to Fabrikam to the end of 2026; backup to Contoso, and nobody deploys it.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use core_model::dates::DateRange;
use core_model::entity::{AgreementLine, Product};
use core_model::facts::Quantity;
use core_model::id::{
    ComputerId, DeploymentId, ExpectationId, LineId, PersonId, ProductId, SoftwareId, TaskId,
    TenantId,
};
use core_model::library::{
    Deployment, DesiredState, Expectation, Expected, ItemId, Owner, Software, SubjectId, Target,
    Task, TaskCategory,
};
use core_resolve::{
    AsOf, Balance, ComputerInput, Definitions, Directory, Feed, FeedKind, PersonInput, Reconciled,
    Resolver, RunKind, Slot, Snapshot, SnapshotInput, TenantInput,
};

fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

fn computer(name: &str) -> ComputerId {
    ComputerId::of_text(name, 0)
}

fn product(name: &str) -> ProductId {
    ProductId::of_text(name, 0)
}

fn deployment(name: &str) -> DeploymentId {
    DeploymentId::of_text(name, 0)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn line(of: &str, number: u8, what: &str, sold: i64, until: Option<&str>) -> AgreementLine {
    let key = format!("{of} {what} {number}");
    AgreementLine {
        id: LineId::of_text(&key, 0),
        connection: "halo".to_owned(),
        key: key.clone(),
        agreement: None,
        tenant: Some(tenant(of)),
        product: Some(what.to_owned()),
        name: key,
        quantity: Quantity { thousandths: sold },
        dates: DateRange { start: None, end: until.map(day) },
        inactive: false,
        gone: false,
    }
}

fn input() -> SnapshotInput {
    let mut input = SnapshotInput::new(at("2026-11-29T12:00:00Z"));
    for (name, zone) in [("Contoso", "Europe/Berlin"), ("Fabrikam", "America/Chicago")] {
        let zone = Some(zone.to_owned());
        input.tenants.push(TenantInput { zone, ..TenantInput::new(tenant(name), name) });
    }
    let ana = PersonId::of_text("Ana", 0);
    let directory = Directory { connection: "entra".into(), id: "contoso".into() };
    let name = "Ana".into();
    let facts = Vec::new();
    input.persons.push(PersonInput { id: ana, tenant: tenant("Contoso"), name, directory, facts });
    for name in ["C1", "C2", "C3", "C4", "F1", "F2"] {
        let of = if name.starts_with('C') { "Contoso" } else { "Fabrikam" };
        let mut one = ComputerInput::new(computer(name), tenant(of), name);
        one.primary = (name == "C1").then_some(ana);
        input.computers.push(one);
    }
    for name in ["EDR", "Backup"] {
        input.products.push(Product {
            id: product(name),
            connection: "halo".to_owned(),
            key: name.to_owned(),
            name: name.to_owned(),
            recurring: true,
            inactive: false,
            gone: false,
        });
    }
    input.lines = vec![
        line("Contoso", 1, "EDR", 2000, None),
        line("Contoso", 2, "EDR", 1500, None),
        line("Contoso", 1, "Backup", 4000, None),
        line("Fabrikam", 1, "EDR", 2000, Some("2026-12-31")),
        line("Fabrikam", 2, "EDR", 9000, Some("2026-10-31")),
    ];
    let kinds = [("halo", FeedKind::Agreements), ("", FeedKind::Affinity)];
    for (connection, kind) in kinds {
        input.feeds.push(Feed {
            connection: connection.to_owned(),
            kind,
            tenant: None,
            last_complete: Some(input.known_at - TimeDelta::hours(1)),
            failing: false,
            held: false,
        });
    }
    input
}

fn rule(name: &str, item: impl Into<ItemId>, state: DesiredState, target: Target) -> Deployment {
    Deployment { created_us: 0, ..Deployment::new(name, item, state, target, 0) }
}

fn software(name: &str) -> SoftwareId {
    SoftwareId::of_text(name, 0)
}

/// Security is for whom EDR is sold; Reader for everybody, and for C2 it is left alone.
fn rules() -> Vec<Deployment> {
    let two = Target::Computer(computer("C2"));
    vec![
        rule("edr", software("edr"), DesiredState::Latest, Target::product(product("EDR"))),
        rule("reader", software("reader"), DesiredState::Latest, Target::All),
        rule("reader-c2", software("reader"), DesiredState::Ignored, two),
    ]
}

fn resolver(input: SnapshotInput, rules: Vec<Deployment>, cases: Vec<Expectation>) -> Resolver {
    let names = ["edr", "reader", "acrobat"];
    let software = names.map(|name| Software::new(software(name), name));
    let welcome = Task {
        category: TaskCategory::Person,
        ..Task::new(TaskId::of_text("welcome", 0), "welcome")
    };
    let definitions = Definitions::new(software.into(), vec![welcome], rules, cases);
    let now = AsOf::Instant(input.known_at);
    let snapshot = Arc::new(Snapshot::new(input));
    Resolver::new(snapshot, Arc::new(definitions), now, RunKind::default())
}

/// `Contoso EDR 1: 2 of 3.5 sold, 4 computers, 0 persons, 0 unknown: Over`.
fn told(rows: &[Reconciled]) -> Vec<String> {
    let row = |row: &Reconciled| {
        let of = |quantity: Quantity| quantity.thousandths as f64 / 1000.0;
        format!(
            "{}: {} of {} sold, {} computers, {} persons, {} unknown: {:?}",
            row.name,
            of(row.sold),
            of(row.sold_in_all),
            row.computers,
            row.persons,
            row.unknown,
            row.balance
        )
    };
    let mut told: Vec<String> = rows.iter().map(row).collect();
    told.sort();
    told
}

#[test]
fn what_was_sold_on_several_lines_is_compared_as_a_whole_and_lines_not_in_force_are_left_out() {
    let now = resolver(input(), rules(), Vec::new());
    assert_eq!(
        told(&now.reconcile()),
        [
            "Contoso Backup 1: 4 of 4 sold, 0 computers, 0 persons, 0 unknown: NotDeployed",
            "Contoso EDR 1: 2 of 3.5 sold, 4 computers, 0 persons, 0 unknown: Over",
            "Contoso EDR 2: 1.5 of 3.5 sold, 4 computers, 0 persons, 0 unknown: Over",
            "Fabrikam EDR 1: 2 of 2 sold, 2 computers, 0 persons, 0 unknown: Equal",
        ]
    );
    let later = now.on(AsOf::Day(day("2027-01-01"))).reconcile();
    assert!(later.iter().all(|row| row.tenant == tenant("Contoso")), "{later:?}");
    let before = now.on(AsOf::Day(day("2026-10-31"))).reconcile();
    let fabrikam = before.iter().filter(|row| row.tenant == tenant("Fabrikam"));
    let balances: Vec<Balance> = fabrikam.map(|row| row.balance).collect();
    assert_eq!(balances, [Balance::Under, Balance::Under], "two of eleven");
}

#[test]
fn the_greater_of_computers_and_persons_counts_and_what_uses_nothing_up_does_not() {
    let mut rules = rules();
    let edr = Target::product(product("EDR"));
    let backup = || Target::product(product("Backup"));
    rules.push(rule("mail", TaskId::of_text("welcome", 0), DesiredState::Enforce, backup()));
    rules.push(rule("gone", software("acrobat"), DesiredState::Absent, backup()));
    rules[0] = rule("edr", software("edr"), DesiredState::Ignored, edr);
    let rows = resolver(input(), rules, Vec::new()).reconcile();
    assert_eq!(
        told(&rows),
        [
            "Contoso Backup 1: 4 of 4 sold, 0 computers, 1 persons, 0 unknown: Under",
            "Contoso EDR 1: 2 of 3.5 sold, 0 computers, 0 persons, 0 unknown: NotDeployed",
            "Contoso EDR 2: 1.5 of 3.5 sold, 0 computers, 0 persons, 0 unknown: NotDeployed",
            "Fabrikam EDR 1: 2 of 2 sold, 0 computers, 0 persons, 0 unknown: NotDeployed",
        ]
    );
}

#[test]
fn who_is_left_alone_uses_nothing_up_and_who_is_in_doubt_is_counted_apart() {
    let mut input = input();
    input.computers[3].excluded = true;
    input.tenants[1].suspended = true;
    let kiosks = core_model::library::Tag {
        id: core_model::id::TagId::of_text("kiosk", 0),
        name: "kiosk".to_owned(),
        computers: Vec::new(),
        tenants: Vec::new(),
        persons: Vec::new(),
    };
    let target = Target::product(product("EDR")).except(Target::Tag(kiosks.id));
    input.tags.push(kiosks);
    // Whether C1 carries the tag is not known.
    input.computers[0].tags_read = false;
    let mut rules = rules();
    rules[0] = rule("edr", software("edr"), DesiredState::Latest, target);
    let rows = resolver(input, rules, Vec::new()).reconcile();
    assert_eq!(
        told(&rows)[1..],
        [
            "Contoso EDR 1: 2 of 3.5 sold, 2 computers, 0 persons, 1 unknown: Under",
            "Contoso EDR 2: 1.5 of 3.5 sold, 2 computers, 0 persons, 1 unknown: Under",
            "Fabrikam EDR 1: 2 of 2 sold, 0 computers, 0 persons, 0 unknown: Under",
        ]
    );
}

fn case(name: &str, subject: impl Into<SubjectId>, item: &str, expected: Expected) -> Expectation {
    Expectation {
        id: ExpectationId::of_text(name, 0),
        name: name.to_owned(),
        subject: subject.into(),
        item: software(item).into(),
        instance: None,
        as_of: None,
        expected,
        note: String::new(),
    }
}

#[test]
fn golden_cases_hold_or_say_what_was_found() {
    let won = |name: &str| Expected::Deployment(deployment(name));
    let mut later = case("F1 has no EDR in 2027", computer("F1"), "edr", Expected::Nobody);
    later.as_of = Some(day("2027-01-01"));
    let mut last = case("F1 has EDR to the last day", computer("F1"), "edr", won("edr"));
    last.as_of = Some(day("2026-12-31"));
    let cases = [
        (case("a", computer("C1"), "reader", won("reader")), true, "reader (latest)"),
        (case("b", computer("C1"), "reader", won("reader-c2")), false, "reader (latest)"),
        (
            case("c", computer("C2"), "reader", Expected::State(DesiredState::Ignored)),
            true,
            "reader-c2 (ignored)",
        ),
        (
            case("d", computer("C2"), "reader", Expected::State(DesiredState::Latest)),
            false,
            "reader-c2 (ignored)",
        ),
        (case("e", computer("C1"), "acrobat", Expected::Nobody), true, "no deployment"),
        (case("f", computer("C1"), "acrobat", Expected::Blocked), false, "no deployment"),
        (case("g", computer("nobody"), "reader", Expected::Nobody), false, "no such subject"),
        // A golden case of somebody for whom the item is not.
        (case("h", tenant("Contoso"), "reader", won("reader")), false, "no such subject"),
        (later, true, "no deployment"),
        (last, true, "edr (latest)"),
    ];
    let all = cases.iter().map(|(case, ..)| case.clone()).collect();
    let checked = resolver(input(), rules(), all).check_expectations();
    assert_eq!(checked.len(), cases.len());
    for ((case, holds, found), checked) in cases.iter().zip(&checked) {
        assert_eq!((checked.expectation, checked.holds), (case.id, *holds), "{}", checked.words);
        assert!(checked.words.starts_with(&format!("{}: expected ", case.name)));
        assert!(checked.words.ends_with(&format!(", found {found}")), "{}", checked.words);
    }
}

#[test]
fn a_golden_case_may_expect_that_something_is_not_known() {
    let mut input = input();
    input.feeds[0].last_complete = None;
    let cases = vec![
        case("blocked", computer("F1"), "edr", Expected::Blocked),
        case("free", computer("F1"), "edr", Expected::Nobody),
    ];
    let checked = resolver(input, rules(), cases).check_expectations();
    let holds: Vec<bool> = checked.iter().map(|one| one.holds).collect();
    assert_eq!(holds, [true, false]);
    let words = &checked[1].words;
    assert!(words.contains("expected no deployment, found blocked: edr: "), "{words}");
    assert!(matches!(checked[0].found, Some(Slot::Blocked(id)) if id == deployment("edr")));
}

/// The edges that passed, as their tenants and instants.
fn passed(resolver: &Resolver, from: &str, to: &str) -> Vec<(TenantId, String, u64)> {
    let edges = resolver.passed(at(from), at(to));
    edges.iter().map(|edge| (edge.tenant, edge.at.to_rfc3339(), edge.computers)).collect()
}

#[test]
fn an_edge_passes_at_the_local_midnight_of_its_tenant_and_once() {
    let mut input = input();
    input.lines[0].dates.end = Some(day("2026-12-31"));
    input.lines[1].dates.end = Some(day("2026-12-31"));
    let resolver = resolver(input, rules(), Vec::new());
    let berlin = (tenant("Contoso"), "2026-12-31T23:00:00+00:00".to_owned(), 4);
    let chicago = (tenant("Fabrikam"), "2027-01-01T06:00:00+00:00".to_owned(), 2);
    let none: [(TenantId, String, u64); 0] = [];
    for (from, to, expected) in [
        ("2026-12-31T22:59:58Z", "2026-12-31T22:59:59Z", &none[..]),
        // The instant itself has passed; from then on it has passed before.
        ("2026-12-31T22:59:59Z", "2026-12-31T23:00:00Z", std::slice::from_ref(&berlin)),
        ("2026-12-31T23:00:00Z", "2027-01-01T05:59:59Z", &none),
        ("2027-01-01T05:59:59Z", "2027-01-01T06:00:00Z", std::slice::from_ref(&chicago)),
        ("2026-11-29T12:00:00Z", "2027-02-01T00:00:00Z", &[berlin.clone(), chicago.clone()]),
        ("2027-01-01T06:00:00Z", "2027-02-01T00:00:00Z", &none),
        ("2027-02-01T00:00:00Z", "2026-12-01T00:00:00Z", &none),
    ] {
        assert_eq!(passed(&resolver, from, to), expected, "{from} to {to}");
    }
    let edges = resolver.passed(at("2026-12-31T00:00:00Z"), at("2027-01-02T00:00:00Z"));
    assert_eq!(edges[0].what, ["Contoso leaves EDR"]);
    assert_eq!((edges[0].day, edges[0].uninstalls), (day("2027-01-01"), 0));
    let shift = &edges[0].shifts[0];
    assert_eq!((shift.before, shift.after), (Slot::Won(deployment("edr")), Slot::Nobody));
}

#[test]
fn what_passed_in_steps_is_what_passed_at_once_and_what_the_days_ahead_said() {
    let mut rules = rules();
    rules[1].dates = DateRange { start: Some(day("2026-12-15")), end: Some(day("2027-01-15")) };
    rules[2].owner = Some(Owner { tenant: tenant("Contoso"), children: false });
    let resolver = resolver(input(), rules, Vec::new());
    let (from, to) = (at("2026-11-29T12:00:00Z"), at("2027-03-01T12:00:00Z"));
    let key = |edge: &core_resolve::Edge| (edge.at, edge.tenant, edge.what.clone(), edge.computers);
    let once: Vec<_> = resolver.passed(from, to).iter().map(key).collect();
    let mut steps = Vec::new();
    let mut now = from;
    while now < to {
        let next = (now + TimeDelta::minutes(437)).min(to);
        steps.extend(resolver.passed(now, next).iter().map(key));
        now = next;
    }
    assert_eq!(steps, once);
    let ahead = resolver.edges(day("2026-11-29"), day("2027-03-01"));
    assert_eq!(ahead.iter().map(key).collect::<Vec<_>>(), once);
    assert_eq!(once.len(), 5, "two begin, two end, one line ends: {once:?}");
}

//! Plans per second, as JSON: a session of forty items with prerequisites and configurations, outline,
//! plan and, apart, a session carried out to its end.
//!
//! `cargo bench -p core-plan`

#![expect(clippy::print_stdout, reason = "it is what a benchmark is for")]

use std::time::Instant;

use core_model::id::{ComputerId, SoftwareId, TaskId, TenantId, VersionId};
use core_model::library::{
    Deployment, DesiredState, Detection, Order, Prerequisite, Script, Software, SoftwareVersion,
    SubjectId, Target, Task, UpgradeStrategy,
};
use core_plan::{
    Catalogue, Detections, Found, Next, Outcome, Outline, Request, RunKind, Session, Settings,
    Step, Tested, Version, Wanted, Work,
};

/// Items that are deployed.
const ITEMS: i64 = 40;
/// Versions of each.
const VERSIONS: i64 = 12;

fn id(number: i64) -> SoftwareId {
    SoftwareId::of_text("software", number * 1_000)
}

fn software(number: i64) -> Software {
    let mut one = Software::new(id(number), &format!("software-{number}"));
    one.detection = Some(Detection::Script(Script::new("detect")));
    one.scripts.install = Some(Script::new("install"));
    one.scripts.test = Some(Script::new("test"));
    one.upgrade = UpgradeStrategy::InstallOver;
    one.versions = (1..=VERSIONS)
        .map(|version| {
            let id = VersionId::of_text(&format!("{number}"), version * 1_000);
            SoftwareVersion::new(id, &format!("{version}.0.{number}"))
        })
        .collect();
    if number % 3 == 0 {
        one.prerequisites = vec![Prerequisite::installs(id((number + 1) % ITEMS))];
    }
    if number % 5 == 0 {
        one.prerequisites.push(Prerequisite::installs(id(ITEMS + number)));
        one.configuration = Some(TaskId::of_text("task", number * 1_000));
    }
    if number % 10 == 7 {
        one.order = Order::Beginning(i32::try_from(number).unwrap_or_default());
    }
    one
}

fn task(number: i64) -> Task {
    let id = TaskId::of_text("task", number * 1_000);
    let mut task = Task::new(id, &format!("task-{number}"));
    task.scripts.combined = Some(Script::new("all"));
    task
}

/// A machine on which everything is missing or old, and works after it was touched.
fn outcome(step: &Step) -> Outcome {
    match step {
        Step::Item { work: Work::Detect, key } => {
            let old =
                Version::parse("1").ok().filter(|_| key.to_string().ends_with(['0', '5', 'a']));
            Outcome::Found(old.map_or(Found::Missing, Found::Version))
        }
        Step::Item { work: Work::Test(_), .. } => Outcome::Tested(Tested::True),
        Step::CheckReboot => Outcome::Reboot { pending: false, held: None },
        _ => Outcome::Done { reboot: false },
    }
}

fn main() {
    let catalogue =
        Catalogue::new((0..2 * ITEMS).map(software).collect(), (0..2 * ITEMS).map(task).collect());
    let deployments: Vec<Deployment> = (0..ITEMS)
        .map(|n| Deployment::new(&format!("d-{n}"), id(n), DesiredState::Latest, Target::All, n))
        .collect();
    let wanted: Vec<Wanted<'_>> = deployments.iter().map(|one| Wanted::won(one, "all")).collect();
    let (run, settings) = (RunKind::Full, Settings::default());
    let request = Request {
        subject: SubjectId::Computer(ComputerId::of_text("pc", 0)),
        tenant: TenantId::of_text("contoso", 0),
        architecture: None,
        catalogue: &catalogue,
        wanted: &wanted,
        run: &run,
        settings: &settings,
    };
    let mut known = Detections::default();
    let begun = Instant::now();
    let outline = Outline::of(request);
    let mut looked = 0;
    while let Some(step) = outline.next(&known) {
        known.record(&step, &outcome(&step));
        looked += 1;
    }
    let detection_us = begun.elapsed().as_micros();
    let begun = Instant::now();
    let (mut plans, mut actions) = (0_u32, 0);
    while begun.elapsed().as_secs() < 3 {
        actions = Outline::of(request).plan(&known).actions.len();
        plans += 1;
    }
    let per_second = f64::from(plans) / begun.elapsed().as_secs_f64();
    let plan = outline.plan(&known);
    let begun = Instant::now();
    let (mut session, mut steps) = (Session::of(&plan), 0);
    while let Next::Do(step) = session.next() {
        session.record(&step, &outcome(&step));
        steps += 1;
    }
    let session_us = begun.elapsed().as_micros();
    println!(
        "{{\"items\":{ITEMS},\"actions\":{actions},\"plans_per_second\":{per_second:.0},\
         \"detection\":{{\"steps\":{looked},\"us\":{detection_us}}},\
         \"session\":{{\"steps\":{steps},\"us\":{session_us}}}}}"
    );
}

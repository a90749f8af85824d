//! Plans a second, on one core: each session is another computer's, with other things found on it.

use std::time::{Duration, Instant};

use core_model::id::{ComputerId, SoftwareId, TaskId, TenantId, VersionId};
use core_model::library::{
    Deployment, DesiredState, Detection, Download, ItemId, NameMatch, Prerequisite, Script,
    ScriptPurpose, Software, SoftwareVersion, SubjectId, Target, Task, UpgradeStrategy,
};
use core_plan::{
    Catalogue, Detections, Found, Outcome, Outline, Request, RunKind, Settings, Step, Tested,
    Version, Wanted, Work,
};
use serde_json::{Value, json};

/// Pieces of software in the library.
const LIBRARY: i64 = 200;
/// Items that win for a computer: software, and tasks beside it.
const SOFTWARE: i64 = 32;
const TASKS: i64 = 8;
/// Versions of each.
const VERSIONS: i64 = 6;
/// How long it is measured.
const TIME: Duration = Duration::from_secs(5);

fn id(number: i64) -> SoftwareId {
    SoftwareId::of_text("software", number * 1_000)
}

fn software(number: i64) -> Software {
    let mut one = Software::new(id(number), &format!("software-{number}"));
    one.detection = Some(Detection::SoftwareTable {
        name: format!("Software {number}"),
        matching: NameMatch::Contains,
    });
    one.scripts.install = Some(Script::new("Start-Process $installer_path -Wait"));
    one.scripts.test = (number % 4 == 0).then(|| Script::new("$true"));
    one.upgrade = UpgradeStrategy::InstallOver;
    let version = |at: i64| {
        let id = VersionId::of_text(&number.to_string(), at * 1_000);
        let mut version = SoftwareVersion::new(id, &format!("{at}.0.{number}"));
        version.download = Some(Download {
            url: format!("https://packages.example/{number}/{at}.msi"),
            sha256: Some("ab".repeat(32)),
            file_name: None,
        });
        version
    };
    one.versions = (1..=VERSIONS).map(version).collect();
    if number % 5 == 0 {
        one.prerequisites = vec![Prerequisite::installs(id(LIBRARY - 1 - number / 5))];
    }
    if number % 8 == 0 {
        one.configuration = Some(TaskId::of_text("task", (TASKS + number / 8) * 1_000));
    }
    one
}

fn task(number: i64) -> Task {
    let mut task = Task::new(TaskId::of_text("task", number * 1_000), &format!("task-{number}"));
    task.scripts = task.scripts.with(ScriptPurpose::Combined, Some(Script::new("all")));
    task
}

fn deployments() -> Vec<Deployment> {
    let state = |number: i64| match number % 8 {
        0..5 => DesiredState::Latest,
        5 => DesiredState::UpdateIfFound,
        6 => DesiredState::Absent,
        _ => DesiredState::ThisVersion(format!("{}.0.{number}", VERSIONS - 1)),
    };
    let of = |item: ItemId, state: DesiredState, number: i64| {
        Deployment::new(&format!("deployment {number}"), item, state, Target::All, number)
    };
    let software = (0..SOFTWARE).map(|n| of(id(n).into(), state(n), n));
    let tasks = (0..TASKS).map(|n| {
        let id = TaskId::of_text("task", n * 1_000);
        of(id.into(), DesiredState::Enforce, SOFTWARE + n)
    });
    software.chain(tasks).collect()
}

/// What the n-th computer answers: two in three things are as they should be.
fn answer(step: &Step, computer: usize) -> Outcome {
    let Step::Item { key, work } = step else {
        return Outcome::Reboot { pending: false, held: None };
    };
    let text = key.to_string();
    let dice = text
        .bytes()
        .fold(computer, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    match work {
        Work::Detect => Outcome::Found(match dice % 6 {
            0 => Found::Missing,
            1 => Version::parse("1.0").map_or(Found::Missing, Found::Version),
            _ => {
                Version::parse(&format!("{VERSIONS}.0.999")).map_or(Found::Missing, Found::Version)
            }
        }),
        _ => Outcome::Tested(if dice % 6 == 0 { Tested::False } else { Tested::True }),
    }
}

/// Plans until the time is over.
pub(super) fn measure() -> Value {
    let catalogue =
        Catalogue::new((0..LIBRARY).map(software).collect(), (0..2 * TASKS).map(task).collect());
    let deployments = deployments();
    let wanted: Vec<Wanted<'_>> =
        deployments.iter().map(|one| Wanted::won(one, "for everybody")).collect();
    let (run, settings) = (RunKind::Full, Settings::default());
    let (mut plans, mut actions, mut to_do, mut bytes) = (0_usize, 0, 0, 0);
    let began = Instant::now();
    while began.elapsed() < TIME {
        let request = Request {
            subject: SubjectId::Computer(ComputerId::of_text(&plans.to_string(), 0)),
            tenant: TenantId::of_text("contoso", 0),
            architecture: None,
            catalogue: &catalogue,
            wanted: &wanted,
            run: &run,
            settings: &settings,
        };
        let outline = Outline::of(request);
        let mut known = Detections::default();
        while let Some(step) = outline.next(&known) {
            known.record(&step, &answer(&step, plans));
        }
        let plan = outline.plan(&known);
        actions += plan.actions.len();
        to_do += plan.actions.iter().filter(|one| one.result.is_none()).count();
        // As it is kept.
        bytes += serde_json::to_string(&plan).map_or(0, |text| text.len());
        plans += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    let each = |sum: usize| (sum as f64 / plans.max(1) as f64).round();
    json!({
        "items": SOFTWARE + TASKS,
        "library": LIBRARY,
        "sessions_per_second": (plans as f64 / seconds).round(),
        "actions_each": each(actions),
        "with_something_to_do": each(to_do),
        "bytes_each": each(bytes),
    })
}

//! A change of winners that was kept, in words: [`super::super::preview::Effect`] as it was written
//! for machines.

use core_model::library::{DesiredState, SubjectKind};
use serde_json::Value;

use crate::commands::resolve::subjects;
use crate::commands::text;
use crate::output::{self, thousands};

/// Changes that are printed of each sort.
const SHIFTS: usize = 40;
/// Names that are printed of each change.
const NAMED: usize = 12;

/// Prints a kept preview.
pub(super) fn print(preview: &Value, what: &str) {
    let counts = &preview["counts"];
    let parts: Vec<String> = [
        ("newly_won", "newly won"),
        ("taken_over", "taken over"),
        ("restated", "kept with another state"),
        ("lost", "lost"),
        ("unknown", "blocked"),
    ]
    .into_iter()
    .filter_map(|(key, words)| {
        let number = counts[key].as_u64().filter(|number| *number > 0)?;
        Some(format!("{} {words}", thousands(number)))
    })
    .collect();
    let all = list(preview, "shifts");
    match parts.is_empty() {
        true => text::wrapped("", 2, &format!("{what} changes no winner")),
        false => text::wrapped("", 2, &format!("{what}: {}", parts.join(", "))),
    }
    let uninstalls = |shift: &&Value| shift["uninstalls"] == true;
    let blocked = |shift: &&Value| shift["after"]["slot"] == "blocked";
    let won = |shift: &&Value| !uninstalls(shift) && !blocked(shift);
    let of = |sort: &dyn Fn(&&Value) -> bool| all.iter().filter(sort).collect::<Vec<_>>();
    print_shifts("Winners", &of(&won));
    print_shifts("Uninstalls", &of(&uninstalls));
    let heading = "Blocked: nothing is done, because something is not known";
    print_shifts(heading, &of(&blocked));
    let asked = list(preview, "confirmations");
    if !asked.is_empty() {
        text::heading("Needs a confirmation that names the number");
        asked.iter().for_each(|one| text::indented(2, one["words"].as_str().unwrap_or_default()));
    }
}

fn print_shifts(heading: &str, shifts: &[&Value]) {
    if shifts.is_empty() {
        return;
    }
    let all: u64 = shifts.iter().map(|shift| text::len(list(shift, "subjects"))).sum();
    text::heading(&format!("{heading} ({})", thousands(all)));
    for shift in shifts.iter().take(SHIFTS) {
        text::indented(2, &words(&shift["item"], &shift["before"], &shift["after"]));
        text::indented(4, &named(list(shift, "subjects").iter()));
    }
    if shifts.len() > SHIFTS {
        output::line(&format!("  and {} more; --json lists all", shifts.len() - SHIFTS));
    }
}

/// `Adobe Reader: reader-all (latest) → nobody`.
pub(super) fn words(item: &Value, before: &Value, after: &Value) -> String {
    let title = item["title"].as_str().unwrap_or_default();
    let instance = item["instance"].as_str().map(|one| format!(" ({one})")).unwrap_or_default();
    format!("{title}{instance}: {} → {}", side(before), side(after))
}

fn side(side: &Value) -> String {
    let name = side["deployment"]["name"].as_str().unwrap_or("one that is gone");
    match side["slot"].as_str() {
        Some("won") => {
            let state = serde_json::from_value::<DesiredState>(side["state"].clone());
            format!("{name} ({})", state.map(|state| state.words()).unwrap_or_default())
        }
        Some("blocked") => format!("blocked by {name}"),
        _ => "nobody".to_owned(),
    }
}

/// `2 computers: PC-041, PC-042`; of many the first ones.
pub(super) fn named<'v>(all: impl Iterator<Item = &'v Value>) -> String {
    let all: Vec<&Value> = all.collect();
    let kind = all.first().and_then(|one| serde_json::from_value(one["kind"].clone()).ok());
    let mut names: Vec<&str> =
        all.iter().take(NAMED).map(|one| one["name"].as_str().unwrap_or_default()).collect();
    if all.len() > names.len() {
        names.push("…");
    }
    let count = subjects(kind.unwrap_or(SubjectKind::Computer), text::len(&all));
    format!("{count}: {}", names.join(", "))
}

/// The list of that name; an empty one where there is none.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

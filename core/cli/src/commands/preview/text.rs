//! Changes of winners, for people and for machines.

use core_resolve::{Definitions, ItemKey, Shift, Slot};
use serde_json::{Value, json};

use super::{Effect, TenantCount};
use crate::commands::resolve::{named, subjects};
use crate::commands::text::{self, count};
use crate::commands::winners::slot_word;
use crate::output::{self, Align, TextTable, thousands};
use crate::world::World;

/// Tenants that are printed.
const TENANTS: usize = 20;
/// Changes that are printed of each sort.
const SHIFTS: usize = 40;

/// The definitions on both sides of a change.
pub(crate) struct Sides<'a> {
    pub(crate) world: &'a World,
    pub(crate) before: &'a Definitions,
    pub(crate) after: &'a Definitions,
}

impl Sides<'_> {
    /// A change, for machines.
    pub(crate) fn as_json(&self, shift: &Shift) -> Value {
        let side = |slot: Slot, state, definitions: &Definitions| {
            let deployment = match slot {
                Slot::Won(id) | Slot::Blocked(id) => {
                    let name = definitions.deployment(id).map(|one| one.name.clone());
                    json!({ "id": id, "name": name })
                }
                Slot::Nobody => Value::Null,
            };
            json!({ "slot": slot_word(slot), "deployment": deployment, "state": state })
        };
        let all = shift.subjects.iter().map(|number| self.world.subject(shift.kind, number));
        json!({
            "item": self.item_json(&shift.key),
            "before": side(shift.before, json!(shift.state_before), self.before),
            "after": side(shift.after, json!(shift.state_after), self.after),
            "uninstalls": shift.uninstalls(),
            "subjects": all.collect::<Vec<_>>(),
        })
    }

    fn item_json(&self, key: &ItemKey) -> Value {
        let mut value = self.world.item_json(key);
        // Of an item that is only there afterwards.
        if value["name"].is_null() {
            value["title"] = self.after.title(key.item).into();
        }
        value
    }

    /// `Adobe Reader: reader-all (latest) → nobody`.
    pub(crate) fn words(&self, shift: &Shift) -> String {
        let key = &shift.key;
        let gone = self.before.of_item(key).is_empty();
        let title = if gone { self.after.title(key.item) } else { self.before.title(key.item) };
        let instance = key.instance.as_ref().map(|one| format!(" ({one})")).unwrap_or_default();
        let before = side(shift.before, self.before);
        let after = side(shift.after, self.after);
        format!("{title}{instance}: {before} → {after}")
    }

    /// Prints a change and who it is for, so far to the right.
    pub(crate) fn print(&self, columns: usize, shift: &Shift) {
        text::indented(columns, &self.words(shift));
        let all = shift.subjects.len();
        text::indented(columns + 2, &named(self.world, shift.kind, all, shift.subjects.iter()));
    }
}

fn side(slot: Slot, definitions: &Definitions) -> String {
    let name = |id| definitions.deployment(id).map_or("one that is gone", |one| &one.name);
    match slot {
        Slot::Nobody => "nobody".to_owned(),
        Slot::Blocked(id) => format!("blocked by {}", name(id)),
        Slot::Won(id) => {
            let state = definitions.deployment(id).map(|one| one.state.words());
            format!("{} ({})", name(id), state.unwrap_or_default())
        }
    }
}

impl Effect<'_> {
    /// Prints it. `what` says what would be done: "disabling reader-all".
    pub(crate) fn print(&self, what: &str) {
        let when = self.world.when.words();
        let shifts = &self.preview.shifts;
        if shifts.is_empty() {
            text::wrapped("", 2, &format!("{what}{when} changes no winner"));
        } else {
            let counts = self.preview.counts();
            let parts = [
                (counts.newly_won, "newly won"),
                (counts.taken_over, "taken over"),
                (counts.restated, "kept with another state"),
                (counts.lost, "lost"),
                (counts.unknown, "blocked"),
            ];
            let parts = parts.iter().filter(|(number, _)| *number > 0);
            let parts: Vec<String> =
                parts.map(|(number, what)| format!("{} {what}", thousands(*number))).collect();
            text::wrapped("", 2, &format!("{what}{when}: {}", parts.join(", ")));
        }
        self.print_shifts("Winners", |shift| {
            !shift.uninstalls() && !matches!(shift.after, Slot::Blocked(_))
        });
        self.print_shifts("Uninstalls", Shift::uninstalls);
        self.print_shifts("Blocked: nothing is done, because something is not known", |shift| {
            matches!(shift.after, Slot::Blocked(_))
        });
        self.print_tenants();
        self.print_warnings();
        self.print_held();
    }

    fn print_shifts(&self, heading: &str, of: impl Fn(&Shift) -> bool) {
        let shifts: Vec<&Shift> = self.preview.shifts.iter().filter(|shift| of(shift)).collect();
        if shifts.is_empty() {
            return;
        }
        let all: u64 = shifts.iter().map(|shift| shift.subjects.len()).sum();
        text::heading(&format!("{heading} ({})", thousands(all)));
        let sides = self.sides();
        for shift in shifts.iter().take(SHIFTS) {
            sides.print(2, shift);
        }
        if shifts.len() > SHIFTS {
            output::line(&format!("  and {} more; --json lists all", shifts.len() - SHIFTS));
        }
    }

    fn print_tenants(&self) {
        if self.tenants.is_empty() {
            return;
        }
        let tenants = count(text::len(&self.tenants), "tenant", "tenants");
        text::heading(&format!("At {tenants}"));
        let columns = [
            ("tenant", Align::Left),
            ("computers", Align::Right),
            ("changed", Align::Right),
            ("others", Align::Right),
            ("uninstalls", Align::Right),
            ("blocked", Align::Right),
        ];
        let mut table = TextTable::new(&columns).cutting(&[("tenant", 16)]);
        for tenant in self.tenants.iter().take(TENANTS) {
            let TenantCount { computers, changed, others, uninstalls, unknown, .. } = tenant;
            let numbers = [computers, changed, others, uninstalls, unknown].into_iter();
            let numbers = numbers.map(|number| thousands(*number));
            table.row([tenant.name.clone()].into_iter().chain(numbers));
        }
        table.print_indented(2);
        if self.tenants.len() > TENANTS {
            output::line(&format!("  and {} more", self.tenants.len() - TENANTS));
        }
    }

    fn print_warnings(&self) {
        let left_out = &self.preview.left_out;
        if self.preview.ambiguous.is_empty() && left_out.is_empty() {
            return;
        }
        text::heading("Warnings");
        for (key, who) in &self.preview.ambiguous {
            let kind = self.after.definitions().kind(key.item);
            let title = self.after.definitions().title(key.item);
            let words = format!(
                "{title}: only desired state, order or age decides for {}",
                subjects(kind, who.len())
            );
            text::indented(2, &words);
        }
        let names: Vec<String> =
            left_out.iter().map(|tenant| self.world.subject_name((*tenant).into())).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            text::indented(2, &format!("left out of cross-tenant deployments: {names}"));
        }
    }

    fn print_held(&self) {
        if !self.confirmations.is_empty() {
            text::heading("Needs a confirmation that names the number");
            for one in &self.confirmations {
                text::indented(2, &one.words);
            }
        }
        if !self.broken.is_empty() {
            text::heading("Golden cases that would be broken: it cannot be saved");
            for one in &self.broken {
                let already = if one.already { " (broken already)" } else { "" };
                text::indented(2, &format!("{}{already}", one.words));
            }
        }
    }
}

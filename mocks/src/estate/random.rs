//! Changes at random, as a working day brings them.

use serde_json::{Value, json};

use super::change::{Change, Done, apply};
use crate::generate::dice::Dice;
use crate::generate::hardware::PLACEHOLDERS;
use crate::generate::machines::eligible;
use crate::generate::names::key;
use crate::world::{LoggedOn, World};

/// The kinds of changes that [`random_changes`] makes, with how often of a hundred.
pub const KINDS: &[(&str, usize)] = &[
    ("rename_person", 8),
    ("add_person", 9),
    ("remove_person", 7),
    ("restore_person", 3),
    ("enable_person", 3),
    ("add_member", 8),
    ("remove_member", 6),
    ("rename_machine", 7),
    ("add_machine", 7),
    ("remove_machine", 5),
    ("wipe", 4),
    ("reinstall", 3),
    ("feature_update", 3),
    ("swap_board", 2),
    ("move", 2),
    ("power", 3),
    ("log_on", 6),
    ("end_contract", 2),
    ("end_line", 3),
    ("add_line", 4),
    ("set_quantity", 3),
    ("rename_client", 2),
];

/// Makes so many changes of all kinds but those left out. The same seed on the same world makes
/// the same changes.
///
/// People log on to their own machines only: who uses what stays as it is, so that what was seen
/// over time and what is seen in one look agree.
pub fn random_changes(world: &mut World, count: usize, seed: u64, without: &[String]) -> Vec<Done> {
    let mut dice = Dice::new(seed, 500);
    let kinds: Vec<&str> = (KINDS.iter().filter(|(kind, _)| !without.iter().any(|w| w == kind)))
        .flat_map(|(kind, weight)| std::iter::repeat_n(*kind, *weight))
        .collect();
    let mut done = Vec::with_capacity(count);
    // A small world may have no place for some kinds; it is not searched for ever.
    for _ in 0..count * 50 {
        if done.len() == count || kinds.is_empty() {
            break;
        }
        let kind = dice.pick(&kinds);
        if let Some(change) = change(world, kind, &mut dice)
            && let Ok(made) = apply(world, &change)
        {
            done.push(made);
        }
    }
    done
}

fn change(world: &World, kind: &str, dice: &mut Dice) -> Option<Change> {
    let mut fields = match kind {
        "rename_person" | "remove_person" | "restore_person" | "add_member" | "remove_member"
        | "enable_person" => people(world, kind, dice)?,
        "add_person" | "add_machine" => json!({ "tenant": dice.below(world.tenants.len()) }),
        "end_contract" | "end_line" | "add_line" | "set_quantity" => contracts(world, kind, dice)?,
        "rename_client" => clients(world, dice)?,
        _ => machines(world, kind, dice)?,
    };
    fields["change"] = kind.into();
    serde_json::from_value(fields).ok()
}

fn people(world: &World, kind: &str, dice: &mut Dice) -> Option<Value> {
    let no = dice.below(world.persons.len());
    let person = world.persons.get(no)?;
    let gone = person.mark.gone.is_some();
    match kind {
        "restore_person" => {
            let mut binned = (0..world.persons.len())
                .filter(|no| world.persons[*no].mark.gone.is_some() && !world.persons[*no].purged);
            Some(json!({ "person": binned.next()? }))
        }
        _ if gone => None,
        "rename_person" => eligible(world, no).then(|| json!({ "person": no })),
        "remove_person" => Some(json!({ "person": no, "purge": dice.chance(0.3) })),
        "enable_person" => Some(json!({ "person": no, "enabled": !person.enabled })),
        _ => {
            let group = dice.below(world.groups.len());
            let group_row = world.groups.get(group)?;
            if kind == "remove_member" {
                let member = group_row.members.iter().find_map(|m| match m.member {
                    crate::world::Member::Person(no) if m.removed.is_none() => Some(no),
                    _ => None,
                });
                return Some(json!({ "group": group, "person": member? }));
            }
            let mut same = (0..world.persons.len()).skip(no).filter(|no| {
                let person = &world.persons[*no];
                person.directory == group_row.directory && person.mark.gone.is_none()
            });
            Some(json!({ "group": group, "person": same.next()? }))
        }
    }
}

fn machines(world: &World, kind: &str, dice: &mut Dice) -> Option<Value> {
    let no = dice.below(world.machines.len());
    let machine = world.machines.get(no).filter(|m| m.mark.gone.is_none() && !m.stray)?;
    let clone = matches!(machine.uuid_quirk, crate::world::UuidQuirk::Clone(_))
        || world.machines.iter().any(|m| m.uuid_quirk == crate::world::UuidQuirk::Clone(no));
    let mut fields = json!({ "machine": no });
    let placeholder = PLACEHOLDERS.contains(&machine.serial.as_str());
    match kind {
        // What is said of clones needs both to stay as they are.
        "wipe" | "reinstall" | "swap_board" | "move" if clone || !machine.online => return None,
        "reinstall" => {
            let rmm = if machine.automate_row.is_some() { "automate" } else { "control" };
            fields["rmm"] = rmm.into();
        }
        "swap_board" if !matches!(machine.manufacturer.as_str(), "HP" | "LENOVO") => return None,
        // What is left over from before a wipe is told by the UUID, or by a real serial number.
        "swap_board" if placeholder || !machine.wiped.is_empty() => return None,
        "wipe" if placeholder && !machine.earlier_uuids.is_empty() => return None,
        "move" => fields["tenant"] = dice.below(world.tenants.len()).into(),
        "power" => fields["on"] = (!machine.online).into(),
        "feature_update" if !machine.online => return None,
        "log_on" => match (&machine.user, &machine.logged_on) {
            (Some(user), _) => fields["person"] = (*user).into(),
            (None, LoggedOn::Local(name)) => fields["local"] = name.clone().into(),
            (None, _) => return None,
        },
        _ => {}
    }
    Some(fields)
}

fn contracts(world: &World, kind: &str, dice: &mut Dice) -> Option<Value> {
    let halo = &world.halo;
    if kind == "end_contract" || kind == "add_line" {
        let contract = halo.contracts.get(dice.below(halo.contracts.len()))?;
        return Some(json!({ "contract": contract.id }));
    }
    let invoice = halo.invoices.get(dice.below(halo.invoices.len()))?;
    let line = invoice.lines.get(dice.below(invoice.lines.len())).filter(|l| !l.heading)?;
    if kind == "end_line" {
        return Some(json!({ "line": line.id }));
    }
    #[allow(clippy::cast_precision_loss)] // Small numbers.
    let quantity = dice.between(0, 50) as f64;
    Some(json!({ "line": line.id, "quantity": quantity }))
}

/// Clients of customers; those only a human can tell stay as they are, and so do spellings that
/// are nobody's own name: another system's client may be told by that very spelling alone.
fn clients(world: &World, dice: &mut Dice) -> Option<Value> {
    let own_name = |name: &str, tenant: Option<usize>| {
        tenant.is_some_and(|tenant| key(name) == key(&world.tenants[tenant].name))
    };
    match dice.below(3) {
        0 => {
            let client = world.automate.clients.get(dice.below(world.automate.clients.len()))?;
            own_name(&client.name, client.tenant).then_some(())?;
            Some(json!({ "system": "automate", "client": client.id.to_string() }))
        }
        1 => {
            let client = world.control.clients.get(dice.below(world.control.clients.len()))?;
            own_name(&client.name, client.tenant.filter(|_| !client.by_hand)).then_some(())?;
            Some(json!({ "system": "control", "client": client.name }))
        }
        _ => {
            let client = world.halo.clients.get(dice.below(world.halo.clients.len()))?;
            own_name(&client.name, client.tenant.filter(|_| !client.by_hand)).then_some(())?;
            Some(json!({ "system": "halo", "client": client.id.to_string() }))
        }
    }
}

//! `/Groups` and `/GroupComputers`.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::computers;
use super::list::Source;
use super::problem::Problem;
use super::row::{Row, Want};
use crate::world::{AutomateGroup, World};

/// All groups.
pub(super) struct Groups<'w> {
    world: &'w World,
    by_id: HashMap<u64, &'w AutomateGroup>,
}

impl<'w> Groups<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let alive = world.automate.groups.iter().filter(|group| group.mark.gone.is_none());
        Self { world, by_id: alive.map(|group| (group.id, group)).collect() }
    }

    /// The groups above one, the nearest first.
    fn above(&self, group: &AutomateGroup) -> Vec<&AutomateGroup> {
        let mut above: Vec<&AutomateGroup> = Vec::new();
        let mut parent = group.parent;
        while let Some(next) = parent.and_then(|id| self.by_id.get(&id)) {
            // A loop in the data must not become a loop here.
            if above.iter().any(|seen| seen.id == next.id) {
                break;
            }
            above.push(next);
            parent = next.parent;
        }
        above
    }
}

impl Source for Groups<'_> {
    fn keys(&self) -> Vec<usize> {
        let groups = self.world.automate.groups.iter().enumerate();
        groups.filter(|(_, group)| group.mark.gone.is_none()).map(|(index, _)| index).collect()
    }

    fn id(&self, key: usize) -> u64 {
        self.world.automate.groups[key].id
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let group = &self.world.automate.groups[key];
        let above = self.above(group);
        let mut row = Row::new(want);
        row.put("Id", || group.id.to_string());
        row.put("ParentId", || group.parent.unwrap_or(0).to_string());
        row.put("SubGroups", || {
            let below = self.by_id.values().filter(|other| other.parent == Some(group.id));
            let mut below: Vec<u64> = below.map(|other| other.id).collect();
            below.sort_unstable();
            below
        });
        row.put("ParentGroups", || above.iter().rev().map(|g| g.id).collect::<Vec<u64>>());
        row.put("Parents", || {
            let short = above.iter().rev().map(|parent| {
                let parent_id = parent.parent.unwrap_or(0);
                json!({ "ID": parent.id, "ParentId": parent_id, "Name": parent.name })
            });
            Value::Array(short.collect())
        });
        row.put("Depth", || above.len());
        row.put("Name", || group.name.clone());
        row.put("FullName", || {
            let mut names: Vec<&str> =
                above.iter().rev().map(|parent| parent.name.as_str()).collect();
            names.push(&group.name);
            names.join(".")
        });
        row.put("TypeId", || 1);
        row.put("TypeName", || "None");
        row.put("TemplatePriority", || 5);
        row.put("GUID", || {
            Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("group-{}", group.id).as_bytes()).to_string()
        });
        row.same(&["ComputersLimitToSearch", "NetworkDevicesLimitToSearch"], &json!(false));
        row.same(&["ContactsLimitToSearch", "ContactsJoinComputers"], &json!(false));
        row.put("Comments", || "");
        row.done()
    }

    fn sometimes(&self) -> &'static [&'static str] {
        &["computersautojoinsearch", "clienttosync", "locationtosync", "maintenancewindow"]
    }
}

/// The memberships: which computer is in which group.
pub(super) struct GroupComputers {
    /// Row id, group, computer.
    rows: Vec<(u64, u64, u64)>,
}

impl GroupComputers {
    pub(super) fn new(world: &World) -> Self {
        let mut rows = Vec::new();
        for group in world.automate.groups.iter().filter(|group| group.mark.gone.is_none()) {
            let members = group.members.iter().filter(|member| member.3.is_none());
            rows.extend(
                members
                    .filter(|member| computers::find(world, member.1).is_some())
                    .map(|(row, computer, ..)| (*row, group.id, *computer)),
            );
        }
        rows.sort_by_key(|row| row.0);
        Self { rows }
    }
}

impl Source for GroupComputers {
    fn keys(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }

    fn id(&self, key: usize) -> u64 {
        self.rows[key].0
    }

    fn row(&self, key: usize, want: &Want) -> Value {
        let (id, group, computer) = self.rows[key];
        let mut row = Row::new(want);
        row.put("Id", || id.to_string());
        row.put("GroupId", || group.to_string());
        row.put("ComputerId", || computer.to_string());
        row.done()
    }
}

/// Puts a computer into a group and gives the row's id; that of the row it has, if it is in.
pub(super) fn add(world: &mut World, group: u64, computer: u64) -> Result<u64, Problem> {
    if computers::find(world, computer).is_none() {
        return Err(Problem::missing("Computer", computer));
    }
    let groups = &world.automate.groups;
    let next = groups.iter().flat_map(|g| &g.members).map(|m| m.0).max().unwrap_or(0) + 1;
    let version = world.next_version();
    let now = world.now();
    let group = world
        .automate
        .groups
        .iter_mut()
        .find(|row| row.id == group && row.mark.gone.is_none())
        .ok_or_else(|| Problem::missing("Group", group))?;
    if let Some(there) = group.members.iter().find(|m| m.1 == computer && m.3.is_none()) {
        return Ok(there.0);
    }
    group.members.push((next, computer, version, None));
    group.mark.changed = version;
    group.mark.modified = now;
    Ok(next)
}

/// Takes a membership away.
pub(super) fn remove(world: &mut World, row: u64) -> Result<(), Problem> {
    let version = world.next_version();
    let now = world.now();
    for group in &mut world.automate.groups {
        if let Some(member) = group.members.iter_mut().find(|m| m.0 == row && m.3.is_none()) {
            member.3 = Some(version);
            group.mark.changed = version;
            group.mark.modified = now;
            return Ok(());
        }
    }
    Err(Problem::missing("GroupComputer", row))
}

//! Device objects of directories, and the computers that know themselves by their device ids.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::id::{ComputerId, TenantId};
use core_resolve::{Directory, Member};

use crate::people::Object;

/// Which device objects there are, and which computers know themselves by which device id.
#[derive(Default)]
pub(crate) struct Devices {
    /// The device id of an object.
    ids: HashMap<Object, String>,
    /// The objects of a device id: one in each directory that has it.
    objects: HashMap<String, BTreeSet<Object>>,
    /// The computers that know themselves by a device id, with their tenants.
    computers: HashMap<String, BTreeMap<ComputerId, TenantId>>,
    /// The device id that a computer knows itself by.
    known_by: HashMap<ComputerId, String>,
}

impl Devices {
    /// Takes a device object in, or out where it has no device id any more.
    pub(crate) fn object(&mut self, object: &Object, device_id: Option<&str>) {
        let before = match device_id {
            Some(id) => self.ids.insert(object.clone(), id.to_owned()),
            None => self.ids.remove(object),
        };
        if let Some(objects) = before.and_then(|id| self.objects.get_mut(&id)) {
            objects.remove(object);
        }
        if let Some(id) = device_id {
            self.objects.entry(id.to_owned()).or_default().insert(object.clone());
        }
    }

    /// Takes a computer in with its tenant, or out where it knows itself by no device id; gives the
    /// objects that may be another computer's now.
    pub(crate) fn computer(
        &mut self,
        computer: ComputerId,
        device: Option<(&str, TenantId)>,
    ) -> BTreeSet<Object> {
        let mut touched = BTreeSet::new();
        let before = match device {
            Some((id, _)) => self.known_by.insert(computer, id.to_owned()),
            None => self.known_by.remove(&computer),
        };
        if let Some(id) = before {
            touched.extend(self.objects.get(&id).into_iter().flatten().cloned());
            if let Some(computers) = self.computers.get_mut(&id) {
                computers.remove(&computer);
            }
        }
        if let Some((id, tenant)) = device {
            touched.extend(self.objects.get(id).into_iter().flatten().cloned());
            self.computers.entry(id.to_owned()).or_default().insert(computer, tenant);
        }
        touched
    }

    /// All objects.
    pub(crate) fn all(&self) -> Vec<Object> {
        self.ids.keys().cloned().collect()
    }

    /// The objects of a directory.
    pub(crate) fn of_directory(&self, directory: &Directory) -> Vec<Object> {
        self.ids.keys().filter(|object| object.0 == *directory).cloned().collect()
    }

    /// The computer that an object is, if that is of a tenant that the directory serves. Two computers
    /// with one device id are a question to a human elsewhere; until it is answered neither is it.
    pub(crate) fn member(
        &self,
        object: &Object,
        served: Option<&BTreeSet<TenantId>>,
    ) -> Option<Member> {
        let computers = self.computers.get(self.ids.get(object)?)?;
        let ours =
            computers.iter().filter(|(_, tenant)| served.is_some_and(|s| s.contains(tenant)));
        let mut ours = ours.map(|(computer, _)| Member::Device(*computer));
        match (ours.next(), ours.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

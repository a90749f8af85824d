//! What is installed where.

use serde::{Deserialize, Serialize};

use crate::machine::state;
use crate::world::{Installed, MachineNo, TenantNo, World};

/// The software of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineSoftware {
    /// Number in the world.
    pub no: MachineNo,
    /// Tenant number.
    pub tenant: TenantNo,
    /// Host name now.
    pub host: String,
    /// What is installed, by name.
    pub software: Vec<Installed>,
    /// Whether a reboot is pending.
    pub reboot_pending: bool,
}

/// The software of every machine that is there and is somebody's. It is a truth of its own: most
/// readers of [`truth`](super::truth()) do not ask for it, and it is the larger of the two.
#[must_use]
pub fn software(world: &World) -> Vec<MachineSoftware> {
    let machines = world.machines.iter().enumerate();
    machines
        .filter(|(_, machine)| machine.mark.gone.is_none() && !machine.stray)
        .map(|(no, machine)| {
            let state = state(world, no);
            let mut software = state.software.clone();
            software.sort_by(|one, other| one.name.cmp(&other.name));
            MachineSoftware {
                no,
                tenant: machine.tenant,
                host: machine.host.clone(),
                software,
                reboot_pending: !state.pending.is_empty(),
            }
        })
        .collect()
}

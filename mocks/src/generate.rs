//! Makes a world out of a seed: the same options and the same instant give the same world.
//!
//! The order matters only in that each part draws from dice of its own; see the parts for what
//! trouble they plant and how often.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use self::dice::Dice;
use self::names::Companies;
use self::plan::Plan;
use crate::world::{Automate, Control, Halo, Mark, Options, States, World};

mod access;
pub(crate) mod agents;
pub(crate) mod agreements;
mod clients;
mod contacts;
pub(crate) mod devices;
pub(crate) mod dice;
mod domains;
mod groups;
pub(crate) mod hardware;
pub(crate) mod machines;
pub(crate) mod names;
pub(crate) mod people;
mod plan;
mod showcase;
mod tenants;
mod troubles;

/// Makes the world as it is now.
#[must_use]
pub fn generate(options: &Options) -> World {
    generate_at(options, Utc::now())
}

/// Makes the world as of an instant (cut to the second), from which all its dates are counted.
#[must_use]
pub fn generate_at(options: &Options, now: DateTime<Utc>) -> World {
    let now = now.duration_trunc(TimeDelta::seconds(1)).unwrap_or(now);
    let dice = |part| Dice::new(options.seed, part);
    let mut companies = Companies::new();
    let plan = Plan::new(options, &mut companies, &mut dice(1));
    let mut world = empty(options, now, &mut dice(2));
    tenants::fill(&mut world, &plan, &mut dice(3));
    people::fill(&mut world, &plan, &mut dice(4));
    showcase::promote(&mut world);
    machines::fill(&mut world, &plan, &mut dice(5));
    troubles::plant(&mut world, &mut dice(6));
    showcase::name_a_mill(&mut world);
    clients::fill(&mut world, &plan, &mut companies, &mut dice(7));
    agents::fill(&mut world, &plan, &mut dice(8));
    devices::fill(&mut world, &mut dice(9));
    machines::log_on(&mut world, &mut dice(13));
    groups::fill(&mut world, &mut dice(10));
    contacts::fill(&mut world, &mut dice(11));
    agreements::fill(&mut world, &mut dice(12));
    showcase::off_board(&mut world);
    domains::fill(&mut world, &mut dice(14));
    world.states.stubborn = crate::machine::stubborn(&world);
    world
}

fn empty(options: &Options, now: DateTime<Utc>, dice: &mut Dice) -> World {
    World {
        options: options.clone(),
        version: 0,
        epoch: now,
        clock_ahead: 0,
        tenants: Vec::new(),
        directories: Vec::new(),
        persons: Vec::new(),
        groups: Vec::new(),
        machines: Vec::new(),
        states: States::default(),
        entra_devices: Vec::new(),
        intune_devices: Vec::new(),
        automate: Automate::default(),
        control: Control::default(),
        control_instance: dice.text(b"0123456789abcdef", 16),
        halo: Halo::default(),
        credentials: access::credentials(options, dice),
    }
}

/// A mark of a row that was there from the start.
pub(crate) fn mark(created: DateTime<Utc>, modified: DateTime<Utc>) -> Mark {
    Mark { created, modified: modified.max(created), born: 0, changed: 0, gone: None }
}

/// How many of `n` a share is, rounded up: rates are promised as "at least".
pub(crate) fn share(n: usize, rate: f64) -> usize {
    // Counts are far below 2^52, and rates are not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let count = (n as f64 * rate.clamp(0.0, 1.0)).ceil() as usize;
    count.min(n)
}

#[cfg(test)]
mod tests;

//! Who the customers are and how big: decided before anything else is made.

use super::dice::Dice;
use super::names::{Companies, Company};
use super::share;
use crate::world::Options;

/// Which RMMs a tenant's machines may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rmm {
    Both,
    Automate,
    Control,
}

/// Where a tenant's people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    /// In a directory of its own.
    Own,
    /// In the directory of another tenant, under a domain of its own.
    With(usize),
    /// Nowhere: no cloud directory.
    None,
}

/// What one tenant will have.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) company: Company,
    pub(crate) zone: &'static str,
    pub(crate) rmm: Rmm,
    pub(crate) home: Home,
    pub(crate) machines: usize,
    pub(crate) persons: usize,
}

/// What everybody will have; the first is the MSP itself.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) shares: Vec<Share>,
}

const ZONES: &[(&str, &str)] = &[
    ("America/New_York", "Inc."),
    ("America/New_York", "LLC"),
    ("America/Chicago", "LLC"),
    ("America/Chicago", "Inc."),
    ("America/Denver", "Corp."),
    ("America/Los_Angeles", "Inc."),
    ("America/Los_Angeles", "LLC"),
    ("America/St_Johns", "Ltd"),
    ("Europe/London", "Ltd"),
    ("Europe/Lisbon", "Ltd"),
    ("Europe/Berlin", "GmbH"),
    ("Australia/Sydney", "Ltd"),
    ("Pacific/Auckland", "Ltd"),
    ("Pacific/Honolulu", "Inc."),
];

impl Plan {
    /// Plans the customers: about forty machines each, some far bigger, some with one.
    pub(crate) fn new(options: &Options, companies: &mut Companies, dice: &mut Dice) -> Self {
        let customers = options.tenants.unwrap_or((options.computers / 40).max(3));
        let persons = options.persons.unwrap_or(options.computers * 11 / 10);
        let sizes: Vec<f64> = (0..=customers).map(|_| dice.size()).collect();
        let machines = split(options.computers, &sizes);
        let people = split(persons, &sizes);
        let mut shares = Vec::with_capacity(customers + 1);
        for (machines, persons) in machines.into_iter().zip(people) {
            let (zone, legal) = ZONES[dice.below(ZONES.len())];
            let company =
                if shares.is_empty() { companies.own() } else { companies.company(legal, dice) };
            let (rmm, home) = (Rmm::Both, Home::Own);
            shares.push(Share { company, zone, rmm, home, machines, persons });
        }
        let mut plan = Self { shares };
        plan.settle_directories(options, dice);
        plan.settle_rmms(options.computers, dice);
        plan
    }

    /// Takes the directory from some, and puts two into one for every hundred tenants.
    fn settle_directories(&mut self, options: &Options, dice: &mut Dice) {
        let mut order: Vec<usize> = (1..self.shares.len()).collect();
        dice.shuffle(&mut order);
        let customers = order.len();
        let mut order = order.into_iter();
        for _ in 0..if customers < 3 { 0 } else { customers.div_ceil(100) } {
            if let (Some(host), Some(lodger)) = (order.next(), order.next()) {
                self.shares[lodger].home = Home::With(host);
            }
        }
        for tenant in order.take(share(customers, options.without_directory)) {
            self.shares[tenant].home = Home::None;
            self.shares[tenant].persons = 0;
        }
    }

    /// Some tenants are in one RMM only, up to a sixteenth of all machines for either.
    fn settle_rmms(&mut self, computers: usize, dice: &mut Dice) {
        let mut order: Vec<usize> = (1..self.shares.len()).collect();
        dice.shuffle(&mut order);
        let (mut automate, mut control) = (computers / 16, computers / 16);
        for tenant in order {
            let share = &mut self.shares[tenant];
            if share.machines <= automate {
                automate -= share.machines;
                share.rmm = Rmm::Automate;
            // Without a client in Automate it is its directory that makes a tenant known.
            } else if share.machines <= control && share.home == Home::Own {
                control -= share.machines;
                share.rmm = Rmm::Control;
            }
        }
    }
}

/// Splits a total by weights, at least one each while there is enough.
fn split(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    let floor = usize::from(total >= weights.len());
    let rest = total - floor * weights.len();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let part = |weight: f64| (rest as f64 * weight / sum).floor() as usize;
    let mut parts: Vec<usize> = weights.iter().map(|w| floor + part(*w)).collect();
    let mut left = total.saturating_sub(parts.iter().sum());
    let count = parts.len();
    for at in 0.. {
        if left == 0 || count == 0 {
            break;
        }
        parts[at % count] += 1;
        left -= 1;
    }
    parts
}

//! Directory users: members, guests, service and administrator accounts, shared mailboxes; some
//! were renamed, some may not sign in.

use std::collections::HashMap;

use super::dice::Dice;
use super::names;
use super::plan::Plan;
use super::{mark, share};
use crate::world::{Account, DirectoryNo, Person, TenantNo, World};

const DEPARTMENTS: &[(&str, &str)] = &[
    ("Finance", "Accountant"),
    ("Sales", "Account Manager"),
    ("Operations", "Coordinator"),
    ("Engineering", "Engineer"),
    ("Human Resources", "Recruiter"),
    ("Management", "Director"),
    ("Reception", "Receptionist"),
];

/// Counts how often an address was wanted, so that every UPN of the estate is given once.
pub(crate) type Taken = HashMap<String, u32>;

/// Makes the people of every tenant that has a directory.
pub(super) fn fill(world: &mut World, plan: &Plan, dice: &mut Dice) {
    let mut taken = Taken::new();
    let homes: Vec<(TenantNo, DirectoryNo, usize)> = (world.tenants.iter().enumerate())
        .filter_map(|(no, tenant)| Some((no, tenant.directory?, plan.shares[no].persons)))
        .collect();
    // Tenants without a directory leave their part to the others, so that the total is right.
    let wanted = world.options.persons.unwrap_or(world.options.computers * 11 / 10);
    let planned: usize = homes.iter().map(|(_, _, count)| count).sum();
    let mut missing = wanted.saturating_sub(planned);
    let extra = missing.div_ceil(homes.len().max(1));
    for (tenant, directory, count) in homes {
        let more = extra.min(missing);
        missing -= more;
        let accounts = accounts(count + more, world, dice);
        for account in accounts {
            let person = person((tenant, directory), account, world, &mut taken, dice);
            world.persons.push(person);
        }
    }
    rename(world, &mut taken, dice);
}

/// What each of `count` users is.
fn accounts(count: usize, world: &World, dice: &mut Dice) -> Vec<Account> {
    let mut accounts = vec![Account::Guest; share(count, world.options.guests)];
    if count >= 10 {
        accounts.extend(vec![Account::SharedMailbox; share(count, 0.03)]);
        accounts.extend(vec![Account::Service; share(count, 0.015)]);
        accounts.extend(vec![Account::Admin; share(count, 0.015)]);
    } else if count < 3 {
        accounts.clear();
    }
    accounts.resize(count, Account::Member);
    dice.shuffle(&mut accounts);
    accounts
}

/// One user of a tenant.
pub(crate) fn person(
    (tenant, directory): (TenantNo, DirectoryNo),
    account: Account,
    world: &World,
    taken: &mut Taken,
    dice: &mut Dice,
) -> Person {
    let home = &world.directories[directory];
    let domain = &world.tenants[tenant].domain;
    let (given, surname) = names::person(dice);
    let plain = format!("{}.{}", names::ascii(given), names::ascii(surname));
    let local = match account {
        Account::Member => plain,
        Account::Guest => format!("{plain}_{}.example#EXT#", names::ascii(surname)),
        Account::Service => {
            format!("svc-{}", dice.pick(&["backup", "scan", "sql", "print", "sync"]))
        }
        Account::Admin => format!("adm.{}", names::ascii(surname)),
        Account::SharedMailbox => {
            dice.pick(&["info", "office", "billing", "orders", "jobs"]).to_owned()
        }
    };
    let initial = matches!(account, Account::Guest | Account::Admin);
    let domain = if initial { &home.initial_domain } else { domain };
    let upn = unique(&local, domain, dice.chance(0.15), taken);
    let department = DEPARTMENTS[dice.below(DEPARTMENTS.len())];
    let synced = home.on_premises.is_some()
        && match account {
            Account::Member => dice.chance(0.97),
            Account::Service => dice.chance(0.5),
            _ => false,
        };
    let created = dice.days_ago(world.epoch, 20, 1_500);
    let changed = dice.instant(created, world.epoch);
    let employed = account == Account::Member && dice.chance(0.9);
    Person {
        tenant,
        directory,
        id: dice.uuid(),
        account,
        given: given.to_owned(),
        surname: surname.to_owned(),
        display_name: display_name(account, given, surname, &local),
        mail: mail(account, &upn, dice),
        enabled: account != Account::SharedMailbox && dice.chance(0.97),
        sam: synced.then(|| sam(&upn)),
        upn,
        earlier_upns: Vec::new(),
        department: employed.then(|| department.0.to_owned()),
        job_title: employed.then(|| department.1.to_owned()),
        purged: false,
        mark: mark(created, changed),
    }
}

fn display_name(account: Account, given: &str, surname: &str, local: &str) -> String {
    match account {
        Account::Member => format!("{given} {surname}"),
        Account::Guest => format!("{given} {surname} (Guest)"),
        Account::Admin => format!("{given} {surname} (Admin)"),
        Account::Service | Account::SharedMailbox => local.to_owned(),
    }
}

fn mail(account: Account, upn: &str, dice: &mut Dice) -> Option<String> {
    match account {
        Account::Member => dice.chance(0.95).then(|| upn.to_lowercase()),
        Account::SharedMailbox => Some(upn.to_lowercase()),
        Account::Guest => {
            let local = upn.split("#EXT#").next()?;
            local.rsplit_once('_').map(|(name, domain)| format!("{name}@{domain}"))
        }
        Account::Service | Account::Admin => None,
    }
}

/// A UPN that nobody has; some are typed with capitals.
pub(crate) fn unique(local: &str, domain: &str, capitals: bool, taken: &mut Taken) -> String {
    loop {
        let wanted = format!("{local}@{domain}").to_lowercase();
        let count = taken.entry(wanted).or_default();
        *count += 1;
        let numbered = match (*count, local.strip_suffix("#EXT#")) {
            (1, _) => local.to_owned(),
            (n, Some(stem)) => format!("{stem}{n}#EXT#"),
            (n, None) => format!("{local}{n}"),
        };
        // The numbered one may be taken too, by somebody renamed to it.
        if numbered != local
            && *taken
                .entry(format!("{numbered}@{domain}").to_lowercase())
                .and_modify(|c| *c += 1)
                .or_insert(1)
                > 1
        {
            continue;
        }
        let local = if capitals { capitalised(&numbered) } else { numbered };
        return format!("{local}@{domain}");
    }
}

fn capitalised(local: &str) -> String {
    let parts = local.split('.').map(|part| {
        let mut letters = part.chars();
        letters.next().map_or_else(String::new, |l| l.to_uppercase().chain(letters).collect())
    });
    parts.collect::<Vec<String>>().join(".")
}

/// The on-premises account name: twenty characters at most, unique because the UPN is.
pub(crate) fn sam(upn: &str) -> String {
    let local = upn.split('@').next().unwrap_or(upn).to_lowercase();
    match local.split_once('.') {
        Some((given, rest)) if local.len() > 20 => {
            // Long names keep the initial and the tail, where the number is that tells them apart.
            let tail: String =
                rest.chars().rev().take(18).collect::<Vec<_>>().into_iter().rev().collect();
            format!("{}.{tail}", given.chars().next().unwrap_or('x'))
        }
        _ => local.chars().take(20).collect(),
    }
}

/// Renames a share of the members; the old address stays theirs.
fn rename(world: &mut World, taken: &mut Taken, dice: &mut Dice) {
    let mut members: Vec<usize> = (0..world.persons.len())
        .filter(|no| world.persons[*no].account == Account::Member)
        .collect();
    dice.shuffle(&mut members);
    members.truncate(share(members.len(), world.options.renamed_upns));
    for no in members {
        let domain = world.tenants[world.persons[no].tenant].domain.clone();
        let when = dice.days_ago(world.epoch, 1, 200);
        renamed(&mut world.persons[no], names::surname(dice), &domain, taken);
        let mark = &mut world.persons[no].mark;
        mark.modified = when.max(mark.created);
    }
}

/// Gives somebody another surname and with it another UPN.
pub(crate) fn renamed(person: &mut Person, surname: &str, domain: &str, taken: &mut Taken) {
    let local = format!("{}.{}", names::ascii(&person.given), names::ascii(surname));
    let upn = unique(&local, domain, false, taken);
    person.surname = surname.to_owned();
    person.display_name = format!("{} {surname}", person.given);
    person.mail = person.mail.as_ref().map(|_| upn.clone());
    person.earlier_upns.push(std::mem::replace(&mut person.upn, upn));
}

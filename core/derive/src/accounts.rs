//! Accounts that only a domain controller can translate: which are asked about, with which script, and
//! what it answered.
//!
//! `DOMAIN\user` is no address. Where the tenant's directory does not say whose it is (it is not synced
//! from that domain, or there is none), a domain controller of the tenant is asked for the UPN. What it
//! did not say is not known; nothing is concluded from the name.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use core_model::entity::Computer;
use core_model::names::normal_address;

use crate::script::is_upn;

/// Accounts that are asked about with one script.
pub const BATCH: usize = 50;
/// Bytes of an account's name. A domain's has 255 at most and a user's 20; more is no account.
const LONGEST: usize = 300;
/// Bytes of all names of one script, encoded: Windows takes no longer command line.
const ROOM: usize = 7_000;

/// Before the lines that ask. A name comes in base64, so that whatever it is made of is data; Windows
/// itself looks it up, by domain and name, and the directory says what its UPN is.
const FUNCTION: &str = "$ErrorActionPreference = 'SilentlyContinue'
function Upn($text) { try { $name = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($text)); \
$sid = (New-Object Security.Principal.NTAccount($name)).Translate([Security.Principal.SecurityIdentifier]).Value; \
([ADSI]('LDAP://<SID=' + $sid + '>')).Properties['userPrincipalName'].Value } catch { '' } }
";

/// Domains that are none: what Windows writes before accounts of the cloud, of itself and of nobody.
const NO_DOMAINS: &[&str] = &[
    ".",
    "azuread",
    "builtin",
    "font driver host",
    "microsoftaccount",
    "nt authority",
    "nt service",
    "window manager",
    "workgroup",
];

/// The script that asks a domain controller (PowerShell) about these accounts: a line for each, by its
/// place.
#[must_use]
pub fn script(accounts: &[String]) -> String {
    let line = |(place, account): (usize, &String)| {
        format!("'{place}=' + (Upn '{}')\n", STANDARD.encode(account))
    };
    let lines: String = accounts.iter().enumerate().map(line).collect();
    format!("{FUNCTION}{lines}")
}

/// What was printed: of each account that has a line its UPN, or none. An account without a line was
/// not asked about to the end.
#[must_use]
pub fn read(output: &str, accounts: &[String]) -> Vec<(String, Option<String>)> {
    let mut told: HashMap<usize, Option<String>> = HashMap::new();
    for line in output.lines() {
        let Some((place, upn)) = line.trim().split_once('=') else { continue };
        let Ok(place) = place.parse() else { continue };
        let upn = normal_address(upn.trim().trim_end_matches('\0'));
        told.entry(place).or_insert(is_upn(&upn).then_some(upn));
    }
    let each = accounts.iter().enumerate();
    each.filter_map(|(place, account)| Some((account.clone(), told.remove(&place)?))).collect()
}

/// The accounts seen at these computers of one tenant whose UPN a domain controller might know: those
/// of a domain that the directory does not tell. Accounts of a machine of the tenant are its own.
#[must_use]
pub fn open(computers: &[Computer]) -> BTreeSet<String> {
    let hosts: BTreeSet<String> =
        computers.iter().map(|computer| computer.name.trim().to_lowercase()).collect();
    let logons = computers.iter().filter(|computer| !computer.gone).flat_map(|one| &one.logons);
    logons
        .filter(|logon| logon.person.is_none() || logon.upn.is_some())
        .filter(|logon| may_be_of_domain(&logon.account, &hosts))
        .map(|logon| logon.account.clone())
        .collect()
}

fn may_be_of_domain(account: &str, hosts: &BTreeSet<String>) -> bool {
    let Some((domain, user)) = account.split_once('\\') else { return false };
    let plain = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
    plain(domain)
        && plain(user)
        && !user.contains('\\')
        && !user.ends_with('$')
        && account.len() <= LONGEST
        && !hosts.contains(domain)
        && !NO_DOMAINS.contains(&domain)
}

/// As many of them as one script may ask about.
#[must_use]
pub fn batch(accounts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut room = ROOM;
    let fits = |account: &String| {
        let length = account.len().div_ceil(3) * 4 + 20;
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    accounts.into_iter().take(BATCH).take_while(fits).collect()
}

/// What the domain controllers of a tenant have told.
#[derive(Clone, Debug, Default)]
pub struct Answers(HashMap<String, Vec<Answer>>);

#[derive(Clone, Debug)]
struct Answer {
    upn: String,
    last: DateTime<Utc>,
}

impl Answers {
    /// Adds that this account had this UPN when that was last told. In the order in which it was told.
    pub fn add(&mut self, account: &str, upn: &str, last: DateTime<Utc>) {
        let answers = self.0.entry(normal_address(account)).or_default();
        answers.push(Answer { upn: normal_address(upn), last });
    }

    /// The UPN of an account that was seen at that time: as it was told next, else as it was told last.
    /// An account that was given to somebody else keeps its old logons where they are.
    #[must_use]
    pub fn upn(&self, account: &str, at: DateTime<Utc>) -> Option<&str> {
        let answers = self.0.get(account)?;
        let next = answers.iter().find(|answer| at <= answer.last);
        next.or_else(|| answers.last()).map(|answer| answer.upn.as_str())
    }
}

#[cfg(test)]
mod tests;

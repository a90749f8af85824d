//! Affinity, by the numbers of its scenarios.

use chrono::{Duration, TimeZone, Utc};

use super::*;
use core_model::entity::{EarlierUpn, Person};
use core_model::facts::AccountKind;
use core_model::id::TenantId;

mod accounts;
mod window;

/// Somebody of the tenant with this UPN.
fn person(upn: &str) -> Person {
    numbered(upn, 1)
}

/// The `number`th holder of this UPN.
fn numbered(upn: &str, number: i64) -> Person {
    Person {
        id: PersonId::of_text(upn, number * 1_000_000),
        tenant: TenantId::of_text("contoso", 0),
        connection: "entra".to_owned(),
        directory: "d1".to_owned(),
        directory_id: format!("{upn}-{number}"),
        upn: upn.to_owned(),
        earlier_upns: Vec::new(),
        display_name: upn.to_owned(),
        mail: None,
        addresses: Vec::new(),
        on_premises: None,
        department: None,
        job_title: None,
        account: AccountKind::Member,
        disabled: false,
        gone: false,
        gone_since: None,
    }
}

/// A UPN that somebody had until the morning of this day.
fn earlier(upn: &str, day: i64) -> EarlierUpn {
    EarlierUpn { upn: upn.to_owned(), until: at(day) }
}

/// Ana, Bob and Cem.
fn staff() -> [Person; 3] {
    ["ana@contoso.com", "bob@contoso.com", "cem@contoso.com"].map(person)
}

fn at(day: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 9, 0, 0).unwrap() + Duration::days(day)
}

fn logon(account: &str, day: i64) -> LogonInput {
    logon_at(account, at(day))
}

fn logon_at(account: &str, at: DateTime<Utc>) -> LogonInput {
    LogonInput {
        account: account.to_owned(),
        source: "whoami".to_owned(),
        at_us: at.timestamp_micros(),
    }
}

/// One logon a day, the oldest first; a letter stands for a name at contoso.com.
fn daily(names: &str) -> Vec<LogonInput> {
    let account = |letter| match letter {
        'A' => "ana@contoso.com".to_owned(),
        'B' => "bob@contoso.com".to_owned(),
        'C' => "cem@contoso.com".to_owned(),
        other => format!("{other}@nobody.example").to_lowercase(),
    };
    names.chars().zip(1..).map(|(letter, day)| logon(&account(letter), day)).collect()
}

fn computed(logons: &[LogonInput], persons: &[Person], policy: &AffinityPolicy) -> Affinity {
    affinity(logons, None, None, &People::of(persons, policy), policy)
}

/// What comes out with the ordinary settings.
fn of(logons: &[LogonInput], persons: &[Person]) -> Affinity {
    computed(logons, persons, &AffinityPolicy::default())
}

impl Affinity {
    fn is_primary(&self, person: &Person) -> bool {
        self.primary.as_ref().is_some_and(|primary| primary.person == person.id)
    }

    fn persons(&self) -> Vec<PersonId> {
        self.logons.iter().filter_map(|logon| logon.person).collect()
    }

    fn accounts(&self) -> Vec<&str> {
        self.logons.iter().map(|logon| logon.account.as_str()).collect()
    }
}

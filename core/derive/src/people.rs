//! Persons, groups and memberships, one from each record.

use chrono::DateTime;
use core_model::RecordRef;
use core_model::entity::{EarlierUpn, Group, Membership, Person};
use core_model::facts::{GroupFacts, GroupMemberFacts, PersonFacts};
use core_model::id::{GroupId, MembershipId, PersonId, TenantId};
use core_model::names::{domain_of, normal_address};

use crate::input::SourceRecord;
use crate::policy::DomainSplit;

/// A person from his record.
#[must_use]
pub fn person(record: &SourceRecord, facts: &PersonFacts, tenant: TenantId) -> Person {
    let on_premises = match (&facts.on_premises.domain, &facts.on_premises.sam) {
        (Some(domain), Some(sam)) => Some(format!("{domain}\\{sam}").to_lowercase()),
        _ => None,
    };
    Person {
        id: PersonId::derive(&record.record, record.first_seen_us),
        tenant,
        connection: record.record.connection.clone(),
        directory: record.record.scope.clone(),
        directory_id: record.record.key.clone(),
        upn: facts.upn.clone(),
        earlier_upns: earlier_upns(record, &normal_address(&facts.upn)),
        display_name: facts.display_name.clone(),
        mail: facts.mail.clone(),
        addresses: facts.addresses.clone(),
        on_premises,
        department: facts.department.clone(),
        job_title: facts.job_title.clone(),
        account: facts.account,
        disabled: facts.disabled,
        gone: record.is_gone(),
        gone_since: record.gone_since_us.and_then(DateTime::from_timestamp_micros),
    }
}

/// The UPNs that a record had before the present one, each with the time at which it ended.
fn earlier_upns(record: &SourceRecord, present: &str) -> Vec<EarlierUpn> {
    let mut earlier: Vec<EarlierUpn> = Vec::new();
    for one in &record.history {
        let upn = normal_address(&one.value);
        let until = DateTime::from_timestamp_micros(one.until_us).unwrap_or_default();
        match earlier.last_mut() {
            // A change of another part of the record's name is no change of the UPN.
            Some(last) if last.upn == upn => last.until = until,
            _ if upn.is_empty() => {}
            _ => earlier.push(EarlierUpn { upn, until }),
        }
    }
    // The same again, without another one since, never ended.
    if earlier.last().is_some_and(|last| last.upn == present) {
        earlier.pop();
    }
    earlier
}

/// A directory group from its record.
#[must_use]
pub fn group(record: &SourceRecord, facts: &GroupFacts, tenant: TenantId) -> Group {
    Group {
        id: GroupId::derive(&record.record, record.first_seen_us),
        tenant,
        connection: record.record.connection.clone(),
        directory: record.record.scope.clone(),
        directory_id: record.record.key.clone(),
        name: facts.name.clone(),
        group_type: facts.group_type,
        dynamic: facts.dynamic,
        on_premises: facts.on_premises,
        gone: record.is_gone(),
    }
}

/// A membership from its record. The group is named by its directory id, because the membership
/// may be read before the group.
#[must_use]
pub fn membership(record: &SourceRecord, facts: &GroupMemberFacts, tenant: TenantId) -> Membership {
    Membership {
        id: MembershipId::derive(&record.record, record.first_seen_us),
        tenant,
        connection: record.record.connection.clone(),
        directory: record.record.scope.clone(),
        group: facts.group.clone(),
        member_kind: facts.member_kind,
        member: facts.member.clone(),
        gone: record.is_gone(),
    }
}

/// The split that takes a person of this UPN, or a machine of his, away from the directory's own
/// tenant, if one does.
#[must_use]
pub fn split_of<'a>(
    record: &RecordRef,
    upn: &str,
    splits: &'a [DomainSplit],
) -> Option<&'a DomainSplit> {
    let domain = domain_of(upn)?;
    splits.iter().find(|split| split.directory == record.scope && split.domains.contains(&domain))
}

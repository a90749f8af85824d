//! The groups of each directory, and who is in them directly.
//!
//! A large group comes in slices: the same row again and again, each time with other members. Each
//! member is a record of its own, so slices add up by themselves. Members of a removed group are
//! not named by Graph; their records stay, and mean nothing without the group. A membership of a
//! deleted user is not reported either, and means nothing without the user.

use core_model::facts::{DomainNames, GroupFacts, GroupMemberFacts, GroupType, MemberKind};
use core_model::{Record, RecordKind};
use serde_json::value::RawValue;

use crate::delta::{Gathered, Spec};
use crate::wire::{self, Group, Member, text};

/// `/groups/delta`; members are told where `$select` names them.
pub(crate) const SPEC: Spec = Spec {
    operation: "GET /groups/delta",
    start: "groups/delta?$select=id,displayName,description,groupTypes,mail,mailEnabled,\
            securityEnabled,resourceProvisioningOptions,onPremisesSyncEnabled,\
            onPremisesDomainName,onPremisesNetBiosName,visibility,members",
    version: 2,
    read,
};

fn read(raw: Box<RawValue>, directory: &str, into: &mut Gathered) {
    let mut group: Group = match wire::row(&raw) {
        Ok(group) => group,
        Err(rejected) => return into.reject(rejected),
    };
    group.id.make_ascii_lowercase();
    if group.removed.is_some() {
        return into.gone(RecordKind::Group, group.id);
    }
    let members = group.members.take();
    let key = group.id.clone();
    match text(group.display_name.take()) {
        Some(name) => {
            // Of its row only the facts are content: the members differ from slice to slice.
            let facts = facts(group, name);
            let record = Record::with_volatile_fields(&*key, facts.into(), Box::<str>::from(raw));
            into.live(record.of_client(directory));
        }
        // A slice of members that repeats nothing else of its group.
        None if members.is_some() => {}
        None => {
            let why = "a group without a display name";
            return into.reject(wire::rejected(&key, "$.displayName", why, &raw));
        }
    }
    for row in members.unwrap_or_default() {
        member(row, &key, directory, into);
    }
}

fn member(raw: Box<RawValue>, group: &str, directory: &str, into: &mut Gathered) {
    let mut member: Member = match wire::row(&raw) {
        Ok(member) => member,
        Err(rejected) => return into.reject(rejected),
    };
    member.id.make_ascii_lowercase();
    let key = format!("{group}/{}", member.id);
    if member.removed.is_some() {
        return into.gone(RecordKind::GroupMember, key);
    }
    let facts = GroupMemberFacts {
        group: group.to_owned(),
        member: member.id,
        member_kind: member_kind(member.odata_type.as_deref()),
    };
    into.live(Record::new(key, facts.into(), Box::<str>::from(raw)).of_client(directory));
}

fn member_kind(odata_type: Option<&str>) -> MemberKind {
    match odata_type {
        Some("#microsoft.graph.user") => MemberKind::Person,
        Some("#microsoft.graph.group") => MemberKind::Group,
        Some("#microsoft.graph.device") => MemberKind::Device,
        _ => MemberKind::Other,
    }
}

fn facts(group: Group, name: String) -> GroupFacts {
    let has = |list: &Option<Vec<String>>, word: &str| {
        list.as_ref().is_some_and(|list| list.iter().any(|item| item.eq_ignore_ascii_case(word)))
    };
    let is_team = has(&group.resource_provisioning_options, "Team");
    let mail_enabled = group.mail_enabled == Some(true);
    let group_type = match (has(&group.group_types, "Unified"), group.security_enabled) {
        (true, _) if is_team => GroupType::Team,
        (true, _) => GroupType::Microsoft365,
        (false, Some(true)) if mail_enabled => GroupType::MailSecurity,
        (false, Some(false) | None) if mail_enabled => GroupType::Distribution,
        (false, _) => GroupType::Security,
    };
    let visibility = group.visibility.as_deref().unwrap_or_default();
    GroupFacts {
        name,
        group_type,
        dynamic: has(&group.group_types, "DynamicMembership"),
        on_premises: group.on_premises_sync_enabled == Some(true),
        domain: text(group.on_premises_net_bios_name)
            .zip(text(group.on_premises_domain_name))
            .map(|(net_bios, dns)| DomainNames { net_bios, dns }),
        mail: text(group.mail),
        description: text(group.description),
        hidden_membership: visibility.eq_ignore_ascii_case("HiddenMembership"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read_facts(row: &Value) -> GroupFacts {
        facts(serde_json::from_value(row.clone()).unwrap(), "g".into())
    }

    #[test]
    fn a_group_is_what_its_switches_say() {
        for (types, mail, security, options, expected) in [
            (json!(["Unified"]), true, false, json!([]), GroupType::Microsoft365),
            (json!(["Unified", "DynamicMembership"]), true, true, json!(["Team"]), GroupType::Team),
            (json!([]), true, true, json!([]), GroupType::MailSecurity),
            (json!([]), false, true, json!(null), GroupType::Security),
            (json!(null), true, false, json!([]), GroupType::Distribution),
        ] {
            let facts = read_facts(&json!({"id": "1", "groupTypes": types, "mailEnabled": mail,
                "securityEnabled": security, "resourceProvisioningOptions": options}));
            assert_eq!(facts.group_type, expected, "{types} {mail} {security} {options}");
            assert_eq!(facts.dynamic, types.to_string().contains("Dynamic"));
        }
    }

    #[test]
    fn formerly_synced_is_not_synced_and_hidden_membership_is_said() {
        let facts = read_facts(&json!({"id": "1", "onPremisesSyncEnabled": false,
            "visibility": "HiddenMembership"}));
        assert!(!facts.on_premises && facts.hidden_membership);
    }

    #[test]
    fn a_synced_group_tells_both_names_of_its_domain() {
        let named = |net_bios: &str| {
            let facts = read_facts(&json!({"id": "1", "onPremisesSyncEnabled": true,
                "onPremisesDomainName": "ad.contoso.com", "onPremisesNetBiosName": net_bios}));
            facts.domain.map(|domain| (domain.net_bios, domain.dns))
        };
        assert_eq!(named("NORTHWIND"), Some(("NORTHWIND".into(), "ad.contoso.com".into())));
        assert_eq!(named(" "), None);
    }
}

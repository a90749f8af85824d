//! Streams `groups` and `group-members`: Automate's groups, and which computers are in them.

use core_http::decode::id_text;
use core_model::RecordKind;
use core_model::facts::{ConnectionGroupFacts, ConnectionGroupKind, ConnectionGroupMemberFacts};
use core_model::record::{Record, Rejected};
use serde::Deserialize;

use crate::listing::Table;
use crate::wire::filled;

/// `GET /Groups`.
pub(crate) struct Groups;
/// `GET /GroupComputers`.
pub(crate) struct Members;

/// A group, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Group {
    #[serde(deserialize_with = "id_text::deserialize")]
    id: String,
    #[serde(default, deserialize_with = "id_text::option::deserialize")]
    parent_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    full_name: Option<String>,
}

/// A computer in a group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Member {
    #[serde(deserialize_with = "id_text::deserialize")]
    group_id: String,
    #[serde(deserialize_with = "id_text::deserialize")]
    computer_id: String,
}

impl Table for Groups {
    const NAME: &'static str = "groups";
    const KINDS: &'static [RecordKind] = &[RecordKind::ConnectionGroup];
    const PATH: &'static str = "Groups";
    const ID: &'static str = "Id";
    const FIELDS: &'static str = "Id,ParentId,Name,FullName";
    const MAY_BE_ABSENT: bool = true;
    type Row = Group;

    fn records(row: Group, raw: &str) -> Result<Vec<Record>, Rejected> {
        let name = filled(row.full_name).or(filled(row.name));
        let facts = ConnectionGroupFacts {
            name: name.unwrap_or_else(|| format!("Group {}", row.id)),
            group_kind: ConnectionGroupKind::Group,
            // A group at the top names 0, or itself.
            parent: row.parent_id.filter(|parent| parent != "0" && *parent != row.id),
        };
        Ok(vec![Record::new(row.id, facts.into(), raw)])
    }
}

impl Table for Members {
    const NAME: &'static str = "group-members";
    const KINDS: &'static [RecordKind] = &[RecordKind::ConnectionGroupMember];
    const PATH: &'static str = "GroupComputers";
    const ID: &'static str = "Id";
    const FIELDS: &'static str = "Id,GroupId,ComputerId";
    const MAY_BE_ABSENT: bool = true;
    type Row = Member;

    fn records(row: Member, raw: &str) -> Result<Vec<Record>, Rejected> {
        let key = format!("{}/{}", row.group_id, row.computer_id);
        let facts = ConnectionGroupMemberFacts { group: row.group_id, agent: row.computer_id };
        // Leaving and joining again gives the row another id, which is nobody's business.
        Ok(vec![Record::with_volatile_fields(key, facts.into(), raw)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    #[test]
    fn a_nested_group_has_its_whole_path_for_a_name() {
        let json = r#"{"Id":"850","ParentId":"7","Name":"SQL","FullName":"Servers\\SQL"}"#;
        let record = Groups::records(serde_json::from_str(json).unwrap(), json).unwrap().remove(0);
        let Facts::ConnectionGroup(group) = record.facts else { panic!() };
        assert_eq!((group.name.as_str(), group.parent.as_deref()), ("Servers\\SQL", Some("7")));
    }

    #[test]
    fn a_group_at_the_top_has_no_parent() {
        for parent in ["0", "850", "null", r#""""#] {
            let json = format!(r#"{{"Id":"850","ParentId":{parent},"Name":"All"}}"#);
            let records = Groups::records(serde_json::from_str(&json).unwrap(), &json).unwrap();
            let Facts::ConnectionGroup(group) = &records[0].facts else { panic!() };
            assert_eq!(group.parent, None, "{parent}");
        }
    }

    #[test]
    fn a_membership_is_known_by_group_and_computer() {
        let read = |json: &str| {
            Members::records(serde_json::from_str(json).unwrap(), json).unwrap().remove(0)
        };
        let first = read(r#"{"Id":"1","GroupId":"850","ComputerId":"1234"}"#);
        let again = read(r#"{"Id":"2","GroupId":850,"ComputerId":1234}"#);
        assert_eq!(first.key, "850/1234");
        assert_eq!((first.key, first.hash), (again.key, again.hash));
    }
}

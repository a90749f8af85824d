//! Groups and locations of RMMs, and device objects of directories, one from each record.

use core_model::entity::{ConnectionGroup, ConnectionMember, DirectoryDevice};
use core_model::facts::{ConnectionGroupFacts, ConnectionGroupMemberFacts, DirectoryDeviceFacts};
use core_model::id::{ConnectionGroupId, ConnectionMemberId, DirectoryDeviceId, TenantId};

use crate::input::SourceRecord;

/// A group or location from its record.
#[must_use]
pub fn connection_group(
    record: &SourceRecord,
    facts: &ConnectionGroupFacts,
    tenant: Option<TenantId>,
) -> ConnectionGroup {
    ConnectionGroup {
        id: ConnectionGroupId::derive(&record.record, record.first_seen_us),
        connection: record.record.connection.clone(),
        key: record.record.key.clone(),
        group_kind: facts.group_kind,
        name: facts.name.clone(),
        parent: facts.parent.clone(),
        tenant,
        gone: record.is_gone(),
    }
}

/// A membership in a group from its record.
#[must_use]
pub fn connection_member(
    record: &SourceRecord,
    facts: &ConnectionGroupMemberFacts,
) -> ConnectionMember {
    ConnectionMember {
        id: ConnectionMemberId::derive(&record.record, record.first_seen_us),
        connection: record.record.connection.clone(),
        group: facts.group.clone(),
        agent: facts.agent.clone(),
        gone: record.is_gone(),
    }
}

/// A device object from its record.
#[must_use]
pub fn directory_device(
    record: &SourceRecord,
    facts: &DirectoryDeviceFacts,
    tenant: TenantId,
) -> DirectoryDevice {
    DirectoryDevice {
        id: DirectoryDeviceId::derive(&record.record, record.first_seen_us),
        tenant,
        connection: record.record.connection.clone(),
        directory: record.record.scope.clone(),
        directory_id: record.record.key.clone(),
        device_id: facts.device_id.clone(),
        name: facts.name.clone(),
        gone: record.is_gone(),
    }
}

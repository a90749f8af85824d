//! What the application must be allowed to do, what each permission is for, and which of them a
//! refused request was lacking.

use core_connector::Permission;

/// Every permission this connector asks for.
pub(crate) const PERMISSIONS: &[Permission] = &[
    Permission {
        name: "Organization.Read.All",
        for_what: "tenants: name and domains of each directory",
        required: true,
    },
    Permission { name: "User.Read.All", for_what: "users: the persons", required: true },
    Permission {
        name: "GroupMember.Read.All",
        for_what: "groups: the groups and who is in them",
        required: true,
    },
    Permission {
        name: "Device.Read.All",
        for_what: "devices: the devices that are joined to a directory",
        required: false,
    },
    Permission {
        name: "DeviceManagementManagedDevices.Read.All",
        for_what: "managed-devices: the computers that Intune manages",
        required: false,
    },
    Permission {
        name: "DelegatedAdminRelationship.Read.All",
        for_what: "the list of customers with `customers = \"relationships\"` (delegated only)",
        required: false,
    },
    Permission {
        name: "Directory.Read.All",
        for_what: "the list of customers with `customers = \"contracts\"`",
        required: false,
    },
    Permission {
        name: "Group.Read.All",
        for_what: "being told of changes of groups (`webhook_secret`); covers GroupMember.Read.All",
        required: false,
    },
    Permission {
        name: "Member.Read.Hidden",
        for_what: "groups: members of groups with hidden membership",
        required: false,
    },
];

/// What is asked of Graph under a path, and what is lost without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    path: &'static str,
    /// The permission.
    pub(crate) permission: &'static str,
    /// What does not work without it.
    pub(crate) costs: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        path: "/subscriptions for users",
        permission: "User.Read.All",
        costs: "changes of persons are found when they are read as planned, and not told before",
    },
    Need {
        path: "/subscriptions for groups",
        permission: "Group.Read.All",
        costs: "changes of groups are found when they are read as planned, and not told before",
    },
    Need {
        path: "/users",
        permission: "User.Read.All",
        costs: "no persons are read, so nothing that targets persons or groups applies",
    },
    Need {
        path: "/groups",
        permission: "GroupMember.Read.All",
        costs: "no groups are read, so deployments that target a directory group resolve to nobody",
    },
    Need {
        path: "/devices",
        permission: "Device.Read.All",
        costs: "device members of groups are not found among the computers",
    },
    Need {
        path: "/deviceManagement",
        permission: "DeviceManagementManagedDevices.Read.All",
        costs: "computers that only Intune knows are not seen",
    },
    Need {
        path: "/organization",
        permission: "Organization.Read.All",
        costs: "name and domains of the directory are not known, so clients are not linked to it",
    },
    Need {
        path: "/contracts",
        permission: "Directory.Read.All",
        costs: "customers cannot be listed by contract",
    },
    Need {
        path: "/tenantRelationships",
        permission: "DelegatedAdminRelationship.Read.All",
        costs: "customers cannot be listed by delegated-admin relationship",
    },
];

/// The need behind an operation (`GET /users/delta`).
pub(crate) fn need_of(operation: &str) -> Option<Need> {
    NEEDS.iter().find(|need| operation.contains(need.path)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_is_among_the_permissions_asked_for() {
        for need in NEEDS {
            assert!(PERMISSIONS.iter().any(|p| p.name == need.permission), "{}", need.permission);
        }
        assert_eq!(need_of("GET /users/delta").unwrap().permission, "User.Read.All");
        assert!(need_of("GET /me").is_none());
    }
}

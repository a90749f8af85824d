//! Groups.

use std::borrow::Cow;

use uuid::Uuid;

use super::super::index::{Index, Rows};
use super::super::wire::Value;
use super::Shown::{Always, Named, Selected, Silent};
use super::{Entity, FIELDS, Print, Prop, Source, cloud_sid, domain_sid, print_of};
use crate::world::{DirectoryNo, Group, GroupKind, Mark, Membership, World};

const NAME: u16 = 1;
const KIND: u16 = 1 << 1;

/// Whether it is a Microsoft 365 group, with or without a team.
fn is_unified(group: &Group) -> bool {
    matches!(group.kind, GroupKind::Microsoft365 | GroupKind::Team)
}

impl Entity for Group {
    const TYPE: &'static str = "group";
    const SET: &'static str = "groups";

    fn all(world: &World) -> &[Self] {
        &world.groups
    }

    fn rows(index: &Index) -> &Rows {
        &index.groups
    }

    fn props() -> &'static [Prop<Self>] {
        PROPS
    }

    fn id(&self) -> Uuid {
        self.id
    }

    fn directory(&self) -> DirectoryNo {
        self.directory
    }

    fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Only Microsoft 365 groups go to the bin first.
    fn for_good(&self) -> bool {
        !is_unified(self)
    }

    fn print(&self, _: &World) -> Print {
        let mut prints = [None; FIELDS];
        prints[0] = print_of(Some(&self.name));
        prints[1] = print_of(Some(self.kind as u8));
        prints
    }

    fn members(&self) -> &[Membership] {
        &self.members
    }
}

fn mail_enabled(group: &Group) -> bool {
    is_unified(group) || matches!(group.kind, GroupKind::MailSecurity | GroupKind::Distribution)
}

fn security_enabled(group: &Group) -> bool {
    !is_unified(group) && group.kind != GroupKind::Distribution
}

/// Letters and digits of the name.
fn nickname(group: &Group) -> String {
    let plain: String = group.name.chars().filter(char::is_ascii_alphanumeric).collect();
    if plain.is_empty() { group.id.simple().to_string() } else { plain }
}

fn address(group: &Group, source: Source<'_>) -> Option<String> {
    let directory = source.world.directories.get(group.directory)?;
    mail_enabled(group)
        .then(|| format!("{}@{}", nickname(group).to_lowercase(), directory.default_domain))
}

/// DNS and NetBIOS name of the domain it is synced from, if it is.
fn synced<'w>(group: &Group, source: Source<'w>) -> Option<&'w (String, String)> {
    if group.kind != GroupKind::SecurityOnPremises {
        return None;
    }
    source.world.directories.get(group.directory)?.on_premises.as_ref()
}

const fn always(
    name: &'static str,
    fields: u16,
    get: for<'w> fn(&'w Group, Source<'w>) -> Value<'w>,
) -> Prop<Group> {
    Prop::new(name, Always, fields, get)
}

fn one(text: &'static str) -> Value<'static> {
    Value::List(vec![Cow::Borrowed(text)])
}

static PROPS: &[Prop<Group>] =
    &[
        always("id", 0, |g, _| Value::Id(g.id)),
        always("deletedDateTime", 0, |g, _| {
            if g.mark.gone.is_some() { Value::Time(g.mark.modified) } else { Value::Null }
        }),
        Prop::never("classification", Always),
        always("createdDateTime", 0, |g, _| Value::Time(g.mark.created)),
        Prop::empty("creationOptions", Silent),
        Prop::never("description", Named),
        always("displayName", NAME, |g, _| Value::text(&g.name)),
        Prop::never("expirationDateTime", Always),
        always("groupTypes", KIND, |g, _| match g.kind {
            GroupKind::Microsoft365 | GroupKind::Team => one("Unified"),
            GroupKind::Dynamic => one("DynamicMembership"),
            _ => Value::List(Vec::new()),
        }),
        always("isAssignableToRole", 0, |_, _| Value::Null),
        always("mail", NAME | KIND, |g, s| address(g, s).map_or(Value::Null, Value::owned)),
        always("mailEnabled", KIND, |g, _| Value::Bool(mail_enabled(g))),
        always("mailNickname", NAME, |g, _| Value::owned(nickname(g))),
        always("membershipRule", KIND, |g, _| match g.kind {
            GroupKind::Dynamic => Value::text("(user.accountEnabled -eq true)"),
            _ => Value::Null,
        }),
        always("membershipRuleProcessingState", KIND, |g, _| match g.kind {
            GroupKind::Dynamic => Value::text("On"),
            _ => Value::Null,
        }),
        always("onPremisesDomainName", KIND, |g, s| {
            synced(g, s).map_or(Value::Null, |(dns, _)| Value::text(dns))
        }),
        always("onPremisesLastSyncDateTime", KIND, |g, s| {
            synced(g, s).map_or(Value::Null, |_| Value::Time(g.mark.modified))
        }),
        always("onPremisesNetBiosName", KIND, |g, s| {
            synced(g, s).map_or(Value::Null, |(_, netbios)| Value::text(netbios))
        }),
        Prop::empty("onPremisesProvisioningErrors", Always),
        always("onPremisesSamAccountName", KIND | NAME, |g, s| {
            synced(g, s).map_or(Value::Null, |_| Value::text(&g.name))
        }),
        always("onPremisesSecurityIdentifier", KIND, |g, s| {
            synced(g, s).map_or(Value::Null, |(dns, _)| Value::owned(domain_sid(dns, g.id)))
        }),
        always("onPremisesSyncEnabled", KIND, |g, s| {
            synced(g, s).map_or(Value::Null, |_| Value::Bool(true))
        }),
        Prop::never("preferredDataLocation", Always),
        Prop::never("preferredLanguage", Always),
        always("proxyAddresses", NAME | KIND, |g, s| {
            let address = address(g, s).map(|a| Cow::Owned(format!("SMTP:{a}")));
            Value::List(address.into_iter().collect())
        }),
        always("renewedDateTime", 0, |g, _| Value::Time(g.mark.created)),
        Prop::empty("resourceBehaviorOptions", Always),
        always("resourceProvisioningOptions", KIND, |g, _| match g.kind {
            GroupKind::Team => one("Team"),
            _ => Value::List(Vec::new()),
        }),
        always("securityEnabled", KIND, |g, _| Value::Bool(security_enabled(g))),
        always("securityIdentifier", 0, |g, _| Value::owned(cloud_sid(g.id))),
        Prop::empty("serviceProvisioningErrors", Always),
        Prop::never("theme", Always),
        Prop::never("uniqueName", Always),
        always("visibility", KIND, |g, _| {
            if is_unified(g) { Value::text("Private") } else { Value::Null }
        }),
        Prop::empty("assignedLabels", Selected),
        Prop::empty("assignedLicenses", Selected),
        Prop::never("isManagementRestricted", Selected),
        Prop::never("allowExternalSenders", Silent),
        Prop::never("autoSubscribeNewMembers", Silent),
        Prop::never("hasMembersWithLicenseErrors", Silent),
        Prop::never("hideFromAddressLists", Silent),
        Prop::never("hideFromOutlookClients", Silent),
        Prop::never("isArchived", Silent),
        Prop::never("isSubscribedByMail", Silent),
        Prop::never("licenseProcessingState", Silent),
        Prop::never("members", Silent),
        Prop::never("owners", Silent),
        Prop::never("unseenCount", Silent),
        Prop::never("accessType", Silent),
        Prop::never("infoCatalogs", Silent),
        Prop::never("isFavorite", Silent),
        Prop::never("onPremisesExtensionAttributes", Silent),
        Prop::never("organizationId", Silent),
        Prop::never("unseenConversationsCount", Silent),
        Prop::never("unseenMessagesCount", Silent),
        Prop::never("welcomeMessageEnabled", Silent),
    ];

//! Users.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use uuid::Uuid;

use super::super::index::{Index, Rows};
use super::super::wire::Value;
use super::Shown::{Always, Selected, Silent, Single};
use super::{Entity, FIELDS, Print, Prop, Source, cloud_sid, domain_sid, print_of};
use crate::world::{Account, Directory, DirectoryNo, Mark, Person, World};

const DISPLAY: u16 = 1;
const GIVEN: u16 = 1 << 1;
const SURNAME: u16 = 1 << 2;
const UPN: u16 = 1 << 3;
const MAIL: u16 = 1 << 4;
const ENABLED: u16 = 1 << 5;
const EARLIER: u16 = 1 << 6;
const SAM: u16 = 1 << 7;
const DEPARTMENT: u16 = 1 << 8;
const JOB: u16 = 1 << 9;
const ACCOUNT: u16 = 1 << 10;
const TENANT: u16 = 1 << 11;

/// Microsoft 365 Business Premium.
const LICENCE: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";

/// Whether a removed user is past the recycle bin.
pub(in super::super) fn is_deleted_for_good(person: &Person) -> bool {
    person.mark.gone.is_some() && person.purged
}

impl Entity for Person {
    const TYPE: &'static str = "user";
    const SET: &'static str = "users";

    fn all(world: &World) -> &[Self] {
        &world.persons
    }

    fn rows(index: &Index) -> &Rows {
        &index.users
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

    fn for_good(&self) -> bool {
        self.purged
    }

    fn print(&self, _: &World) -> Print {
        let prints: [Option<u32>; FIELDS] = [
            print_of(Some(&self.display_name)),
            print_of(set(&self.given)),
            print_of(set(&self.surname)),
            print_of(Some(&self.upn)),
            print_of(self.mail.as_ref()),
            print_of(Some(self.enabled)),
            print_of(Some(&self.earlier_upns)),
            print_of(self.sam.as_ref()),
            print_of(self.department.as_ref()),
            print_of(self.job_title.as_ref()),
            print_of(Some(self.account as u8)),
            print_of(Some(self.tenant)),
        ];
        prints
    }
}

fn set(text: &String) -> Option<&String> {
    Some(text).filter(|t| !t.is_empty())
}

fn directory<'w>(person: &Person, source: Source<'w>) -> Option<&'w Directory> {
    source.world.directories.get(person.directory)
}

/// The DNS name of the domain the user is synced from, if it is.
fn synced<'w>(person: &Person, source: Source<'w>) -> Option<&'w str> {
    person.sam.as_ref()?;
    directory(person, source)?.on_premises.as_ref().map(|(dns, _)| dns.as_str())
}

fn on_premises<'w>(
    person: &'w Person,
    source: Source<'w>,
    make: impl FnOnce(&'w str) -> Value<'w>,
) -> Value<'w> {
    synced(person, source).map_or(Value::Null, make)
}

fn local_part(person: &Person) -> &str {
    person.upn.rsplit_once('@').map_or(person.upn.as_str(), |(local, _)| local)
}

/// Primary address first, then the UPN where it differs, then the UPNs it had before.
fn proxy_addresses(person: &Person) -> Vec<Cow<'_, str>> {
    let mut addresses: Vec<Cow<'_, str>> = Vec::new();
    if let Some(mail) = &person.mail {
        addresses.push(Cow::Owned(format!("SMTP:{mail}")));
    }
    let own = (person.mail.is_some() && person.account != Account::Guest).then_some(&person.upn);
    for alias in own.into_iter().chain(&person.earlier_upns) {
        let known = |a: &Cow<'_, str>| a.get(5..).is_some_and(|a| a.eq_ignore_ascii_case(alias));
        if !addresses.iter().any(known) {
            addresses.push(Cow::Owned(format!("smtp:{alias}")));
        }
    }
    addresses
}

fn identities(person: &Person, source: Source<'_>) -> serde_json::Value {
    let issuer = directory(person, source).map_or("", |d| d.initial_domain.as_str());
    if person.account == Account::Guest {
        return json!([
            {"signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null},
            {"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": person.upn},
        ]);
    }
    json!([{"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": person.upn}])
}

fn licences(person: &Person) -> serde_json::Value {
    let licensed = person.account == Account::Member && person.enabled && person.mail.is_some();
    if licensed { json!([{"disabledPlans": [], "skuId": LICENCE}]) } else { json!([]) }
}

/// The base64 of the sixteen bytes of the on-premises object's GUID.
fn immutable_id(person: &Person) -> String {
    let guid = Uuid::new_v5(&Uuid::NAMESPACE_OID, person.id.as_bytes());
    BASE64.encode(guid.to_bytes_le())
}

fn distinguished_name(person: &Person, dns: &str) -> String {
    let parts: Vec<String> = dns.split('.').map(|p| format!("DC={p}")).collect();
    format!("CN={},OU=Users,{}", person.display_name.replace(',', "\\,"), parts.join(","))
}

const fn prop(
    name: &'static str,
    fields: u16,
    get: for<'w> fn(&'w Person, Source<'w>) -> Value<'w>,
) -> Prop<Person> {
    Prop::new(name, Selected, fields, get)
}

static PROPS: &[Prop<Person>] = &[
    Prop::new("id", Always, 0, |p, _| Value::Id(p.id)),
    Prop::empty("businessPhones", Always),
    Prop::new("displayName", Always, DISPLAY, |p, _| Value::text(&p.display_name)),
    Prop::new("givenName", Always, GIVEN, |p, _| Value::maybe(set(&p.given))),
    Prop::new("jobTitle", Always, JOB, |p, _| Value::maybe(p.job_title.as_ref())),
    Prop::new("mail", Always, MAIL, |p, _| Value::maybe(p.mail.as_ref())),
    Prop::never("mobilePhone", Always),
    Prop::never("officeLocation", Always),
    Prop::never("preferredLanguage", Always),
    Prop::new("surname", Always, SURNAME, |p, _| Value::maybe(set(&p.surname))),
    Prop::new("userPrincipalName", Always, UPN, |p, _| Value::text(&p.upn)),
    prop("accountEnabled", ENABLED, |p, _| Value::Bool(p.enabled)),
    prop("userType", ACCOUNT, |p, _| {
        Value::text(if p.account == Account::Guest { "Guest" } else { "Member" })
    }),
    prop("creationType", ACCOUNT, |p, _| {
        if p.account == Account::Guest { Value::text("Invitation") } else { Value::Null }
    }),
    prop("externalUserState", ACCOUNT, |p, _| {
        if p.account == Account::Guest { Value::text("Accepted") } else { Value::Null }
    }),
    prop("externalUserStateChangeDateTime", ACCOUNT, |p, _| {
        if p.account == Account::Guest { Value::Time(p.mark.created) } else { Value::Null }
    }),
    prop("identities", UPN | ACCOUNT, |p, s| Value::Json(identities(p, s))),
    prop("proxyAddresses", MAIL | UPN | EARLIER | ACCOUNT, |p, _| Value::List(proxy_addresses(p))),
    prop("otherMails", MAIL | ACCOUNT, |p, _| {
        let guest = p.account == Account::Guest;
        Value::List(p.mail.iter().filter(|_| guest).map(|m| Cow::Borrowed(m.as_str())).collect())
    }),
    prop("mailNickname", UPN, |p, _| Value::text(local_part(p))),
    prop("imAddresses", MAIL | ENABLED | ACCOUNT, |p, _| {
        let usable = p.account == Account::Member && p.enabled;
        Value::List(p.mail.iter().filter(|_| usable).map(|m| Cow::Borrowed(m.as_str())).collect())
    }),
    prop("assignedLicenses", ENABLED | ACCOUNT | MAIL, |p, _| Value::Json(licences(p))),
    prop("companyName", TENANT, |p, s| {
        s.world
            .tenants
            .get(p.tenant)
            .filter(|_| p.account == Account::Member)
            .map_or(Value::Null, |t| Value::text(&t.name))
    }),
    prop("department", DEPARTMENT, |p, _| Value::maybe(p.department.as_ref())),
    prop("createdDateTime", 0, |p, _| Value::Time(p.mark.created)),
    prop("deletedDateTime", 0, |p, _| {
        if p.mark.gone.is_some() { Value::Time(p.mark.modified) } else { Value::Null }
    }),
    prop("securityIdentifier", 0, |p, _| Value::owned(cloud_sid(p.id))),
    prop("isResourceAccount", 0, |_, _| Value::Null),
    prop("showInAddressList", 0, |_, _| Value::Null),
    prop("lastPasswordChangeDateTime", 0, |p, _| Value::Time(p.mark.created)),
    prop("signInSessionsValidFromDateTime", 0, |p, _| Value::Time(p.mark.created)),
    prop("onPremisesSyncEnabled", SAM, |p, s| on_premises(p, s, |_| Value::Bool(true))),
    prop("onPremisesImmutableId", SAM, |p, s| on_premises(p, s, |_| Value::owned(immutable_id(p)))),
    prop("onPremisesSamAccountName", SAM, |p, s| {
        on_premises(p, s, |_| Value::maybe(p.sam.as_ref()))
    }),
    prop("onPremisesUserPrincipalName", SAM | UPN, |p, s| {
        on_premises(p, s, |_| Value::text(&p.upn))
    }),
    prop("onPremisesDomainName", SAM, |p, s| on_premises(p, s, Value::text)),
    prop("onPremisesDistinguishedName", SAM | DISPLAY, |p, s| {
        on_premises(p, s, |dns| Value::owned(distinguished_name(p, dns)))
    }),
    prop("onPremisesSecurityIdentifier", SAM, |p, s| {
        on_premises(p, s, |dns| Value::owned(domain_sid(dns, p.id)))
    }),
    prop("onPremisesLastSyncDateTime", 0, |p, s| {
        on_premises(p, s, |_| Value::Time(p.mark.modified))
    }),
    Prop::empty("onPremisesProvisioningErrors", Selected),
    Prop::never("onPremisesExtensionAttributes", Silent),
    Prop::never("ageGroup", Selected),
    Prop::empty("assignedPlans", Selected),
    Prop::never("city", Selected),
    Prop::never("consentProvidedForMinor", Selected),
    Prop::never("country", Selected),
    Prop::never("employeeHireDate", Selected),
    Prop::never("employeeId", Selected),
    Prop::never("employeeLeaveDateTime", Selected),
    Prop::never("employeeType", Selected),
    Prop::never("faxNumber", Selected),
    Prop::never("identityParentId", Selected),
    Prop::never("isManagementRestricted", Selected),
    Prop::never("legalAgeGroupClassification", Selected),
    Prop::empty("licenseAssignmentStates", Selected),
    Prop::never("passwordPolicies", Selected),
    Prop::never("postalCode", Selected),
    Prop::never("preferredDataLocation", Selected),
    Prop::empty("provisionedPlans", Selected),
    Prop::empty("serviceProvisioningErrors", Selected),
    Prop::never("state", Selected),
    Prop::never("streetAddress", Selected),
    Prop::never("usageLocation", Selected),
    Prop::never("authorizationInfo", Silent),
    Prop::never("customSecurityAttributes", Silent),
    Prop::never("deviceEnrollmentLimit", Silent),
    Prop::never("employeeOrgData", Silent),
    Prop::never("passwordProfile", Silent),
    Prop::never("print", Silent),
    Prop::never("signInActivity", Silent),
    Prop::never("manager", Silent),
    Prop::never("memberOf", Silent),
    Prop::never("aboutMe", Single),
    Prop::empty("interests", Single),
    Prop::never("mySite", Single),
    Prop::empty("pastProjects", Single),
    Prop::never("preferredName", Single),
    Prop::empty("responsibilities", Single),
    Prop::empty("schools", Single),
    Prop::empty("skills", Single),
    Prop::new("birthday", Single, 0, |p, _| Value::Time(p.mark.created)),
    Prop::new("hireDate", Single, 0, |p, _| Value::Time(p.mark.created)),
    Prop::new("mailboxSettings", Single, 0, |_, _| {
        Value::Json(json!({"userPurpose": "user", "timeZone": "UTC"}))
    }),
];

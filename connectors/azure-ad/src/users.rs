//! The persons of each directory.

use core_model::facts::{AccountKind, OnPremises, PersonFacts};
use core_model::{Record, RecordKind};
use serde_json::value::RawValue;

use crate::delta::{Gathered, Spec};
use crate::wire::{self, User, text};

/// `/users/delta`, with the properties that are read and no others: each one more is one more
/// reason for Graph to report a user as changed. No `$top`: delta refuses it.
pub(crate) const SPEC: Spec = Spec {
    operation: "GET /users/delta",
    start: "users/delta?$select=id,userPrincipalName,displayName,givenName,surname,mail,\
            accountEnabled,userType,proxyAddresses,employeeId,department,jobTitle,\
            onPremisesImmutableId,onPremisesSamAccountName,onPremisesUserPrincipalName,\
            onPremisesDomainName,onPremisesSecurityIdentifier",
    version: 1,
    read,
};

fn read(raw: Box<RawValue>, directory: &str, into: &mut Gathered) {
    let mut user: User = match wire::row(&raw) {
        Ok(user) => user,
        Err(rejected) => return into.reject(rejected),
    };
    user.id.make_ascii_lowercase();
    if user.removed.is_some() {
        return into.gone(RecordKind::Person, user.id);
    }
    let Some(upn) = text(user.user_principal_name.take()) else {
        let why = "a user without a user principal name";
        return into.reject(wire::rejected(&user.id, "$.userPrincipalName", why, &raw));
    };
    let key = std::mem::take(&mut user.id);
    let record = Record::new(key, facts(user, upn).into(), Box::<str>::from(raw));
    into.live(record.of_client(directory));
}

fn facts(user: User, upn: String) -> PersonFacts {
    PersonFacts {
        account: account(&upn, user.user_type.as_deref()),
        upn,
        display_name: user.display_name.unwrap_or_default(),
        given_name: text(user.given_name),
        surname: text(user.surname),
        mail: text(user.mail),
        addresses: addresses(user.proxy_addresses.unwrap_or_default()),
        disabled: user.account_enabled == Some(false),
        on_premises: OnPremises {
            sam: text(user.on_premises_sam_account_name),
            domain: text(user.on_premises_domain_name),
            upn: text(user.on_premises_user_principal_name),
            sid: text(user.on_premises_security_identifier),
            immutable_id: text(user.on_premises_immutable_id),
        },
        department: text(user.department),
        job_title: text(user.job_title),
        employee_id: text(user.employee_id),
    }
}

/// `userType` alone does not tell: there are external members, and it is null on old objects.
fn account(upn: &str, user_type: Option<&str>) -> AccountKind {
    const EXTERNAL: &[u8] = b"#EXT#";
    let external = upn.as_bytes().windows(EXTERNAL.len()).any(|w| w.eq_ignore_ascii_case(EXTERNAL));
    if external || user_type.is_some_and(|kind| kind.eq_ignore_ascii_case("guest")) {
        AccountKind::Guest
    } else {
        AccountKind::Member
    }
}

/// Mail addresses without their prefix, lower case, each once. `SIP:`, `X500:`, `SPO:` are no
/// mail addresses.
fn addresses(proxies: Vec<String>) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::with_capacity(proxies.len());
    for proxy in proxies {
        let Some((prefix, address)) = proxy.split_once(':') else { continue };
        let address = address.trim();
        if prefix.eq_ignore_ascii_case("smtp") && !address.is_empty() {
            let address = address.to_lowercase();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_upn_is_a_guest_whatever_its_user_type() {
        let upn = "alice_fabrikam.com#EXT#@contoso.onmicrosoft.com";
        for user_type in [None, Some("Member"), Some("Guest")] {
            assert_eq!(account(upn, user_type), AccountKind::Guest, "{user_type:?}");
        }
        assert_eq!(account(&upn.to_lowercase(), Some("Member")), AccountKind::Guest);
        assert_eq!(account("ana@contoso.com", Some("Guest")), AccountKind::Guest);
        assert_eq!(account("ana@contoso.com", None), AccountKind::Member);
        assert_eq!(account("", Some("Member")), AccountKind::Member);
    }

    #[test]
    fn only_mail_addresses_are_addresses() {
        let proxies = [
            "SMTP:Ana@Contoso.com",
            "smtp:ana.b@contoso.com",
            "SIP:ana@contoso.com",
            "X500:/o=ExchangeLabs",
            "smtp:ANA@contoso.com",
            "smtp:",
            "ana@contoso.com",
        ];
        assert_eq!(
            addresses(proxies.map(str::to_owned).to_vec()),
            ["ana@contoso.com", "ana.b@contoso.com"]
        );
    }
}

//! Which person of a tenant a PSA's contact is.

use core_model::entity::Person;
use core_model::facts::ContactFacts;
use core_model::names::normal_address;

/// The person that a contact is: by the directory's id, else by e-mail, else by login. Nobody where two
/// fit equally well: a guess would show one the computers of the other.
#[must_use]
pub fn person_of<'a>(contact: &ContactFacts, persons: &'a [Person]) -> Option<&'a Person> {
    let by_id = contact
        .directory_id
        .as_deref()
        .map(|id| only(persons, |person| person.directory_id.eq_ignore_ascii_case(id)));
    if let Some(Some(person)) = by_id {
        return Some(person);
    }
    let by_address = |address: &Option<String>| {
        let address = normal_address(address.as_deref()?);
        if address.is_empty() {
            return None;
        }
        let upn = only(persons, |person| normal_address(&person.upn) == address);
        upn.or_else(|| only(persons, |person| has_address(person, &address)))
    };
    by_address(&contact.email).or_else(|| by_address(&contact.login)).or_else(|| {
        let login = contact.login.as_deref()?.trim().to_lowercase();
        only(persons, |person| person.on_premises.as_deref() == Some(login.as_str()))
    })
}

fn has_address(person: &Person, address: &str) -> bool {
    let mail = person.mail.as_deref().map(normal_address);
    mail.as_deref() == Some(address) || person.addresses.iter().any(|one| one == address)
}

/// The only one who is there and fits.
fn only(persons: &[Person], fits: impl Fn(&Person) -> bool) -> Option<&Person> {
    let mut fitting = persons.iter().filter(|person| !person.gone && fits(person));
    fitting.next().filter(|_| fitting.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::AccountKind;
    use core_model::id::{PersonId, TenantId};

    fn person(upn: &str, mail: Option<&str>, gone: bool) -> Person {
        Person {
            id: PersonId::of_text(upn, 1_000_000),
            tenant: TenantId::of_text("contoso", 0),
            connection: "entra".to_owned(),
            directory: "d1".to_owned(),
            directory_id: format!("id-{upn}"),
            upn: upn.to_owned(),
            earlier_upns: Vec::new(),
            display_name: upn.to_owned(),
            mail: mail.map(str::to_owned),
            addresses: Vec::new(),
            on_premises: Some(format!("contoso\\{}", upn.split('@').next().unwrap_or_default())),
            department: None,
            job_title: None,
            account: AccountKind::Member,
            disabled: false,
            gone,
            gone_since: None,
        }
    }

    fn contact(
        directory_id: Option<&str>,
        email: Option<&str>,
        login: Option<&str>,
    ) -> ContactFacts {
        ContactFacts {
            directory_id: directory_id.map(str::to_owned),
            email: email.map(str::to_owned),
            login: login.map(str::to_owned),
            ..ContactFacts::default()
        }
    }

    #[test]
    fn the_directory_id_comes_first_then_the_address_then_the_login() {
        let staff = [
            person("ana@contoso.com", Some("Ana.Silva@contoso.com"), false),
            person("bob@contoso.com", None, false),
            person("old@contoso.com", Some("gone@contoso.com"), true),
        ];
        let found = |contact: ContactFacts| person_of(&contact, &staff).map(|one| one.upn.as_str());
        let (ana, bob) = (Some("ana@contoso.com"), Some("bob@contoso.com"));
        let by_id = contact(Some("ID-BOB@contoso.com"), Some("ana@contoso.com"), None);
        assert_eq!(found(by_id), bob);
        assert_eq!(found(contact(Some("unknown"), Some("ANA@contoso.com "), None)), ana);
        assert_eq!(
            found(contact(None, Some("ana.silva@contoso.com"), Some("bob@contoso.com"))),
            ana
        );
        assert_eq!(found(contact(None, None, Some("bob@contoso.com"))), bob);
        assert_eq!(found(contact(None, Some("x@y.z"), Some("CONTOSO\\bob"))), bob);
        assert_eq!(found(contact(None, Some("gone@contoso.com"), None)), None);
        assert_eq!(found(contact(None, Some(" "), Some(""))), None);
    }

    #[test]
    fn two_who_fit_equally_well_are_nobody() {
        let staff = [
            person("ana@contoso.com", Some("office@contoso.com"), false),
            person("bob@contoso.com", Some("office@contoso.com"), false),
        ];
        assert_eq!(person_of(&contact(None, Some("office@contoso.com"), None), &staff), None);
    }
}

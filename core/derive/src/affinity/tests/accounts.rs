//! Which account is whose, and who counts.

use super::*;

#[test]
fn u9_somebody_of_another_tenant_is_not_assigned() {
    // He is not among the people of this tenant, so his account is nobody's here.
    let found = of(&daily("ZZZ"), &staff());
    assert_eq!(found.primary, None);
    assert_eq!(found.accounts(), ["z@nobody.example"; 3], "it stays in the list");
    assert!(found.logons.iter().all(|logon| logon.person.is_none()));
    assert!(!found.shared);
}

#[test]
fn u9_a_pin_to_somebody_who_is_not_of_the_tenant_pins_nobody() {
    let policy = AffinityPolicy::default();
    let staff = staff();
    let people = People::of(&staff, &policy);
    let stranger = person("eve@fabrikam.example").id;
    let found = affinity(&daily("AAA"), None, Some(Some(stranger)), &people, &policy);
    assert!(found.is_primary(&staff[0]));
}

#[test]
fn a_logon_of_nobody_known_matches_when_the_person_arrives() {
    let logons = daily("ZZZ");
    assert_eq!(of(&logons, &[]).primary, None);
    let arrived = person("z@nobody.example");
    assert!(of(&logons, std::slice::from_ref(&arrived)).is_primary(&arrived));
}

#[test]
fn u10_technicians_and_service_accounts_do_not_count() {
    let technician = person("adm-tom@contoso.com");
    let persons = [person("ana@contoso.com"), technician.clone()];
    let mut logons = daily("AAAA");
    for day in 10..16 {
        logons.push(logon("adm-tom@contoso.com", day));
    }
    assert!(of(&logons, &persons).is_primary(&technician), "without the setting he would be");
    for pattern in ["adm-*", "*-tom@contoso.com", "adm-tom@contoso.com", "ADM-*@Contoso.com", "*"] {
        let policy =
            AffinityPolicy { ignore_upns: vec![pattern.to_owned()], ..AffinityPolicy::default() };
        let found = computed(&logons, &persons, &policy);
        assert!(!found.is_primary(&technician), "{pattern}");
        assert_eq!(found.is_primary(&persons[0]), pattern != "*", "{pattern}");
    }
    for pattern in ["adm", "tom@contoso.com", "", "*.com*x"] {
        let policy =
            AffinityPolicy { ignore_upns: vec![pattern.to_owned()], ..AffinityPolicy::default() };
        assert!(computed(&logons, &persons, &policy).is_primary(&technician), "{pattern}");
    }
}

#[test]
fn guests_do_not_count() {
    let guest = Person { account: AccountKind::Guest, ..person("bob@contoso.com") };
    let found = of(&daily("BBB"), std::slice::from_ref(&guest));
    assert_eq!(found.primary, None);
    assert_eq!(found.logons[0].person, Some(guest.id), "he is known all the same");
}

#[test]
fn u13_a_person_who_left_loses_primacy_and_the_history_stays() {
    for leaver in [
        Person { gone: true, ..person("ana@contoso.com") },
        Person { disabled: true, ..person("ana@contoso.com") },
    ] {
        let persons = [leaver, person("bob@contoso.com")];
        let found = of(&daily("AAAAB"), &persons);
        assert!(found.is_primary(&persons[1]), "the next one takes his place");
        assert_eq!(found.logons.len(), 5);
        assert_eq!(of(&daily("AAAA"), &persons).primary, None);
    }
}

#[test]
fn u13_a_pin_does_not_outlive_the_person() {
    let gone = Person { gone: true, ..person("ana@contoso.com") };
    let policy = AffinityPolicy::default();
    let people = People::of(&[gone.clone(), person("bob@contoso.com")], &policy);
    let found = affinity(&daily("AAA"), None, Some(Some(gone.id)), &people, &policy);
    assert_eq!(found.primary, None);
}

#[test]
fn u13_an_account_that_was_created_again_is_used_by_the_new_one() {
    let gone = Person { gone: true, ..numbered("ana@contoso.com", 1) };
    let again = numbered("ana@contoso.com", 2);
    for persons in [[gone.clone(), again.clone()], [again.clone(), gone]] {
        assert!(of(&daily("AAA"), &persons).is_primary(&again));
    }
}

#[test]
fn a_renamed_person_is_found_by_his_earlier_upn_and_by_his_other_addresses() {
    let renamed = Person {
        earlier_upns: vec!["ana@contoso.com".to_owned()],
        addresses: vec!["ana.silva@contoso.example".to_owned()],
        ..person("ana.costa@contoso.com")
    };
    let persons = [renamed.clone()];
    let logons = [
        logon("ana@contoso.com", 1),
        logon("Ana.Silva@contoso.example", 2),
        logon("ana.costa@contoso.com", 3),
    ];
    let found = of(&logons, &persons);
    assert_eq!(
        found.primary,
        Some(Primary { person: renamed.id, reason: PrimaryReason::Most { times: 3, of: 3 } })
    );
}

#[test]
fn an_old_upn_that_somebody_new_holds_now_is_his() {
    let before = Person {
        earlier_upns: vec!["ana@contoso.com".to_owned()],
        ..person("ana.costa@contoso.com")
    };
    let now = numbered("ana@contoso.com", 2);
    let alias =
        Person { addresses: vec!["ana@contoso.com".to_owned()], ..person("team@contoso.com") };
    let found = of(&daily("AAA"), &[before.clone(), now.clone(), alias.clone()]);
    assert!(found.is_primary(&now));
    assert!(of(&daily("AAA"), &[before.clone(), alias]).is_primary(&before));
}

#[test]
fn an_address_that_could_be_two_peoples_is_nobodys() {
    let shared =
        |upn: &str| Person { addresses: vec!["office@contoso.com".to_owned()], ..person(upn) };
    let policy = AffinityPolicy::default();
    let people = People::of(&[shared("ana@contoso.com"), shared("bob@contoso.com")], &policy);
    assert_eq!(people.find("office@contoso.com"), None);
    assert!(people.find("ana@contoso.com").is_some());
}

#[test]
fn u15_domain_accounts_are_translated_by_the_on_premises_attributes_only() {
    let ana = Person {
        on_premises: Some("corp.contoso.com\\asilva".to_owned()),
        ..person("ana@contoso.com")
    };
    let people = People::of(std::slice::from_ref(&ana), &AffinityPolicy::default());
    assert_eq!(people.find("CORP\\ASilva"), Some(ana.id));
    assert_eq!(people.find("corp.contoso.com\\asilva"), Some(ana.id));
    assert_eq!(people.find("OTHER\\asilva"), None, "another domain's account of that name");
    assert_eq!(people.find("DESK-1\\ana"), None, "never guessed by name");
    assert_eq!(people.find("asilva"), None);
}

#[test]
fn u15_one_account_name_in_two_domains_of_one_name_is_nobodys() {
    let of_domain = |upn: &str, domain: &str| Person {
        on_premises: Some(format!("{domain}\\ana")),
        ..person(upn)
    };
    let persons = [
        of_domain("ana@contoso.com", "corp.contoso.com"),
        of_domain("ana@fab.com", "corp.fab.com"),
    ];
    let people = People::of(&persons, &AffinityPolicy::default());
    assert_eq!(people.find("CORP\\ana"), None);
    assert_eq!(people.find("corp.fab.com\\ana"), Some(persons[1].id));
}

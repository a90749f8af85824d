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
    let found =
        affinity(&daily("AAA"), None, Some(Pin::Person { person: stranger }), &people, &policy);
    assert!(found.is_primary(&staff[0]), "the logons decide");
    assert_eq!(found.pin, Some(Pin::Unknown { record: stranger.to_string() }), "and it is said");
}

#[test]
fn u11_a_pin_to_somebody_unknown_is_no_pin_to_nobody() {
    let record = "entra/person/d1/eve".to_owned();
    let unknown = Pin::Unknown { record };
    let policy = AffinityPolicy::default();
    let staff = staff();
    let people = People::of(&staff, &policy);
    let found = affinity(&daily("AAB"), None, Some(unknown.clone()), &people, &policy);
    assert!(found.is_primary(&staff[0]), "nobody chose that there be nobody");
    assert_eq!(found.pin, Some(unknown));
    let nobody = affinity(&daily("AAB"), None, Some(Pin::Nobody), &people, &policy);
    assert_eq!((nobody.primary, nobody.pin), (None, Some(Pin::Nobody)));
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
    let bob = person("bob@contoso.com");
    let people = People::of(&[gone.clone(), bob.clone()], &policy);
    let pin = Some(Pin::Person { person: gone.id });
    let found = affinity(&daily("AAA"), None, pin.clone(), &people, &policy);
    assert_eq!(found.primary, None, "a leaver's logons do not count either");
    let found = affinity(&daily("AAB"), None, pin.clone(), &people, &policy);
    assert!(found.is_primary(&bob), "the next one takes his place");
    assert_eq!(found.pin, Some(Pin::Gone { person: gone.id }));
    let back = Person { gone: false, ..gone };
    let people = People::of(&[back.clone(), bob], &policy);
    let found = affinity(&daily("BBB"), None, pin, &people, &policy);
    assert!(found.is_primary(&back), "and it wins again when he is back");
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
fn u13_until_an_account_was_deleted_its_logons_are_the_leavers() {
    let gone = Person { gone: true, gone_since: Some(at(3)), ..numbered("ana@contoso.com", 1) };
    let again = numbered("ana@contoso.com", 2);
    let found = of(&daily("AAAA"), &[again.clone(), gone.clone()]);
    assert_eq!(found.persons(), [gone.id, gone.id, again.id, again.id]);
    assert!(found.is_primary(&again), "the leaver does not count");
}

#[test]
fn a_renamed_person_is_found_by_his_earlier_upn_and_by_his_other_addresses() {
    let renamed = Person {
        earlier_upns: vec![earlier("ana@contoso.com", 5)],
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
fn a_upn_is_its_holders_of_the_time_when_it_was_read() {
    let before = Person {
        earlier_upns: vec![earlier("ana@contoso.com", 5)],
        ..person("ana.costa@contoso.com")
    };
    let now = numbered("ana@contoso.com", 2);
    let alias =
        Person { addresses: vec!["ana@contoso.com".to_owned()], ..person("team@contoso.com") };
    // Days 1 to 9: until the fifth it was the UPN of the one who is called otherwise now.
    let found = of(&daily("AAAAAAAAA"), &[before.clone(), now.clone(), alias.clone()]);
    assert_eq!(found.persons(), [&[before.id; 4][..], &[now.id; 5]].concat());
    assert!(found.is_primary(&now));
    assert!(of(&daily("AAAAAA"), &[before.clone(), now]).is_primary(&before));
    // A machine goes on printing the old spelling, and nobody else has it.
    let found = of(&daily("AAAAAAAA"), &[before.clone(), alias]);
    assert_eq!(found.persons(), [before.id; 8]);
}

#[test]
fn a_upn_that_went_from_one_to_the_next_is_each_ones_in_his_time() {
    let upn = "helpdesk@contoso.com";
    let first = Person { earlier_upns: vec![earlier(upn, 3)], ..person("ana@contoso.com") };
    let second = Person {
        earlier_upns: vec![earlier("bob@contoso.com", 3), earlier(upn, 6)],
        ..person("bob.braun@contoso.com")
    };
    // He had another one before, and took it over on the sixth day.
    let third = Person { earlier_upns: vec![earlier("cem@contoso.com", 6)], ..person(upn) };
    let persons = [third.clone(), second.clone(), first.clone()];
    let people = People::of(&persons, &AffinityPolicy::default());
    let of_day = |day| people.find(upn, at(day));
    assert_eq!([2, 4, 7].map(of_day), [Some(first.id), Some(second.id), Some(third.id)]);
    assert_eq!([3, 6].map(of_day), [Some(second.id), Some(third.id)], "from the very instant");
    let left = People::of(&persons[1..], &AffinityPolicy::default());
    assert_eq!(left.find(upn, at(7)), None, "two had it, and nobody has it now");
    assert_eq!(left.find(upn, at(4)), Some(second.id));
}

#[test]
fn a_upn_that_somebody_took_back_was_anothers_in_between() {
    let upn = "sales@contoso.com";
    let ana = Person {
        earlier_upns: vec![earlier(upn, 2), earlier("ana@contoso.com", 6)],
        ..person(upn)
    };
    let bob = Person { earlier_upns: vec![earlier(upn, 6)], ..person("bob@contoso.com") };
    let people = People::of(&[ana.clone(), bob.clone()], &AffinityPolicy::default());
    let of_day = |day| people.find(upn, at(day));
    assert_eq!([1, 4, 8].map(of_day), [Some(ana.id), Some(bob.id), Some(ana.id)]);
}

#[test]
fn a_upn_read_before_the_directory_told_of_the_rename_is_the_new_ones_if_nobody_elses() {
    let renamed =
        Person { earlier_upns: vec![earlier("ana@contoso.com", 5)], ..person("costa@contoso.com") };
    let people = People::of(std::slice::from_ref(&renamed), &AffinityPolicy::default());
    assert_eq!(people.find("costa@contoso.com", at(4)), Some(renamed.id));
}

#[test]
fn an_address_that_could_be_two_peoples_is_nobodys() {
    let shared =
        |upn: &str| Person { addresses: vec!["office@contoso.com".to_owned()], ..person(upn) };
    let policy = AffinityPolicy::default();
    let people = People::of(&[shared("ana@contoso.com"), shared("bob@contoso.com")], &policy);
    assert_eq!(people.find("office@contoso.com", at(1)), None);
    assert!(people.find("ana@contoso.com", at(1)).is_some());
}

#[test]
fn u15_domain_accounts_are_translated_by_the_on_premises_attributes_only() {
    let ana = Person {
        on_premises: Some("corp.contoso.com\\asilva".to_owned()),
        ..person("ana@contoso.com")
    };
    let people = People::of(std::slice::from_ref(&ana), &AffinityPolicy::default());
    assert_eq!(people.find("CORP\\ASilva", at(1)), Some(ana.id));
    assert_eq!(people.find("corp.contoso.com\\asilva", at(1)), Some(ana.id));
    assert_eq!(people.find("OTHER\\asilva", at(1)), None, "another domain's account of that name");
    assert_eq!(people.find("DESK-1\\ana", at(1)), None, "never guessed by name");
    assert_eq!(people.find("asilva", at(1)), None);
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
    assert_eq!(people.find("CORP\\ana", at(1)), None);
    assert_eq!(people.find("corp.fab.com\\ana", at(1)), Some(persons[1].id));
}

#[test]
fn u15_a_net_bios_name_is_the_domains_that_the_directory_gives_it_to() {
    let ana = Person {
        on_premises: Some("ad.keystone.example\\ana".to_owned()),
        ..person("ana@keystone.example")
    };
    let people = || People::of(std::slice::from_ref(&ana), &AffinityPolicy::default());
    assert_eq!(people().find("NORTHWIND\\ana", at(1)), None, "nothing says whose name it is");
    let told = people().in_domains([("NORTHWIND", "AD.keystone.example")]);
    assert_eq!(told.find("NORTHWIND\\ana", at(1)), Some(ana.id));
    assert_eq!(told.find("KEYSTONE\\ana", at(1)), None, "what Windows proposes is not its name");
    assert_eq!(told.find("ad.keystone.example\\ana", at(1)), Some(ana.id));
}

#[test]
fn u15_what_a_domain_controller_told_finds_the_person_and_no_name_does() {
    let staff = staff();
    let policy = AffinityPolicy::default();
    let logons = [logon("CORP\\ana", 1), logon("CORP\\ana", 2), logon("CORP\\bob", 3)];
    let people = || People::of(&staff, &policy);
    let unknown = affinity(&logons, None, None, &people(), &policy);
    assert_eq!(unknown.primary, None, "ana is a name, and nobody's address");
    let mut answers = crate::accounts::Answers::default();
    answers.add("corp\\ana", "Cem@contoso.com", at(5));
    let found = affinity(&logons, None, None, &people().answered(answers), &policy);
    assert!(found.is_primary(&staff[2]), "the domain says that it is Cem's");
    assert_eq!(found.logons[0].upn.as_deref(), Some("cem@contoso.com"));
    assert_eq!(found.logons[2].upn, None);
}

#[test]
fn u15_a_upn_of_nobody_known_stays_and_matches_when_the_person_arrives() {
    let policy = AffinityPolicy::default();
    let logons = [logon("corp\\zoe", 1), logon("corp\\zoe", 3)];
    let told = || {
        let mut answers = crate::accounts::Answers::default();
        answers.add("corp\\zoe", "zoe@contoso.com", at(4));
        answers
    };
    let alone = affinity(&logons, None, None, &People::default().answered(told()), &policy);
    assert_eq!(alone.primary, None);
    assert!(alone.logons.iter().all(|logon| logon.upn.as_deref() == Some("zoe@contoso.com")));
    let zoe = person("zoe@contoso.com");
    let people = People::of(std::slice::from_ref(&zoe), &policy).answered(told());
    assert!(affinity(&logons, None, None, &people, &policy).is_primary(&zoe));
}

#[test]
fn u15_what_the_directory_says_of_an_account_comes_before_what_a_domain_controller_told() {
    let policy = AffinityPolicy::default();
    let ana =
        Person { on_premises: Some("ad.contoso.com\\ana".to_owned()), ..person("ana@contoso.com") };
    let staff = [ana, person("bob@contoso.com")];
    let mut answers = crate::accounts::Answers::default();
    answers.add("contoso\\ana", "bob@contoso.com", at(5));
    let people = People::of(&staff, &policy).answered(answers);
    let found = affinity(&[logon("CONTOSO\\ana", 1)], None, None, &people, &policy);
    assert!(found.is_primary(&staff[0]));
    assert_eq!(found.logons[0].upn, None, "nobody had to be asked");
}

#[test]
fn u15_the_same_person_by_account_and_by_upn_is_one_logon() {
    let policy = AffinityPolicy::default();
    let mut answers = crate::accounts::Answers::default();
    answers.add("corp\\zoe", "zoe@contoso.com", at(4));
    let logons = [logon("corp\\zoe", 1), logon("zoe@contoso.com", 1)];
    let found = affinity(&logons, None, None, &People::default().answered(answers), &policy);
    assert_eq!(found.logons.len(), 1, "{:?}", found.logons);
}

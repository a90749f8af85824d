//! The last ten logons, and who is primary by them.

use super::*;

#[test]
fn u1_the_primary_person_is_the_one_seen_most_often() {
    let staff = staff();
    // Newest first it is A A A B A C A A B A.
    let found = of(&daily("ABAACABAAA"), &staff);
    let most = PrimaryReason::Most { times: 7, of: 10 };
    assert_eq!(found.primary, Some(Primary { person: staff[0].id, reason: most }));
    assert!(!found.shared);
}

#[test]
fn u2_the_eleventh_logon_drops_the_oldest() {
    let found = of(&daily("CABAACABAAB"), &staff());
    assert_eq!(found.logons.len(), WINDOW);
    assert_eq!(found.accounts()[0], "ana@contoso.com", "the oldest, C, dropped out");
    assert_eq!(found.accounts()[9], "bob@contoso.com", "the newest is last");
}

#[test]
fn u2_the_order_in_which_logons_arrive_does_not_matter() {
    let mut logons = daily("ABBACCABABBCCA");
    let expected = of(&logons, &staff());
    logons.reverse();
    assert_eq!(of(&logons, &staff()), expected);
    logons.rotate_left(5);
    assert_eq!(of(&logons, &staff()), expected);
}

#[test]
fn u4_blank_failed_and_system_readings_add_nothing() {
    let mut logons = daily("AAA");
    for account in [
        "",
        "  ",
        "NT AUTHORITY\\SYSTEM",
        "system",
        "NT AUTHORITY\\LOCAL SERVICE",
        "CONTOSO\\DESK-1$",
        "DESK-1$@corp.contoso.com",
    ] {
        logons.push(logon(account, 20));
    }
    let found = of(&logons, &staff());
    assert_eq!(found.accounts(), ["ana@contoso.com"; 3]);
}

#[test]
fn u5_case_and_space_do_not_make_another_upn() {
    let staff = staff();
    let found = of(&[logon(" ANA@Contoso.COM ", 1), logon("ana@contoso.com", 3)], &staff);
    assert_eq!(found.accounts(), ["ana@contoso.com"; 2]);
    assert_eq!(
        found.primary.map(|primary| primary.reason),
        Some(PrimaryReason::Most { times: 2, of: 2 })
    );
}

#[test]
fn u11_a_pinned_person_wins_until_he_is_unpinned() {
    let staff = staff();
    let policy = AffinityPolicy::default();
    let people = People::of(&staff, &policy);
    let logons = daily("AAAAAAAAAA");
    let pinned =
        affinity(&logons, None, Some(Pin::Person { person: staff[1].id }), &people, &policy);
    let expected = Primary { person: staff[1].id, reason: PrimaryReason::Pinned };
    assert_eq!(pinned.primary, Some(expected));
    let nobody = affinity(&logons, None, Some(Pin::Nobody), &people, &policy);
    assert_eq!(nobody.primary, None, "a computer that a human excluded has none");
    assert!(affinity(&logons, None, None, &people, &policy).is_primary(&staff[0]));
}

#[test]
fn u12_a_kiosk_of_ten_people_is_shared_and_nobodys() {
    let persons: Vec<Person> = (0..10).map(|n| person(&format!("p{n}@contoso.com"))).collect();
    let logons: Vec<LogonInput> = (0..10).map(|n| logon(&format!("p{n}@contoso.com"), n)).collect();
    let found = of(&logons, &persons);
    assert_eq!(found.primary, None);
    assert!(found.shared);
}

#[test]
fn u12_less_than_the_least_share_of_a_full_list_is_not_primary() {
    let two_of_ten = daily("ABXYZUVWAQ");
    let found = of(&two_of_ten, &staff());
    assert_eq!(found.primary, None);
    assert!(found.shared);
    let lenient = AffinityPolicy { min_share: 20, ..AffinityPolicy::default() };
    assert!(computed(&two_of_ten, &staff(), &lenient).is_primary(&staff()[0]));
    // A list that is not full says what it can.
    assert!(of(&daily("A"), &staff()).is_primary(&staff()[0]));
}

#[test]
fn a_tie_goes_to_the_present_primary_else_to_the_one_seen_last() {
    let staff = staff();
    // Ana leads all the time until Bob draws level.
    assert!(of(&daily("AAABBB"), &staff).is_primary(&staff[0]));
    // Bob is ahead once, and stays when Ana draws level again.
    assert!(of(&daily("ABBA"), &staff).is_primary(&staff[1]));
    // Ana, who was primary, is not among the tied: the last one seen it is.
    let lenient = AffinityPolicy { min_share: 20, ..AffinityPolicy::default() };
    assert!(computed(&daily("AAABBCCXXXYZ"), &staff, &lenient).is_primary(&staff[2]));
}

#[test]
fn a_repeat_within_the_interval_is_one_observation_whoever_saw_it() {
    let ana = Person {
        on_premises: Some("corp.contoso.com\\ana".to_owned()),
        ..person("ana@contoso.com")
    };
    let hours = |n| at(1) + Duration::hours(n);
    let logons = [
        logon_at("ana@contoso.com", hours(0)),
        logon_at("CORP\\ana", hours(2)),
        logon_at("bob@contoso.com", hours(3)),
        logon_at("ana@contoso.com", hours(19)),
        logon_at("ana@contoso.com", hours(20)),
    ];
    let found = of(&logons, &[ana.clone(), person("bob@contoso.com")]);
    assert_eq!(found.accounts(), ["ana@contoso.com", "bob@contoso.com", "ana@contoso.com"]);
    assert!(found.is_primary(&ana));
}

#[test]
fn a_wiped_computer_forgets_who_used_it_before() {
    let staff = staff();
    let policy = AffinityPolicy::default();
    let people = People::of(&staff, &policy);
    let found = affinity(&daily("AAAAAB"), Some(at(6)), None, &people, &policy);
    assert_eq!(found.accounts(), ["bob@contoso.com"]);
    assert!(found.is_primary(&staff[1]));
    let fresh = affinity(&daily("AAAAAB"), Some(at(30)), None, &people, &policy);
    assert_eq!((fresh.primary, fresh.logons.len()), (None, 0));
}

//! Mistakes in the settings: each is one clear message with its place, exit code 2, and no data on
//! standard output.

use crate::run::{Place, Ran};

const HALO: &str = "[[connection]]\nname = \"halo\"\nkind = \"halopsa\"\n\
                    url = \"https://halo.example.com\"\nclient_id = \"id\"\n";

fn check(settings: &str) -> Ran {
    Place::with(settings).run(&["config", "check"]).ended(2).silent()
}

#[test]
fn a_broken_toml_is_shown_with_its_line() {
    let ran = check("[hub]\ntime_zone = \"UTC\n\n[sync\n");
    let ran = ran.complained(&["this is no TOML", "linchpin.toml:2:", "time_zone = \"UTC"]);
    assert!(ran.err.contains("linchpin.toml:4:"), "the second mistake too:\n{}", ran.err);
}

#[test]
fn an_unknown_key_gets_a_suggestion_and_what_is_allowed() {
    let settings = format!("{HALO}client_secret = \"s\"\npage_sise = 50\n");
    check(&settings).complained(&[
        "unknown key `page_sise` in connection `halo`",
        "linchpin.toml:7:1",
        "page_sise = 50",
        "did you mean `page_size`?",
        "contract_details",
        "1 mistake in the settings file",
    ]);
}

#[test]
fn the_report_reads_like_this() {
    let ran = check("[sync]\nmax_delete_procent = 10\n");
    let expected = "  × unknown key `max_delete_procent` in `sync`
   ╭─[linchpin.toml:2:1]
 2 │ max_delete_procent = 10
   · ─────────┬────────
   ·          ╰── unknown
   ╰────
  help: did you mean `max_delete_percent`? allowed here: full_every_hours, max_delete_count,
        max_delete_percent, max_reject_percent, parallel_scopes

error: 1 mistake in the settings file linchpin.toml
";
    assert_eq!(ran.err, expected);
}

#[test]
fn an_uninstall_may_not_rest_on_older_facts_than_an_install() {
    check("[resolve]\ninstall_max_age_hours = 12\n").complained(&[
        "`uninstall_max_age_hours` is 24, and `install_max_age_hours` is 12",
        "write no more hours for it",
    ]);
    check("[resolve]\nuninstall_max_age_hours = 0\n").complained(&["uninstall_max_age_hours"]);
    let fine = "[resolve]\ninstall_max_age_hours = 12\nuninstall_max_age_hours = 12\n";
    Place::with(fine).run(&["config", "check"]).ended(0);
}

#[test]
fn a_queue_without_room_is_refused() {
    check("[sessions]\nat_once = 0\n").complained(&["at_once", "linchpin.toml:2:"]);
    check("[sessions]\nper_tennant = 3\n").complained(&["did you mean `per_tenant`?"]);
    check("[sessions]\nlease_seconds = 1\n").complained(&["lease_seconds", "linchpin.toml:2:"]);
    let fine = "[sessions]\nat_once = 400\nwaits_days = 1\n";
    Place::with(fine).run(&["config", "check"]).ended(0);
}

#[test]
fn a_wrong_kind_gets_the_kinds_there_are() {
    check(&HALO.replace("\"halopsa\"", "\"halo-psa\"")).complained(&[
        "connection `halo` has the unknown kind `halo-psa`",
        "linchpin.toml:3:8",
        "did you mean `halopsa`?",
        "azure-ad, cw-automate, cw-control, halopsa, runner",
    ]);
}

#[test]
fn a_wrong_address_is_shown_where_it_stands() {
    let settings = format!("{HALO}client_secret = \"s\"\n").replace("https://halo", "halo");
    check(&settings).complained(&[
        "`url` of connection `halo`",
        "halo.example.com",
        "linchpin.toml:4:7",
        "https://example.com",
    ]);
}

#[test]
fn a_secret_that_the_environment_lacks_is_named() {
    let settings = format!("{HALO}client_secret = \"env:LINCHPIN_TEST_HALO\"\n");
    check(&settings).complained(&[
        "`client_secret` of connection `halo`",
        "the environment variable `LINCHPIN_TEST_HALO` is not set",
        "linchpin.toml:6:17",
        "export LINCHPIN_TEST_HALO=",
    ]);
    let place = Place::with(&settings);
    let ran = place.run_with(&["config", "check"], &[("LINCHPIN_TEST_HALO", "s")]).ended(0);
    assert!(ran.out.contains("connection `halo` (halopsa): fine"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn a_secret_in_a_file_is_found_beside_the_settings() {
    let place = Place::with(&format!("{HALO}client_secret = \"file:halo.secret\"\n"));
    place
        .run(&["config", "check"])
        .ended(2)
        .complained(&["halo.secret cannot be read", "the path is relative"]);
    place.write("halo.secret", "hunter2\n");
    // From elsewhere: the path is relative to the file and not to where somebody stands.
    let elsewhere = Place::empty();
    let file = place.file();
    elsewhere.run(&["config", "check", "--config", file.to_str().unwrap()]).ended(0);
}

#[test]
fn two_connections_of_one_name_are_refused() {
    let one = format!("{HALO}client_secret = \"s\"\n");
    check(&format!("{one}{one}")).complained(&[
        "there are two connections named `halo`",
        "linchpin.toml:8:8",
        "give each connection its own",
    ]);
}

#[test]
fn a_missing_setting_is_named_with_what_it_is() {
    check(HALO).complained(&["connection `halo` lacks `client_secret`", "env:NAME"]);
}

#[test]
fn every_mistake_is_reported_at_once_for_machines_too() {
    let settings =
        format!("[hub]\ntime_zone = \"Europe/Berln\"\n{HALO}client_secret = 5\nfoo = 1\n");
    let ran = Place::with(&settings).run(&["config", "check", "--json"]).ended(2);
    let answer = ran.value();
    assert_eq!(answer["exit_code"], 2);
    let problems = answer["error"]["problems"].as_array().unwrap();
    let lines: Vec<u64> = problems.iter().map(|p| p["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 8, 9], "{problems:#?}");
    assert!(problems[0]["help"].as_str().unwrap().contains("Europe/Berlin"));
    assert_eq!(problems[1]["column"], 17);
}

#[test]
fn no_report_shows_a_secret() {
    let connection = |more: &str| format!("{HALO}{more}\n");
    for settings in [
        connection("client_secrt = \"hunter2\""),
        connection("client_secret = [\"hunter2\"]"),
        connection("client_secret = \"hunter2\nfoo = 1"),
        connection("client_secret = hunter2"),
        connection("client_secret = \"hunter2\" client_id = \"x\""),
        connection("client_secret = \"hunter2\"").replace("https://halo", "ftp://halo"),
        "[hub]\ndatabase = \"mysql://u:hunter2@h/d\"\n".to_owned(),
        "connection = [{ name = \"x\", kind = \"halopsa\", client_secret = \"hunter2\", y = 1 }]"
            .to_owned(),
    ] {
        for arguments in [&["config", "check"][..], &["config", "check", "--json"]] {
            let ran = Place::with(&settings).run(arguments).ended(2);
            assert!(!ran.err.contains("hunter2"), "{settings}\n{}", ran.err);
            assert!(!ran.out.contains("hunter2"), "{settings}\n{}", ran.out);
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_way_out() {
    let place = Place::empty();
    let ran = place.run(&["config", "check", "--config", "other.toml"]).ended(2).silent();
    ran.complained(&["other.toml cannot be read", "linchpin init"]);
    let ran = place.run_with(&["check"], &[("LINCHPIN_CONFIG", "third.toml")]).ended(2).silent();
    ran.complained(&["third.toml"]);
}

#[test]
fn an_unknown_connection_is_refused_by_name() {
    let settings = format!("{HALO}client_secret = \"s\"\n");
    let ran = Place::with(&settings).run(&["check", "hallo"]).ended(2).silent();
    ran.complained(&["there is no connection `hallo`", "did you mean `halo`?"]);
}

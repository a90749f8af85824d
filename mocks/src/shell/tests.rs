use super::*;
use crate::generate::generate;
use crate::world::{LoggedOn, Machine, MachineKind, Options, UuidQuirk};

fn estate() -> World {
    generate(&Options { seed: 11, computers: 600, ..Options::default() })
}

fn find(world: &World, test: impl Fn(&Machine) -> bool) -> MachineNo {
    world.machines.iter().position(test).unwrap()
}

#[test]
fn a_script_of_named_probes_prints_a_line_each() {
    let world = estate();
    let no = find(&world, |m| {
        m.automate_row.is_some()
            && m.control_row.is_some()
            && m.uuid_quirk == UuidQuirk::Right
            && m.earlier_uuids.is_empty()
    });
    let script = "#!ps\n#timeout=20000\n$ErrorActionPreference = 'SilentlyContinue'\n'<<begin 17>>'\n\
        'uuid=' + (Get-CimInstance Win32_ComputerSystemProduct).UUID\n\
        \"serial=$((Get-CimInstance -ClassName Win32_BIOS).SerialNumber)\"\n\
        $cs = Get-CimInstance Win32_ComputerSystem\n\
        \"maker=$($cs.Manufacturer)\"; \"host=$env:COMPUTERNAME\"\n\
        'installed=' + (Get-CimInstance Win32_OperatingSystem).InstallDate.ToUniversalTime().ToString('o')\n\
        \"oid=$((Get-CimInstance SoftwareLicensingService).OfflineInstallationId)\"\n\
        'automate=' + (Get-ItemProperty 'HKLM:\\SOFTWARE\\LabTech\\Service').ID\n\
        'control=' + ([regex]::Matches((Get-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\ScreenConnect Client*').ImagePath, 's=([0-9a-f-]{36})') | % { $_.Groups[1].Value })\n\
        Write-Output '<<end>>'";
    let machine = &world.machines[no];
    let automate = world.automate.computers[machine.automate_row.unwrap()].id;
    let control = world.control.sessions[machine.control_row.unwrap()].id;
    let installed = machine.os_installed.format("%Y-%m-%dT%H:%M:%SZ");
    let expected = [
        "<<begin 17>>".to_owned(),
        format!("uuid={}", machine.uuid),
        format!("serial={}", machine.serial),
        format!("maker={}", machine.manufacturer),
        format!("host={}", machine.host),
        format!("installed={installed}"),
        format!("oid={}", machine.installation_id),
        format!("automate={automate}"),
        format!("control={control}"),
        "<<end>>".to_owned(),
    ];
    assert_eq!(answer(&world, no, script), expected.join("\r\n"));
}

#[test]
fn a_uuid_that_the_script_prints_in_the_other_byte_order_is_swapped() {
    let world = estate();
    let no = find(&world, |m| m.uuid_quirk == UuidQuirk::SwappedInScript);
    let printed = answer(&world, no, "(Get-CimInstance Win32_ComputerSystemProduct).UUID");
    assert_ne!(printed, world.machines[no].uuid);
    assert_eq!(crate::generate::hardware::swapped(&printed), world.machines[no].uuid);
}

#[test]
fn whoami_tells_the_upn_of_a_person_and_an_error_for_a_local_account() {
    let world = estate();
    let no = find(&world, |m| m.user.is_some());
    let user = world.machines[no].user.unwrap();
    assert_eq!(answer(&world, no, "whoami /upn"), world.persons[user].upn);
    let local = find(&world, |m| matches!(m.logged_on, LoggedOn::Local(_)));
    assert!(
        answer(&world, local, "whoami /upn").starts_with("ERROR: Unable to get User Principal")
    );
}

#[test]
fn domain_controllers_translate_account_names_and_others_do_not() {
    let world = estate();
    let no = find(&world, |m| m.kind == MachineKind::DomainController);
    let tenant = world.machines[no].tenant;
    let person = world.persons.iter().find(|p| p.tenant == tenant && p.sam.is_some()).unwrap();
    let ask =
        format!("(Get-ADUser -Identity '{}').UserPrincipalName", person.sam.as_ref().unwrap());
    assert_eq!(answer(&world, no, &ask), person.upn);
    let other = find(&world, |m| m.kind == MachineKind::Desktop);
    assert!(answer(&world, other, &ask).contains("is not recognized"));
}

#[test]
fn cmd_forms_print_as_cmd_does() {
    let world = estate();
    let machine = &world.machines[0];
    let printed = answer(&world, 0, "@echo off\nwmic bios get serialnumber\nhostname\necho done");
    let lines: Vec<&str> = printed.lines().map(str::trim).collect();
    assert_eq!(lines, ["SerialNumber", machine.serial.trim(), &machine.host, "done"]);
}

#[test]
fn unknown_words_are_an_error_line() {
    let printed = answer(&estate(), 0, "Get-Frobnicator -All");
    assert!(printed.starts_with("Get-Frobnicator : The term 'Get-Frobnicator' is not recognized"));
}

#[test]
fn encoded_and_quoted_commands_are_decoded() {
    let script = "'x=' + $env:COMPUTERNAME\n\"é\"";
    let wire: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let raw = format!("powershell.exe!!! -NoProfile -EncodedCommand {}", STANDARD.encode(wire));
    assert_eq!(decode(&raw), script);
    let quoted = r#"powershell.exe!!! -NonInteractive -Command "Write-Output \"a\"; hostname""#;
    assert_eq!(decode(quoted), r#"Write-Output "a"; hostname"#);
    assert_eq!(decode(r#"cmd.exe!!! /c "hostname""#), "hostname");
    assert_eq!(decode("#!ps\nhostname"), "#!ps\nhostname");
}

#[test]
fn latency_is_in_range_and_repeatable() {
    let world = estate();
    for key in 0..200_u64 {
        let wait = latency(&world, key).num_milliseconds();
        assert!((20..=150).contains(&wait));
        assert_eq!(wait, latency(&world, key).num_milliseconds());
    }
}

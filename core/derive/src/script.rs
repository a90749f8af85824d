//! The script that asks a machine who it is and who uses it, and the reading of its answer.
//!
//! One run answers both questions. Every line prints `name=value`; a value that cannot be had is
//! blank, which is *unknown*.

use core_model::facts::DeviceRole;
use core_model::observation::{Logon, Reading};

/// PowerShell. Each line stands alone: what fails on one machine must not take the others along.
pub const IDENTIFY: &str = r"$ErrorActionPreference = 'SilentlyContinue'
'uuid=' + (Get-CimInstance Win32_ComputerSystemProduct).UUID
'serial=' + (Get-CimInstance Win32_BIOS).SerialNumber
'manufacturer=' + (Get-CimInstance Win32_ComputerSystem).Manufacturer
'host=' + $env:COMPUTERNAME
'domain_role=' + (Get-CimInstance Win32_ComputerSystem).DomainRole
'os_installed=' + (Get-CimInstance Win32_OperatingSystem).InstallDate.ToUniversalTime().ToString('o')
'installation=' + (Get-CimInstance -Query 'select OfflineInstallationId from SoftwareLicensingProduct where PartialProductKey is not null' | Select-Object -First 1).OfflineInstallationId
'automate=' + (Get-ItemProperty 'HKLM:\SOFTWARE\LabTech\Service').ID
'control=' + (((Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Services\ScreenConnect Client*').ImagePath | Select-String '[?&]s=([0-9a-f-]{36})').Matches | ForEach-Object { $_.Groups[1].Value })
'directory_device=' + (dsregcmd /status | Select-String 'DeviceId : (\S+)').Matches.Groups[1].Value
'upn=' + (whoami /upn)
";

/// What a machine answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// About the machine.
    pub reading: Reading,
    /// Who is logged on, where somebody with a UPN is.
    pub logon: Option<Logon>,
}

/// Reads what the script printed. Unknown lines are passed over: shells decorate.
#[must_use]
pub fn read(output: &str) -> Answer {
    let mut answer = Answer::default();
    let reading = &mut answer.reading;
    for line in output.lines() {
        let Some((name, value)) = line.trim().split_once('=') else { continue };
        let value = value.trim().trim_end_matches('\0').trim();
        if value.is_empty() {
            continue;
        }
        match name {
            "uuid" => reading.uuid = Some(value.to_owned()),
            "serial" => reading.serial = Some(value.to_owned()),
            "manufacturer" => reading.manufacturer = Some(value.to_owned()),
            "host" => reading.host = Some(value.to_owned()),
            "os_installed" => {
                reading.os_installed = core_model::dates::instant(value).ok().flatten();
            }
            "installation" => reading.installation = Some(value.to_owned()),
            "automate" => reading.agents.push(("cw-automate".to_owned(), value.to_lowercase())),
            "control" => {
                let ids = value.split_whitespace().filter(|id| is_guid(id));
                reading.agents.extend(ids.map(|id| ("cw-control".to_owned(), id.to_lowercase())));
            }
            "domain_role" => reading.role = role(value),
            "directory_device" if is_guid(value) => {
                reading.directory_device = Some(value.to_lowercase());
            }
            "upn" if is_upn(value) => {
                answer.logon =
                    Some(Logon { account: value.to_owned(), source: "whoami".to_owned() });
            }
            _ => {}
        }
    }
    reading.agents.sort();
    reading.agents.dedup();
    answer
}

/// `DomainRole` of `Win32_ComputerSystem`: workstations, servers, domain controllers, each alone or first.
fn role(value: &str) -> Option<DeviceRole> {
    match value {
        "0" | "1" => Some(DeviceRole::Workstation),
        "2" | "3" => Some(DeviceRole::Server),
        "4" | "5" => Some(DeviceRole::DomainController),
        _ => None,
    }
}

fn is_guid(text: &str) -> bool {
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    text.len() == 36 && hex == 32 && text.bytes().any(|c| c != b'0' && c != b'-')
}

/// `whoami /upn` fails with a sentence where nobody with a UPN is logged on.
pub(crate) fn is_upn(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_surrounds_it() {
        let answer = read(
            "C:\\WINDOWS\\system32>\r\nuuid=4C4C4544-0042-3510-8052-B3C04F4B4E32\r\nserial=3B5RKN2 \r\n\
             domain_role=5\r\nautomate=1234\r\ncontrol=11111111-2222-3333-4444-555555555555\r\nos_installed=2026-01-02T03:04:05Z\r\n\
             upn=Ana@contoso.com\r\nnoise\r\n",
        );
        assert_eq!(answer.reading.serial.as_deref(), Some("3B5RKN2"));
        assert_eq!(answer.reading.agents.len(), 2);
        assert!(answer.reading.os_installed.is_some());
        assert_eq!(answer.reading.role, Some(DeviceRole::DomainController));
        assert_eq!(answer.logon.unwrap().account, "Ana@contoso.com");
    }

    #[test]
    fn u4_no_upn_is_no_reading() {
        for text in [
            "upn=ERROR: Unable to get User Principal Name (UPN) as the current logged-on user is not a domain user.",
            "upn=",
            "",
        ] {
            assert_eq!(read(text).logon, None, "{text}");
        }
    }

    #[test]
    fn blanks_and_the_zero_device_are_unknown() {
        let answer =
            read("serial=\ndirectory_device=00000000-0000-0000-0000-000000000000\nuuid=\0");
        assert_eq!(answer, Answer::default());
    }
}

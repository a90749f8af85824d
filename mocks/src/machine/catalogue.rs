//! The packages that the estate's package source has, and that machines have installed.
//!
//! Names contain each other on purpose ("Adobe Acrobat" and "Adobe Acrobat Reader"), some carry
//! their version, some are 32 bits or a user's: what detection by name gets wrong.

use chrono::NaiveDate;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::world::{Installed, Name, Scope};

/// What kind of file an installer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A package of Windows Installer.
    Msi,
    /// A program; without its silent switch it waits for somebody to click.
    Exe,
}

/// One version of a product.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Package {
    /// Its name here: product and version.
    pub id: &'static str,
    /// File name of its installer.
    pub file: &'static str,
    /// `DisplayName`.
    pub name: &'static str,
    /// `DisplayVersion`.
    pub version: &'static str,
    /// `Publisher`.
    pub publisher: &'static str,
    /// Key below `Uninstall`.
    pub key: &'static str,
    /// What versions of the product share.
    pub upgrade_code: &'static str,
    /// What its installer is.
    pub kind: Kind,
    /// For whom it is installed.
    pub scope: Scope,
    /// The switches of which one makes an [`Kind::Exe`] silent.
    pub silent: &'static [&'static str],
    /// The program.
    pub exe: &'static str,
    /// Its uninstaller ([`Kind::Exe`]).
    pub uninstaller: &'static str,
    /// Service: name and display name.
    pub service: Option<(&'static str, &'static str)>,
    /// Seconds that its installer takes.
    pub seconds: u32,
    /// Size in megabytes.
    pub megabytes: u32,
    /// Whether it wants a reboot after it was installed.
    pub reboot: bool,
}

const MSI: Package = Package {
    id: "",
    file: "",
    name: "",
    version: "",
    publisher: "",
    key: "",
    upgrade_code: "",
    kind: Kind::Msi,
    scope: Scope::Machine,
    silent: &[],
    exe: "",
    uninstaller: "",
    service: None,
    seconds: 25,
    megabytes: 20,
    reboot: false,
};
const EXE: Package = Package { kind: Kind::Exe, silent: &["/s", "/silent"], ..MSI };

const READER: Package = Package {
    name: "Adobe Acrobat Reader",
    publisher: "Adobe",
    upgrade_code: "{A6EADE66-0000-0000-484E-7E8A45000000}",
    kind: Kind::Exe,
    silent: &["/sall"],
    exe: r"C:\Program Files\Adobe\Acrobat DC\Acrobat\AcroRd32.exe",
    seconds: 95,
    megabytes: 480,
    ..MSI
};
const ACROBAT: Package = Package {
    name: "Adobe Acrobat",
    upgrade_code: "{AC76BA86-0000-0000-7760-7E8A45000000}",
    exe: r"C:\Program Files\Adobe\Acrobat DC\Acrobat\Acrobat.exe",
    seconds: 240,
    megabytes: 1_100,
    kind: Kind::Msi,
    ..READER
};
const ZIP: Package = Package {
    publisher: "Igor Pavlov",
    upgrade_code: "{23170F69-40C1-2702-0000-000004000000}",
    exe: r"C:\Program Files\7-Zip\7zFM.exe",
    seconds: 6,
    megabytes: 2,
    ..MSI
};
const CHROME: Package = Package {
    name: "Google Chrome",
    publisher: "Google LLC",
    upgrade_code: "{C1DFDF69-5945-32F2-A35E-EE94C99C7CF4}",
    exe: r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    seconds: 40,
    megabytes: 110,
    ..MSI
};
const SENTINEL: Package = Package {
    name: "Sentinel Agent",
    publisher: "SentinelOne",
    upgrade_code: "{2F4C9D3B-8E5D-4B0E-B8E3-5D1F8B6A7C90}",
    exe: r"C:\Program Files\SentinelOne\Sentinel Agent\SentinelAgent.exe",
    service: Some(("SentinelAgent", "Sentinel Agent")),
    seconds: 120,
    megabytes: 160,
    reboot: true,
    ..MSI
};
const PHONE: Package = Package {
    name: "3CX Desktop App",
    publisher: "3CX Ltd.",
    upgrade_code: "{8C3B5E50-6F1E-4C2F-9A55-0D8A3CDB6A11}",
    exe: r"C:\Program Files\3CXDesktopApp\app\3CXDesktopApp.exe",
    seconds: 30,
    megabytes: 95,
    ..MSI
};
const OFFICE: Package = Package {
    publisher: "Microsoft Corporation",
    exe: r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
    silent: &["/configure"],
    seconds: 600,
    megabytes: 8,
    ..EXE
};

/// Everything, versions of one product from old to new.
pub const PACKAGES: &[Package] = &[
    Package {
        id: "reader-23.008",
        file: "AcroRdrDCx64_23008.exe",
        version: "23.008.20470",
        key: "{AC76BA86-1033-1033-7760-BC15014EA701}",
        ..READER
    },
    Package {
        id: "reader-24.001",
        file: "AcroRdrDCx64_24001.exe",
        version: "24.001.20604",
        key: "{AC76BA86-1033-1033-7760-BC15014EA702}",
        ..READER
    },
    Package {
        id: "reader-24.002",
        file: "AcroRdrDCx64_24002.exe",
        version: "24.002.20933",
        key: "{AC76BA86-1033-1033-7760-BC15014EA703}",
        reboot: true,
        ..READER
    },
    Package {
        id: "acrobat-23.008",
        file: "AcroPro_23008.msi",
        version: "23.008.20470",
        key: "{AC76BA86-1033-FFFF-7760-BC15014EA701}",
        ..ACROBAT
    },
    Package {
        id: "acrobat-24.002",
        file: "AcroPro_24002.msi",
        version: "24.002.20933",
        key: "{AC76BA86-1033-FFFF-7760-BC15014EA703}",
        ..ACROBAT
    },
    Package {
        id: "7zip-22.01",
        file: "7z2201-x64.msi",
        name: "7-Zip 22.01 (x64 edition)",
        version: "22.01.00.0",
        key: "{23170F69-40C1-2702-2201-000001000000}",
        ..ZIP
    },
    Package {
        id: "7zip-23.01",
        file: "7z2301-x64.msi",
        name: "7-Zip 23.01 (x64 edition)",
        version: "23.01.00.0",
        key: "{23170F69-40C1-2702-2301-000001000000}",
        ..ZIP
    },
    Package {
        id: "7zip-24.08",
        file: "7z2408-x64.msi",
        name: "7-Zip 24.08 (x64 edition)",
        version: "24.08.00.0",
        key: "{23170F69-40C1-2702-2408-000001000000}",
        ..ZIP
    },
    Package {
        id: "chrome-127",
        file: "googlechrome127_64.msi",
        version: "127.0.6533.120",
        key: "{6D0F3F3B-6E0F-3C4A-9A5E-127000000000}",
        ..CHROME
    },
    Package {
        id: "chrome-131",
        file: "googlechrome131_64.msi",
        version: "131.0.6778.86",
        key: "{6D0F3F3B-6E0F-3C4A-9A5E-131000000000}",
        ..CHROME
    },
    Package {
        id: "sentinel-23.3",
        file: "SentinelInstaller_x64_23_3.msi",
        version: "23.3.3.264",
        key: "{7B1A2C8E-23A3-4F4B-9B7E-6E2B7A3C2330}",
        ..SENTINEL
    },
    Package {
        id: "sentinel-24.1",
        file: "SentinelInstaller_x64_24_1.msi",
        version: "24.1.4.257",
        key: "{7B1A2C8E-24A1-4F4B-9B7E-6E2B7A3C2410}",
        ..SENTINEL
    },
    Package {
        id: "huntress-0.13",
        file: "HuntressInstaller.exe",
        name: "Huntress Agent",
        version: "0.13.222",
        publisher: "Huntress Labs Inc.",
        key: "Huntress",
        exe: r"C:\Program Files\Huntress\HuntressAgent.exe",
        uninstaller: r"C:\Program Files\Huntress\Uninstall.exe",
        service: Some(("HuntressAgent", "Huntress Agent")),
        seconds: 20,
        megabytes: 12,
        ..EXE
    },
    Package {
        id: "3cx-18.11",
        file: "3CXDesktopApp-18.11.1213.msi",
        version: "18.11.1213",
        key: "{5B5F6E1C-1811-4D0E-8A52-3C0000001213}",
        ..PHONE
    },
    Package {
        id: "3cx-18.13",
        file: "3CXDesktopApp-18.13.959.msi",
        version: "18.13.959",
        key: "{5B5F6E1C-1813-4D0E-8A52-3C0000000959}",
        ..PHONE
    },
    Package {
        id: "m365",
        file: "OfficeSetup.exe",
        name: "Microsoft 365 Apps for business - en-us",
        version: "16.0.18129.20158",
        key: "O365BusinessRetail - en-us",
        uninstaller: r"C:\Program Files\Common Files\Microsoft Shared\ClickToRun\OfficeClickToRun.exe",
        ..OFFICE
    },
    Package {
        id: "office-2019",
        file: "Office2019Setup.exe",
        name: "Microsoft Office Professional Plus 2019 - en-us",
        version: "16.0.10416.20007",
        key: "ProPlus2019Volume - en-us",
        uninstaller: r"C:\Program Files\Common Files\Microsoft Shared\ClickToRun\OfficeC2RClient.exe",
        ..OFFICE
    },
    Package {
        id: "outlook-addin",
        file: "PhishReporter.msi",
        name: "Phish Reporter for Outlook",
        version: "4.2.0",
        publisher: "Keystone IT",
        key: "{3E0C1C58-42A0-4E07-9E7A-0A5F00000420}",
        upgrade_code: "{3E0C1C58-0000-4E07-9E7A-0A5F00000000}",
        exe: r"C:\Program Files\Phish Reporter\PhishReporter.dll",
        scope: Scope::Machine32,
        ..MSI
    },
    Package {
        id: "zoom-6.1",
        file: "ZoomInstaller_6_1.exe",
        name: "Zoom Workplace",
        version: "6.1.11 (45504)",
        publisher: "Zoom Video Communications, Inc.",
        key: "ZoomUMX",
        exe: r"C:\Users\Public\AppData\Roaming\Zoom\bin\Zoom.exe",
        uninstaller: r"C:\Users\Public\AppData\Roaming\Zoom\uninstall\Installer.exe",
        scope: Scope::User,
        ..EXE
    },
    Package {
        id: "java-8u401",
        file: "jre-8u401-windows-i586.exe",
        name: "Java 8 Update 401",
        version: "8.0.4010.10",
        publisher: "Oracle Corporation",
        key: "{77924AE4-039E-4CA4-87B4-2F32180401F0}",
        upgrade_code: "{57BDA5C6-443C-4D65-B233-2823211401FF}",
        exe: r"C:\Program Files (x86)\Java\jre-1.8\bin\java.exe",
        uninstaller: r"C:\Program Files (x86)\Java\jre-1.8\uninstall.exe",
        scope: Scope::Machine32,
        ..EXE
    },
    Package {
        id: "vcredist-14.38",
        file: "VC_redist.x64.exe",
        name: "Microsoft Visual C++ 2015-2022 Redistributable (x64) - 14.38.33130",
        version: "14.38.33130.0",
        publisher: "Microsoft Corporation",
        key: "{1CA7421F-A225-4A9C-B320-A36981A2B789}",
        uninstaller: r"C:\ProgramData\Package Cache\{1CA7421F-A225-4A9C-B320-A36981A2B789}\VC_redist.x64.exe",
        silent: &["/quiet", "/q", "/passive"],
        reboot: true,
        ..EXE
    },
    Package {
        id: "notepad++-8.6",
        file: "npp.8.6.9.Installer.x64.exe",
        name: "Notepad++ (64-bit x64)",
        version: "8.6.9",
        publisher: "Notepad++ Team",
        key: "Notepad++",
        exe: r"C:\Program Files\Notepad++\notepad++.exe",
        uninstaller: r"C:\Program Files\Notepad++\uninstall.exe",
        ..EXE
    },
];

impl Package {
    /// The row that it leaves.
    #[must_use]
    pub fn row(&self, installed: NaiveDate) -> Installed {
        let msi = self.key.starts_with('{') && self.uninstaller.is_empty();
        let (uninstall, quiet): (Name, Option<Name>) = if msi {
            (format!("MsiExec.exe /I{}", self.key).into(), None)
        } else {
            let silent = self.silent.first().copied().unwrap_or("/s");
            let plain = format!("\"{}\"", self.uninstaller);
            let quiet = format!("{plain} {silent}");
            (plain.into(), Some(quiet.into()))
        };
        Installed {
            name: self.name.into(),
            version: self.version.into(),
            publisher: self.publisher.into(),
            key: self.key.into(),
            upgrade_code: (!self.upgrade_code.is_empty()).then(|| self.upgrade_code.into()),
            uninstall,
            quiet_uninstall: quiet,
            exe: (!self.exe.is_empty()).then(|| self.exe.into()),
            service: self.service.map(|(name, _)| name.into()),
            installed,
            scope: self.scope,
        }
    }

    /// The bytes of its installer: nothing a machine could run, and always the same.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        bytes(self.file, true)
    }

    /// SHA-256 of its installer, in upper case as PowerShell prints it.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256(&self.bytes())
    }

    /// Size of its installer in bytes, as a download counts it.
    pub(crate) fn size(&self) -> u64 {
        u64::from(self.megabytes) << 20
    }
}

/// The bytes of an installer, or of what came in its place.
pub(crate) fn bytes(file: &str, whole: bool) -> Vec<u8> {
    let kind = if whole { "installer" } else { "captive portal, log in to go on" };
    format!("MZ linchpin mocks: {kind} {file}\r\n").into_bytes()
}

/// SHA-256 in upper case.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

/// The package whose installer has this file name.
#[must_use]
pub fn by_file(file: &str) -> Option<&'static Package> {
    PACKAGES.iter().find(|package| package.file.eq_ignore_ascii_case(file))
}

/// The package of this name.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Package> {
    PACKAGES.iter().find(|package| package.id.eq_ignore_ascii_case(id))
}

/// The package that left this row.
#[must_use]
pub fn of_row(row: &Installed) -> Option<&'static Package> {
    PACKAGES.iter().find(|p| p.key.eq_ignore_ascii_case(&row.key) && p.version == row.version)
}

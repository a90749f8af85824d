//! A small hub that files refer to.

use core_library::{Library, Names, SourceFile, read};
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, GroupId, PersonId, ProductId, TenantId};

/// 2026-11-29.
pub(crate) const NOW_US: i64 = 1_795_910_400_000_000;

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

pub(crate) fn computer(name: &str) -> ComputerId {
    ComputerId::of_text(name, 0)
}

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::of_text(name, 0)
}

pub(crate) fn group(name: &str) -> GroupId {
    GroupId::of_text(name, 0)
}

pub(crate) fn product(name: &str) -> ProductId {
    ProductId::of_text(name, 0)
}

/// Contoso and Fabrikam, of whom much is called the same.
pub(crate) fn names() -> Names {
    let mut names = Names::new();
    names.connection("automate").connection("halo");
    let (contoso, fabrikam) = (tenant("contoso"), tenant("fabrikam"));
    names.tenant(contoso, "Contoso").tenant(fabrikam, "Fabrikam, Inc.");
    names.tenant(tenant("holding"), "Contoso Holding");
    names.computer(computer("c42"), contoso, "PC-042");
    names.computer(computer("f42"), fabrikam, "PC-042");
    names.computer(computer("f7"), fabrikam, "PC-007");
    names.person(person("ana"), contoso, "Ana Silva", Some("ana@contoso.example"));
    names.person(person("ana2"), contoso, "Ana Silva", Some("ana2@contoso.example"));
    names.person(person("bob"), fabrikam, "Bob", None);
    names.group(group("finance"), contoso, "Finance");
    names.group(group("sales"), fabrikam, "Sales");
    names.product(product("s1"), "halo", "SentinelOne");
    names.product(product("backup1"), "halo", "Backup");
    names.product(product("backup2"), "psa", "Backup");
    names.agreement_type("halo", "Managed Services");
    let kinds = [ConnectionGroupKind::Group, ConnectionGroupKind::Location];
    names.connection_group("automate", kinds[0], "850", "Servers");
    names.connection_group("automate", kinds[1], "1", "Main Office");
    names.connection_group("automate", kinds[1], "2", "Main Office");
    names
}

/// Reads one file, or says what is wrong with it, laid out as people see it.
pub(crate) fn read_text(text: &str) -> Result<Library, String> {
    read_files(&[SourceFile::new("rules.toml", text)], &Library::default())
}

pub(crate) fn read_files(files: &[SourceFile], known: &Library) -> Result<Library, String> {
    read(files, &names(), known, NOW_US)
        .map_err(|problems| problems.iter().map(|one| one.text(false)).collect())
}

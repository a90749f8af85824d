//! Steps in words, for whoever watches.

use core_model::library::ItemId;
use core_plan::{Beside, Catalogue, Key, Step, Work};

/// A step in words: "Reader: install".
pub(crate) fn of(step: &Step, catalogue: &Catalogue) -> String {
    match step {
        Step::Item { key, work } => format!("{}: {}", title(key, catalogue), of_work(work)),
        Step::Versions(software) => {
            let title = catalogue.software(*software).map(|one| one.title.as_str());
            format!("{}: which versions there are", title.unwrap_or("software"))
        }
        Step::CheckReboot => "whether a restart is pending".to_owned(),
        Step::AskReboot => "ask whether a restart suits".to_owned(),
        Step::Reboot => "restart".to_owned(),
        Step::AwaitConnection => "wait for the computer".to_owned(),
        Step::Beside(Beside::Invoke { by, .. }) => {
            format!("step {by} runs a script on the computer")
        }
        Step::Beside(Beside::EnterMaintenance) => "enter maintenance mode".to_owned(),
        Step::Beside(Beside::LeaveMaintenance) => "leave maintenance mode".to_owned(),
        Step::Beside(Beside::Updates) => "install approved updates of Windows".to_owned(),
    }
}

fn title(key: &Key, catalogue: &Catalogue) -> String {
    let title = match key.item {
        ItemId::Software(id) => catalogue.software(id).map(|one| one.title.clone()),
        ItemId::Task(id) => catalogue.task(id).map(|one| one.title.clone()),
    };
    let title = title.unwrap_or_else(|| key.item.to_string());
    match &key.instance {
        Some(instance) => format!("{title} ({instance})"),
        None => title,
    }
}

fn of_work(work: &Work) -> &'static str {
    match work {
        Work::Detect => "look whether it is there",
        Work::Test(_) => "test",
        Work::Get => "read",
        Work::Set => "set",
        Work::Download(_) => "download",
        Work::Install(_) => "install",
        Work::Upgrade(_) => "upgrade",
        Work::PostInstall(_) => "finish the install",
        Work::Uninstall(_) => "uninstall",
        Work::PostUninstall(_) => "finish the uninstall",
        Work::Repair(_) => "repair",
    }
}

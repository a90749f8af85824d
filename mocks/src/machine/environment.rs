//! The environment of a process, by names in lower case.

use super::process::Account;
use super::sim::Sim;

impl Sim {
    /// A variable of the environment of what runs now.
    pub(crate) fn environment(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        if let Some(set) = self.env.get(&name) {
            // To Windows a variable without a value is none.
            return (!set.is_empty()).then(|| set.clone());
        }
        if let Account::User(account) = &self.account {
            let (domain, user) = account.split_once('\\').unwrap_or((&self.facts.host, account));
            let own = of_user(&name, domain, user);
            if own.is_some() {
                return own;
            }
        }
        of_system(&name, &self.facts.host)
    }
}

fn of_user(name: &str, domain: &str, user: &str) -> Option<String> {
    Some(match name {
        "username" => user.to_owned(),
        "userdomain" => domain.to_owned(),
        "userprofile" => format!(r"C:\Users\{user}"),
        "appdata" => format!(r"C:\Users\{user}\AppData\Roaming"),
        "localappdata" => format!(r"C:\Users\{user}\AppData\Local"),
        "temp" | "tmp" => format!(r"C:\Users\{user}\AppData\Local\Temp"),
        _ => return None,
    })
}

/// What Windows has in its environment, by names in lower case.
fn of_system(name: &str, host: &str) -> Option<String> {
    Some(match name {
        "computername" => host.to_owned(),
        "username" => format!("{host}$"),
        "userdomain" => "WORKGROUP".to_owned(),
        "programfiles" | "programw6432" => r"C:\Program Files".to_owned(),
        "programfiles(x86)" => r"C:\Program Files (x86)".to_owned(),
        "programdata" | "allusersprofile" => r"C:\ProgramData".to_owned(),
        "temp" | "tmp" => r"C:\Windows\Temp".to_owned(),
        "systemdrive" => "C:".to_owned(),
        "systemroot" | "windir" => r"C:\Windows".to_owned(),
        "public" => r"C:\Users\Public".to_owned(),
        "userprofile" => r"C:\Windows\system32\config\systemprofile".to_owned(),
        "appdata" => r"C:\Windows\system32\config\systemprofile\AppData\Roaming".to_owned(),
        "localappdata" => r"C:\Windows\system32\config\systemprofile\AppData\Local".to_owned(),
        "processor_architecture" => "AMD64".to_owned(),
        "os" => "Windows_NT".to_owned(),
        "comspec" => r"C:\Windows\system32\cmd.exe".to_owned(),
        "path" => r"C:\Windows\system32;C:\Windows".to_owned(),
        _ => return None,
    })
}

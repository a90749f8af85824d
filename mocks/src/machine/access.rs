//! Who may read and write which files. The machine's own account may do everything; whoever is logged on
//! has no more rights than a user.

use super::paths;
use super::process::Account;
use super::sim::Sim;
use crate::world::Effect;

/// Where users may read and not write.
const READ_ONLY: &[&str] =
    &[r"c:\windows", r"c:\program files", r"c:\program files (x86)", r"c:\programdata"];

impl Sim {
    pub(crate) fn may_read(&self, path: &str) -> bool {
        self.may(path, &["read", "readandexecute", "modify", "fullcontrol"], true)
    }

    pub(crate) fn may_write(&self, path: &str) -> bool {
        // A file that is not there is one that the folder must let be made.
        if self.file(path).is_none() {
            return self.may_make(path);
        }
        let key = paths::key(path);
        let below = READ_ONLY.iter().any(|folder| key.starts_with(&format!("{folder}\\")));
        self.may(path, &["write", "modify", "fullcontrol"], !below)
    }

    /// Whether something new may be made there.
    pub(crate) fn may_make(&self, path: &str) -> bool {
        let folder = paths::parent(path);
        let key = format!("{}\\", paths::key(folder));
        let below = READ_ONLY.iter().any(|folder| key.starts_with(&format!("{folder}\\")));
        self.may(folder, &["write", "modify", "fullcontrol"], !below)
    }

    /// By the rules of the path and of the folders above it, until one is protected; else as Windows has it.
    fn may(&self, path: &str, rights: &[&str], usual: bool) -> bool {
        let Account::User(account) = &self.account else { return true };
        let sids = [crate::powershell::sid_of(account), "S-1-5-32-545".into(), "S-1-1-0".into()];
        let own = paths::key(path);
        let mut at = own.clone();
        loop {
            if let Some(access) = self.state.access.get(&at) {
                let fits = access.rules.iter().any(|rule| {
                    let mut given = rule.rights.split(',').map(|right| right.trim().to_lowercase());
                    (rule.inherits || at == own)
                        && sids.contains(&rule.sid)
                        && given.any(|given| rights.contains(&given.as_str()))
                });
                if fits || access.protected {
                    return fits;
                }
            }
            let above = paths::parent(&at).to_owned();
            if above.is_empty() {
                return usual;
            }
            at = above;
        }
    }

    /// Writes something behind what a file holds.
    pub(crate) fn append(&mut self, path: &str, more: Vec<u8>) {
        let (at, pid) = (self.now(), self.pid());
        if let Some(last) = self.effects.last_mut()
            && last.at == at
            && last.pid == pid
            && let Effect::Append(there, bytes) = &mut last.effect
            && there == path
        {
            let effect = Effect::Append(path.to_owned(), more);
            self.state.apply(&effect, at);
            if let Effect::Append(_, more) = effect {
                bytes.extend(more);
            }
            return;
        }
        self.act(Effect::Append(path.to_owned(), more));
    }
}

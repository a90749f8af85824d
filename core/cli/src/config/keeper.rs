//! Where connectors keep credentials that renew themselves: sealed in the hub's store, each
//! connection's under its own name.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use core_connector::{Error, ErrorKind, KeepSecret, Result, Secret};
use core_runner_hub::Office;
use core_store::{SealingKeys, Store};

/// What the names begin with under which connections' secrets are kept. `linchpin secrets set` can make no
/// such name, so that nobody's own secret is written over.
pub(crate) const OF_CONNECTIONS: &str = "connection:";

/// The store and the keys to it; or why there are none, and what to do about it.
#[derive(Clone)]
pub(super) struct Keeper {
    pub(super) store: Store,
    pub(super) keys: std::result::Result<Arc<SealingKeys>, (String, String)>,
}

impl Keeper {
    /// What a connection gets.
    pub(super) fn of(&self, connection: &str) -> Arc<dyn KeepSecret> {
        Arc::new(OfConnection { keeper: self.clone(), connection: connection.to_owned() })
    }
}

impl Keeper {
    /// What answers the runners of a connection; none where no key opens what it keeps.
    pub(super) fn office(&self, connection: &str) -> Option<Office> {
        let keys = self.keys.as_ref().ok()?;
        Some(Office::new(self.store.clone(), Arc::clone(keys), connection))
    }
}

struct OfConnection {
    keeper: Keeper,
    connection: String,
}

impl OfConnection {
    /// What a secret is called in the store; `linchpin secrets list` shows it so.
    fn name(&self, name: &str) -> String {
        format!("{OF_CONNECTIONS}{}/{name}", self.connection)
    }

    fn keys(&self) -> Result<&SealingKeys> {
        self.keeper.keys.as_deref().map_err(|(what, remedy)| {
            Error::new(ErrorKind::Config, "setting `key` in [secrets]", what).with_remedy(remedy)
        })
    }

    fn failed(&self, name: &str, error: &core_store::Error) -> Error {
        let (kind, remedy) = match error {
            core_store::Error::Corrupt { .. } => {
                let name = self.name(name);
                let remedy = format!(
                    "name the key that it was sealed with in `old_keys` of [secrets]; or forget it \
                     with `linchpin secrets forget {name}`, and what the settings say is used"
                );
                (ErrorKind::Config, remedy)
            }
            _ => (ErrorKind::Unavailable, error.remedy().to_owned()),
        };
        Error::new(kind, "the hub's store", error.to_string()).with_remedy(remedy)
    }
}

#[async_trait]
impl KeepSecret for OfConnection {
    async fn kept(&self, name: &str) -> Result<Option<Secret>> {
        let found = self.keeper.store.unseal(self.keys()?, &self.name(name)).await;
        Ok(found.map_err(|error| self.failed(name, &error))?.map(Secret::new))
    }

    async fn replace(&self, name: &str, before: Option<&Secret>, next: &Secret) -> Result<bool> {
        let (keys, now_us) = (self.keys()?, Utc::now().timestamp_micros());
        let both = (before.map(Secret::expose), next.expose());
        let done = self.keeper.store.seal_instead(keys, &self.name(name), both, now_us).await;
        done.map_err(|error| self.failed(name, &error))
    }
}

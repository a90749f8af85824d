//! What all ports share: the world, the faces, the faults, the counters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Value, json};

use crate::faults::Faults;
use crate::vendor::{Face, Vendor};
use crate::world::World;

/// What all ports share.
pub(crate) struct Shared {
    pub(crate) world: Arc<RwLock<World>>,
    pub(super) faults: Mutex<Faults>,
    pub(crate) faces: BTreeMap<Face, Box<dyn Vendor>>,
    /// Where each face is, as the discovery document says it.
    pub(crate) bases: BTreeMap<Face, String>,
    /// Faces whose base was configured, so that the `Host` header does not matter.
    pub(super) public: BTreeSet<Face>,
    pub(crate) estate: String,
    pub(crate) certificate_pem: Option<String>,
    pub(super) scheme: &'static str,
    pub(crate) stats: Stats,
    pub(super) client: reqwest::Client,
}

impl Shared {
    /// The faults, whoever panicked with them.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, to read.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, to change.
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets happen on the machines what is due by now.
    pub(crate) fn settle(&self) {
        if crate::machine::is_due(&self.read()) {
            crate::machine::settle(&mut self.write());
        }
    }

    /// What a face alone can be asked, or made to do.
    pub(crate) fn of_a_face(&self, name: &str, fields: &Value) -> Option<Result<Value, String>> {
        self.faces.values().find_map(|face| face.estate(name, fields, &self.world))
    }

    /// Under which address a caller reached a face.
    pub(super) fn base_for(&self, face: Face, host: Option<&str>) -> Option<String> {
        match host {
            Some(host) if !self.public.contains(&face) => Some(format!("{}://{host}", self.scheme)),
            _ => self.bases.get(&face).cloned(),
        }
    }

    /// Where each face is and what lets a client in.
    pub(crate) fn discovery(&self) -> Value {
        let world = self.read();
        let access = &world.credentials;
        let base = |face| self.bases.get(&face).cloned().unwrap_or_default();
        let (graph, halo) = (base(Face::Graph), base(Face::Halo));
        json!({
            "name": "linchpin-mocks",
            "seed": world.options.seed,
            "estate": self.estate,
            "certificate_pem": self.certificate_pem,
            "faces": {
                "azure-ad": {
                    "url": graph,
                    "login_url": graph,
                    "graph_url": graph,
                    "token_url": format!("{graph}/{}/oauth2/v2.0/token", access.graph_tenant),
                    "tenant": access.graph_tenant,
                    "client_id": access.graph_client_id,
                    "client_secret": access.graph_client_secret,
                    "refresh_token": access.graph_refresh_token,
                    "permissions": access.graph_permissions,
                },
                "cw-automate": {
                    "url": base(Face::Automate),
                    "username": access.automate_user,
                    "password": access.automate_password,
                    "totp_secret": access.automate_totp,
                    "client_id": access.automate_client_id,
                },
                "cw-control": {
                    "url": base(Face::Control),
                    "secret": access.control_secret,
                    "header": "CTRLAuthHeader",
                },
                "halopsa": {
                    "url": halo,
                    "auth_url": format!("{halo}/auth"),
                    "api_url": format!("{halo}/api"),
                    "tenant": access.halo_tenant,
                    "client_id": access.halo_client_id,
                    "client_secret": access.halo_client_secret,
                    "scopes": access.halo_scopes,
                },
            },
        })
    }

    /// Calls and bytes by face, and the faults that happened.
    pub(crate) fn stats_json(&self) -> Value {
        json!({ "faces": self.stats.json(), "faults": self.faults().fired() })
    }
}

/// Counters by face.
#[derive(Debug, Default)]
pub struct Stats {
    faces: [Counters; 4],
}

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    failed: AtomicU64,
    throttled: AtomicU64,
    bytes: AtomicU64,
}

impl Stats {
    /// One more call was answered.
    pub(super) fn count(&self, face: Face, status: u16, bytes: usize) {
        let counters = &self.faces[face as usize];
        counters.calls.fetch_add(1, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if status >= 400 {
            counters.failed.fetch_add(1, Ordering::Relaxed);
        }
        if status == 429 {
            counters.throttled.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn json(&self) -> Value {
        let faces = [Face::Graph, Face::Automate, Face::Control, Face::Halo];
        let mut all = serde_json::Map::new();
        for face in faces {
            let counters = &self.faces[face as usize];
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let name = match face {
                Face::Graph => "graph",
                Face::Automate => "automate",
                Face::Control => "control",
                Face::Halo => "halo",
            };
            all.insert(
                name.to_owned(),
                json!({
                    "calls": read(&counters.calls),
                    "failed": read(&counters.failed),
                    "throttled": read(&counters.throttled),
                    "bytes": read(&counters.bytes),
                }),
            );
        }
        Value::Object(all)
    }
}

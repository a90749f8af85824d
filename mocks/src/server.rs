//! Serves the four faces over real HTTP, each on a port of its own, with faults in between and
//! the estate's own API beside them.
//!
//! A face never sees a socket: a request becomes a [`Call`](crate::vendor::Call), the answer is a
//! [`Reply`](crate::vendor::Reply). What is specific to a vendor is the face's.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, RwLock};

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::Value;

use crate::faults::{Faults, Rule};
use crate::vendor::{Face, Vendor};
use crate::world::World;

mod asking;
mod http;
mod outgoing;
mod shared;

pub(crate) use self::http::decoded;
pub(crate) use self::shared::Shared;
pub use self::shared::Stats;

/// How the mocks are served.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port of each face; any free one where absent or 0.
    pub ports: BTreeMap<Face, u16>,
    /// Port of the estate's own API.
    pub estate_port: u16,
    /// Whether to speak TLS, with a self-signed certificate for `localhost` and `127.0.0.1`.
    pub tls: bool,
    /// Scheme, host and port under which a face is reached from outside, where that differs.
    pub public_bases: BTreeMap<Face, String>,
    /// Faults from the start.
    pub rules: Vec<Rule>,
    /// Seed of the faults' rates.
    pub fault_seed: u64,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: BTreeMap::new(),
            estate_port: 0,
            tls: false,
            public_bases: BTreeMap::new(),
            rules: Vec::new(),
            fault_seed: 1,
        }
    }
}

/// Why the mocks could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken, or may not be used.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for any free one")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The self-signed certificate could not be made.
    #[error("cannot make a self-signed certificate: {0}")]
    Certificate(String),
}

/// Starts servers.
#[derive(Debug)]
pub struct Mocks;

impl Mocks {
    /// Serves the world through the four vendors' faces. Must be called on a Tokio runtime.
    pub async fn start(world: World, config: ServeConfig) -> Result<Running, ServeError> {
        let faces = vec![
            crate::graph::face(),
            crate::automate::face(),
            crate::control::face(),
            crate::halo::face(),
        ];
        Self::start_with(world, config, faces).await
    }

    /// Serves the world through these faces.
    pub async fn start_with(
        world: World,
        config: ServeConfig,
        faces: Vec<Box<dyn Vendor>>,
    ) -> Result<Running, ServeError> {
        let tls = if config.tls { Some(certificate(&config).await?) } else { None };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut world = world;
        world.states.web = Some(asking::web());
        let listen = |port| listen(SocketAddr::new(config.bind, port));
        let estate = listen(config.estate_port)?;
        let mut bases = BTreeMap::new();
        let mut listeners = Vec::new();
        for face in &faces {
            let name = face.face();
            let listener = listen(config.ports.get(&name).copied().unwrap_or(0))?;
            bases.insert(name, base(scheme, &listener));
            listeners.push((Some(name), listener));
        }
        bases.extend(config.public_bases.clone());
        let certificate_pem = tls.as_ref().map(|(pem, _)| pem.clone());
        let shared = Arc::new(Shared {
            world: Arc::new(RwLock::new(world)),
            faults: Faults::new(config.rules.clone(), config.fault_seed).into(),
            faces: faces.into_iter().map(|face| (face.face(), face)).collect(),
            public: config.public_bases.keys().copied().collect(),
            bases,
            estate: base(scheme, &estate),
            certificate_pem,
            scheme,
            stats: Stats::default(),
            client: outgoing::client(),
        });
        listeners.push((None, estate));
        let handle = Handle::new();
        for (face, listener) in listeners {
            serve(face, listener, &shared, tls.as_ref().map(|(_, tls)| tls.clone()), &handle)?;
        }
        let telling = tokio::spawn(outgoing::tell(Arc::clone(&shared)));
        Ok(Running { shared, handle, telling })
    }
}

/// The servers that run; dropping this stops them.
pub struct Running {
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
    /// Tells what faces have to tell by themselves.
    telling: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("bases", &self.shared.bases).finish_non_exhaustive()
    }
}

impl Running {
    /// The world that is served; change it with [`crate::estate::apply`].
    #[must_use]
    pub fn world(&self) -> Arc<RwLock<World>> {
        Arc::clone(&self.shared.world)
    }

    /// Scheme, host and port of a face, without a trailing slash.
    #[must_use]
    pub fn base(&self, face: Face) -> &str {
        self.shared.bases.get(&face).map_or("", String::as_str)
    }

    /// Scheme, host and port of the estate's own API.
    #[must_use]
    pub fn estate_base(&self) -> &str {
        &self.shared.estate
    }

    /// The self-signed certificate, where TLS is spoken.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.shared.certificate_pem.as_deref()
    }

    /// The discovery document: where each face is and what lets a client in.
    #[must_use]
    pub fn discovery(&self) -> Value {
        self.shared.discovery()
    }

    /// Replaces the faults that happen.
    pub fn set_faults(&self, rules: Vec<Rule>) {
        self.shared.faults().set(rules);
    }

    /// Adds a fault.
    pub fn add_fault(&self, rule: Rule) {
        self.shared.faults().add(rule);
    }

    /// What the faults have done.
    #[must_use]
    pub fn fired(&self) -> Vec<crate::faults::Fired> {
        self.shared.faults().fired()
    }

    /// Forgets the tokens a face gave out.
    pub fn revoke(&self, face: Face) {
        if let Some(face) = self.shared.faces.get(&face) {
            face.revoke_tokens();
        }
    }

    /// What one face alone can be asked, or made to do, by the name that it has in the estate's API.
    ///
    /// # Errors
    /// In words, where there is no such thing, or it cannot be done.
    pub fn estate(&self, name: &str, fields: &Value) -> Result<Value, String> {
        let asked = self.shared.of_a_face(name, fields);
        asked.unwrap_or_else(|| Err(format!("no face knows {name:?}")))
    }

    /// Calls and bytes so far.
    #[must_use]
    pub fn stats(&self) -> Value {
        self.shared.stats_json()
    }

    /// Stops: calls in flight are finished, for two seconds at most.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(std::time::Duration::from_secs(2)));
        while self.handle.connection_count() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.telling.abort();
        self.handle.shutdown();
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let fail = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(listener)
}

fn base(scheme: &str, listener: &TcpListener) -> String {
    let address = listener.local_addr();
    let port = address.as_ref().map_or(0, SocketAddr::port);
    match address.map(|a| a.ip()) {
        // A certificate for the name is what most clients can be told to trust.
        _ if scheme == "https" => format!("{scheme}://localhost:{port}"),
        Ok(ip) if !ip.is_unspecified() => format!("{scheme}://{}", SocketAddr::new(ip, port)),
        _ => format!("{scheme}://127.0.0.1:{port}"),
    }
}

async fn certificate(config: &ServeConfig) -> Result<(String, RustlsConfig), ServeError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    for base in config.public_bases.values() {
        names.extend(url::Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)));
    }
    let fail = |error: &dyn std::fmt::Display| ServeError::Certificate(error.to_string());
    let made = rcgen::generate_simple_self_signed(names).map_err(|e| fail(&e))?;
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let tls = RustlsConfig::from_pem(pem.clone().into_bytes(), key.into_bytes()).await;
    Ok((pem, tls.map_err(|e| fail(&e))?))
}

fn serve(
    face: Option<Face>,
    listener: TcpListener,
    shared: &Arc<Shared>,
    tls: Option<RustlsConfig>,
    handle: &Handle<SocketAddr>,
) -> Result<(), ServeError> {
    let address = listener.local_addr().unwrap_or_else(|_| ([127, 0, 0, 1], 0).into());
    let fail = |source| ServeError::Listen { address, source };
    let state = http::State { face, shared: Arc::clone(shared) };
    let app = Router::new().fallback(http::handle).with_state(state).into_make_service();
    let handle = handle.clone();
    // The accept loop ends with the handle; its result says nothing that a client would not see.
    if let Some(tls) = tls {
        let server = axum_server::from_tcp_rustls(listener, tls).map_err(fail)?;
        drop(tokio::spawn(server.handle(handle).serve(app)));
    } else {
        let server = axum_server::from_tcp(listener).map_err(fail)?;
        drop(tokio::spawn(server.handle(handle).serve(app)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! A small HTTPS server that gives a text to whoever posts the right token, once: as a hub gives the secrets of
//! one run to the machine that runs it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;

/// The server; dropping it stops it.
pub struct Once {
    address: SocketAddr,
    state: Arc<Mutex<Given>>,
    handle: Handle<SocketAddr>,
}

struct Given {
    token: String,
    text: Option<String>,
    /// Statuses that were answered.
    answered: Vec<u16>,
}

impl Once {
    /// Serves a text under `/secrets`, for a token. Must be called on a Tokio runtime.
    ///
    /// # Errors
    /// Where no port or no certificate is to be had.
    pub async fn serve(token: &str, text: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).map_err(std::io::Error::other)?;
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let tls = RustlsConfig::from_pem(pem.into_bytes(), key.into_bytes()).await?;
        let (token, text) = (token.to_owned(), Some(text.to_owned()));
        let state = Arc::new(Mutex::new(Given { token, text, answered: Vec::new() }));
        let app = Router::new().route("/secrets", post(give)).with_state(Arc::clone(&state));
        let handle = Handle::new();
        let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle.clone());
        drop(tokio::spawn(server.serve(app.into_make_service())));
        Ok(Self { address, state, handle })
    }

    /// The address of the text.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}/secrets", self.address.port())
    }

    /// The statuses that were answered, oldest first.
    #[must_use]
    pub fn answered(&self) -> Vec<u16> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).answered.clone()
    }
}

impl Drop for Once {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

async fn give(State(state): State<Arc<Mutex<Given>>>, headers: HeaderMap) -> Response {
    let mut given = state.lock().unwrap_or_else(PoisonError::into_inner);
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let right = token.and_then(|token| token.strip_prefix("Bearer ")) == Some(given.token.as_str());
    let text = if right { given.text.take() } else { None };
    let answer = match text {
        Some(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        None if right => StatusCode::GONE.into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    };
    given.answered.push(answer.status().as_u16());
    answer
}

//! Between HTTP and the faces.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use futures::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::shared::Shared;
use crate::faults::{Fault, Spoilt, spoil};
use crate::vendor::{Call, Face, Reply, Vendor};

/// Requests longer than this are refused.
const LONGEST_BODY: usize = 64 << 20;

/// What a handler of one port knows.
#[derive(Clone)]
pub(super) struct State {
    /// The face of this port; none on the estate's own.
    pub(super) face: Option<Face>,
    pub(super) shared: Arc<Shared>,
}

/// Answers every request of a port.
pub(super) async fn handle(
    axum::extract::State(state): axum::extract::State<State>,
    request: Request,
) -> Response {
    let Ok(call) = call(request, &state).await else {
        return response(Reply::text(413, "the request is too long"));
    };
    let shared = &state.shared;
    shared.settle();
    if state.face.is_none() || call.path.starts_with("/_estate") || is_discovery(&call.path) {
        return response(crate::estate::answer(&call, shared));
    }
    let Some(face) = state.face.and_then(|face| shared.faces.get(&face)) else {
        return response(Reply::empty(404));
    };
    let mut spoilt = aside(face.face(), || answer(face.as_ref(), &call, shared));
    if !is_answered(face.as_ref(), &call, &spoilt.reply, shared).await {
        spoilt.reply = face.unanswered(&call, spoilt.reply);
    }
    if let Some(wait) = spoilt.wait {
        tokio::time::sleep(wait).await;
    }
    shared.stats.count(face.face(), spoilt.reply.status, spoilt.reply.body.len());
    if spoilt.cut { cut(spoilt.reply) } else { response(spoilt.reply) }
}

/// What an RMM does may run a script, which may ask an address: others are answered meanwhile, where there are
/// threads for that.
fn aside<T>(face: Face, act: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let rmm = matches!(face, Face::Automate | Face::Control);
    if rmm && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        return tokio::task::block_in_place(act);
    }
    act()
}

/// Whether everybody answered whom the face asks before its own answer holds.
async fn is_answered(face: &dyn Vendor, call: &Call, reply: &Reply, shared: &Shared) -> bool {
    for handshake in face.asks(call, reply) {
        if !super::outgoing::answers(&shared.client, &handshake).await {
            return false;
        }
    }
    true
}

fn is_discovery(path: &str) -> bool {
    path == "/.well-known/linchpin-mocks"
}

/// Asks the face, or fails in its manner, as the faults decide.
fn answer(face: &dyn Vendor, call: &Call, shared: &Shared) -> Spoilt {
    let idle = shared.faults().idle();
    if idle {
        let reply = face.answer(call, &shared.world);
        return Spoilt { reply, cut: false, wait: None };
    }
    let listing = face.listing(call);
    let drawn = shared.faults().draw(face.face(), call, listing.as_ref(), face.is_sign_in(call));
    if let Some(fault) = drawn.map(|d| d.fault).filter(|fault| fault.replaces_the_answer()) {
        if fault == Fault::TokenRevoked {
            face.revoke_tokens();
        }
        return Spoilt { reply: face.failure(&fault, call), cut: false, wait: None };
    }
    let reply = face.answer(call, &shared.world);
    spoil(&mut shared.faults(), drawn, face, (call, listing.as_ref()), reply)
}

/// The request as a face sees it.
async fn call(request: Request, state: &State) -> Result<Call, axum::Error> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LONGEST_BODY).await?.to_vec();
    let query = parts.uri.query().unwrap_or_default();
    let headers: Vec<(String, String)> = (parts.headers.iter())
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let host = headers.iter().find(|(name, _)| name == "host").map(|(_, host)| host.as_str());
    let host = host.or(parts.uri.authority().map(http::uri::Authority::as_str));
    let base = state.face.and_then(|face| state.shared.base_for(face, host));
    Ok(Call {
        method: parts.method.as_str().to_owned(),
        path: decoded(parts.uri.path()),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body,
        base: base.unwrap_or_else(|| state.shared.estate.clone()),
    })
}

/// A path without its percent signs.
pub(crate) fn decoded(path: &str) -> String {
    if !path.contains('%') {
        return path.to_owned();
    }
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The answer as HTTP.
pub(super) fn response(reply: Reply) -> Response {
    let (mut response, body) = head(reply);
    *response.body_mut() = Body::from(body);
    response
}

fn head(reply: Reply) -> (Response, Vec<u8>) {
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &reply.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    (response, reply.body)
}

/// Promises the whole body, sends half of it and breaks the connection.
fn cut(reply: Reply) -> Response {
    let (mut response, mut body) = head(reply);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    body.truncate(body.len() / 2);
    let first = futures::future::ready(Ok(Bytes::from(body)));
    let then = async {
        // Long enough that the first half is on the wire before the end.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    };
    let parts = stream::FuturesOrdered::from_iter([
        futures::future::Either::Left(first),
        futures::future::Either::Right(then),
    ]);
    *response.body_mut() = Body::from_stream(parts);
    response
}

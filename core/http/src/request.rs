//! What a connector wants to send.

use reqwest::Method;
use url::Url;

/// A request's body.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
    None,
    /// JSON, written already.
    Json(String),
}

/// A request, as a connector describes it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it is, in the system's words and without values that may be secret:
    /// `GET /users/delta`.
    pub operation: String,
    /// Method.
    pub method: Method,
    /// Where: relative to the connection's base, or an absolute link of the same host.
    pub target: String,
    /// Query pairs, added to those that the target has.
    pub query: Vec<(String, String)>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
    /// The scope whose token and limit it uses (a directory's GUID), empty for the only one.
    pub scope: String,
    /// May be sent twice without doing something twice.
    pub repeatable: bool,
    /// Sign it.
    pub signed: bool,
}

impl Request {
    /// A read of this path or link. The operation is the method and the path.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A write to this path, not repeatable.
    #[must_use]
    pub fn post(target: impl Into<String>) -> Self {
        Self { repeatable: false, ..Self::new(Method::POST, target) }
    }

    /// A change of what is at this path. It sets values, so that sending it twice does nothing twice.
    #[must_use]
    pub fn patch(target: impl Into<String>) -> Self {
        Self::new(Method::PATCH, target)
    }

    /// An end of what is at this path. Sent twice, the second finds nothing.
    #[must_use]
    pub fn delete(target: impl Into<String>) -> Self {
        Self::new(Method::DELETE, target)
    }

    fn new(method: Method, target: impl Into<String>) -> Self {
        let target = target.into();
        let operation = format!("{method} {}", plain_path(&target));
        Self {
            operation,
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            scope: String::new(),
            repeatable: true,
            signed: true,
        }
    }

    /// With one more query pair.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Body::Json(body.to_string());
        self
    }

    /// In this scope.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Repeatable: sending it twice does nothing twice (a read that is a POST at this vendor).
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Not signed.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    /// Under another name in errors and logs.
    #[must_use]
    pub fn named(mut self, operation: impl Into<String>) -> Self {
        self.operation = operation.into();
        self
    }
}

/// The path of a target, without query: skip tokens and delta tokens are nobody's business.
fn plain_path(target: &str) -> String {
    if let Ok(url) = Url::parse(target) {
        return url.path().to_owned();
    }
    let path = target.split('?').next().unwrap_or_default();
    format!("/{}", path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_never_shows_a_token() {
        let link = "https://graph.example/v1.0/users/delta?$deltatoken=s3cret";
        assert_eq!(Request::get(link).operation, "GET /v1.0/users/delta");
        assert_eq!(Request::get("users?$skiptoken=x").operation, "GET /users");
    }
}

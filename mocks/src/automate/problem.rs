//! What goes wrong in a call, and how Automate (ASP.NET Web API) says it.

use serde_json::json;

use crate::vendor::Reply;

/// A call that cannot be answered: its status and the vendor's message.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) message: String,
}

impl Problem {
    /// 400: the condition, a number or the body cannot be read.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into() }
    }

    /// 401: no or wrong `clientId`, no or dead token, wrong sign-in.
    pub(super) fn unauthorized(message: &str) -> Self {
        Self { status: 401, message: message.into() }
    }

    /// 404 for an id that is not there.
    pub(super) fn missing(what: &str, id: u64) -> Self {
        Self { status: 404, message: format!("{what} {id} was not found.") }
    }

    /// 404 for a path that this version does not have.
    pub(super) fn no_resource() -> Self {
        Self {
            status: 404,
            message: "No HTTP resource was found that matches the request URI.".into(),
        }
    }

    /// 405 for a verb that the path does not have.
    pub(super) fn no_method(method: &str) -> Self {
        Self {
            status: 405,
            message: format!("The requested resource does not support http method '{method}'."),
        }
    }

    /// The answer. Rights are told with a `code`, which clients compare with `Unauthorized`;
    /// everything else is a bare `Message`.
    pub(super) fn reply(&self) -> Reply {
        let code = match self.status {
            401 => "Unauthorized",
            403 => "Forbidden",
            _ => return Reply::json(self.status, &json!({ "Message": self.message })),
        };
        let errors = json!([{ "message": self.message }]);
        let body = json!({ "code": code, "message": self.message, "errors": errors });
        Reply::json(self.status, &body)
    }
}

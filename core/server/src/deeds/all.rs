//! The list of them.

use core_model::access::Role;
use core_model::entity::EntityKind;

use super::{Ask, Deed, Does, Field, Of, deed, field, needed};
use crate::admin;

pub(super) const AS_OF: Field =
    field("as_of", "string", "A local day or an instant; now if left out.");
pub(super) const KNOWN_AT: Field = field("known_at", "string", "As it was known at this instant.");
const NOTE: Field = field("note", "string", "Why, for the history.");
const CONFIRM: Field = field(
    "confirm",
    "integer",
    "The number of a change beyond the budget, as its preview names it.",
);
const ROLES: &[&str] = &["reader", "technician", "operator", "admin"];
const FILES: Field = field(
    "files",
    "object",
    "Texts by their paths, all files of the library together: definitions end in .toml, every other is a \
     script that one of them names.",
);
const DEFINITIONS: Field =
    field("definitions", "object", "The same as one JSON document: the tables of such a file.");

/// Every one of them.
pub(crate) const ALL: &[Deed] = &[
    Deed {
        about: "Who is in a target, who is not, and of whom it is not known, each with the reason.",
        least: Role::Reader,
        of_all: false,
        body: &[
            field(
                "target",
                "array",
                "Words as `linchpin resolve` takes them, like [\"tag\", \"vip\"].",
            ),
            field("deployment", "string", "Instead: the target of this deployment, by name or id."),
            field("to", "string", "computers (the default), persons or tenants.").one_of(&[
                "computers",
                "persons",
                "tenants",
            ]),
            field("class", "array", "Only computers of these classes, like [\"servers\"]."),
            AS_OF,
            KNOWN_AT,
        ],
        does: Does::Program(Ask::Resolve),
        ..deed("POST", "/v1/resolve", "resolve")
    },
    Deed {
        about: "The exact change of winners that other definitions would make. Nothing is saved.",
        body: &[
            field("file", "string", "A TOML text: what it defines would be wholly as it says."),
            DEFINITIONS,
            field("deployment", "string", "Instead: this deployment, by name or id."),
            field("change", "string", "What would become of it: remove, disable or enable.")
                .one_of(&["remove", "disable", "enable"]),
            AS_OF,
        ],
        does: Does::Program(Ask::Preview),
        ..deed("POST", "/v1/preview", "preview")
    },
    Deed {
        about: "Every deployment of an item for one subject: what wins, what loses on what, what is out.",
        least: Role::Reader,
        of_all: false,
        body: &[
            needed("subject", "string", "A computer, person or tenant, by id or name."),
            needed("item", "string", "The software or task: its name, title or id."),
            field("instance", "string", "Which one, where a task may be there several times."),
            field("onboarding", "boolean", "As an onboarding run sees it."),
            AS_OF,
            KNOWN_AT,
        ],
        does: Does::Program(Ask::Explain),
        ..deed("POST", "/v1/explain", "explain")
    },
    Deed {
        about: "The days ahead on which something changes by itself.",
        least: Role::Reader,
        of_all: false,
        params: &["from", "until"],
        does: Does::Program(Ask::Edges),
        ..deed("GET", "/v1/edges", "list-edges")
    },
    Deed {
        about: "What was sold, beside what deployments resolve to.",
        least: Role::Reader,
        of_all: false,
        params: &["agreement", "as_of", "known_at"],
        does: Does::Program(Ask::Reconcile),
        ..deed("GET", "/v1/reconcile", "reconcile")
    },
    Deed {
        about: "Answers a question that the hub may not answer by itself.",
        of_all: false,
        body: &[needed("choice", "string", "One of the choices that the question offers.")],
        of: Some(Of::Entity(EntityKind::Decision, "decision")),
        does: Does::Program(Ask::Decide),
        ..deed("POST", "/v1/decisions/{id}", "decide")
    },
    Deed {
        about: "Says which tenant a connection's client belongs to.",
        body: &[needed("tenant", "string", "A tenant's id or name; `none` keeps it unlinked.")],
        of: Some(Of::Entity(EntityKind::Client, "client")),
        does: Does::Program(Ask::Link),
        ..deed("POST", "/v1/clients/{id}/link", "link-client")
    },
    Deed {
        about: "Says who a computer's primary person is, whatever the logons say.",
        of_all: false,
        body: &[needed("person", "string", "A person's id, name or UPN; `nobody`; or `auto`.")],
        of: Some(Of::Entity(EntityKind::Computer, "computer")),
        does: Does::Program(Ask::Pin),
        ..deed("POST", "/v1/computers/{id}/pin", "pin-computer")
    },
    Deed {
        about: "What is defined, as files.",
        does: Does::Program(Ask::Definitions),
        ..deed("GET", "/v1/definitions", "get-definitions")
    },
    Deed {
        about: "What files of definitions would change, in definitions and in winners.",
        body: &[FILES, DEFINITIONS, AS_OF],
        does: Does::Program(Ask::Plan),
        ..deed("POST", "/v1/definitions/plan", "plan-definitions")
    },
    Deed {
        about: "Saves what files define. What goes beyond the budget waits as a request for somebody \
                else's word.",
        body: &[
            FILES,
            DEFINITIONS,
            NOTE,
            CONFIRM,
            field("propose", "boolean", "Ask for it, whatever its size, instead of saving it."),
        ],
        repeatable: true,
        does: Does::Program(Ask::Apply),
        ..deed("POST", "/v1/definitions", "apply-definitions")
    },
    Deed {
        about: "The changes that wait for a second person.",
        params: &["all"],
        does: Does::Program(Ask::Requests),
        ..deed("GET", "/v1/requests", "list-requests")
    },
    Deed {
        about: "One of them in full, and what it would change by now.",
        of: Some(Of::Request),
        does: Does::Program(Ask::Request),
        ..deed("GET", "/v1/requests/{id}", "get-request")
    },
    Deed {
        about: "Saves a change that somebody else requested.",
        body: &[NOTE, CONFIRM],
        repeatable: true,
        of: Some(Of::Request),
        does: Does::Program(Ask::Approve),
        ..deed("POST", "/v1/requests/{id}/approve", "approve-request")
    },
    Deed {
        about: "Lets a requested change be.",
        body: &[NOTE],
        of: Some(Of::Request),
        does: Does::Program(Ask::Reject),
        ..deed("POST", "/v1/requests/{id}/reject", "reject-request")
    },
    Deed {
        about: "Has the daemon read a connection now, instead of when it is planned.",
        body: &[
            needed("connection", "string", "Its name."),
            field("full", "boolean", "Everything, and not only what changed."),
            field("stream", "string", "Only this stream, like `users`."),
        ],
        repeatable: true,
        does: Does::Program(Ask::Sync),
        ..deed("POST", "/v1/syncs", "start-sync")
    },
    Deed {
        about: "What waits for a human: refused credentials, missing rights, held deletions, what was \
                given up, open decisions. Each with its remedy, the most urgent first.",
        does: Does::Program(Ask::Needs),
        ..deed("GET", "/v1/needs", "list-needs")
    },
    Deed {
        about: "The latest runs, newest first.",
        params: &["limit", "connection"],
        does: Does::Program(Ask::Runs),
        ..deed("GET", "/v1/runs", "list-runs")
    },
    Deed {
        about: "Who asks: name, role, tenants, and what a script of a page sends in `x-csrf-token`.",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(admin::me(api, asked))),
        ..deed("GET", "/v1/me", "get-me")
    },
    Deed {
        about: "Tokens of the API, those too that ended.",
        least: Role::Admin,
        does: Does::Own(|api, asked| Box::pin(admin::tokens(api, asked))),
        ..deed("GET", "/v1/tokens", "list-tokens")
    },
    Deed {
        about: "Makes a token. The answer has it this once.",
        least: Role::Admin,
        body: &[
            needed("name", "string", "No other token had it."),
            needed("role", "string", "reader, technician, operator or admin.").one_of(ROLES),
            field("tenants", "array", "Ids of tenants; all where it is left out."),
            field("days", "integer", "After how many days it ends; 90 where it is left out."),
        ],
        does: Does::Own(|api, asked| Box::pin(admin::make_token(api, asked))),
        ..deed("POST", "/v1/tokens", "make-token")
    },
    Deed {
        about: "Ends a token.",
        least: Role::Admin,
        does: Does::Own(|api, asked| Box::pin(admin::revoke_token(api, asked))),
        ..deed("POST", "/v1/tokens/{id}/revoke", "revoke-token")
    },
    Deed {
        about: "Accounts of people, those too that are switched off.",
        least: Role::Admin,
        does: Does::Own(|api, asked| Box::pin(admin::accounts(api, asked))),
        ..deed("GET", "/v1/accounts", "list-accounts")
    },
    Deed {
        about: "Makes an account. Without a password only a provider can vouch for it.",
        least: Role::Admin,
        body: &[
            needed("name", "string", "What one signs in with."),
            needed("role", "string", "reader, technician, operator or admin.").one_of(ROLES),
            field("shown", "string", "What it is shown as."),
            field("tenants", "array", "Ids of tenants; all where it is left out."),
            field("password", "string", "At least 12 characters.").at_least(12),
        ],
        does: Does::Own(|api, asked| Box::pin(admin::make_account(api, asked))),
        ..deed("POST", "/v1/accounts", "make-account")
    },
    Deed {
        about: "Changes an account: switches it off or on, gives it another role or password. \
                Whoever is signed in with it is signed out where it is switched off or has another \
                password.",
        least: Role::Admin,
        body: &[
            field("disabled", "boolean", "Whether it is switched off."),
            field("role", "string", "reader, technician, operator or admin.").one_of(ROLES),
            field("tenants", "array", "Ids of tenants; an empty list is all of them."),
            field("password", "string", "At least 12 characters.").at_least(12),
        ],
        does: Does::Own(|api, asked| Box::pin(admin::change_account(api, asked))),
        ..deed("POST", "/v1/accounts/{id}", "change-account")
    },
    Deed {
        about: "Who did what: every change and every sign-in, newest first.",
        least: Role::Admin,
        params: &["limit", "before", "actor", "action", "subject"],
        does: Does::Own(|api, asked| Box::pin(admin::audit(api, asked))),
        ..deed("GET", "/v1/audit", "list-audit")
    },
];

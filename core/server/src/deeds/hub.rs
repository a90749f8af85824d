//! The list of those about the hub itself: what it writes back, sends and is sent, what is held, what is
//! defined, what takes long. What takes long is a job: its result is asked for by its id.

use core_model::access::Role;
use core_model::entity::EntityKind;

use super::all::{AS_OF, KNOWN_AT};
use super::{Ask, Deed, Defined, Does, Field, Of, Takes, deed, field, needed};
use crate::jobs;

const CONNECTIONS: Field =
    field("connections", "array", "Only these connections, by name; all if left out.");
const FULL: Field = field("full", "boolean", "Everything, and not only what changed.");
const STREAM: Field = field("stream", "string", "Only this stream, like `users`.");
/// Parameters of the lists of what is defined.
const LIST: &[&str] = &["name", "tenant"];
/// The same of those that are of no tenant.
const OF_ALL: &[&str] = &["name"];

/// Every one of them.
pub(crate) const HUB: &[Deed] = &[
    Deed {
        about: "Writes back what the hub knows, or says what would be written (`dry_run`). A job: its \
                result has each object with its fields, what is there and what is to be.",
        body: &[
            CONNECTIONS,
            field("dry_run", "boolean", "Read and compare, and write nothing."),
            field("full", "boolean", "Look at every object, also where nothing changed here."),
        ],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::Push)),
        ..deed("POST", "/v1/pushes", "start-push")
    },
    Deed {
        about: "What could not be written: what is tried again and when, and what is not any more.",
        params: &["connection"],
        does: Does::Program(Ask::PushFailures),
        ..deed("GET", "/v1/pushes/failures", "list-push-failures")
    },
    Deed {
        about: "What somebody else changed since the hub wrote it: the hub yields.",
        params: &["connection"],
        does: Does::Program(Ask::PushConflicts),
        ..deed("GET", "/v1/pushes/conflicts", "list-push-conflicts")
    },
    Deed {
        about: "Tries what failed again, dead letters too. A job, where anything failed.",
        body: &[CONNECTIONS, field("computer", "string", "Only of this computer, by id or name.")],
        repeatable: true,
        does: Does::Program(Ask::PushRetry),
        ..deed("POST", "/v1/pushes/retry", "retry-push")
    },
    Deed {
        about: "Has the hub write an object once more, over what somebody else put there. A job.",
        body: &[
            needed("connection", "string", "Its name."),
            needed("object", "string", "The object's key, as the conflicts have it."),
        ],
        repeatable: true,
        does: Does::Program(Ask::PushOverrule),
        ..deed("POST", "/v1/pushes/overrule", "overrule-push")
    },
    Deed {
        about: "What a sync would change, with nothing written. A job.",
        body: &[CONNECTIONS, STREAM, FULL],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::SyncDryRun)),
        ..deed("POST", "/v1/syncs/dry-run", "try-sync")
    },
    Deed {
        about: "Deletions that the guard holds back, by stream, with some of the keys.",
        does: Does::Program(Ask::Held),
        ..deed("GET", "/v1/held-deletions", "list-held-deletions")
    },
    Deed {
        about: "Applies the held deletions of a connection with a sync that lets deletions pass. A job.",
        body: &[
            needed("connection", "string", "Its name."),
            STREAM,
            FULL,
            field(
                "count",
                "integer",
                "How many were looked at: refused where it is another number by now.",
            ),
        ],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::AcceptDeletions)),
        ..deed("POST", "/v1/held-deletions/accept", "accept-deletions")
    },
    Deed {
        about: "Asks the machines that were not asked within a day who they are and who uses them. A job.",
        body: &[CONNECTIONS],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::Collect)),
        ..deed("POST", "/v1/collections", "start-collection")
    },
    Deed {
        about: "Signs in to the connections, and names the permissions that are missing. A job.",
        body: &[CONNECTIONS],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::Check)),
        ..deed("POST", "/v1/checks", "start-check")
    },
    Deed {
        about: "Derives the model anew from what was read; or derives it beside the one that is there and \
                says where they differ (`verify`), and changes nothing. A job.",
        body: &[field("verify", "boolean", "Change nothing, and compare.")],
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::Rebuild)),
        ..deed("POST", "/v1/rebuilds", "start-rebuild")
    },
    Deed {
        about: "The latest of what takes long and was asked for, the newest first, without results.",
        params: jobs::LIST,
        does: Does::Own(|api, asked| Box::pin(jobs::list(api, asked))),
        ..deed("GET", "/v1/jobs", "list-jobs")
    },
    Deed {
        about: "One of them: how it stands, and its result or its error once it ended. Kept for a week.",
        does: Does::Own(|api, asked| Box::pin(jobs::one(api, asked))),
        ..deed("GET", "/v1/jobs/{id}", "get-job")
    },
    Deed {
        about: "One run in full, with the records that it could not use.",
        of: Some(Of::Run),
        does: Does::Program(Ask::Run),
        ..deed("GET", "/v1/runs/{id}", "get-run")
    },
    Deed {
        about: "How mail about what waits for people fares.",
        does: Does::Program(Ask::Mail),
        ..deed("GET", "/v1/mail", "get-mail")
    },
    Deed {
        about: "Sends a trial to everybody in `to` of [mail]. A job.",
        repeatable: true,
        does: Does::Program(Ask::Job(Takes::MailTest)),
        ..deed("POST", "/v1/mail/test", "test-mail")
    },
    Deed {
        about: "Where the hub tells of what happens, and how each endpoint fares.",
        does: Does::Program(Ask::Webhooks),
        ..deed("GET", "/v1/webhooks", "list-webhooks")
    },
    Deed {
        about: "Has an endpoint that was given up told again, from where it was.",
        of: Some(Of::Webhook),
        does: Does::Program(Ask::EnableWebhook),
        ..deed("POST", "/v1/webhooks/{id}/enable", "enable-webhook")
    },
    Deed {
        about: "What systems sent by themselves and was given up, the newest first; how much waits.",
        does: Does::Program(Ask::Deliveries),
        ..deed("GET", "/v1/deliveries", "list-deliveries")
    },
    Deed {
        about: "Has all of it tried again.",
        repeatable: true,
        does: Does::Program(Ask::RetryDeliveries),
        ..deed("POST", "/v1/deliveries/retry", "retry-deliveries")
    },
    Deed {
        about: "The systems that can be connected: what each can do, its settings, its permissions.",
        least: Role::Reader,
        of_all: false,
        does: Does::Program(Ask::Connectors),
        ..deed("GET", "/v1/connectors", "list-connectors")
    },
    Deed {
        about: "The golden cases that are defined.",
        params: LIST,
        does: Does::Program(Ask::Defined(Defined::Expectations)),
        ..deed("GET", "/v1/expectations", "list-expectations")
    },
    Deed {
        about: "Tries the golden cases: which hold, and what was found instead.",
        params: &["as_of", "known_at"],
        does: Does::Program(Ask::Expect),
        ..deed("GET", "/v1/expectations/results", "try-expectations")
    },
    Deed {
        about: "The software that can be deployed.",
        params: OF_ALL,
        does: Does::Program(Ask::Defined(Defined::Software)),
        ..deed("GET", "/v1/software", "list-software")
    },
    Deed {
        about: "One of it: how it is found, versions, scripts, who deploys it, what that lacks.",
        does: Does::Program(Ask::Definition(Defined::Software)),
        ..deed("GET", "/v1/software/{id}", "get-software")
    },
    Deed {
        about: "The tasks that can be deployed.",
        params: OF_ALL,
        does: Does::Program(Ask::Defined(Defined::Tasks)),
        ..deed("GET", "/v1/tasks", "list-tasks")
    },
    Deed {
        about: "One of them: its scripts and parameters, who deploys it.",
        does: Does::Program(Ask::Definition(Defined::Tasks)),
        ..deed("GET", "/v1/tasks/{id}", "get-task")
    },
    Deed {
        about: "Tags, and what carries them.",
        params: LIST,
        does: Does::Program(Ask::Defined(Defined::Tags)),
        ..deed("GET", "/v1/tags", "list-tags")
    },
    Deed {
        about: "Who should have what.",
        params: LIST,
        does: Does::Program(Ask::Defined(Defined::Deployments)),
        ..deed("GET", "/v1/deployments", "list-deployments")
    },
    Deed {
        about: "One of them in words, with how many are in it, what is wrong with it, and its history.",
        does: Does::Program(Ask::Definition(Defined::Deployments)),
        ..deed("GET", "/v1/deployments/{id}", "get-deployment")
    },
    Deed {
        about: "Which deployment wins each item, of one subject or of everybody at a tenant, and why.",
        least: Role::Reader,
        body: &[
            field("subject", "string", "A computer, person or tenant, by id or name."),
            field("tenant", "string", "Instead: everybody there, by its id or name."),
            field("item", "string", "Only this software or task: its name, title or id."),
            field("onboarding", "boolean", "As an onboarding run sees it."),
            AS_OF,
            KNOWN_AT,
        ],
        does: Does::Program(Ask::Winners),
        ..deed("POST", "/v1/winners", "list-winners")
    },
    Deed {
        about: "Groups and locations of the RMMs, as they are read.",
        params: LIST,
        does: Does::Program(Ask::ConnectionGroups),
        ..deed("GET", "/v1/connection-groups", "list-connection-groups")
    },
    Deed {
        about: "Who is told of a computer's sessions by mail: its primary person, and who was named besides.",
        least: Role::Reader,
        of_all: false,
        of: Some(Of::Entity(EntityKind::Computer, "computer")),
        does: Does::Program(Ask::Notified),
        ..deed("GET", "/v1/computers/{id}/notified-persons", "list-notified-persons")
    },
    Deed {
        about: "Has somebody of its tenant, or of the operator's own, told of a computer's sessions, too; or no more \
                (`remove`).",
        of_all: false,
        body: &[
            needed("person", "string", "Who, by id or UPN."),
            field("remove", "boolean", "He is told no more."),
        ],
        of: Some(Of::Entity(EntityKind::Computer, "computer")),
        does: Does::Program(Ask::Notify),
        ..deed("POST", "/v1/computers/{id}/notified-persons", "set-notified-person")
    },
    Deed {
        about: "Everything about a computer: agents with their evidence, users, agreements, each with why.",
        of: Some(Of::Entity(EntityKind::Computer, "computer")),
        does: Does::Program(Ask::Story(EntityKind::Computer)),
        ..deed("GET", "/v1/computers/{id}/story", "get-computer-story")
    },
    Deed {
        about: "Everything about a person: addresses, computers, groups, each with why.",
        of: Some(Of::Entity(EntityKind::Person, "person")),
        does: Does::Program(Ask::Story(EntityKind::Person)),
        ..deed("GET", "/v1/persons/{id}/story", "get-person-story")
    },
    Deed {
        about: "Everything about a tenant: clients, people, computers, agreements.",
        of: Some(Of::Entity(EntityKind::Tenant, "tenant")),
        does: Does::Program(Ask::Story(EntityKind::Tenant)),
        ..deed("GET", "/v1/tenants/{id}/story", "get-tenant-story")
    },
];

//! The list of those about stops: nothing more is changed of what is stopped, and what waits is held.

use core_model::access::Role;

use super::{Ask, Deed, Does, Field, deed, field, needed};

const KIND: Field = needed("kind", "string", "deployment, schedule, tenant or everything.")
    .one_of(&["deployment", "schedule", "tenant", "everything"]);
const NAME: Field =
    field("name", "string", "Which one, by name or id; left out where it is everything.");

/// Every one of them.
pub(crate) const STOPS: &[Deed] = &[
    Deed {
        about: "What is stopped, by whom, since when and why, and how many sessions wait for it.",
        least: Role::Reader,
        does: Does::Program(Ask::Stops),
        ..deed("GET", "/v1/stops", "list-stops")
    },
    Deed {
        about: "Stops a deployment, a schedule, a tenant or everything: sessions end what they are at and \
                change nothing more, what waits is held and not lost.",
        body: &[KIND, NAME, field("reason", "string", "Why, for whoever wonders.")],
        repeatable: true,
        does: Does::Program(Ask::Stop),
        ..deed("POST", "/v1/stops", "stop")
    },
    Deed {
        about: "Has go on what was stopped, or what a ring halted: those that failed then do not count any \
                more.",
        body: &[KIND, NAME],
        repeatable: true,
        does: Does::Program(Ask::Resume),
        ..deed("POST", "/v1/stops/resume", "resume")
    },
];

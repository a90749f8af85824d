//! The list of those about schedules: what comes, what came of each, run out of turn, switched, taken back.

use super::{Ask, Deed, Does, ScheduleAsk, deed, field};

/// Parameters of what comes.
const NEXT: &[&str] = &["schedule", "count", "last_day"];

/// Every one of them.
pub(crate) const SCHEDULES: &[Deed] = &[
    Deed {
        about: "When sessions are made by themselves, and for whom.",
        does: Does::Program(Ask::Schedule(ScheduleAsk::List)),
        ..deed("GET", "/v1/schedules", "list-schedules")
    },
    Deed {
        about: "When schedules are due next, a year ahead.",
        params: NEXT,
        does: Does::Program(Ask::Schedule(ScheduleAsk::Next)),
        ..deed("GET", "/v1/schedules/next", "list-next-schedules")
    },
    Deed {
        about: "One of them: for how many it is, what is wrong with it, what comes and what came of it.",
        does: Does::Program(Ask::Schedule(ScheduleAsk::Show)),
        ..deed("GET", "/v1/schedules/{id}", "get-schedule")
    },
    Deed {
        about: "Runs one out of turn: a session for everybody in its target, now, as far as nobody has one that is \
                not over.",
        body: &[field("detect_only", "boolean", "It is only looked, and said what would be done.")],
        repeatable: true,
        does: Does::Program(Ask::Schedule(ScheduleAsk::Run)),
        ..deed("POST", "/v1/schedules/{id}/run", "run-schedule")
    },
    Deed {
        about: "Switches one on: it is due from now on.",
        does: Does::Program(Ask::Schedule(ScheduleAsk::Enable)),
        ..deed("POST", "/v1/schedules/{id}/enable", "enable-schedule")
    },
    Deed {
        about: "Switches one off; what waits of it stays.",
        does: Does::Program(Ask::Schedule(ScheduleAsk::Disable)),
        ..deed("POST", "/v1/schedules/{id}/disable", "disable-schedule")
    },
    Deed {
        about: "Takes back what waits of one.",
        body: &[field(
            "running",
            "boolean",
            "Those too that an engine is at; left out, what waits only.",
        )],
        does: Does::Program(Ask::Schedule(ScheduleAsk::Cancel)),
        ..deed("POST", "/v1/schedules/{id}/cancel", "cancel-schedule")
    },
];

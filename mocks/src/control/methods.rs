//! The methods of the RESTful API Manager.

use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::SessionIndex;
use super::arguments::Arguments;
use super::commands;
use super::failure::Problem;
use super::fields;
use super::filter;
use super::session;
use super::view::View;
use crate::vendor::{Call, Reply};
use crate::world::{ControlEvent, ControlSession, Mark, World};

/// A method: its two names in lower case and its parameters.
struct Method {
    name: &'static str,
    alias: &'static str,
    parameters: &'static [&'static str],
    run: fn(&Service<'_>, &Arguments) -> Result<Reply, Problem>,
}

const METHODS: [Method; 11] = [
    Method {
        name: "getsessionsbyfilter",
        alias: "sessions-by-filter",
        parameters: &["sessionFilter"],
        run: |service, arguments| service.by_filter(arguments),
    },
    Method {
        name: "getsessionsbyname",
        alias: "sessions-by-name",
        parameters: &["sessionName"],
        run: |service, arguments| service.by_name(arguments),
    },
    Method {
        name: "getsessionbysessionid",
        alias: "session-by-session-id",
        parameters: &["sessionID"],
        run: |service, arguments| service.by_id(arguments),
    },
    Method {
        name: "getsessiondetailsbysessionid",
        alias: "session-details-by-session-id",
        parameters: &["sessionID"],
        run: |service, arguments| service.details(arguments),
    },
    Method {
        name: "createsession",
        alias: "session",
        parameters: &["sessionType", "name", "isPublic", "code", "customPropertyValues"],
        run: |service, arguments| service.create(arguments),
    },
    Method {
        name: "updatesessioncustomproperties",
        alias: "session-custom-properties",
        parameters: &["sessionID", "customPropertyValues"],
        run: |service, arguments| service.set_properties(arguments),
    },
    Method {
        name: "updatesessionname",
        alias: "session-name",
        parameters: &["sessionID", "name"],
        run: |service, arguments| service.set_name(arguments),
    },
    Method {
        name: "sendcommandtosession",
        alias: "session-command",
        parameters: &["sessionID", "command"],
        run: |service, arguments| service.command(arguments),
    },
    Method {
        name: "sendmessagetosession",
        alias: "session-message",
        parameters: &["sessionID", "byHost", "message"],
        run: |service, arguments| service.message(arguments),
    },
    Method {
        name: "addnotetosession",
        alias: "session-note",
        parameters: &["sessionID", "note"],
        run: |service, arguments| service.note(arguments),
    },
    Method {
        name: "sendtoolboxitemtosession",
        alias: "session-toolbox-item",
        parameters: &["sessionID", "item"],
        run: |service, arguments| service.tool(arguments),
    },
];

/// Answers a call of a method (named in lower case).
pub(super) fn answer(
    call: &Call,
    method: &str,
    index: &SessionIndex,
    world: &RwLock<World>,
) -> Result<Reply, Problem> {
    let method = METHODS
        .iter()
        .find(|known| known.name == method || known.alias == method)
        .ok_or_else(Problem::no_method)?;
    let arguments = Arguments::read(call, method.parameters)?;
    (method.run)(&Service { index, world }, &arguments)
}

struct Service<'a> {
    index: &'a SessionIndex,
    world: &'a RwLock<World>,
}

impl Service<'_> {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a session that must be there.
    fn change(
        &self,
        id: Uuid,
        change: impl FnOnce(&mut ControlSession, DateTime<Utc>),
    ) -> Result<Reply, Problem> {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let index = self.index.find(&world, id).ok_or_else(no_session)?;
        let version = world.next_version();
        let now = world.now();
        let row = world.control.sessions.get_mut(index).ok_or_else(no_session)?;
        change(row, now);
        row.mark.changed = version;
        row.mark.modified = now;
        Ok(nothing())
    }

    fn by_filter(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let text = arguments.text(0)?;
        if text.trim().is_empty() {
            return Err(Problem::argument("Session filter must not be empty"));
        }
        let filter = filter::parse(text, &fields::getter)
            .map_err(|message| Problem::new(500, "ExpressionException", &message))?;
        let world = self.read();
        Ok(array(&world, |view| filter.holds(&|getter| getter(view))))
    }

    /// By the name that people see: that of the machine where the session has none.
    fn by_name(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let name = arguments.text(0)?.to_lowercase();
        let world = self.read();
        Ok(array(&world, |view| view.shown_name().to_lowercase() == name))
    }

    fn by_id(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let id = arguments.session(0)?;
        let world = self.read();
        let found = self.index.find(&world, id);
        let rows = found
            .and_then(|index| world.control.sessions.get(index))
            .map(|row| session::json(&View::new(&world, row, world.now())));
        Ok(Reply::json(200, &rows.into_iter().collect()))
    }

    fn details(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let id = arguments.session(0)?;
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = self.index.find(&world, id) else {
            return Ok(Reply::json(200, &serde_json::Value::Null));
        };
        commands::settle(&mut world, index);
        let world = &*world;
        let details = world
            .control
            .sessions
            .get(index)
            .map(|row| session::details(&View::new(world, row, world.now())));
        Ok(Reply::json(200, &details.unwrap_or_default()))
    }

    fn create(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let kind = session_type(arguments.value(0))?;
        let name = arguments.value(1).as_str().unwrap_or_default().to_owned();
        let given = match arguments.value(4) {
            serde_json::Value::Null => Vec::new(),
            _ => arguments.texts(4)?,
        };
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let version = world.next_version();
        let now = world.now();
        let created = event(20, now, "");
        let row = ControlSession {
            id: Uuid::new_v4(),
            machine: None,
            kind,
            name,
            properties: eight(given),
            host: String::new(),
            serial: String::new(),
            current: false,
            ended: false,
            added: now,
            last_connected: now,
            events: vec![created],
            commands: Vec::new(),
            mark: Mark { created: now, modified: now, born: version, changed: version, gone: None },
        };
        let reply = Reply::json(200, &session::json(&View::new(&world, &row, now)));
        world.control.sessions.push(row);
        Ok(reply)
    }

    /// All eight at once: those that are not given become blank.
    fn set_properties(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let given = arguments.texts(1)?;
        if given.len() > 8 {
            return Err(Problem::argument("There are eight custom properties"));
        }
        let properties = eight(given);
        self.change(arguments.session(0)?, |row, now| {
            for (old, new) in row.properties.iter().zip(&properties) {
                if old != new {
                    row.events.push(event(64, now, new));
                }
            }
            row.properties = properties;
        })
    }

    fn set_name(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let name = arguments.value(1).as_str().unwrap_or_default();
        self.change(arguments.session(0)?, |row, now| {
            name.clone_into(&mut row.name);
            row.events.push(event(60, now, name));
        })
    }

    fn command(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let (id, text) = (arguments.session(0)?, arguments.text(1)?);
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        let index = self.index.find(&world, id).ok_or_else(no_session)?;
        commands::queue(&mut world, index, text);
        Ok(nothing())
    }

    /// Older versions know no host: `[id, text]`.
    fn message(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let older = arguments.given() == 2;
        let text = arguments.text(if older { 1 } else { 2 })?;
        let host = if older { "" } else { arguments.text(1)? };
        self.change(arguments.session(0)?, |row, now| {
            let mut event = event(45, now, text);
            host.clone_into(&mut event.host);
            row.events.push(event);
        })
    }

    fn note(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let text = arguments.text(1)?;
        self.change(arguments.session(0)?, |row, now| row.events.push(event(32, now, text)))
    }

    fn tool(&self, arguments: &Arguments) -> Result<Reply, Problem> {
        let text = arguments.text(1)?;
        self.change(arguments.session(0)?, |row, now| row.events.push(event(47, now, text)))
    }
}

/// An event of now.
pub(super) fn event(kind: u16, at: DateTime<Utc>, data: &str) -> ControlEvent {
    ControlEvent { id: Uuid::new_v4(), kind, at, host: String::new(), data: data.to_owned() }
}

/// All sessions that are wanted, written one by one: a tree of all of them would be several
/// times as large as their text.
fn array(world: &World, wanted: impl Fn(&View<'_>) -> bool) -> Reply {
    let now = world.now();
    let mut body = vec![b'['];
    for row in world.control.sessions.iter().filter(|row| row.mark.gone.is_none()) {
        let view = View::new(world, row, now);
        if wanted(&view) {
            if body.len() > 1 {
                body.push(b',');
            }
            body.extend_from_slice(session::json(&view).to_string().as_bytes());
        }
    }
    body.push(b']');
    let kind = ("content-type".into(), "application/json; charset=utf-8".into());
    Reply { status: 200, headers: vec![kind], body }
}

fn eight(given: Vec<String>) -> [String; 8] {
    let mut given = given.into_iter();
    std::array::from_fn(|_| given.next().unwrap_or_default())
}

/// A type as a number or by its name.
fn session_type(value: &serde_json::Value) -> Result<u8, Problem> {
    let by_name = |text: &str| match text.to_ascii_lowercase().as_str() {
        "support" | "0" => Some(0),
        "meeting" | "1" => Some(1),
        "access" | "2" => Some(2),
        _ => None,
    };
    let by_number = value.as_u64().and_then(|number| u8::try_from(number).ok());
    by_number
        .filter(|number| *number <= 2)
        .or_else(|| by_name(value.as_str()?))
        .ok_or_else(|| Problem::argument("sessionType must be Support, Meeting or Access"))
}

fn nothing() -> Reply {
    Reply::empty(200)
}

fn no_session() -> Problem {
    Problem::argument("Session does not exist")
}

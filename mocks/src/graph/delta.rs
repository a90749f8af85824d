//! Delta rounds over users, groups and device objects.
//!
//! A round tells the state at its start (or what changed between two starts); what changes while
//! it is read is told again by the next one. The whole position is in the token. As with the real
//! service, rows may come again, pages may be empty, an initial round names what is in the bin,
//! and a large group is spread over several rows.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::json;
use uuid::Uuid;

use super::ask::{Ask, Query};
use super::cursor::{self, Round};
use super::entity::{Entity, Selection, is_deleted_for_good};
use super::filter::Expr;
use super::history::{History, Since};
use super::wire::{Object, Page, Problem, Rows, Value, write_text};
use crate::vendor::Reply;
use crate::world::{DirectoryNo, EntraDevice, Group, IntuneDevice, Member, Membership, Version};

/// The most members that one row of a group carries.
pub(super) const MEMBERS_PER_ROW: usize = 100;
/// The most ids that `$filter` may name.
const MOST_IDS: usize = 50;
/// One page in so many is empty, with a link to the next.
const EMPTY_PAGE_EVERY: u32 = 25;
/// Which of them.
const EMPTY_PAGE: u32 = 3;

/// The histories, one per kind and directory.
pub(super) type Histories = RwLock<HashMap<(&'static str, DirectoryNo), Arc<RwLock<History>>>>;

/// What must be known of a member: its id and its type; none where it is gone for good.
fn member_of(ask: &Ask<'_>, member: Member) -> Option<(Uuid, &'static str)> {
    let world = ask.world;
    match member {
        Member::Person(no) => world
            .persons
            .get(no)
            .filter(|p| !is_deleted_for_good(p))
            .map(|p| (p.id, "#microsoft.graph.user")),
        Member::Group(no) => world
            .groups
            .get(no)
            .filter(|g: &&Group| g.mark.gone.is_none() || !g.for_good())
            .map(|g| (g.id, "#microsoft.graph.group")),
        Member::Device(no) => world
            .entra_devices
            .get(no)
            .filter(|d: &&EntraDevice| d.mark.gone.is_none())
            .map(|d| (d.id, "#microsoft.graph.device")),
    }
}

/// Answers `/users/delta` and its siblings.
pub(super) fn answer<E: Entity>(
    ask: &Ask<'_>,
    query: &Query,
    histories: &Histories,
) -> Result<Reply, Problem> {
    let now = ask.now.timestamp();
    let round = match (&query.skip_token, query.delta_token.as_deref()) {
        (Some(token), _) => cursor::open_round(token, E::SET, ask.directory.id, now)?,
        (None, Some(token)) if token.eq_ignore_ascii_case("latest") => {
            let round = first::<E>(ask, query)?;
            refresh::<E>(ask, histories);
            return Ok(last_page::<E>(ask, &round, Rows::default())?.reply());
        }
        (None, Some(token)) if !token.is_empty() => {
            let before = cursor::open_round(token, E::SET, ask.directory.id, now)?;
            if before.until > ask.world.version {
                // From another world (the mock was started anew): nothing here can tell what changed.
                return Err(Problem::sync_state_not_found());
            }
            refresh::<E>(ask, histories);
            Round { from: Some(before.until), until: ask.world.version, made: now, ..before }
        }
        _ => {
            let round = first::<E>(ask, query)?;
            refresh::<E>(ask, histories);
            round
        }
    };
    let minimal = ask
        .call
        .header("prefer")
        .is_some_and(|p| p.to_ascii_lowercase().replace(' ', "").contains("return=minimal"));
    let reply = page::<E>(ask, round, histories, minimal)?.reply();
    Ok(if minimal { reply.with_header("preference-applied", "return=minimal") } else { reply })
}

/// The start of an initial round.
fn first<E: Entity>(ask: &Ask<'_>, query: &Query) -> Result<Round, Problem> {
    let members = |e: &str| E::SET == "groups" && e.to_ascii_lowercase().starts_with("members");
    let refused = [
        ("$top", query.top.is_some()),
        ("$skip", query.skip.is_some()),
        ("$orderby", query.order_by.is_some()),
        ("$search", query.search.is_some()),
        ("$count", query.count),
        ("$expand", query.expand.as_deref().is_some_and(|e| !members(e))),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(Problem::unsupported(format!(
            "The query parameter '{name}' is not supported with delta queries."
        )));
    }
    Selection::<E>::tracked(query.select.as_deref(), ask.lenient())?;
    let ids = match query.filter.as_deref().map(Expr::parse).transpose()? {
        None => Vec::new(),
        Some(expr) => {
            let ids: Option<Vec<Uuid>> =
                expr.ids().and_then(|ids| ids.iter().map(|id| id.parse().ok()).collect());
            ids.filter(|ids| ids.len() <= MOST_IDS).ok_or_else(|| {
                Problem::unsupported(
                    "Delta queries support $filter on up to 50 object ids only ('id eq ..' joined \
                     by 'or').",
                )
            })?
        }
    };
    let mut select = query.select.clone();
    if let (Some(names), Some(_)) = (&mut select, &query.expand) {
        names.push("members".into());
    }
    Ok(Round {
        of: E::SET.into(),
        tenant: ask.directory.id,
        from: None,
        until: ask.world.version,
        page: 1,
        at: 0,
        member: 0,
        select,
        ids,
        made: ask.now.timestamp(),
    })
}

/// Brings the history of this directory up to the present: a round starts.
fn refresh<E: Entity>(ask: &Ask<'_>, histories: &Histories) {
    let rows = E::rows(ask.index).of(ask.no);
    if let Some(history) = history_of::<E>(ask, histories) {
        let mut history = history.write().unwrap_or_else(PoisonError::into_inner);
        history.refresh::<E>(ask.world, rows);
        return;
    }
    let history = Arc::new(RwLock::new(History::start::<E>(ask.world, rows)));
    let mut all = histories.write().unwrap_or_else(PoisonError::into_inner);
    all.entry((E::SET, ask.no)).or_insert(history);
}

fn history_of<E: Entity>(ask: &Ask<'_>, histories: &Histories) -> Option<Arc<RwLock<History>>> {
    let all = histories.read().unwrap_or_else(PoisonError::into_inner);
    all.get(&(E::SET, ask.no)).map(Arc::clone)
}

/// What a round has to say about a row.
enum Tale {
    Nothing,
    Removed(&'static str),
    /// The row, with these fields changed, and its members since then.
    Row {
        fields: u16,
        whole: bool,
        members: Option<Version>,
    },
}

/// Everything that stays the same over the rows of a page.
struct Teller<'a, E: Entity> {
    ask: &'a Ask<'a>,
    round: &'a Round,
    selection: &'a Selection<E>,
    history: Option<&'a History>,
    /// Bits of the fields that the selected properties depend on.
    watched: u16,
    /// Whether `members` was selected (or nothing was).
    with_members: bool,
    minimal: bool,
}

fn page<E: Entity>(
    ask: &Ask<'_>,
    round: Round,
    histories: &Histories,
    minimal: bool,
) -> Result<Page, Problem> {
    let selection = Selection::<E>::tracked(round.select.as_deref(), ask.lenient())?;
    let numbers = E::rows(ask.index).of(ask.no);
    let start = numbers.partition_point(|no| (*no as usize) < round.at);
    let size = ask.world.options.delta_page.max(1);
    let rest = &numbers[start..];
    let empty = round.page % EMPTY_PAGE_EVERY == EMPTY_PAGE && rest.len() > size;
    if empty {
        let next = Round { page: round.page + 1, ..round };
        return Ok(next_page::<E>(ask, &next, &selection, Rows::default()));
    }
    let held = history_of::<E>(ask, histories);
    let held = held.as_ref().map(|h| h.read().unwrap_or_else(PoisonError::into_inner));
    let teller = Teller {
        ask,
        round: &round,
        selection: &selection,
        history: held.as_deref(),
        watched: selection.props.iter().fold(0, |bits, p| bits | p.fields),
        with_members: E::SET == "groups"
            && round
                .select
                .as_ref()
                .is_none_or(|s| s.iter().any(|n| n.eq_ignore_ascii_case("members") || n == "*")),
        minimal,
    };
    let mut rows = Rows::default();
    let mut member = round.member;
    for no in rest {
        let first_member = if *no as usize == round.at { member } else { 0 };
        member = first_member;
        while let Some(next) = teller.tell(*no, member, &mut rows) {
            member = next;
            if rows.len() >= size {
                let next =
                    Round { page: round.page + 1, at: *no as usize, member, ..round.clone() };
                return Ok(next_page::<E>(ask, &next, &selection, rows));
            }
        }
        if rows.len() >= size {
            let at = *no as usize + 1;
            let next = Round { page: round.page + 1, at, member: 0, ..round.clone() };
            return Ok(next_page::<E>(ask, &next, &selection, rows));
        }
    }
    last_page::<E>(ask, &round, rows)
}

fn link<E: Entity>(ask: &Ask<'_>, name: &str, round: &Round) -> String {
    let token = cursor::seal(round);
    format!("{}/{}/{}/delta?{name}={token}", ask.call.base, ask.version, E::SET)
}

fn next_page<E: Entity>(ask: &Ask<'_>, next: &Round, selection: &Selection<E>, rows: Rows) -> Page {
    let context = ask.context(&format!("{}{}", E::SET, selection.context()));
    Page { context, next: Some(link::<E>(ask, "$skiptoken", next)), rows, ..Page::default() }
}

/// The last page of a round: its delta link starts the next one where this one started.
fn last_page<E: Entity>(ask: &Ask<'_>, round: &Round, rows: Rows) -> Result<Page, Problem> {
    let selection = Selection::<E>::tracked(round.select.as_deref(), ask.lenient())?;
    let context = ask.context(&format!("{}{}", E::SET, selection.context()));
    let done = Round { page: 1, at: 0, member: 0, made: ask.now.timestamp(), ..round.clone() };
    let delta = Some(link::<E>(ask, "$deltatoken", &done));
    Ok(Page { context, delta, rows, ..Page::default() })
}

impl<E: Entity> Teller<'_, E> {
    /// Tells about a row from this member on; answers with the member to go on with, where not all
    /// of them found room.
    fn tell(&self, no: u32, member: usize, rows: &mut Rows) -> Option<usize> {
        let row = E::all(self.ask.world).get(no as usize)?;
        match self.tale(no, row) {
            Tale::Nothing => None,
            Tale::Removed(reason) => {
                rows.row(|object| {
                    object.member("id", &Value::Id(row.id()));
                    object.member("@removed", &Value::Json(json!({"reason": reason})));
                });
                None
            }
            Tale::Row { fields, whole, members } => {
                let (slice, next) = self.slice(row, members, member);
                rows.row(|object| {
                    self.write(no, row, fields, whole, object);
                    if !slice.is_empty() {
                        write_members(&slice, object);
                    }
                });
                next
            }
        }
    }

    fn tale(&self, no: u32, row: &E) -> Tale {
        let mark = row.mark();
        let round = self.round;
        if mark.born > round.until || !(round.ids.is_empty() || round.ids.contains(&row.id())) {
            return Tale::Nothing;
        }
        let Some(from) = round.from else {
            return match mark.gone {
                None => Tale::Row { fields: u16::MAX, whole: true, members: None },
                Some(_) if row.for_good() => Tale::Nothing,
                Some(_) => Tale::Removed("changed"),
            };
        };
        let last = mark.gone.map_or(mark.changed, |gone| gone.max(mark.changed));
        if last <= from {
            return Tale::Nothing;
        }
        if mark.gone.is_some() {
            return Tale::Removed(if row.for_good() { "deleted" } else { "changed" });
        }
        let unknown = Since { fields: u16::MAX, restored: false };
        let since = self.history.map_or(unknown, |h| h.since(no, from));
        if mark.born > from || since.restored {
            return Tale::Row { fields: u16::MAX, whole: true, members: None };
        }
        let joined =
            self.with_members && row.members().iter().any(|m| self.told(m, Some(from)).is_some());
        // A row that was touched without any change of ours is told as well: replays are normal.
        let touched = since.fields == 0 && !self.any_membership(row, from);
        if since.fields & self.watched == 0 && !joined && !touched {
            return Tale::Nothing;
        }
        Tale::Row { fields: since.fields, whole: !self.minimal, members: Some(from) }
    }

    fn any_membership(&self, row: &E, from: Version) -> bool {
        row.members().iter().any(|m| m.added > from || m.removed.is_some_and(|v| v > from))
    }

    /// Whether a membership is told: added (true) or removed (false).
    fn told(&self, membership: &Membership, from: Option<Version>) -> Option<bool> {
        let until = self.round.until;
        let there = membership.added <= until && membership.removed.is_none_or(|v| v > until);
        match from {
            None => there.then_some(true),
            Some(from) if there => (membership.added > from).then_some(true),
            Some(from) => {
                membership.removed.is_some_and(|v| v > from && v <= until).then_some(false)
            }
        }
    }

    /// The next members to tell, and where to go on after them.
    fn slice(
        &self,
        row: &E,
        from: Option<Version>,
        first: usize,
    ) -> (Vec<(Uuid, &'static str, bool)>, Option<usize>) {
        let mut slice = Vec::new();
        if !self.with_members {
            return (slice, None);
        }
        for (n, membership) in row.members().iter().enumerate().skip(first) {
            let Some(added) = self.told(membership, from) else { continue };
            let Some((id, kind)) = member_of(self.ask, membership.member) else { continue };
            if slice.len() == MEMBERS_PER_ROW {
                return (slice, Some(n));
            }
            slice.push((id, kind, added));
        }
        (slice, None)
    }

    /// The properties: all that were ever set, or only those that changed; cleared ones are null.
    fn write(&self, no: u32, row: &E, fields: u16, whole: bool, object: &mut Object<'_>) {
        let cleared = self.history.map_or(0, |h| h.cleared(no));
        for prop in &self.selection.props {
            if prop.name != "id" && !whole && prop.fields & fields == 0 {
                continue;
            }
            let value = (prop.get)(row, self.ask.source());
            if !value.is_unset() || prop.fields & cleared != 0 {
                object.member(prop.name, &value);
            }
        }
    }
}

fn write_members(slice: &[(Uuid, &'static str, bool)], object: &mut Object<'_>) {
    let out = object.name("members@delta");
    out.push(b'[');
    for (n, (id, kind, added)) in slice.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"@odata.type\":");
        write_text(kind, out);
        out.extend_from_slice(b",\"id\":");
        Value::Id(*id).write(out);
        if !added {
            out.extend_from_slice(b",\"@removed\":{\"reason\":\"deleted\"}");
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// Managed devices have no delta; this says so.
pub(super) fn refuse() -> Problem {
    let of = IntuneDevice::SET;
    Problem::new(400, "BadRequest", format!("Resource not found for the segment 'delta' of {of}."))
}

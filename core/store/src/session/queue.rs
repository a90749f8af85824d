//! Whoever works sessions off takes what waits, and has it as long as it is heard of.

use std::collections::HashMap;

use core_model::entity::EntityKind;
use core_model::id::SessionId;
use core_model::library::{SubjectId, SubjectKind};
use core_model::queue::{QueueRules, Standing, Turns};
use core_model::session::{Session, SessionKind, SessionState};
use sqlx::AnyConnection;

use super::read;
use super::stop::held;
use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, count, limit, owned};

/// Why nothing is done about a session any more, where that is so. It is asked while the database is
/// locked, and waits for nobody.
pub type Bars<'a> = dyn Fn(&Session) -> Option<Bar> + Send + Sync + 'a;

/// Why nothing is done about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// For this, whatever else is known: it is taken back.
    Surely(String),
    /// Whoever is asked does not know its subject, and may know less than the database: it is taken back
    /// for this where the subject is not there either, and waits where it is.
    Unknown(String),
}

/// Sessions are looked at in such numbers whether their time is over.
const BATCH: i64 = 1000;

/// What somebody wants to take.
#[derive(Clone, Copy)]
pub struct Take<'a> {
    /// Who.
    pub engine: &'a str,
    /// How many at most.
    pub most: usize,
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// How many run, and how long who takes one has it.
    pub rules: &'a QueueRules,
    /// What is taken back instead.
    pub bars: &'a Bars<'a>,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// What the engine has now, in its order.
    pub taken: Vec<Session>,
    /// What was taken back instead.
    pub barred: Vec<Session>,
}

/// A taking, under way.
struct Taking<'a> {
    take: Take<'a>,
    /// The number of the next change.
    next: i64,
    took: Took,
    /// Up to where what waits of a tenant was looked through: when it was asked for, and its id.
    seen: HashMap<String, (i64, String)>,
}

impl Store {
    /// Gives an engine what waits, as far as the bounds let it: by kind; of a kind tenants in turn
    /// ([`Turns`]); of a tenant the oldest whose subject nothing else runs for. All of it is one
    /// transaction, and so is never given twice, however many ask at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_sessions(&self, take: Take<'_>) -> Result<Took> {
        let waits = "select 1 from session where state = 'waiting' limit 1";
        if take.most == 0 || self.sql(waits).fetch_optional(self.readers()).await?.is_none() {
            return Ok(Took::default());
        }
        let mut tx = self.write().await?;
        // Whatever changes a session locks this first: what runs stays as it is read here.
        let first = self.take(&mut tx, SESSION, 0).await?;
        let (standing, has) = self.standing(&mut tx, take.engine).await?;
        let mut turns = Turns::new(take.rules, standing, (take.most, has));
        let mut taking = Taking { take, next: first, took: Took::default(), seen: HashMap::new() };
        for kind in SessionKind::ALL {
            if turns.is_full() {
                break;
            }
            turns.waiting(self.waiting_tenants(&mut tx, *kind, take.tenants).await?);
            taking.seen.clear();
            while let Some(tenant) = turns.next() {
                if let Some(turn) = self.take_one(&mut tx, (*kind, &tenant), &mut taking).await? {
                    turns.took(tenant, turn);
                }
            }
        }
        let changes = usize::try_from(taking.next - first).unwrap_or_default();
        if changes > 0 {
            self.take(&mut tx, SESSION, changes).await?;
            tx.commit().await?;
        }
        Ok(taking.took)
    }

    /// Has the oldest of a tenant begin that may; gives the number of that change.
    async fn take_one(
        &self,
        tx: &mut AnyConnection,
        (kind, tenant): (SessionKind, &str),
        taking: &mut Taking<'_>,
    ) -> Result<Option<i64>> {
        let take = taking.take;
        loop {
            let seen = taking.seen.get(tenant).cloned().unwrap_or((i64::MIN, String::new()));
            let Some(mut session) = self.head(tx, (kind, tenant), seen, take.now_us).await? else {
                return Ok(None);
            };
            taking.seen.insert(tenant.to_owned(), (session.asked_us, session.id.to_string()));
            session.changed_us = take.now_us;
            session.lost_by = None;
            let barred = match (take.bars)(&session) {
                Some(Bar::Unknown(_)) if self.is_there(tx, session.subject).await? => continue,
                Some(Bar::Surely(why) | Bar::Unknown(why)) => Some(why),
                None => None,
            };
            let seq = taking.next;
            taking.next += 1;
            if let Some(why) = barred {
                session.state = SessionState::Cancelled;
                session.word = why;
                self.put_session(tx, seq, &session).await?;
                taking.took.barred.push(session);
                continue;
            }
            session.state = SessionState::Running;
            (session.ready_us, session.away) = (None, false);
            session.word = String::new();
            session.engine = Some(take.engine.to_owned());
            session.takes += 1;
            session.begun_us = Some(take.now_us);
            session.until_us = Some(take.now_us.saturating_add(take.rules.lease_us));
            self.put_session(tx, seq, &session).await?;
            self.note_turn(tx, tenant, seq).await?;
            taking.took.taken.push(session);
            return Ok(Some(seq));
        }
    }

    /// Whether a subject is in the model, as this transaction sees it, and not gone.
    async fn is_there(&self, tx: &mut AnyConnection, subject: SubjectId) -> Result<bool> {
        #[derive(serde::Deserialize)]
        struct Document {
            #[serde(default)]
            gone: bool,
        }
        let kind = match subject.kind() {
            SubjectKind::Computer => EntityKind::Computer,
            SubjectKind::Person => EntityKind::Person,
            SubjectKind::Tenant => EntityKind::Tenant,
        };
        let id = subject.to_string();
        let rows = self.entities_in(tx, kind, &[id.as_str()]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let document: Document = serde_json::from_str(&row.document)
            .map_err(|error| Error::corrupt(format!("the entity {id}: {error}")))?;
        Ok(!document.gone)
    }

    /// The oldest that waits and may begin, after a place.
    async fn head(
        &self,
        tx: &mut AnyConnection,
        (kind, tenant): (SessionKind, &str),
        (asked, id): (i64, String),
        now_us: i64,
    ) -> Result<Option<Session>> {
        let text = concat!(
            "select s.change_seq, s.document, s.until from session s \
             where s.state = 'waiting' and s.kind = $1 and s.tenant = $2 \
             and (s.asked, s.id) > ($3, $4) and (s.expires is null or s.expires > $5) \
             and (s.ready is null or s.ready <= $5) \
             and not exists (select 1 from session r where r.state = 'running' \
             and r.subject = s.subject) and not ",
            held!(),
            " order by s.asked, s.id limit 1"
        );
        let query = self.sql(text).bind(kind.rank()).bind(owned(tenant));
        let row = query.bind(asked).bind(id).bind(now_us).fetch_optional(tx).await?;
        Ok(row.as_ref().map(read).transpose()?.map(|(_, session)| session))
    }

    /// How many run of each tenant, and when each had its last turn; and how many an engine has.
    pub(super) async fn standing(
        &self,
        tx: &mut AnyConnection,
        engine: &str,
    ) -> Result<(HashMap<String, Standing>, usize)> {
        let text = "select tenant, engine, count(*) from session where state = 'running' \
                    group by tenant, engine";
        let (mut standing, mut has) = (HashMap::<String, Standing>::new(), 0);
        for row in self.sql(text).fetch_all(&mut *tx).await? {
            let running = usize::try_from(count(row.int(2)?)).unwrap_or(usize::MAX);
            standing.entry(row.text(0)?).or_default().running += running;
            if row.opt_text(1)?.as_deref() == Some(engine) {
                has += running;
            }
        }
        for row in self.sql("select tenant, taken from session_turn").fetch_all(tx).await? {
            standing.entry(row.text(0)?).or_default().turn = row.int(1)?;
        }
        Ok((standing, has))
    }

    /// The tenants of which something of a kind waits. It steps from one to the next, and does not read
    /// what each has.
    async fn waiting_tenants(
        &self,
        tx: &mut AnyConnection,
        kind: SessionKind,
        among: Option<&[String]>,
    ) -> Result<Vec<String>> {
        let text = "with recursive lane(tenant) as ( \
                    select min(tenant) from session where state = 'waiting' and kind = $1 \
                    union all \
                    select (select min(s.tenant) from session s where s.state = 'waiting' \
                    and s.kind = $1 and s.tenant > lane.tenant) \
                    from lane where lane.tenant is not null) \
                    select tenant from lane where tenant is not null";
        let rows = self.sql(text).bind(kind.rank()).fetch_all(tx).await?;
        let mut tenants = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        tenants.retain(|tenant| among.is_none_or(|among| among.contains(tenant)));
        Ok(tenants)
    }

    /// Notes that a tenant had its turn.
    pub(super) async fn note_turn(
        &self,
        tx: &mut AnyConnection,
        tenant: &str,
        turn: i64,
    ) -> Result<()> {
        let text = "insert into session_turn (tenant, taken) values ($1, $2) \
                    on conflict (tenant) do update set taken = excluded.taken";
        self.sql(text).bind(owned(tenant)).bind(turn).execute(tx).await?;
        Ok(())
    }

    /// Holds everything that an engine is at for longer, and gives what that is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew_sessions(&self, engine: &str, until_us: i64) -> Result<Vec<SessionId>> {
        let mut tx = self.write().await?;
        // Not while somebody looks whose time is over.
        self.take(&mut tx, SESSION, 0).await?;
        let text =
            "update session set until = $1 where state = 'running' and engine = $2 returning id";
        let rows = self.sql(text).bind(until_us).bind(owned(engine)).fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let id = |row| {
            let text = Columns::text(row, 0)?;
            text.parse().map_err(|_| Error::corrupt(format!("a session's id: {text}")))
        };
        let mut ids = rows.iter().map(id).collect::<Result<Vec<SessionId>>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Has sessions wait again whose engine was not heard of in time, or fail where that happened too
    /// often; and expire what has waited too long. Gives what changed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tidy_sessions(&self, rules: &QueueRules, now_us: i64) -> Result<Vec<Session>> {
        let due = concat!(
            "select 1 from session where state = 'running' and until <= $1 \
             union all select 1 from session s where s.state = 'waiting' and s.expires <= $1 and not ",
            held!(),
            " limit 1"
        );
        if self.sql(due).bind(now_us).fetch_optional(self.readers()).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, SESSION, 0).await?;
        let lost = "select change_seq, document, until from session \
                    where state = 'running' and until <= $1 order by until, id limit $2";
        let waited = concat!(
            "select s.change_seq, s.document, s.until from session s \
             where s.state = 'waiting' and s.expires <= $1 and not ",
            held!(),
            " order by s.expires, s.id limit $2"
        );
        let mut changed: Vec<Session> = Vec::new();
        for text in [lost, waited] {
            let query = self.sql(text).bind(now_us).bind(BATCH);
            for row in query.fetch_all(&mut *tx).await? {
                let mut session = read(&row)?.1;
                let got_on = self.got_on(&mut tx, &session).await?;
                over(&mut session, rules, got_on, now_us);
                self.put_session(&mut tx, first + limit(changed.len()), &session).await?;
                changed.push(session);
            }
        }
        self.take(&mut tx, SESSION, changed.len()).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

/// What becomes of a session whose time is over. One that got on is none that its engines are lost over.
fn over(session: &mut Session, rules: &QueueRules, got_on: bool, now_us: i64) {
    session.changed_us = now_us;
    session.until_us = None;
    if session.state == SessionState::Waiting {
        session.state = SessionState::Expired;
        let days = (now_us - session.asked_us) / 86_400_000_000;
        let nobody = match session.away {
            true => "it was not heard of",
            false => "no engine took it",
        };
        session.word = match days {
            0 => format!("{nobody} in time"),
            1 => format!("{nobody} within a day"),
            days => format!("{nobody} within {days} days"),
        };
        return;
    }
    let engine = session.engine.take().unwrap_or_default();
    let (takes, most) = (session.takes, rules.most_takes);
    session.fruitless = if got_on { 0 } else { session.fruitless + 1 };
    if session.fruitless >= most {
        session.state = SessionState::Failed;
        session.word = match takes {
            1 => format!("it was begun once, and {engine} was not heard of any more"),
            takes => {
                format!("it was begun {takes} times; {engine}, the last, was not heard of any more")
            }
        };
        session.engine = Some(engine);
        return;
    }
    session.state = SessionState::Waiting;
    session.word = format!(
        "waits again: {engine} was not heard of any more (it was begun {takes} of {most} times)"
    );
    session.lost_by = Some(engine);
}

//! Subscriptions: has the systems that can tell the hub what changes do so, renews that in time, and
//! ends what nobody wants any more. What the systems have is asked for each time, so that a process that
//! was killed leaves no second one behind.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use core_connector::{Actor, ErrorKind, NewSubscription, Scope, Subscribe, Subscription};
use core_store::{SubscriptionFailure, SubscriptionRow};
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::lease::LeaseWatch;

use self::plan::{Step, Wanted, plan};

mod plan;

/// What keeping subscriptions is called among streams, where it is tried again.
pub const SUBSCRIPTIONS: &str = "subscriptions";

/// What became of the subscriptions of a connection.
#[derive(Debug, Default)]
pub struct Subscribed {
    /// Were as they should be.
    pub left: usize,
    /// Go on for longer.
    pub renewed: usize,
    /// Are there now.
    pub made: usize,
    /// Are not there any more.
    pub removed: usize,
    /// What went wrong, with the part of the system as people call it.
    pub failed: Vec<(String, core_connector::Error)>,
}

impl Subscribed {
    /// Whether something failed that nobody needs to mend.
    #[must_use]
    pub fn mends_itself(&self) -> bool {
        self.failed.iter().any(|(_, error)| error.kind().actor() == Actor::Clock)
    }

    fn and(mut self, other: Self) -> Self {
        self.left += other.left;
        self.renewed += other.renewed;
        self.made += other.made;
        self.removed += other.removed;
        self.failed.extend(other.failed);
        self
    }

    fn fail(&mut self, scope: &str, error: core_connector::Error) {
        self.failed.push((scope.to_owned(), error));
    }
}

impl Hub {
    /// Has a connection's subscriptions be as the settings want them: makes what is missing, renews what
    /// is half over or was asked for, ends what is of a part that is read no more, or all where none is
    /// wanted. What goes wrong in a part of the system is noted and stops no other.
    ///
    /// # Errors
    /// Where the connection is unknown, somebody else is at it, or the store fails.
    pub async fn keep_subscriptions(&self, name: &str) -> Result<Subscribed> {
        let connections = self.named(&[name.to_owned()])?;
        let subscribe = connections.first().and_then(|one| one.connector.subscribe());
        let Some(subscribe) = subscribe else { return Ok(Subscribed::default()) };
        if !subscribe.wanted() && self.known_subscriptions(name).await?.is_empty() {
            return Ok(Subscribed::default());
        }
        let lease_name = format!("subscribe:{name}/{SUBSCRIPTIONS}");
        let Some(lease) = self.hold(&lease_name).await? else {
            let holder = self.store.lease_holder(&lease_name).await?;
            let holder = holder.map_or_else(|| "another process".to_owned(), |one| one.holder);
            return Err(Error::SubscribeBusy { connection: name.to_owned(), holder });
        };
        let public = self.settings.public_url.as_deref();
        let keeper = Keeper {
            hub: self,
            connection: name,
            subscribe,
            url: public.map(|url| format!("{}/webhooks/{name}", url.trim_end_matches('/'))),
            mark: subscribe.mark(),
            known: self.known_subscriptions(name).await?,
            watch: lease.watch(),
            refused: AtomicBool::new(false),
        };
        let done = keeper.all().await;
        lease.give_back().await?;
        done
    }

    async fn known_subscriptions(&self, connection: &str) -> Result<Vec<SubscriptionRow>> {
        let mut rows = self.store.subscriptions().await?;
        rows.retain(|row| row.connection == connection);
        Ok(rows)
    }
}

/// Keeps the subscriptions of one connection.
struct Keeper<'a> {
    hub: &'a Hub,
    connection: &'a str,
    subscribe: &'a dyn Subscribe,
    url: Option<String>,
    mark: String,
    known: Vec<SubscriptionRow>,
    watch: LeaseWatch,
    /// The address was refused once: it would be everywhere.
    refused: AtomicBool,
}

impl Keeper<'_> {
    async fn all(&self) -> Result<Subscribed> {
        let mut done = Subscribed::default();
        let mut scopes = Vec::new();
        if self.subscribe.wanted() {
            if self.url.is_none() {
                let error = no_address();
                self.note(&Scope::whole(), "", None, &error).await?;
                done.fail("", error);
                return Ok(done);
            }
            match self.subscribe.scopes().await {
                Ok(found) => scopes = found,
                // The streams cannot be read either, and say so.
                Err(error) => {
                    done.fail("", error);
                    return Ok(done);
                }
            }
        }
        let whole = self.known.iter().find(|row| row.topic.is_empty());
        if let Some(row) = whole {
            self.hub.store.forget_subscription(row).await?;
        }
        let parallel = self.hub.settings.parallel_scopes.max(1);
        let is_wanted = |key: &String| scopes.iter().any(|scope| scope.key == *key);
        let known = self.known.iter().filter(|row| !row.topic.is_empty());
        let mut gone: BTreeSet<String> = known.map(|row| row.scope.clone()).collect();
        gone.retain(|key| !is_wanted(key));
        let keeping = futures::stream::iter(scopes).map(|scope| self.scope(scope));
        let mut ends: Vec<Result<Subscribed>> = keeping.buffer_unordered(parallel).collect().await;
        let clearing = futures::stream::iter(gone).map(|scope| self.clear(scope));
        ends.extend(clearing.buffer_unordered(parallel).collect::<Vec<_>>().await);
        for end in ends {
            done = done.and(end?);
        }
        Ok(done)
    }

    /// Whether nothing more is to be done: told to stop, taken over, or refused once.
    fn is_over(&self) -> bool {
        self.hub.is_stopping()
            || self.watch.lost_to().is_some()
            || self.refused.load(Ordering::Relaxed)
    }

    fn row(&self, scope: &str, topic: &str) -> Option<&SubscriptionRow> {
        self.known.iter().find(|row| row.scope == scope && row.topic == topic)
    }

    async fn scope(&self, scope: Scope) -> Result<Subscribed> {
        let scope = &scope;
        let mut done = Subscribed::default();
        if self.is_over() {
            return Ok(done);
        }
        let mut there = match self.subscribe.list(&scope.key).await {
            Ok(there) => there,
            Err(error) => {
                for topic in self.subscribe.topics() {
                    let id = self.row(&scope.key, topic).and_then(|row| row.id.clone());
                    self.note(scope, topic, id, &error).await?;
                }
                done.fail(&scope.name, error);
                return Ok(done);
            }
        };
        for topic in self.subscribe.topics() {
            if self.is_over() {
                break;
            }
            self.topic(scope, topic, &mut there, &mut done).await?;
        }
        Ok(done)
    }

    async fn topic(
        &self,
        scope: &Scope,
        topic: &str,
        there: &mut Vec<Subscription>,
        done: &mut Subscribed,
    ) -> Result<()> {
        let before = self.row(&scope.key, topic);
        match self.step(&scope.key, topic, there, done).await {
            Ok(now) => {
                let row = SubscriptionRow {
                    connection: self.connection.to_owned(),
                    scope: scope.key.clone(),
                    scope_name: scope.name.clone(),
                    topic: topic.to_owned(),
                    id: Some(now.id),
                    mark: self.mark.clone(),
                    ends_us: Some(now.ends_us),
                    asked: false,
                    failure: None,
                };
                if before != Some(&row) {
                    // What was asked for since it was read is looked at the next time.
                    let answered = before.is_some_and(|row| row.asked);
                    self.hub.store.put_subscription(&row, answered).await?;
                }
            }
            Err(error) => {
                if error.kind() == ErrorKind::Config {
                    self.refused.store(true, Ordering::Relaxed);
                }
                // One that the system has no more, or that was just ended, is not there.
                let is_there = |id: &String| there.iter().any(|one| one.id == *id);
                let id = before.and_then(|row| row.id.clone()).filter(is_there);
                self.note(scope, topic, id, &error).await?;
                done.fail(&scope.name, error);
            }
        }
        Ok(())
    }

    /// Does what is to be done about one, and gives what is there then. What is ended is taken out of what
    /// the system has.
    async fn step(
        &self,
        scope: &str,
        topic: &str,
        there: &mut Vec<Subscription>,
        done: &mut Subscribed,
    ) -> core_connector::Result<Subscription> {
        let url = self.url.as_deref().unwrap_or_default();
        let (now_us, life_us) = (self.hub.clock.now_us(), self.subscribe.life_us());
        let wanted = Wanted { topic, url, mark: &self.mark, now_us, life_us };
        let plan = plan(self.row(scope, topic), there, &wanted);
        for id in &plan.remove {
            done.removed += usize::from(self.remove(scope, id).await?);
            there.retain(|one| one.id != *id);
        }
        let until_us = now_us + life_us;
        let new = NewSubscription { topic, url, until_us };
        match plan.step {
            Step::Leave(there) => {
                done.left += 1;
                return Ok(there);
            }
            Step::Renew(id) => match self.subscribe.renew(scope, &id, until_us).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    there.retain(|one| one.id != id);
                }
                renewed => {
                    done.renewed += usize::from(renewed.is_ok());
                    return renewed;
                }
            },
            Step::Make => {}
        }
        let made = self.subscribe.make(scope, new).await?;
        done.made += 1;
        Ok(made)
    }

    /// Ends one; gives whether it was there.
    async fn remove(&self, scope: &str, id: &str) -> core_connector::Result<bool> {
        match self.subscribe.remove(scope, id).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends what is of a part of the system that is read no more. Where the system lets nobody in there,
    /// it ends by itself.
    async fn clear(&self, scope: String) -> Result<Subscribed> {
        let scope = scope.as_str();
        let mut done = Subscribed::default();
        if self.is_over() {
            return Ok(done);
        }
        let rows: Vec<&SubscriptionRow> =
            self.known.iter().filter(|row| row.scope == scope).collect();
        if let Err(error) = self.clear_there(scope, &rows, &mut done).await {
            if error.kind().actor() == Actor::Clock {
                done.fail(scope, error);
                return Ok(done);
            }
            let connection = self.connection;
            tracing::info!(connection, scope, %error, "subscriptions are left to end by themselves");
        }
        for row in rows {
            self.hub.store.forget_subscription(row).await?;
        }
        Ok(done)
    }

    async fn clear_there(
        &self,
        scope: &str,
        rows: &[&SubscriptionRow],
        done: &mut Subscribed,
    ) -> core_connector::Result<()> {
        for there in self.subscribe.list(scope).await? {
            let is_known = rows.iter().any(|row| row.id.as_ref() == Some(&there.id));
            if is_known || Some(&there.url) == self.url.as_ref() {
                done.removed += usize::from(self.remove(scope, &there.id).await?);
            }
        }
        Ok(())
    }

    /// Notes that one is not as it should be; since when, if that is so already. `id` is of the one that is
    /// there nevertheless.
    async fn note(
        &self,
        scope: &Scope,
        topic: &str,
        id: Option<String>,
        error: &core_connector::Error,
    ) -> Result<()> {
        let before = self.row(&scope.key, topic);
        let since_us = before.and_then(|row| row.failure.as_ref()).map(|failure| failure.since_us);
        let failure = SubscriptionFailure {
            since_us: since_us.unwrap_or_else(|| self.hub.clock.now_us()),
            kind: error.kind().as_str().to_owned(),
            error: error.to_string(),
            remedy: error.remedy(),
        };
        let row = SubscriptionRow {
            connection: self.connection.to_owned(),
            scope: scope.key.clone(),
            scope_name: scope.name.clone(),
            topic: topic.to_owned(),
            mark: before.map(|row| row.mark.clone()).unwrap_or_default(),
            ends_us: before.and_then(|row| row.ends_us).filter(|_| id.is_some()),
            id,
            asked: before.is_some_and(|row| row.asked),
            failure: Some(failure),
        };
        self.hub.store.put_subscription(&row, false).await?;
        Ok(())
    }
}

fn no_address() -> core_connector::Error {
    let what = "the hub does not know where it is reached from outside";
    core_connector::Error::new(ErrorKind::Config, "setting `public_url`", what).with_remedy(
        "set `public_url` in [server] to an https address that the system can reach, or \
         `subscribe = false` in this connection",
    )
}

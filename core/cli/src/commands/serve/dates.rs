//! Dates that passed: agreements, lines and deployments begin and end with a day of their tenant, and
//! nobody has to sync for it. Whoever has another winner since gets an event.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;
use core_daemon::Edges;
use core_model::entity::{EntityKind, Tenant};
use core_resolve::{RunKind, begins};
use core_store::EntityQuery;

use crate::cli::WhenArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::world::World;

/// Looks at the dates that passed.
pub(super) struct Dates {
    context: Arc<Context>,
}

impl Dates {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Whether a day began in a zone of any tenant. Everything else costs a snapshot.
    async fn a_day_began(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<bool, Failure> {
        let mut zones = BTreeSet::from([self.context.config.time_zone.name().to_owned()]);
        for row in self.context.store.entities(&EntityQuery::all(EntityKind::Tenant)).await? {
            let tenant =
                row.read::<Tenant>().map_err(|error| Failure::failed(error.to_string()))?;
            zones.extend(tenant.time_zone);
        }
        let zones = zones.iter().filter_map(|name| name.parse::<Tz>().ok());
        Ok(zones.into_iter().any(|zone| {
            // The newest day of the zone is enough: an earlier one began before it.
            let today = to.with_timezone(&zone).date_naive();
            let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
            [today, tomorrow].iter().any(|day| {
                let at = begins(*day, zone);
                from < at && at <= to
            })
        }))
    }

    async fn look(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<usize, Failure> {
        if !self.a_day_began(from, to).await? {
            return Ok(0);
        }
        let world = World::load(&self.context, &WhenArgs::default(), RunKind::default()).await?;
        let (store, span) = (&self.context.store, (from, to));
        // Resolving takes a processor for a while, which is none of those that answer.
        let edges = tokio::task::block_in_place(|| {
            let noting = core_snapshot::note_passed(store, &world.resolver, span, Utc::now());
            tokio::runtime::Handle::current().block_on(noting)
        })?;
        for edge in &edges {
            tracing::info!(day = %edge.day, tenant = %edge.tenant,
                tenant_name = %world.subject_name(edge.tenant.into()), what = %edge.what.join("; "),
                computers = edge.computers, uninstalls = edge.uninstalls, cause = "clock",
                "a date passed");
        }
        Ok(edges.len())
    }
}

#[async_trait]
impl Edges for Dates {
    async fn passed(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<usize, String> {
        self.look(from, to).await.map_err(|failure| failure.in_full())
    }
}

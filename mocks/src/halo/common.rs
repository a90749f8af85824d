//! Filters that several lists share.

use super::client::Clients;
use super::entity::{Cx, Entity, Filter};
use super::query;
use super::site::Sites;
use crate::vendor::Reply;
use crate::world::{HaloClient, HaloSite};

/// `lastupdatefromdate` and `lastupdatetodate`: rows changed since, and until.
pub(super) fn updated<'a, E: Entity>(cx: &Cx<'a>, filters: &mut Vec<Filter<'a, E::Row>>) {
    if let Some(from) = cx.query.instant("lastupdatefromdate") {
        filters.push(Box::new(move |row| E::mark(row).modified.naive_utc() >= from));
    }
    if let Some(to) = cx.query.instant("lastupdatetodate") {
        filters.push(Box::new(move |row| E::mark(row).modified.naive_utc() <= to));
    }
}

/// `search`: the words are somewhere in what `text` says of the row.
pub(super) fn search<'a, R: 'a>(
    cx: &Cx<'a>,
    name: &str,
    filters: &mut Vec<Filter<'a, R>>,
    text: impl Fn(&R) -> String + 'a,
) {
    if let Some(wanted) = cx.query.text(name) {
        let wanted = wanted.to_lowercase();
        filters.push(Box::new(move |row| text(row).to_lowercase().contains(&wanted)));
    }
}

/// `advanced_search` over the fields that the entity allows.
pub(super) fn advanced<'a, E: Entity>(
    cx: &Cx<'a>,
    filters: &mut Vec<Filter<'a, E::Row>>,
    field: fn(&E::Row, &str) -> Option<String>,
) -> Result<(), Reply> {
    for condition in query::advanced(cx.query, E::ADVANCED)? {
        filters.push(Box::new(move |row| {
            let value = field(row, &condition.field).map(|v| v.to_lowercase());
            value.is_some_and(|v| {
                if condition.part { v.contains(&condition.value) } else { v == condition.value }
            })
        }));
    }
    Ok(())
}

/// The site with this id and its client.
pub(super) fn place<'a>(cx: &Cx<'a>, site: i64) -> (Option<&'a HaloSite>, Option<&'a HaloClient>) {
    let site = cx.find::<Sites>(site);
    (site, site.and_then(|s| cx.find::<Clients>(s.client)))
}

/// Positions of what lies at the client's sites.
pub(super) fn of_client<E: Entity>(cx: &Cx<'_>, client: i64) -> Vec<u32> {
    let sites = cx.owned::<Sites>(client);
    let sites = sites.iter().filter_map(|at| cx.world.halo.sites.get(usize::try_from(*at).ok()?));
    sites.flat_map(|site| cx.owned::<E>(site.id)).collect()
}

/// The client's first site: where things go that name a client only.
pub(super) fn first_site(cx: &Cx<'_>, client: i64) -> Option<i64> {
    let sites = cx.owned::<Sites>(client);
    let sites = sites.iter().filter_map(|at| cx.world.halo.sites.get(usize::try_from(*at).ok()?));
    let there = sites.filter(|s| s.mark.gone.is_none());
    there.min_by_key(|s| (s.inactive, s.stock, s.id)).map(|s| s.id)
}

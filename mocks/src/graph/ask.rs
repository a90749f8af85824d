//! A call that was let in: who asks, in which directory, for what.

use chrono::{DateTime, Utc};

use super::cursor::{self, Skip};
use super::entity::Source;
use super::index::Index;
use super::tokens::Grant;
use super::wire::{Problem, encode};
use crate::vendor::Call;
use crate::world::{Directory, DirectoryNo, World};

/// A call that was let in.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The call.
    pub(super) call: &'a Call,
    /// The world at this instant.
    pub(super) world: &'a World,
    /// The index over it.
    pub(super) index: &'a Index,
    /// Who asks.
    pub(super) grant: &'a Grant,
    /// The directory asked.
    pub(super) no: DirectoryNo,
    /// The same.
    pub(super) directory: &'a Directory,
    /// `v1.0` or `beta`.
    pub(super) version: &'static str,
    /// The world's clock.
    pub(super) now: DateTime<Utc>,
}

impl<'a> Ask<'a> {
    /// What properties are read from.
    pub(super) fn source(&self) -> Source<'a> {
        Source { world: self.world, index: self.index }
    }

    /// Whether names that are not known are ignored.
    pub(super) fn lenient(&self) -> bool {
        self.version == "beta"
    }

    /// `{base}/v1.0/$metadata#...`.
    pub(super) fn context(&self, of: &str) -> String {
        format!("{}/{}/$metadata#{of}", self.call.base, self.version)
    }

    /// Refuses a caller who has none of these permissions.
    pub(super) fn need(&self, permissions: &[&str]) -> Result<(), Problem> {
        if self.may(permissions) { Ok(()) } else { Err(Problem::denied()) }
    }

    /// Whether the caller has one of these permissions.
    pub(super) fn may(&self, permissions: &[&str]) -> bool {
        permissions.iter().any(|p| self.grant.has(p))
    }

    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(super) fn eventual(&self) -> bool {
        self.call.header("consistencylevel").is_some_and(|v| v.eq_ignore_ascii_case("eventual"))
    }

    /// The name under which the skip tokens of this listing are known: its path in lower case.
    pub(super) fn listing(&self) -> String {
        self.call.path.trim_end_matches('/').to_lowercase()
    }

    /// The link to the page that starts at `at`: the call again, with another skip token.
    pub(super) fn next_link(&self, query: &Query, page: u32, at: usize, top: usize) -> String {
        let token = cursor::seal(&Skip {
            of: self.listing(),
            tenant: self.directory.id,
            page,
            at,
            top,
            made: self.now.timestamp(),
        });
        let mut link = format!("{}{}?", self.call.base, encode_path(&self.call.path));
        for (name, value) in &self.call.query {
            if !is_option(name, "skiptoken") && !is_option(name, "count") {
                link.push_str(&format!("{name}={}&", encode(value)));
            }
        }
        if query.count {
            link.push_str("$count=true&");
        }
        link.push_str(&format!("$skiptoken={token}"));
        link
    }

    /// The page asked for: its number, where it starts, and how many rows it has.
    pub(super) fn page(&self, query: &Query, top: usize) -> Result<(u32, usize, usize), Problem> {
        match &query.skip_token {
            None => Ok((1, 0, top)),
            Some(token) => {
                let now = self.now.timestamp();
                let skip = cursor::open_skip(token, &self.listing(), self.directory.id, now)?;
                Ok((skip.page, skip.at, skip.top))
            }
        }
    }
}

/// The query options of OData, read once.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// `$select`.
    pub(super) select: Option<Vec<String>>,
    /// `$top`.
    pub(super) top: Option<usize>,
    /// `$filter`.
    pub(super) filter: Option<String>,
    /// `$search`.
    pub(super) search: Option<String>,
    /// `$orderby`.
    pub(super) order_by: Option<String>,
    /// `$expand`.
    pub(super) expand: Option<String>,
    /// `$count=true`.
    pub(super) count: bool,
    /// `$skip`.
    pub(super) skip: Option<usize>,
    /// `$skiptoken`.
    pub(super) skip_token: Option<String>,
    /// `$deltatoken`.
    pub(super) delta_token: Option<String>,
}

impl Query {
    /// Reads the options; the dollar sign may be left out, and case does not matter.
    pub(super) fn read(call: &Call) -> Result<Self, Problem> {
        let mut query = Self::default();
        for (name, value) in &call.query {
            let key = name.trim_start_matches('$').to_ascii_lowercase();
            let text = || Some(value.clone()).filter(|v| !v.trim().is_empty());
            let number = || {
                value.trim().parse::<usize>().map_err(|_| {
                    Problem::new(
                        400,
                        "BadRequest",
                        format!("Invalid value '{value}' for '{name}'."),
                    )
                })
            };
            match key.as_str() {
                "select" => {
                    let names = value.split(',').map(|n| n.trim().to_string());
                    query.select = Some(names.filter(|n| !n.is_empty()).collect());
                    query.select = query.select.filter(|names| !names.is_empty());
                }
                "top" => query.top = Some(number()?),
                "skip" => query.skip = Some(number()?),
                "filter" => query.filter = text(),
                "search" => query.search = text(),
                "orderby" => query.order_by = text(),
                "expand" => query.expand = text(),
                "count" => query.count = value.eq_ignore_ascii_case("true"),
                "skiptoken" => query.skip_token = text(),
                "deltatoken" => query.delta_token = Some(value.clone()),
                _ => {}
            }
        }
        Ok(query)
    }
}

/// Whether a query name is this option, with or without its dollar sign.
pub(super) fn is_option(name: &str, option: &str) -> bool {
    name.trim_start_matches('$').eq_ignore_ascii_case(option)
}

fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

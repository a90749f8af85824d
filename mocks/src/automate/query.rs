//! The list options of the query string, in the flat spelling of the clients (`pagesize`) and in
//! the `options.` spelling of the published contract (`options.pageSize`).

use std::collections::HashSet;

use super::condition::{self, Expression};
use super::problem::Problem;

/// What most lists give without `pagesize`.
const DEFAULT_PAGE_SIZE: usize = 50;
/// The largest page, whatever is asked for.
const MAX_PAGE_SIZE: usize = 1000;

/// The options of one call.
#[derive(Debug)]
pub(super) struct Options {
    /// Counted from 1.
    pub(super) page: usize,
    /// From 1 to 1000.
    pub(super) page_size: usize,
    pub(super) condition: Option<Expression>,
    pub(super) order: Vec<Order>,
    /// Paths to keep; all where empty.
    pub(super) include: Vec<Vec<String>>,
    /// Paths to leave out.
    pub(super) exclude: Vec<Vec<String>>,
    pub(super) ids: Option<HashSet<u64>>,
}

/// One column to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) path: Vec<String>,
    pub(super) descending: bool,
}

impl Options {
    /// Reads the query; 400 where a number or the condition cannot be read.
    pub(super) fn read(query: &[(String, String)]) -> Result<Self, Problem> {
        let mut options = Self {
            page: 1,
            page_size: DEFAULT_PAGE_SIZE,
            condition: None,
            order: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            ids: None,
        };
        let mut order_name = None;
        let mut order_descending = false;
        for (key, value) in query {
            match plain(key).as_str() {
                "page" => options.page = number(key, value)?.unwrap_or(1).max(1),
                "pagesize" => {
                    let size = number(key, value)?.filter(|size| *size > 0);
                    options.page_size = size.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE);
                }
                "condition" if value.trim().is_empty() => options.condition = None,
                "condition" => {
                    let parsed = condition::parse(value).map_err(|reason| {
                        Problem::bad(format!("The condition '{value}' is not valid: {reason}."))
                    })?;
                    options.condition = Some(parsed);
                }
                "orderby" => options.order = orders(value)?,
                "orderby.name" => order_name = Some(value.clone()),
                "orderby.type" => {
                    order_descending = value.eq_ignore_ascii_case("descending") || value == "2";
                }
                "includefields" | "includedfields" => options.include.extend(paths(value)),
                "excludefields" | "excludedfields" => options.exclude.extend(paths(value)),
                "ids" => options.ids.get_or_insert_with(HashSet::new).extend(ids(value)?),
                _ => {}
            }
        }
        if let Some(name) = order_name.filter(|name| !name.trim().is_empty()) {
            options.order = vec![Order { path: path(&name), descending: order_descending }];
        }
        Ok(options)
    }
}

/// A key without `options.` in front and `[]` or `[0]` behind, in lower case.
fn plain(key: &str) -> String {
    let key = key.trim().to_ascii_lowercase();
    let key = key.strip_prefix("options.").unwrap_or(&key);
    match key.find('[') {
        Some(at) => key[..at].to_owned(),
        None => key.to_owned(),
    }
}

fn number(key: &str, value: &str) -> Result<Option<usize>, Problem> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let number: i64 = value
        .parse()
        .map_err(|_| Problem::bad(format!("The value '{value}' is not valid for {key}.")))?;
    Ok(usize::try_from(number).ok())
}

fn orders(value: &str) -> Result<Vec<Order>, Problem> {
    let mut orders = Vec::new();
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let mut words = part.split_whitespace();
        let name = words.next().unwrap_or_default();
        let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
            None | Some("asc" | "ascending") => false,
            Some("desc" | "descending") => true,
            Some(other) => {
                return Err(Problem::bad(format!("'{other}' is not an order; use asc or desc.")));
            }
        };
        orders.push(Order { path: path(name), descending });
    }
    Ok(orders)
}

fn paths(value: &str) -> impl Iterator<Item = Vec<String>> + '_ {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(path)
}

fn path(name: &str) -> Vec<String> {
    name.trim().split(['.', '/']).map(str::to_ascii_lowercase).collect()
}

fn ids(value: &str) -> Result<Vec<u64>, Problem> {
    value
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(|id| id.parse().map_err(|_| Problem::bad(format!("'{id}' is not a valid id."))))
        .collect()
}

//! Scopes: what an application may have, what it asks for, and what a call needs.

/// The areas of `read:` and `edit:` scopes.
const AREAS: [&str; 19] = [
    "tickets",
    "calendar",
    "customers",
    "crm",
    "timesheets",
    "contracts",
    "suppliers",
    "items",
    "projects",
    "sales",
    "quotes",
    "sos",
    "pos",
    "invoices",
    "reporting",
    "software",
    "softwarelicensing",
    "kb",
    "assets",
];

/// Scopes outside of that pattern.
const OTHERS: [&str; 7] = [
    "all",
    "all:standard",
    "admin",
    "offline_access",
    "editmine:timesheets",
    "access:chat",
    "access:adpasswordreset",
];

/// The scopes of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scopes(Vec<String>);

impl Scopes {
    /// From the text in a token.
    pub(super) fn new(text: &str) -> Self {
        Self(text.split_whitespace().map(str::to_ascii_lowercase).collect())
    }

    /// Whether rows of the area can be read. Any signed-in client reads what has no area.
    pub(super) fn reads(&self, area: &str) -> bool {
        area.is_empty() || self.wide() || self.has("read", area) || self.has("edit", area)
    }

    /// Whether rows of the area can be written. What has no area is configuration.
    pub(super) fn writes(&self, area: &str) -> bool {
        self.wide() || (!area.is_empty() && self.has("edit", area))
    }

    fn wide(&self) -> bool {
        self.0.iter().any(|s| matches!(s.as_str(), "all" | "all:standard" | "admin"))
    }

    fn has(&self, verb: &str, area: &str) -> bool {
        self.0.iter().any(|s| s.split_once(':') == Some((verb, area)))
    }
}

/// Every scope there is.
pub(super) fn all() -> Vec<String> {
    let areas = AREAS.iter().flat_map(|a| [format!("read:{a}"), format!("edit:{a}")]);
    OTHERS.iter().map(|s| (*s).to_owned()).chain(areas).collect()
}

/// What an application gets that asks for `wanted` and may have `allowed`: the part it may have.
/// None where it asks for a scope that does not exist. Who asks for nothing gets what there is.
pub(super) fn granted(wanted: &str, allowed: &[String]) -> Option<String> {
    let known = all();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    if !wanted.iter().all(|w| known.iter().any(|k| k.eq_ignore_ascii_case(w))) {
        return None;
    }
    let may = Scopes::new(&allowed.join(" "));
    if wanted.is_empty() || (wanted.iter().any(|w| is_wide(w)) && !may.wide()) {
        return Some(allowed.join(" "));
    }
    let kept: Vec<&str> = wanted.into_iter().filter(|w| may_have(&may, w)).collect();
    Some(kept.join(" "))
}

fn may_have(may: &Scopes, scope: &str) -> bool {
    match scope.to_ascii_lowercase().split_once(':') {
        _ if may.wide() => true,
        Some(("read", area)) => may.reads(area),
        Some(("edit", area)) => may.writes(area),
        _ => may.0.iter().any(|s| s.eq_ignore_ascii_case(scope)),
    }
}

fn is_wide(scope: &str) -> bool {
    ["all", "all:standard", "admin"].iter().any(|w| w.eq_ignore_ascii_case(scope))
}

//! Deployments.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use core_model::dates::DateRange;
use core_model::library::{
    Deployment, DesiredState, DeviceClass, Enforcement, ItemId, Owner, RecommendedUse, Target,
    TaskCategory, Visibility,
};
use core_resolve::DEEPEST_TARGET;
use core_toml::{Entry, Item, Node, printable};
use serde_json::Value;

use super::items::origin;
use super::reference::Home;
use super::state::state;
use super::{Place, Reader, Table};

impl<'a> Reader<'a> {
    pub(super) fn read_deployments(&mut self) -> Vec<Deployment> {
        let tables = self.tables("deployment");
        tables.into_iter().filter_map(|table| self.deployment(table)).collect()
    }

    fn deployment(&mut self, table: Table<'a>) -> Option<Deployment> {
        // Everything is read before anything that is missing ends it, so that all is told.
        let own = self.own_deployment(table);
        let item = self.item(table);
        let instance = self.instance(table, item);
        let state = self.state(table, item);
        let owner = self.owner(table);
        let target = self.whole_target(table, owner.unwrap_or_default());
        let classes = self.classes(table, item);
        let enforcement = self.enforcement(table);
        let dates = self.dates(table);
        let connection =
            table.get("connection").and_then(|node| self.connection((table.file, node)));
        let rings = self.rings(table, state.as_ref());
        let parameters = self.given(table);
        self.hold(table, (item, state.as_ref()), &parameters);
        let order = table.number("order").and_then(|order| i32::try_from(order).ok());
        let places = table.items("show_in");
        let shown = |word| places.iter().any(|place| place.text() == Some(word));
        let (id, created_us, name) = own?;
        Some(Deployment {
            id,
            name,
            item: item?,
            instance,
            state: state?,
            target: target?,
            classes,
            owner: owner?,
            origin: origin(table),
            recommended: match table.text("recommended") {
                Some("approved") => RecommendedUse::Approved,
                Some("dismissed") => RecommendedUse::Dismissed,
                _ => RecommendedUse::Undecided,
            },
            enforcement,
            onboarding_only: table.flag("onboarding_only"),
            order: order.unwrap_or_default(),
            enabled: table.get("enabled").is_none() || table.flag("enabled"),
            connection,
            dates,
            visibility: Visibility {
                self_service: shown("self-service"),
                technician_tools: shown("technician-tools"),
            },
            rings,
            parameters,
            note: table.text("note").unwrap_or_default().to_owned(),
            created_us,
        })
    }

    pub(super) fn state(&mut self, table: Table<'a>, item: Option<ItemId>) -> Option<DesiredState> {
        match state(table.text("state")?, item) {
            Ok(state) => Some(state),
            Err((what, help)) => {
                self.say(&table.place("state"), what, "not allowed", &help);
                None
            }
        }
    }

    /// The tenant that it is for; `None` where there is one that is unknown.
    pub(super) fn owner(&mut self, table: Table<'a>) -> Option<Option<Owner>> {
        let children = table.flag("children");
        match table.get("tenant") {
            Some(node) => {
                self.tenant((table.file, node)).map(|tenant| Some(Owner { tenant, children }))
            }
            None => {
                if table.get("children").is_some() {
                    let help = "add `tenant = …`, or write it into the target";
                    let what = "`children` says of no tenant that its children are meant too";
                    self.say(&table.place("children"), what, "of which tenant?", help);
                }
                Some(None)
            }
        }
    }

    pub(super) fn whole_target(
        &mut self,
        table: Table<'a>,
        owner: Option<Owner>,
    ) -> Option<Target> {
        let target = self.target(table.file, table.get("target")?, Home::of(owner))?;
        if target.depth() > DEEPEST_TARGET {
            let what = format!("this target is nested more than {DEEPEST_TARGET} deep");
            self.say(&table.place("target"), what, "too deep", "make tags or groups of its parts");
        }
        Some(target)
    }

    pub(super) fn classes(
        &mut self,
        table: Table<'a>,
        item: Option<ItemId>,
    ) -> BTreeSet<DeviceClass> {
        let class = |node: &Node| match node.text()? {
            "servers" => Some(DeviceClass::Servers),
            "workstations" => Some(DeviceClass::Workstations),
            "portable" => Some(DeviceClass::Portable),
            "domain-controllers" => Some(DeviceClass::DomainControllers),
            "primary-domain-controllers" => Some(DeviceClass::PrimaryDomainControllers),
            _ => None,
        };
        let classes: BTreeSet<DeviceClass> =
            table.items("classes").iter().filter_map(class).collect();
        let others = match item {
            Some(ItemId::Task(task)) => match self.categories.get(&task) {
                Some((TaskCategory::Tenant, _)) => Some("tenants"),
                Some((TaskCategory::Person, _)) => Some("persons"),
                _ => None,
            },
            _ => None,
        };
        if let (Some(others), false) = (others, classes.is_empty()) {
            let what = format!("device classes are for computers, and this task is for {others}");
            self.say(&table.place("classes"), what, "not here", "remove `classes`");
        }
        classes
    }

    fn enforcement(&mut self, table: Table<'a>) -> Enforcement {
        let mut approved = BTreeSet::new();
        for node in table.items("approved") {
            approved.extend(self.subject(Table { file: table.file, node }));
        }
        let word = table.text("enforcement").unwrap_or("required");
        if table.get("approved").is_some() && word != "optional" {
            let what = "`approved` is for optional deployments, and this is another";
            let help = "write `enforcement = \"optional\"`, or remove `approved`";
            self.say(&table.place("approved"), what, "not here", help);
        }
        match word {
            "onboarding" => Enforcement::Onboarding,
            "optional" => Enforcement::Optional { approved },
            "ad-hoc" => Enforcement::AdHoc,
            _ => Enforcement::Required,
        }
    }

    fn dates(&mut self, table: Table<'a>) -> DateRange {
        let (start, end) = (self.day(table, "from"), self.day(table, "until"));
        if let (Some(first), Some(last)) = (start, end)
            && last < first
        {
            let what = format!("this ends on {last}, before it starts on {first}");
            self.say(&table.place("until"), what, "too early", "both days are included");
        }
        DateRange { start, end }
    }

    pub(super) fn day(&mut self, table: Table<'a>, key: &str) -> Option<NaiveDate> {
        let node = table.get(key)?;
        let text = match &node.item {
            Item::Date(day) => day.as_str(),
            _ => node.text()?,
        };
        let day = text.parse().ok();
        if day.is_none() {
            let what = format!("`{key}` is no day: \"{}\"", printable(text));
            self.say(&table.place(key), what, "no day", "write it like 2026-12-31, without quotes");
        }
        day
    }

    fn given(&mut self, table: Table<'a>) -> serde_json::Map<String, Value> {
        let Some(node) = table.get("parameters") else { return serde_json::Map::new() };
        self.unfit(table.file, node);
        match node.json() {
            Value::Object(parameters) => parameters,
            _ => serde_json::Map::new(),
        }
    }

    /// Values that a script cannot be given.
    pub(super) fn unfit(&mut self, file: usize, node: &'a Node) {
        if let Item::Unfit(what) = node.item {
            let place = Place { file, span: node.span.clone() };
            let what = format!("a parameter cannot be {what}");
            self.say(&place, what, "not allowed", "write it in quotes");
        }
        let inner = node.items().iter().chain(node.entries().iter().map(|Entry { node, .. }| node));
        for node in inner {
            self.unfit(file, node);
        }
    }
}

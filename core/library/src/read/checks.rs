//! What is wrong between definitions that are right by themselves.

use std::collections::HashMap;

use core_model::library::{Deployment, DesiredState, ItemId, handle};
use core_toml::printable;

use super::{Place, Reader};

impl Reader<'_> {
    /// P10: deployments that say the same as an earlier one. What stays as the hub has it comes first.
    pub(super) fn find_duplicates(&mut self, deployments: &[&Deployment]) {
        type Key<'d> = (ItemId, &'d Option<String>, &'d DesiredState);
        let mut groups: HashMap<Key<'_>, Vec<&Deployment>> = HashMap::new();
        for &deployment in deployments {
            let key = (deployment.item, &deployment.instance, &deployment.state);
            let group = groups.entry(key).or_default();
            // Only those that came before: of two the second is told.
            let same = core_resolve::duplicates(deployment, group.iter().copied());
            let first = group.iter().find(|other| same.contains(&other.id)).copied();
            group.push(deployment);
            let Some(first) = first else { continue };
            let Some(place) = self.place_of(deployment) else { continue };
            let at = match self.place_of(first) {
                Some(first) => self.line(&first),
                None => "which the hub has".to_owned(),
            };
            let what = format!(
                "`{}` says the same as `{}` ({at}): same item, target and state, at dates that meet",
                printable(&deployment.name),
                printable(&first.name),
            );
            let help = "remove one of them, or give it another target, state, owner or dates";
            self.say(&place, what, "the second", help);
        }
    }

    fn place_of(&self, deployment: &Deployment) -> Option<Place> {
        self.deployments.get(&handle(&deployment.name))?.place.clone()
    }
}

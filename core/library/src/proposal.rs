//! A change that waits for somebody's word: what would change, in definitions and in winners, and
//! what that was computed from.

use core_model::id::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::Change;
use crate::patch::Patch;
use crate::plan::{Inputs, UnreadablePlan, of_version};

/// The version of a proposal's form.
const VERSION: u32 = 1;

/// A proposed change. It holds the definitions themselves: the files may be gone when it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// Version of this form.
    pub version: u32,
    /// What it was computed from.
    pub inputs: Inputs,
    /// The definitions.
    pub patch: Patch,
    /// What becomes of definitions, in words.
    pub changes: Vec<Change>,
    /// What becomes of winners, in the words of whoever computed it; opaque here.
    pub preview: Value,
    /// The number that must be named; none where it is within the budget.
    pub confirm: Option<u64>,
    /// It changes no definitions: the winners of this tenant changed by themselves, and are to be acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winners_of: Option<TenantId>,
}

impl Proposal {
    /// A proposal.
    #[must_use]
    pub fn new(
        inputs: Inputs,
        patch: Patch,
        changes: Vec<Change>,
        (preview, confirm): (Value, Option<u64>),
    ) -> Self {
        Self { version: VERSION, inputs, patch, changes, preview, confirm, winners_of: None }
    }

    /// One about winners of a tenant that changed without a change of definitions.
    #[must_use]
    pub fn of_winners(inputs: Inputs, tenant: TenantId, numbers: (Value, Option<u64>)) -> Self {
        let none = Self::new(inputs, Patch::default(), Vec::new(), numbers);
        Self { winners_of: Some(tenant), ..none }
    }

    /// Reads a proposal that was kept as JSON.
    ///
    /// # Errors
    /// When it is none, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, UnreadablePlan> {
        Ok(serde_json::from_value(of_version(text, VERSION)?)?)
    }

    /// The proposal as JSON, to be kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain structs with text keys: there is nothing in them that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Library;

    #[test]
    fn a_proposal_is_kept_as_json_and_another_version_is_refused() {
        let inputs = Inputs::new(&Library::default(), &[], 7);
        let won = serde_json::json!({ "shifts": [] });
        let proposal = Proposal::new(inputs, Patch::default(), Vec::new(), (won, Some(3)));
        assert_eq!(Proposal::from_json(&proposal.to_json()).unwrap(), proposal);
        let newer = proposal.to_json().replacen("\"version\":1", "\"version\":2", 1);
        let error = Proposal::from_json(&newer).unwrap_err().to_string();
        assert!(error.contains("the form 2"), "{error}");
        assert!(Proposal::from_json("{}").is_err());
    }
}

//! The kinds of definitions.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A kind of definition. Its name is the store's and the API's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum DefinitionKind { $($(#[$doc])* $name,)* }

        impl DefinitionKind {
            /// Every kind.
            pub const ALL: &'static [DefinitionKind] = &[$(DefinitionKind::$name,)*];

            /// The name in the store and the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(DefinitionKind::$name => $text,)* }
            }

            /// The kind with that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(DefinitionKind::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A piece of software.
    Software = "software",
    /// A task.
    Task = "task",
    /// A tag, and whatever carries it.
    Tag = "tag",
    /// A rule.
    Deployment = "deployment",
    /// When sessions are made by themselves, and for whom.
    Schedule = "schedule",
    /// A golden case.
    Expectation = "expectation",
    /// The operator's settings of a tenant; its id is the tenant's.
    TenantSettings = "tenant_settings",
    /// The operator's settings of a computer; its id is the computer's.
    ComputerSettings = "computer_settings",
}

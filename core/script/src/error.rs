//! Why a script cannot be sent.

/// Why a script cannot be sent. It names the parameter and never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A parameter has a name that will not do.
    #[error("the parameter `{name}` has a name that is {why}: give it another name")]
    Name {
        /// The name.
        name: String,
        /// What it is.
        why: &'static str,
    },
    /// A value that will not do.
    #[error("the parameter `{name}` cannot be this: {why}")]
    Value {
        /// The parameter.
        name: String,
        /// What is wrong, without the value.
        why: String,
    },
    /// The language, the context and the way to the machine do not go together.
    #[error(
        "a script of the language `{language}` and the context `{context}` cannot be run {way}"
    )]
    Unsupported {
        /// The language, by its word.
        language: String,
        /// The context, by its word.
        context: &'static str,
        /// Which way: in words.
        way: &'static str,
    },
    /// It has secrets, and there is no way for them that stays out of the vendor's history.
    #[error(
        "the script is given the secrets {names}, which may not stand in a command: give the address from which the machine fetches them, or run it where standard input is"
    )]
    NoWayForSecrets {
        /// The parameters, parted by commas.
        names: String,
    },
    /// Secrets cannot be fetched in this way.
    #[error("the secrets of a run cannot be fetched like this: {0}")]
    Fetch(&'static str),
    /// Commands are so short that nothing fits.
    #[error("commands of {given} characters are too short for scripts: {smallest} are needed")]
    Limit {
        /// What is allowed.
        given: usize,
        /// What is needed.
        smallest: usize,
    },
    /// The folder for what is staged.
    #[error(
        "`{0}` is no folder to stage scripts in: an absolute path of 200 characters or fewer is"
    )]
    Folder(String),
}

//! The settings file: a tree whose every part knows its place, the text with the secrets masked for
//! whoever shows a line of it, and the folder that its paths are relative to.

use std::path::{Path, PathBuf};

use core_connector::Registry;

use super::secret;

/// The file.
pub(crate) struct Document {
    /// The tree, and the text without its secrets.
    pub(super) file: core_toml::Document,
    folder: PathBuf,
}

impl Document {
    /// Reads the text; what is wrong with it is kept.
    pub(super) fn new(path: &Path, text: &str, registry: &Registry) -> Self {
        let masked = secret::masked(text, &secret::names(registry));
        let file = core_toml::Document::parse(&path.display().to_string(), text).shown_as(masked);
        // Empty where the file is named without a folder: then it is where the program runs.
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self { file, folder }
    }

    /// The folder that paths in the file are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A SQLite path in the address of a database, made relative to the settings file's folder.
pub(super) fn absolute_database(address: &str, folder: &Path) -> String {
    let path = address.strip_prefix("sqlite://").or_else(|| address.strip_prefix("sqlite:"));
    match path {
        Some(":memory:") => address.to_owned(),
        Some(path) => format!("sqlite://{}", folder.join(path).display()),
        None if address.contains("://") => address.to_owned(),
        None => folder.join(address).display().to_string(),
    }
}

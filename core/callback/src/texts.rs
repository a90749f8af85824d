//! What scripts call it by.

/// The PowerShell module `Linchpin`: `Linchpin.psm1`.
pub const MODULE: &str = include_str!("texts/Linchpin.psm1");
/// Its manifest: `Linchpin.psd1`.
pub const MODULE_MANIFEST: &str = include_str!("texts/Linchpin.psd1");
/// Functions for `sh`.
pub const SH: &str = include_str!("texts/linchpin.sh");

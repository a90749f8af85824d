//! What templates are given, and what comes of them.

use core_model::brand::{Brand, Logo};
use core_plan::RebootPolicy;
use serde::Serialize;

use crate::listed::{Listed, Outcome};

/// A mail, written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its subject: one line.
    pub subject: String,
    /// For programs that show text.
    pub text: String,
    /// For all others.
    pub html: String,
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Before {
    /// The computer's name.
    pub computer: String,
    /// The tenant's.
    pub tenant: String,
    /// The name of whoever it is for; may be empty.
    pub person: String,
    /// What is done, in order.
    pub actions: Vec<Listed>,
    /// When it begins, in words.
    pub at: String,
    /// Whether the computer is restarted: `never`, `may` or `will`.
    pub reboot: &'static str,
    /// The page on which it can be begun or postponed.
    pub link: Option<String>,
    /// How often it can still be postponed.
    pub left: u32,
    /// Until when, in words.
    pub deadline: String,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct After {
    /// The computer's name.
    pub computer: String,
    /// The tenant's.
    pub tenant: String,
    /// The name of whoever it is for; may be empty.
    pub person: String,
    /// What was to be done, in order, and what came of it.
    pub actions: Vec<Outcome>,
    /// When it ended, in words.
    pub at: String,
    /// Whether all of it was done.
    pub ok: bool,
    /// How many could not be done.
    pub failed: usize,
    /// Whether the computer was restarted.
    pub rebooted: bool,
}

/// The word for what a policy does to a computer.
#[must_use]
pub fn reboot_word(policy: RebootPolicy) -> &'static str {
    match policy {
        RebootPolicy::Suppress => "never",
        RebootPolicy::Normal | RebootPolicy::Prompt => "may",
        RebootPolicy::Force => "will",
    }
}

/// A brand, as templates know it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    name: &'a str,
    company: &'a str,
    accent: String,
    accent_ink: String,
    band: String,
    band_ink: String,
    logo: Option<&'a str>,
    footer: &'a str,
}

impl<'a> Shown<'a> {
    /// Of a brand; `inline` is the address of a picture that is in the mail itself.
    pub(crate) fn of(brand: &'a Brand, inline: &'a str) -> Self {
        Self {
            name: &brand.name,
            company: &brand.company,
            accent: brand.accent.to_string(),
            accent_ink: brand.accent.ink().to_string(),
            band: brand.band.to_string(),
            band_ink: brand.band.ink().to_string(),
            logo: brand.logo.as_ref().map(|logo| match logo {
                Logo::At(url) => url.as_str(),
                Logo::Inline { .. } => inline,
            }),
            footer: &brand.footer,
        }
    }
}

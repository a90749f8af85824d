//! Arguments of `linchpin token`.

use clap::{Args, Subcommand, ValueEnum};
use core_model::access::Role;
use core_store::Token;

/// What to do with the tokens of the API.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Make a token; it is printed once, and only its digest is kept
    Create(TokenCreateArgs),
    /// The tokens that there are and were: what each may, until when, when it was used
    List,
    /// End a token: it opens nothing any more, and streams that it opened end within a minute
    Revoke(TokenRevokeArgs),
}

/// `linchpin token create`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreateArgs {
    /// What it is for, like `maintenance-engine`; no other token had that name
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
    /// What it may do
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) role: RoleArg,
    /// Only of this tenant, by name or id; may be given several times. All where it is left out
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Vec<String>,
    /// After how many days it ends, or `never`
    #[arg(long, value_name = "DAYS", default_value = "90", value_parser = days)]
    pub(crate) expires: Days,
    /// Who makes it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin token revoke`.
#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// The token's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Who revokes it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Reads the model
    Reader,
    /// Also works for the people and computers of a ticket
    Technician,
    /// Also sees how the hub itself is
    Operator,
    /// Everything
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Reader => Role::Reader,
            RoleArg::Technician => Role::Technician,
            RoleArg::Operator => Role::Operator,
            RoleArg::Admin => Role::Admin,
        }
    }
}

/// A number of days, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(pub(crate) Option<u32>);

/// Days of ten years: more is a mistake, or `never`.
const MOST: u32 = 3660;

fn days(text: &str) -> Result<Days, String> {
    if text == "never" {
        return Ok(Days(None));
    }
    let days = text.parse().ok().filter(|days| (1..=MOST).contains(days));
    days.map(|days| Days(Some(days)))
        .ok_or_else(|| format!("give a number of days from 1 to {MOST}, or `never`"))
}

fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    // What begins like a token is one that was pasted into the wrong place.
    if (1..=64).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(Token::PREFIX)
    {
        return Ok(text.to_owned());
    }
    let prefix = Token::PREFIX;
    Err(format!(
        "a name has up to 64 letters, digits, `-`, `_` and `.`, and does not begin with `{prefix}`"
    ))
}

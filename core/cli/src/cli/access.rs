//! Arguments of `linchpin account`, `linchpin audit` and `linchpin secrets`.

use clap::{Args, Subcommand};

use super::token::RoleArg;
use crate::config::OF_CONNECTIONS;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountAction {
    /// Make an account. A password is made and printed once, unless it comes from standard input
    Add(AccountAddArgs),
    /// The accounts that there are and were: what each may, and when it was used
    List,
    /// Switch an account off and sign it out everywhere
    Disable(AccountArgs),
    /// Switch an account on again
    Enable(AccountArgs),
    /// Give an account another password and sign it out everywhere
    Password(AccountPasswordArgs),
}

/// `linchpin account add`.
#[derive(Debug, Args)]
pub(crate) struct AccountAddArgs {
    /// What one signs in with: a name or an e-mail address
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
    /// What it may do
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) role: RoleArg,
    /// Only of this tenant, by name or id; may be given several times. All where it is left out
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Vec<String>,
    /// What it is shown as; its name where it is left out
    #[arg(long, value_name = "TEXT")]
    pub(crate) shown: Option<String>,
    /// Read the password from standard input, one line
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Who makes it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// An account by its name.
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The account's name
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
    /// Who does it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin account password`.
#[derive(Debug, Args)]
pub(crate) struct AccountPasswordArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Read the password from standard input, one line, instead of making one
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// `linchpin audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// At most so many lines
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Only lines before this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) before: Option<i64>,
    /// Only by this account, token or user of a terminal
    #[arg(long, value_name = "WHO")]
    pub(crate) actor: Option<String>,
    /// Only this action, like `sign-in` or `make-token`; `sign-in.` is all that begin so
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,
    /// Only about this
    #[arg(long, value_name = "WHAT")]
    pub(crate) subject: Option<String>,
}

/// What to do with the secrets that the hub keeps.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsAction {
    /// Print a new key. Keep it in a file that only the hub may read, and not with the database
    Key,
    /// Keep a secret from standard input under a name; settings name it as `store:NAME`
    Set(SecretArgs),
    /// The names of what is kept, and which key seals each
    List,
    /// Forget a secret, or what a connection keeps (`connection:NAME/SECRET`)
    Forget(KeptArgs),
    /// Seal everything with the key in use instead of the old ones
    Rotate,
}

/// A secret by its name.
#[derive(Debug, Args)]
pub(crate) struct SecretArgs {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    pub(crate) name: String,
}

/// What is kept, by its name.
#[derive(Debug, Args)]
pub(crate) struct KeptArgs {
    /// Its name, as `linchpin secrets list` shows it
    #[arg(value_name = "NAME", value_parser = kept)]
    pub(crate) name: String,
}

/// A name of something that is kept: capitals count in the names of connections, and in no others.
fn kept(text: &str) -> Result<String, String> {
    match text.trim().starts_with(OF_CONNECTIONS) {
        true => Ok(text.trim().to_owned()),
        false => name(text),
    }
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim().to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
    if (1..=120).contains(&name.len()) && name.chars().all(fits) {
        return Ok(name);
    }
    Err("a name has up to 120 letters, digits, `-`, `_`, `.`, `@` and `+`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_named_like_what_a_connection_keeps_and_that_keeps_its_capitals() {
        let theirs = "connection:Entra.Main/refresh_token";
        assert_eq!(kept(&format!(" {theirs}\n")).unwrap(), theirs);
        assert!(name(theirs).is_err() && name("connection:entra").is_err());
        assert_eq!(kept(" Entra.refresh_token ").unwrap(), "entra.refresh_token");
        assert!(kept("Connection:Entra/refresh_token").is_err());
    }
}

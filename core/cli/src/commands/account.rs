//! `linchpin account`: people who sign in. A password that is made is printed once.

use std::io::Read as _;

use chrono::Utc;
use core_server::{account_as_json, hash_password};
use core_store::{AccountRow, Error, NewAccount, Store};
use rand::Rng as _;

use super::decide::whoever;
use super::{find, text};
use crate::cli::{AccountAction, AccountAddArgs, AccountArgs, AccountPasswordArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

/// Letters of passwords that are made: none is taken for another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Groups of letters in one, and letters in a group: 99 bits.
const GROUPS: usize = 5;
const GROUP: usize = 4;
/// Bytes that are read of standard input.
const LONGEST: u64 = 8192;

pub(crate) async fn run(global: &Global, action: &AccountAction) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match action {
        AccountAction::Add(args) => add(global, &context, args).await?,
        AccountAction::List => list(global, &context).await?,
        AccountAction::Disable(args) => switch(global, &context, args, true).await?,
        AccountAction::Enable(args) => switch(global, &context, args, false).await?,
        AccountAction::Password(args) => password(global, &context, args).await?,
    }
    Ok(Exit::Ok)
}

async fn add(global: &Global, context: &Context, args: &AccountAddArgs) -> Result<(), Failure> {
    let store = &context.store;
    let ids = find::ids(&find::tenants(store, &args.tenant).await?);
    let (password, made) = chosen(args.password_stdin)?;
    let hash = hashed(&password)?;
    let by = whoever(args.by.as_deref());
    let new = NewAccount {
        name: &args.name,
        shown: args.shown.as_deref().unwrap_or(&args.name),
        vouched: None,
        password: Some(&hash),
        role: args.role.into(),
        tenants: (!ids.is_empty()).then_some(&*ids),
        by: &by,
        now_us: Utc::now().timestamp_micros(),
    };
    store.add_account(&new).await.map_err(|error| match error {
        Error::Conflict { .. } => {
            Failure::usage(format!("there is, or was, an account `{}`", args.name))
                .with_remedy("choose another name, or `linchpin account enable` it again")
        }
        error => error.into(),
    })?;
    context.audit(&by, "make-account", &args.name, new.role.as_str()).await?;
    told(global, context, &args.name, made.then_some(&password)).await
}

async fn password(
    global: &Global,
    context: &Context,
    args: &AccountPasswordArgs,
) -> Result<(), Failure> {
    let name = &args.account.name;
    known(&context.store, name).await?;
    let (password, made) = chosen(args.password_stdin)?;
    let hash = hashed(&password)?;
    let by = whoever(args.account.by.as_deref());
    context.store.set_password(name, &hash, &by, Utc::now().timestamp_micros()).await?;
    context.audit(&by, "change-account", name, "another password").await?;
    told(global, context, name, made.then_some(&password)).await
}

async fn switch(
    global: &Global,
    context: &Context,
    args: &AccountArgs,
    off: bool,
) -> Result<(), Failure> {
    known(&context.store, &args.name).await?;
    let by = whoever(args.by.as_deref());
    context.store.set_disabled(&args.name, off, &by, Utc::now().timestamp_micros()).await?;
    let what = if off { "switched off" } else { "switched on" };
    context.audit(&by, "change-account", &args.name, what).await?;
    told(global, context, &args.name, None).await
}

/// Says what became of an account, and its password where one was made.
async fn told(
    global: &Global,
    context: &Context,
    name: &str,
    password: Option<&String>,
) -> Result<(), Failure> {
    let row = known(&context.store, name).await?;
    if global.json {
        let mut value = account_as_json(&row);
        if let Some(password) = password {
            value["password_made"] = password.as_str().into();
        }
        output::json(&value);
        return Ok(());
    }
    let role = row.role.as_str();
    match (password, row.disabled_us) {
        (Some(password), _) => {
            output::error_line(&format!("{role} {name}; the password is shown this once"));
            output::line(password);
        }
        (None, Some(_)) => output::line(&format!("{name} is switched off and signed out")),
        (None, None) => output::line(&format!("{name} may sign in, as {role}")),
    }
    Ok(())
}

async fn list(global: &Global, context: &Context) -> Result<(), Failure> {
    let rows = context.store.accounts().await?;
    if global.json {
        rows.iter().for_each(|row| output::json(&account_as_json(row)));
        return Ok(());
    }
    if rows.is_empty() {
        output::line("there is no account; `linchpin account add NAME --role admin` makes one");
        return Ok(());
    }
    let names = find::tenant_names(&context.store).await?;
    let zone = context.config.time_zone;
    let columns = ["name", "role", "tenants", "proves it by", "by", "signed in", "state"];
    let mut table = TextTable::new(&columns.map(|column| (column, Align::Left)))
        .cutting(&[("tenants", 16), ("by", 12)]);
    for row in rows {
        let name = |id: &String| {
            let name = id.parse().ok().and_then(|id| names.get(&id));
            name.unwrap_or(id).clone()
        };
        let tenants = row.tenants.as_ref().map(|ids| ids.iter().map(name).collect::<Vec<_>>());
        let minute = |us| text::minute(text::instant(us), zone);
        table.row([
            printable(&row.name),
            row.role.as_str().to_owned(),
            tenants.map_or_else(|| "all".to_owned(), |names| names.join(", ")),
            proof(&row).to_owned(),
            row.created_by.clone(),
            row.last_sign_in_us.map_or_else(|| "never".to_owned(), minute),
            if row.disabled_us.is_some() { "off" } else { "on" }.to_owned(),
        ]);
    }
    table.print();
    Ok(())
}

fn proof(row: &AccountRow) -> &'static str {
    match (row.has_password, &row.vouched) {
        (_, Some(_)) => "provider",
        (true, None) => "password",
        (false, None) => "nothing",
    }
}

async fn known(store: &Store, name: &str) -> Result<AccountRow, Failure> {
    store.account(name).await?.ok_or_else(|| {
        Failure::usage(format!("there is no account `{}`", printable(name)))
            .with_remedy("`linchpin account list` names them all")
    })
}

/// A password from standard input, or one that is made; and which of it.
fn chosen(from_input: bool) -> Result<(String, bool), Failure> {
    if from_input {
        return Ok((line_of_input("the password")?, false));
    }
    let mut rng = rand::rng();
    let mut group = || -> String {
        (0..GROUP).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect()
    };
    let groups: Vec<String> = (0..GROUPS).map(|_| group()).collect();
    Ok((groups.join("-"), true))
}

/// The first line of standard input.
pub(super) fn line_of_input(what: &str) -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::io(&format!("reading {what}"), &error))?;
    match text.lines().next().filter(|line| !line.trim().is_empty()) {
        Some(line) => Ok(line.to_owned()),
        None => Err(Failure::usage(format!("{what} on standard input is empty"))
            .with_remedy("write it there as one line")),
    }
}

fn hashed(password: &str) -> Result<String, Failure> {
    hash_password(password).map_err(|why| Failure::usage(why).with_remedy("choose a longer one"))
}

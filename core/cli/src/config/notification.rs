//! What people are told of sessions by mail, and how they may postpone them: the table `[notification]` of the settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveTime;
use chrono_tz::Tz;
use core_model::brand::{Brand, BrandDay, BrandRule, Colour, Logo, media_of, names_one};
use core_model::postpone::PostponeRules;
use core_model::session::SessionKind;
use core_notify::{NAMES, Templates};
use core_toml::Node;
use lettre::message::Mailbox;
use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;
use crate::failure::Failure;
use crate::output::printable;

const HOUR_US: i64 = 3_600 * 1_000_000;
/// Bytes of a picture that is in every mail.
const LARGEST_LOGO: u64 = 256 * 1024;

/// What people are told of sessions by mail, and how they may postpone them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NotificationTable {
    /// Whether people are told of sessions. Mail goes through the server of `[mail]`.
    pub(crate) enabled: bool,
    /// Only people of these tenants, by name or id; of all where it is left out.
    pub(crate) tenants: Vec<String>,
    /// Nobody of these tenants, by name or id.
    pub(crate) except_tenants: Vec<String>,
    /// Of which sessions: those that somebody asked for, of onboarding, of schedules.
    pub(crate) kinds: Vec<KindWord>,
    /// Whether people are told what will be done, where that is planned for later.
    pub(crate) before: bool,
    /// Whether people are told what was done: `if-needed` where anything had to be, `always`, `never`.
    pub(crate) after: AfterWord,
    /// Who gets a copy of each mail without being named in it.
    pub(crate) bcc: Vec<String>,
    /// A folder with templates in place of the built-in ones, relative to this file.
    pub(crate) templates: Option<PathBuf>,
    /// How often a session can be postponed.
    #[schemars(range(max = 100))]
    pub(crate) postpone_times: u32,
    /// Hours after the time at which it was first to act beyond which it cannot be postponed.
    #[schemars(range(min = 1, max = 720))]
    pub(crate) postpone_hours: u32,
    /// When the night begins to which one can postpone: `22:00`, by the clock of the tenant.
    pub(crate) night: String,
    /// How mail and its page look. Of several that hold the first one counts.
    pub(crate) brand: Vec<BrandTable>,
}

/// How mail and its page look, for whom and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrandTable {
    /// What it is called here.
    pub(crate) name: String,
    /// Only for these tenants, by name or id; for all where it is left out.
    #[serde(default)]
    pub(crate) tenants: Vec<String>,
    /// The first day: `12-01` of each year, or `2026-12-01`. Always, where it is left out.
    #[serde(default)]
    pub(crate) from: Option<String>,
    /// The last day. Days of each year may go over its end.
    #[serde(default)]
    pub(crate) until: Option<String>,
    /// Who writes, as people know them.
    pub(crate) company: String,
    /// The colour of what is pressed: `#1f5fbf`.
    #[serde(default)]
    pub(crate) accent: Option<String>,
    /// The colour of the band above; that of `accent` where it is left out.
    #[serde(default)]
    pub(crate) band: Option<String>,
    /// A picture: a file (PNG, JPEG or GIF) beside this one, which is in each mail, or an address `https://…`.
    #[serde(default)]
    pub(crate) logo: Option<String>,
    /// The name of the sender; `company` where it is left out. The address is `from` of `[mail]`.
    #[serde(default)]
    pub(crate) sender: Option<String>,
    /// Where answers go.
    #[serde(default)]
    pub(crate) reply_to: Option<String>,
    /// What stands below.
    #[serde(default)]
    pub(crate) footer: String,
}

/// A kind of session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindWord {
    AdHoc,
    Onboarding,
    Scheduled,
}

/// Whether people are told what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AfterWord {
    Never,
    IfNeeded,
    Always,
}

impl Default for NotificationTable {
    fn default() -> Self {
        Self {
            enabled: false,
            tenants: Vec::new(),
            except_tenants: Vec::new(),
            kinds: vec![KindWord::AdHoc, KindWord::Onboarding, KindWord::Scheduled],
            before: true,
            after: AfterWord::IfNeeded,
            bcc: Vec::new(),
            templates: None,
            postpone_times: 3,
            postpone_hours: 72,
            night: "22:00".to_owned(),
            brand: Vec::new(),
        }
    }
}

/// The same with its files read.
#[derive(Debug)]
pub(crate) struct Notification {
    /// How mail looks.
    pub(crate) brands: Vec<BrandRule>,
    /// What it says.
    pub(crate) templates: Templates,
    /// Who gets copies.
    pub(crate) bcc: Vec<Mailbox>,
}

impl NotificationTable {
    /// Whether somebody of a tenant, by id and name, is told of a session of a kind.
    pub(crate) fn tells(&self, tenant: (&str, &str), kind: SessionKind) -> bool {
        let is_kind = |word: &KindWord| {
            let word = match word {
                KindWord::AdHoc => SessionKind::AdHoc,
                KindWord::Onboarding => SessionKind::Onboarding,
                KindWord::Scheduled => SessionKind::Scheduled,
            };
            word == kind
        };
        self.enabled
            && (self.tenants.is_empty() || names_one(&self.tenants, tenant))
            && !names_one(&self.except_tenants, tenant)
            && self.kinds.iter().any(is_kind)
    }

    /// How sessions may be postponed, by a clock.
    pub(crate) fn postponing(&self, zone: Tz) -> PostponeRules {
        PostponeRules {
            times: self.postpone_times,
            within_us: i64::from(self.postpone_hours) * HOUR_US,
            // Looked at when the settings were read.
            night: night(&self.night).unwrap_or_default(),
            zone,
        }
    }
}

fn night(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()
}

/// Reads what the table names: pictures and templates.
///
/// # Errors
/// With exit code 2, naming the file.
pub(super) fn read(table: &NotificationTable, folder: &Path) -> Result<Notification, Failure> {
    let brands = table.brand.iter().map(|one| brand(one, folder)).collect::<Result<_, _>>()?;
    let templates = templates(table.templates.as_deref().map(|path| folder.join(path)).as_deref())?;
    // Checked before.
    let bcc = table.bcc.iter().filter_map(|text| text.parse().ok()).collect();
    Ok(Notification { brands, templates, bcc })
}

fn templates(folder: Option<&Path>) -> Result<Templates, Failure> {
    let mut instead = BTreeMap::new();
    if let Some(folder) = folder {
        let wrong = |path: &Path, error: &std::io::Error| {
            let what = format!("`templates` of [notification], {}: {error}", path.display());
            Failure::usage(what).with_remedy("name a folder that this user may read")
        };
        // A folder that is not there is no folder without templates.
        std::fs::read_dir(folder).map_err(|error| wrong(folder, &error))?;
        for name in NAMES {
            let path = folder.join(name);
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    instead.insert(name.to_owned(), text);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(wrong(&path, &error)),
            }
        }
    }
    let read = Templates::new(&instead).and_then(|templates| {
        templates.tried()?;
        Ok(templates)
    });
    read.map_err(|bad| {
        let shown = folder.map(|folder| format!("{}/", folder.display())).unwrap_or_default();
        Failure::usage(format!("the template {shown}{bad}")).with_remedy(
            "mend the line; core/notify/README.md has the names that a template may use",
        )
    })
}

fn brand(table: &BrandTable, folder: &Path) -> Result<BrandRule, Failure> {
    let colour = |text: &Option<String>| text.as_deref().and_then(Colour::parse);
    let accent = colour(&table.accent).unwrap_or(Colour::BLUE);
    let day = |text: &Option<String>| text.as_deref().and_then(BrandDay::parse);
    let logo = table.logo.as_deref().map(|text| logo(text.trim(), table, folder)).transpose()?;
    Ok(BrandRule {
        brand: Brand {
            name: table.name.clone(),
            company: table.company.trim().to_owned(),
            accent,
            band: colour(&table.band).unwrap_or(accent),
            logo,
            sender: table.sender.clone(),
            reply_to: table.reply_to.clone(),
            footer: table.footer.trim().to_owned(),
        },
        tenants: table.tenants.clone(),
        days: day(&table.from).zip(day(&table.until)),
    })
}

fn logo(text: &str, table: &BrandTable, folder: &Path) -> Result<Logo, Failure> {
    if text.contains("://") {
        return Ok(Logo::At(text.to_owned()));
    }
    let path = folder.join(text);
    let wrong = |why: String| {
        let what = format!("`logo` of brand `{}`, {}: {why}", table.name, path.display());
        Failure::usage(what).with_remedy("name a PNG, JPEG or GIF of 256 KiB at the most")
    };
    let size = std::fs::metadata(&path).map_err(|error| wrong(error.to_string()))?.len();
    if size > LARGEST_LOGO {
        return Err(wrong(format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    let media = media_of(&bytes)
        .ok_or_else(|| wrong("it is no picture that programs for mail show".to_owned()))?;
    Ok(Logo::Inline { media, bytes })
}

/// Texts of this table that have a form, and what must be there together.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let Some(table) = root.get("notification") else { return Vec::new() };
    let mut problems = Vec::new();
    let enabled = table.get("enabled").filter(|node| node.json().as_bool() == Some(true));
    let server = root.get("mail").and_then(|mail| mail.get("server"));
    if let (Some(node), None) = (enabled, server) {
        let what = "people are told by mail, and [mail] names no server";
        let help = "set `server`, `from` and `to` in [mail]";
        problems.push(Problem::new(node.span.clone(), what).label("needs it").help(help));
    }
    if let Some((node, text)) = texts(table, "night").next()
        && night(text).is_none()
    {
        let what = format!("`{}` is no time of day", printable(text));
        let help = "hours and minutes, by the clock of each tenant: \"22:00\"";
        problems.push(Problem::new(node.span.clone(), what).label("no time of day").help(help));
    }
    problems.extend(
        table.get("bcc").map(Node::items).unwrap_or_default().iter().filter_map(wrong_address),
    );
    for brand in table.get("brand").map(Node::items).unwrap_or_default() {
        problems.extend(wrong_brand(brand));
    }
    problems
}

fn texts<'a>(table: &'a Node, key: &str) -> impl Iterator<Item = (&'a Node, &'a str)> {
    table.get(key).into_iter().filter_map(|node| Some((node, node.text()?)))
}

fn wrong_address(node: &Node) -> Option<Problem> {
    let text = node.text()?;
    if text.parse::<Mailbox>().is_ok() {
        return None;
    }
    let what = format!("`{}` is no mail address", printable(text));
    let help = "write it like \"ops@example.com\" or \"Ops <ops@example.com>\"";
    Some(Problem::new(node.span.clone(), what).label("no address").help(help))
}

fn wrong_brand(brand: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |node: &Node, what: String, label: &'static str, help: &'static str| {
        problems.push(Problem::new(node.span.clone(), what).label(label).help(help));
    };
    for (node, text) in texts(brand, "accent").chain(texts(brand, "band")) {
        if Colour::parse(text).is_none() {
            let what = format!("`{}` is no colour", printable(text));
            wrong(node, what, "no colour", "six hexadecimal digits behind #: \"#1f5fbf\"");
        }
    }
    for (node, text) in texts(brand, "logo") {
        let is_address = text.contains("://");
        if is_address && !text.trim().starts_with("https://") {
            let what = format!("`{}` is no address of a picture", printable(text));
            wrong(node, what, "no address", "write https://…, or the name of a file");
        }
    }
    let days: Vec<(&Node, &str)> = texts(brand, "from").chain(texts(brand, "until")).collect();
    let parsed: Vec<BrandDay> = days.iter().filter_map(|(_, text)| BrandDay::parse(text)).collect();
    for (node, text) in &days {
        if BrandDay::parse(text).is_none() {
            let what = format!("`{}` is no day", printable(text));
            wrong(node, what, "no day", "write \"12-24\" for each year, or \"2026-12-24\"");
        }
    }
    if parsed.len() == days.len() {
        let help = "write both as days of each year (\"12-01\", \"12-26\"), or both with a year";
        match (days.first(), parsed.as_slice()) {
            (Some((node, _)), [_]) => {
                let what = "a brand that begins or ends on a day has both, `from` and `until`";
                wrong(node, what.to_owned(), "the other one?", help);
            }
            (Some((node, _)), [BrandDay::Once(from), BrandDay::Once(until)]) if until < from => {
                wrong(node, "it ends before it begins".to_owned(), "later than `until`", help);
            }
            (
                Some((node, _)),
                [BrandDay::Once(_), BrandDay::Yearly(..)]
                | [BrandDay::Yearly(..), BrandDay::Once(_)],
            ) => {
                let what = "one of `from` and `until` has a year, and the other has none";
                wrong(node, what.to_owned(), "not of one kind", help);
            }
            _ => {}
        }
    }
    problems.extend(brand.get("reply_to").and_then(wrong_address));
    problems
}

/// What is no mistake, and better otherwise.
pub(super) fn warnings(root: &Node) -> Vec<String> {
    let enabled = root.get("notification").and_then(|table| table.get("enabled"));
    let is_on = enabled.is_some_and(|node| node.json().as_bool() == Some(true));
    let public = root.get("server").and_then(|server| server.get("public_url"));
    if !is_on || public.is_some() {
        return Vec::new();
    }
    vec![
        "mail about sessions has no links, for the hub does not know its own address: set `public_url` in \
         [server], so that people can begin and postpone"
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_before_somebody_says_so_and_tenants_can_be_left_out() {
        let (contoso, fabrikam) = (("ten_1", "Contoso"), ("ten_2", "Fabrikam"));
        let off = NotificationTable::default();
        assert!(!off.tells(contoso, SessionKind::Scheduled));
        let on = NotificationTable { enabled: true, ..off };
        assert!(on.tells(contoso, SessionKind::AdHoc));
        let some = NotificationTable { tenants: vec!["contoso".to_owned()], ..on.clone() };
        assert!(some.tells(contoso, SessionKind::AdHoc));
        assert!(!some.tells(fabrikam, SessionKind::AdHoc));
        let not = NotificationTable { except_tenants: vec!["ten_1".to_owned()], ..on.clone() };
        assert!(!not.tells(contoso, SessionKind::AdHoc) && not.tells(fabrikam, SessionKind::AdHoc));
        let planned = NotificationTable { kinds: vec![KindWord::Scheduled], ..on };
        assert!(!planned.tells(contoso, SessionKind::AdHoc));
        assert!(planned.tells(contoso, SessionKind::Scheduled));
        let rules = planned.postponing(Tz::UTC);
        assert_eq!((rules.times, rules.within_us), (3, 72 * HOUR_US));
        assert_eq!(rules, PostponeRules { zone: Tz::UTC, ..PostponeRules::default() });
    }

    #[test]
    fn a_picture_is_read_from_its_file_and_a_template_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("logo.png"), b"\x89PNG\r\n").unwrap();
        std::fs::create_dir(folder.path().join("mail")).unwrap();
        let table: NotificationTable = serde_json::from_value(serde_json::json!({
            "templates": "mail",
            "brand": [{ "name": "acme", "company": "Acme", "logo": "logo.png", "accent": "#0b6b3a" }],
        }))
        .unwrap();
        let found = read(&table, folder.path()).unwrap();
        let brand = &found.brands[0].brand;
        assert_eq!((brand.band, brand.accent.to_string()), (brand.accent, "#0b6b3a".to_owned()));
        let inline = Logo::Inline { media: "image/png", bytes: b"\x89PNG\r\n".to_vec() };
        assert_eq!(brand.logo, Some(inline));
        std::fs::write(folder.path().join("mail/after.txt"), "one\n{{ nobody }}\n").unwrap();
        let wrong = read(&table, folder.path()).unwrap_err().to_string();
        assert!(wrong.contains("mail/after.txt:2"), "{wrong}");
        std::fs::write(folder.path().join("logo.png"), "<svg>").unwrap();
        let wrong = read(&table, folder.path()).unwrap_err().to_string();
        assert!(wrong.contains("brand `acme`") && wrong.contains("logo.png"), "{wrong}");
        let gone =
            NotificationTable { templates: Some("nowhere".into()), ..NotificationTable::default() };
        assert!(read(&gone, folder.path()).unwrap_err().to_string().contains("nowhere"));
    }
}

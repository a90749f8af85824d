//! Graph's answers under Graph's names. Everything that was ever left out is an `Option`.

use std::time::Duration;

use core_connector::{Error, ErrorKind, Result};
use core_http::{Answer, decode};
use core_model::record::Rejected;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use url::Url;

/// A page of a collection. The rows stay text, so that one bad row is one bad row, and so that
/// the text of a good one is kept without another copy.
#[derive(Debug, Deserialize)]
struct RawPage {
    value: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
    #[serde(rename = "@odata.count")]
    count: Option<u64>,
    error: Option<FailureBody>,
}

/// Rows of a page and where it leads.
#[derive(Debug)]
pub(crate) struct RowsPage {
    pub(crate) rows: Vec<Box<RawValue>>,
    pub(crate) next: Option<String>,
    pub(crate) delta: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) bytes: u64,
}

impl RowsPage {
    /// Reads a page that was found at `place` of the Graph at `base`. No rows are an empty `value`,
    /// never an absent one, and a page that leads to itself leads nowhere. A link to another host
    /// is refused here, where the page can be asked for again: kept in a checkpoint it would stop
    /// every later run.
    pub(crate) fn read(answer: &Answer, place: &str, base: &str) -> Result<Self> {
        let page: RawPage = decode::json(answer)?;
        let protocol = |detail: String| Error::new(ErrorKind::Protocol, &answer.operation, detail);
        if let Some(failure) = page.error {
            let code = failure.code.unwrap_or_default();
            return Err(protocol(format!("an answer that says success holds an error: {code}")));
        }
        let Some(rows) = page.value else {
            return Err(protocol("the answer has no `value`".to_owned()));
        };
        if page.next.as_deref() == Some(place) {
            return Err(protocol("the page's `@odata.nextLink` leads to the page itself".into()));
        }
        for link in page.next.iter().chain(&page.delta) {
            if let Some(host) = other_host(link, base) {
                return Err(protocol(format!("a link leads to another host, {host}"))
                    .with_remedy("if a proxy rewrites links, let it keep the public host name"));
            }
        }
        Ok(Self {
            rows,
            next: page.next,
            delta: page.delta,
            count: page.count,
            bytes: answer.body.len() as u64,
        })
    }
}

/// Where a link leads that does not lead to the Graph at `base`.
fn other_host(link: &str, base: &str) -> Option<String> {
    let base = Url::parse(base).ok()?;
    match base.join(link) {
        Ok(url) if url.origin() == base.origin() => None,
        Ok(url) => Some(url.origin().ascii_serialization()),
        Err(_) => Some("which is no URL".to_owned()),
    }
}

/// Reads one row. A good one is read once; only a bad one is read again, for the path of what is
/// wrong.
pub(crate) fn row<T: DeserializeOwned>(raw: &RawValue) -> std::result::Result<T, Rejected> {
    serde_json::from_str(raw.get())
        .or_else(|_| decode::row(raw, |value| value.get("id")?.as_str().map(str::to_lowercase)))
}

/// A row that was read and cannot be used.
pub(crate) fn rejected(key: &str, path: &str, reason: &str, raw: &RawValue) -> Rejected {
    Rejected {
        key: Some(key.to_owned()),
        path: path.to_owned(),
        reason: reason.to_owned(),
        raw: raw.get().to_owned(),
    }
}

/// A text that says something.
pub(crate) fn text(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.trim().is_empty())
}

/// `@removed`: why does not matter, gone is gone. Its content is skipped.
pub(crate) type Removed = Option<IgnoredAny>;

/// A row of `/users/delta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(rename = "@removed")]
    pub(crate) removed: Removed,
    pub(crate) user_principal_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) surname: Option<String>,
    pub(crate) mail: Option<String>,
    pub(crate) account_enabled: Option<bool>,
    pub(crate) user_type: Option<String>,
    pub(crate) proxy_addresses: Option<Vec<String>>,
    pub(crate) employee_id: Option<String>,
    pub(crate) department: Option<String>,
    pub(crate) job_title: Option<String>,
    pub(crate) on_premises_immutable_id: Option<String>,
    pub(crate) on_premises_sam_account_name: Option<String>,
    pub(crate) on_premises_user_principal_name: Option<String>,
    pub(crate) on_premises_domain_name: Option<String>,
    pub(crate) on_premises_security_identifier: Option<String>,
}

/// A row of `/groups/delta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    pub(crate) id: String,
    #[serde(rename = "@removed")]
    pub(crate) removed: Removed,
    pub(crate) display_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) group_types: Option<Vec<String>>,
    pub(crate) mail: Option<String>,
    pub(crate) mail_enabled: Option<bool>,
    pub(crate) security_enabled: Option<bool>,
    pub(crate) resource_provisioning_options: Option<Vec<String>>,
    pub(crate) on_premises_sync_enabled: Option<bool>,
    pub(crate) on_premises_domain_name: Option<String>,
    pub(crate) on_premises_net_bios_name: Option<String>,
    pub(crate) visibility: Option<String>,
    #[serde(rename = "members@delta")]
    pub(crate) members: Option<Vec<Box<RawValue>>>,
}

/// A row of `members@delta`.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    #[serde(rename = "@odata.type")]
    pub(crate) odata_type: Option<String>,
    #[serde(rename = "@removed")]
    pub(crate) removed: Removed,
}

/// A row of `/devices/delta`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    pub(crate) id: String,
    #[serde(rename = "@removed")]
    pub(crate) removed: Removed,
    pub(crate) device_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) trust_type: Option<String>,
    pub(crate) operating_system: Option<String>,
    pub(crate) account_enabled: Option<bool>,
}

/// A row of `/deviceManagement/managedDevices`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedDevice {
    pub(crate) id: String,
    #[serde(rename = "azureADDeviceId")]
    pub(crate) azure_ad_device_id: Option<String>,
    pub(crate) device_name: Option<String>,
    pub(crate) serial_number: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) operating_system: Option<String>,
    pub(crate) os_version: Option<String>,
    pub(crate) user_principal_name: Option<String>,
    pub(crate) enrolled_date_time: Option<String>,
    pub(crate) last_sync_date_time: Option<String>,
}

/// A row of `/organization`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) verified_domains: Option<Vec<VerifiedDomain>>,
}

/// A domain of an organization.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifiedDomain {
    pub(crate) name: String,
    pub(crate) is_default: Option<bool>,
}

/// A row of `/contracts`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contract {
    pub(crate) customer_id: String,
    pub(crate) default_domain_name: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// A row of `/tenantRelationships/delegatedAdminRelationships`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relationship {
    pub(crate) display_name: Option<String>,
    pub(crate) customer: Option<RelationshipCustomer>,
    pub(crate) status: Option<String>,
    pub(crate) end_date_time: Option<String>,
}

/// The customer of a relationship; absent while nobody accepted it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RelationshipCustomer {
    pub(crate) tenant_id: Option<String>,
    pub(crate) display_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct FailureAnswer {
    error: Option<FailureBody>,
}

#[derive(Debug, Default, Deserialize)]
struct FailureBody {
    code: Option<String>,
    message: Option<String>,
    // Spelled both ways in the field.
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<InnerFailure>,
}

#[derive(Debug, Default, Deserialize)]
struct InnerFailure {
    code: Option<String>,
    message: Option<String>,
}

/// What a failed answer says.
pub(crate) struct Failure {
    code: String,
    message: String,
    /// All it says, lower case: codes come in either case and in either place.
    all: String,
}

impl Failure {
    /// Reads it; an answer that is no error of Graph's (a gateway's page) says nothing.
    pub(crate) fn read(answer: &Answer) -> Self {
        let read: FailureAnswer = serde_json::from_slice(&answer.body).unwrap_or_default();
        let body = read.error.unwrap_or_default();
        let inner = body.inner.unwrap_or_default();
        let or = |outer: Option<String>, inner: Option<String>| {
            text(outer).or_else(|| text(inner)).unwrap_or_default()
        };
        let inner_says = format!(
            "{} {}",
            inner.code.as_deref().unwrap_or_default(),
            inner.message.as_deref().unwrap_or_default()
        );
        let code = or(body.code, inner.code);
        let message = or(body.message, inner.message);
        let all = format!("{code} {message} {inner_says}").to_lowercase();
        Self { code, message, all }
    }

    /// Whether it says this (lower case).
    pub(crate) fn says(&self, words: &str) -> bool {
        self.all.contains(words)
    }

    /// Whether the place in a listing is forgotten: a delta token older than seven days, one that
    /// was damaged, a page token that waited too long.
    pub(crate) fn is_lost_place(&self) -> bool {
        const LOST: &[&str] = &[
            "syncstatenotfound",
            "resyncrequired",
            "resyncapply",
            "resyncupload",
            "expiredpagetoken",
        ];
        LOST.iter().any(|code| self.says(code))
            || (self.says("badly formed") && self.says("token"))
            || self.says("sync state generation is not found")
    }

    /// The wait in "Please try after 10 seconds".
    pub(crate) fn seconds_asked_for(&self) -> Option<Duration> {
        let after = self.all.split("try after ").nth(1)?;
        let seconds: f64 = after.split_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// For people.
    pub(crate) fn text(&self, answer: &Answer) -> String {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => format!("\"{}\"", answer.excerpt()),
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        }
    }
}
